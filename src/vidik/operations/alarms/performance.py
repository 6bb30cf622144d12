"""The alarm system measures itself against EEMUA 191 and IEC 62682:2022 (clause 16, table 7). Pure.

A call is an alarm that was raised while nothing hid it: what an operator had to look at.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from vidik.kernel.clock import iso
from vidik.operations.rules.basis import PRIORITIES, Priority, Text
from vidik.operations.rules.signals import AlarmKey

FLOOD = 10
"""More than so many alarms in ten minutes are a flood (EEMUA 191, IEC 62682)."""
TEN_MINUTES = timedelta(minutes=10)
A_DAY = 144
"""One alarm in ten minutes, all day long: more than an operator has time for."""
STANDING = timedelta(hours=24)
CHATTERING = 3
"""So many calls of one alarm within a minute are chatter."""
FLEETING = timedelta(minutes=1)
"""An alarm over so soon that nobody could have done anything about it."""
_FLOOD_ENDS = 5
"""A flood lasts until ten minutes with fewer calls than this."""

TARGETS: Mapping[str, float] = {
    "calls_per_10_minutes": 1.0,
    "most_in_10_minutes": 10,
    "share_of_10_minutes_in_flood": 0.01,
    "share_of_10_minutes_with_more_than_5": 0.01,
    "top_10_share": 0.05,
    "chattering": 0,
    "fleeting_share": 0.05,
    "standing": 5,
}
"""At most. EEMUA 191: under 1 in 10 minutes is very likely acceptable; IEC 62682: 6 an hour, floods under 1 % of the
time, the ten most frequent under 5 % of all, no chatter, fewer than 5 standing on any day."""
SPLIT: Mapping[Priority, float] = {"critical": 0.01, "high": 0.05, "medium": 0.15, "low": 0.80}
_SPLIT_SLACK = 2.0
ADVICE: Mapping[str, Text] = {
    "chattering": Text(
        en="It comes and goes within a minute: widen the hysteresis (clear) or let it hold longer (hold, clear_hold).",
        sr="Јавља се и престаје у истом минуту: проширите хистерезис (clear) или продужите чекање (hold, clear_hold).",
    ),
    "fleeting": Text(
        en="It is over before anybody could act: let it hold longer (hold), or ask whether it needs to be an alarm.",
        sr="Престане пре него што ико може да реагује: продужите чекање (hold) или преиспитајте да ли је то аларм.",
    ),
    "frequent": Text(
        en="It makes a large part of all calls: repair what it points to, or change its level after a dry run.",
        sr="Прави велики део свих позива: отклоните узрок, или промените границу после пробе на историји.",
    ),
    "standing": Text(
        en="It has stood for more than a day: repair, take it out of service, or ask what the response is.",
        sr="Траје дуже од једног дана: поправите, искључите га, или преиспитајте шта је одговор.",
    ),
    "too-urgent": Text(
        en="Too many calls are critical or high: look at this rule's consequence and time to respond again.",
        sr="Превише позива је хитно или високо: преиспитајте последицу и време за одговор код овог правила.",
    ),
}


class Call(NamedTuple):
    """One call: when (the wall's time), of which alarm, and how long it lasted (None: still)."""

    at: datetime
    key: AlarmKey
    entity_name: str
    priority: Priority
    lasted: timedelta | None


class Stands(NamedTuple):
    """An open alarm that nothing hides."""

    key: AlarmKey
    entity_name: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Flood:
    """A time in which nobody could follow; `calls` in it."""

    begin: datetime
    end: datetime
    calls: int


def measure(
    calls: Sequence[Call], standing: Sequence[Stands], begin: datetime, end: datetime, operators: float
) -> dict[str, Any]:
    """Return the figures of a time, each beside its target, with advice, as JSON; `calls` in order of their times.

    `operators`: how many shared the calls; figures are for one of them.
    """
    slots = max(int((end - begin) / TEN_MINUTES), 1)
    counts = Counter(int((call.at - begin) / TEN_MINUTES) for call in calls)
    shared = {slot: count / operators for slot, count in counts.items()}
    floods = floods_in([call.at for call in calls], operators)
    flooded = sum((flood.end - flood.begin for flood in floods), timedelta()) / (end - begin)
    by_key = Counter(call.key for call in calls)
    chatter = chattering_in(calls)
    fleeting = Counter(call.key for call in calls if call.lasted is not None and call.lasted < FLEETING)
    old = [one for one in standing if end - one.raised_at > STANDING]
    total = len(calls)
    figures = {
        "calls_per_10_minutes": round(total / operators / slots, 3),
        "most_in_10_minutes": round(max(shared.values(), default=0), 1),
        "share_of_10_minutes_in_flood": round(min(flooded, 1.0), 4),
        "share_of_10_minutes_with_more_than_5": round(sum(1 for count in shared.values() if count > 5) / slots, 4),
        "top_10_share": round(sum(count for _, count in by_key.most_common(10)) / total, 3) if total else 0.0,
        "chattering": len(chatter),
        "fleeting_share": round(fleeting.total() / total, 3) if total else 0.0,
        "standing": len(old),
    }
    names = {call.key: call.entity_name for call in calls} | {one.key: one.entity_name for one in standing}
    return {
        "from": iso(begin),
        "until": iso(end),
        "operators": operators,
        "calls": total,
        "calls_by_10_minutes": [counts[slot] for slot in range(slots)],
        "rating": rating_of(figures["calls_per_10_minutes"]),
        "figures": [
            {"name": name, "value": value, "at_most": TARGETS[name], "met": value <= TARGETS[name]}
            for name, value in figures.items()
        ],
        "priorities": _split(calls),
        "floods": [{"from": iso(one.begin), "until": iso(one.end), "calls": one.calls} for one in floods],
        "top": [_named(key, names) | {"calls": count} for key, count in by_key.most_common(10)],
        "chattering": [_named(key, names) | {"most_in_a_minute": most} for key, most in chatter.most_common(10)],
        "standing": [_named(one.key, names) | {"since": iso(one.raised_at)} for one in old[:20]],
        "advice": _advice(calls, by_key, chatter, fleeting, old, names),
    }


def rating_of(calls_per_10_minutes: float) -> str:
    """Return EEMUA 191's word for an average load (table 16): acceptable, manageable, over-demanding, unacceptable."""
    for limit, word in ((1, "acceptable"), (2, "manageable"), (10, "over-demanding")):
        if calls_per_10_minutes <= limit:
            return word
    return "unacceptable"


def floods_in(moments: Sequence[datetime], operators: float = 1) -> list[Flood]:
    """Return the floods: from the first of more than ten calls in ten minutes an operator, until fewer than five."""
    floods: list[Flood] = []
    place = 0
    while place < len(moments):
        stop = bisect_left(moments, moments[place] + TEN_MINUTES, place)
        if (stop - place) / operators <= FLOOD:
            place += 1
            continue
        last = place
        while (bisect_left(moments, moments[last] + TEN_MINUTES, last) - last) / operators >= _FLOOD_ENDS:
            last += 1
        floods.append(Flood(moments[place], moments[last] + TEN_MINUTES, last - place + 1))
        place = last + 1
    return floods


def chattering_in(calls: Sequence[Call]) -> Counter[AlarmKey]:
    """Return the alarms that called three times or more within a minute, with the most of any minute."""
    found: Counter[AlarmKey] = Counter()
    times: dict[AlarmKey, list[datetime]] = {}
    for call in calls:
        recent = [at for at in times.get(call.key, []) if call.at - at < timedelta(minutes=1)]
        times[call.key] = [*recent, call.at]
        if len(times[call.key]) >= CHATTERING:
            found[call.key] = max(found[call.key], len(times[call.key]))
    return found


def _split(calls: Sequence[Call]) -> list[dict[str, Any]]:
    counts = Counter(call.priority for call in calls)
    total = len(calls)
    return [
        {
            "priority": priority,
            "calls": counts[priority],
            "share": round(counts[priority] / total, 3) if total else 0.0,
            "target": SPLIT[priority],
        }
        for priority in PRIORITIES
    ]


def _named(key: AlarmKey, names: Mapping[AlarmKey, str]) -> dict[str, Any]:
    return {"rule": key.rule, "entity_id": key.entity_id, "attribute": key.attribute, "entity_name": names[key]}


def _advice(
    calls: Sequence[Call],
    by_key: Counter[AlarmKey],
    chatter: Counter[AlarmKey],
    fleeting: Counter[AlarmKey],
    old: Sequence[Stands],
    names: Mapping[AlarmKey, str],
) -> list[dict[str, Any]]:
    """Return what to do about the worst, each with a code that screens translate, and the figure behind it."""
    advice = [_named(key, names) | {"code": "chattering", "figure": most} for key, most in chatter.most_common(5)]
    told = set(chatter)
    for key, count in fleeting.most_common(5):
        if count >= CHATTERING and key not in told:
            advice.append(_named(key, names) | {"code": "fleeting", "figure": count})
            told.add(key)
    for key, count in by_key.most_common(5):
        if key not in told and len(calls) >= 20 and count / len(calls) > TARGETS["top_10_share"]:
            advice.append(_named(key, names) | {"code": "frequent", "figure": count})
    advice += [_named(one.key, names) | {"code": "standing", "figure": iso(one.raised_at)} for one in old[:5]]
    by_rule = Counter(call.key.rule for call in calls if call.priority in ("critical", "high"))
    urgent = by_rule.total() / len(calls) if len(calls) >= 20 else 0.0
    if urgent > _SPLIT_SLACK * (SPLIT["critical"] + SPLIT["high"]):
        (rule, count), *_ = by_rule.most_common(1)
        advice.append({"code": "too-urgent", "rule": rule, "figure": count})
    return [{**one, "text": ADVICE[one["code"]].scripts()} for one in advice]
