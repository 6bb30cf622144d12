"""A rule tried against the past: what it would have raised, and whether an operator could live with it. Pure."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from vidik.context.jsonld import names
from vidik.context.store.changes import Change
from vidik.kernel.clock import from_microseconds, iso
from vidik.operations.alarms.alarm import Act, Alarm, Terms, clear_alarm, raise_alarm, see
from vidik.operations.alarms.performance import A_DAY, FLOOD, STANDING, TEN_MINUTES
from vidik.operations.rules.memory import Finding, Memory
from vidik.operations.rules.model import TriableRule
from vidik.operations.rules.rulebook import RuleBook
from vidik.operations.rules.signals import AlarmKey, Sample

_EXAMPLES = 20


class Trial:
    """One rule at work on recorded changes, given in the order of their times; nobody acknowledges or resets."""

    def __init__(self, rule: TriableRule, zone: tzinfo) -> None:
        self.rule = rule.model_copy(update={"enabled": True})
        book = RuleBook({rule.code: self.rule}, names.expand_type, names.expand_attribute)
        self.memory = Memory(book, names.compact, zone)
        self._zone = zone
        self._terms = Terms(rule.priority, rule.reopen)
        self._latest: dict[AlarmKey, Alarm] = {}
        self._over: list[Alarm] = []
        self._calls: list[datetime] = []
        self.readings = 0

    def begin(self, entity_id: str, types: tuple[str, ...], known: Mapping[str, Sample]) -> None:
        """Say what an entity is known for before its first reading: where it stands."""
        self.memory.complete(entity_id, known)
        self.memory.seed(entity_id, types, known)

    def take(self, changes: Iterable[Change]) -> None:
        """Take in what was recorded next."""
        for change in changes:
            self.readings += 1
            for finding in self.memory.take([change], 0):
                self.hear(finding)

    def hear(self, finding: Finding) -> None:
        """Take in what the rule found next."""
        key, signal = finding
        moment = from_microseconds(signal.at)
        before = self._latest.get(key)
        if signal.kind == "cleared":
            after, _ = clear_alarm(before, observed_at=moment, act=Act("reading", moment))
            if after is not None:
                self._latest[key] = after
            return
        if signal.kind == "seen" and before is not None:
            self._latest[key] = see(before, value=signal.value, observed_at=moment, now=moment)
            return
        raised, event = raise_alarm(
            key,
            before,
            terms=self._terms,
            value=signal.value,
            threshold=signal.threshold,
            observed_at=moment,
            now=moment,
        )
        if event is not None:
            self._calls.append(moment)
        if before is not None and raised.observed_at != before.observed_at:
            self._over.append(before)
        self._latest[key] = raised

    def result(self, begin: datetime, end: datetime, entities: Mapping[str, str]) -> dict[str, Any]:
        """Return the figures for a time as JSON; `entities` names every entity that was looked at, by id."""
        alarms = sorted([*self._over, *self._latest.values()], key=lambda alarm: (alarm.observed_at, alarm.key))
        calls = sorted(self._calls)
        days = max((end - begin) / timedelta(days=1), 1 / 144)
        by_day = Counter(moment.astimezone(self._zone).date().isoformat() for moment in calls)
        by_entity = Counter(alarm.key.entity_id for alarm in alarms)
        busiest, worst_at = busiest_within(calls, TEN_MINUTES)
        lasted = [(alarm.cleared_observed_at or end) - alarm.observed_at for alarm in alarms]
        return {
            "rule": self.rule.code,
            "from": iso(begin),
            "until": iso(end),
            "readings": self.readings,
            "entities": len(entities),
            "alarms": len(alarms),
            "calls": len(calls),
            "calls_a_day": round(len(calls) / days, 2),
            "most_in_10_minutes": busiest,
            "worst_10_minutes_at": iso(worst_at) if worst_at else None,
            "most_in_a_day": max(by_day.values(), default=0),
            "standing_over_24_hours": sum(1 for duration in lasted if duration > STANDING),
            "still_open": sum(1 for alarm in alarms if alarm.is_open),
            "longest_minutes": round(max(lasted, default=timedelta()) / timedelta(minutes=1), 1),
            "would_flood": busiest > FLOOD or max(by_day.values(), default=0) > A_DAY,
            "days": [{"day": day, "calls": count} for day, count in sorted(by_day.items())],
            "top": [
                {"entity_id": entity_id, "entity_name": entities.get(entity_id, entity_id), "alarms": count}
                for entity_id, count in by_entity.most_common(10)
            ],
            "examples": [
                {
                    "entity_id": alarm.key.entity_id,
                    "entity_name": entities.get(alarm.key.entity_id, alarm.key.entity_id),
                    "observed_at": iso(alarm.observed_at),
                    "cleared_observed_at": iso(alarm.cleared_observed_at) if alarm.cleared_observed_at else None,
                    "value": alarm.value,
                }
                for alarm in alarms[:_EXAMPLES]
            ],
        }


def busiest_within(moments: Iterable[datetime], span: timedelta) -> tuple[int, datetime | None]:
    """Return the most moments, given in order, that any window of a length holds, and when the first such begins."""
    window: deque[datetime] = deque()
    most, begin = 0, None
    for moment in moments:
        window.append(moment)
        while moment - window[0] >= span:
            window.popleft()
        if len(window) > most:
            most, begin = len(window), window[0]
    return most, begin
