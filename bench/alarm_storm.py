"""A demo day with a blackout, as its operator lives it: the calls outside the storm, and one line inside it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bench.report import Figure, Report
from vidik.context.jsonld import names
from vidik.context.store.changes import Change
from vidik.demo.assets import Asset
from vidik.kernel.clock import CITY_ZONE, from_microseconds, to_microseconds
from vidik.operations.alarms.alarm import Act, Alarm, clear_alarm, raise_alarm, see
from vidik.operations.alarms.grouping import Candidate, Group, gather
from vidik.operations.alarms.hiding import as_standing
from vidik.operations.alarms.holds import Holds
from vidik.operations.alarms.performance import TEN_MINUTES, Call, measure
from vidik.operations.alarms.service import terms_of
from vidik.operations.rules.memory import Finding, Memory
from vidik.operations.rules.rulebook import RuleBook, packaged_rules
from vidik.operations.rules.signals import AlarmKey

DARK = 200
LASTS = timedelta(minutes=50)
EVERY = 120  # s between two words of a luminaire, as the live demo has it
SPREAD = 10  # s within which all of it goes dark
EVENING = 20  # o'clock UTC: dark, and when a circuit must be on


def measure_storm(report: Report, day: list[Change], shifted: list[Change], assets: Iterable[Asset]) -> None:
    """Replay a day for the rules to settle, then the same day anew with a blackout of DARK luminaires."""
    begin = from_microseconds(min(at or 0 for change in shifted for _, at in change.attributes.values()))
    storm = begin.replace(hour=EVENING, minute=0, second=0, microsecond=0)
    lights, cabinets = _stricken(assets)
    desk = Desk(assets)
    desk.take(day)
    desk.forget_calls()
    desk.take(_with_blackout(shifted, storm, lights, cabinets))
    stricken = {asset.entity_id for asset in (*lights, *cabinets)}
    inside = [call for call in desk.calls if call.key.entity_id in stricken and _is_in(call.at, storm)]
    outside = [call for call in desk.calls if not _is_in(call.at, storm)]
    figures = measure(outside, [], begin, begin + timedelta(days=1) - LASTS, 1)
    load = next(one["value"] for one in figures["figures"] if one["name"] == "calls_per_10_minutes")
    report.add(
        Figure(
            "calls in 10 minutes an operator on a demo day, outside the storm",
            load,
            "calls",
            goal=1.0,
            higher_is_better=False,
            details={"calls": str(len(outside)), "in the busiest 10 minutes": str(_busiest(outside))},
        )
    )
    report.add(
        Figure(
            f"lines that a blackout of {len(lights)} luminaires at {len(cabinets)} cabinets makes",
            desk.lines(inside),
            "lines",
            goal=1,
            higher_is_better=False,
            details={
                "alarms": str(sum(1 for key in desk.latest if key.entity_id in stricken and desk.stood(key, storm))),
                "calls": str(len(inside)),
            },
        )
    )


class Desk:
    """Rules, states, inhibition and groups as the worker joins them, by the readings' time and without a table."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self.rules = dict(packaged_rules())
        book = RuleBook(self.rules, names.expand_type, names.expand_attribute)
        self.memory = Memory(book, names.compact, CITY_ZONE)
        self.latest: dict[AlarmKey, Alarm] = {}
        self.calls: list[Call] = []
        self._related = {asset.entity_id: _related(asset) for asset in assets}
        self._groups: list[Group] = []
        self._lone: dict[int, Candidate] = {}
        self._group_of: dict[int, int] = {}
        self._number = 0
        self._called: dict[AlarmKey, int] = {}

    def take(self, changes: Iterable[Change]) -> None:
        """Take in what was recorded, one change after the other."""
        for change in changes:
            for finding in self.memory.take([change], 0):
                self._move(finding)

    def forget_calls(self) -> None:
        """Begin to count."""
        self.calls = []

    def lines(self, calls: Iterable[Call]) -> int:
        """Return how many lines of the list these calls are: a group is one."""
        numbers = {self._called[call.key] for call in calls}
        return len({("group", self._group_of[one]) if one in self._group_of else ("alarm", one) for one in numbers})

    def stood(self, key: AlarmKey, storm: datetime) -> bool:
        """Whether an alarm was raised in the storm, hidden or not."""
        return _is_in(self.latest[key].raised_at, storm)

    def _move(self, finding: Finding) -> None:
        key, signal = finding
        moment = from_microseconds(signal.at)
        before = self.latest.get(key)
        if signal.kind == "cleared":
            after, _ = clear_alarm(before, observed_at=moment, act=Act("reading", moment))
            if after is not None:
                self.latest[key] = after
            return
        if signal.kind == "seen" and before is not None:
            self.latest[key] = see(before, value=signal.value, observed_at=moment, now=moment)
            return
        rule, related = self.rules[key.rule], self._related.get(key.entity_id, frozenset())
        hidden = self._holds(moment).of(key, rule.service, related)
        after, event = raise_alarm(
            key,
            before,
            terms=terms_of(rule, key),
            value=signal.value,
            threshold=signal.threshold,
            observed_at=moment,
            now=moment,
            hidden_by=hidden.kind if hidden else None,
        )
        self.latest[key] = after
        if event is not None and event.transition == "raised":
            self.calls.append(Call(moment, key, key.entity_id, after.priority, None))
            self._gather(key, moment, related)

    def _holds(self, moment: datetime) -> Holds:
        standing = (
            as_standing(alarm, self.rules[key.rule].service, self._related.get(key.entity_id, frozenset()))
            for key, alarm in self.latest.items()
            if alarm.is_active
        )
        return Holds([], self.rules, standing, moment, CITY_ZONE)

    def _gather(self, key: AlarmKey, moment: datetime, related: frozenset[str]) -> None:
        self._number += 1
        self._called[key] = self._number
        rule = self.rules[key.rule]
        by = None if rule.group == "alone" else rule.group
        candidate = Candidate(self._number, rule.service, related, moment, by)
        near = [one for one in self._lone.values() if moment - one.observed_at <= TEN_MINUTES]
        for group in gather([candidate], near, self._groups):
            if group.id is None:
                group.id = len(self._groups) + 1
                self._groups.append(group)
            for one in group.joining:
                self._group_of[one] = group.id
                self._lone.pop(one, None)
            group.joining = []
        if self._number not in self._group_of:
            self._lone[self._number] = candidate


def _related(asset: Asset) -> frozenset[str]:
    kinds = {"Streetlight": "StreetlightControlCabinet", "ParkingSpot": "OffStreetParking"}
    whole = asset.part_of and asset.part_of.removeprefix("nis-")
    kind = kinds.get(asset.entity_type)
    return frozenset({f"urn:ngsi-ld:{kind}:nis:{whole}"}) if whole and kind else frozenset()


def _stricken(assets: Iterable[Asset]) -> tuple[list[Asset], list[Asset]]:
    """Return luminaires of neighbouring cabinets, and those cabinets."""
    by_cabinet: dict[str, list[Asset]] = {}
    cabinets = {asset.device_id: asset for asset in assets if asset.entity_type == "StreetlightControlCabinet"}
    for asset in assets:
        if asset.entity_type == "Streetlight" and asset.part_of in cabinets:
            by_cabinet.setdefault(str(asset.part_of), []).append(asset)
    lights: list[Asset] = []
    dark = []
    for device_id in sorted(by_cabinet):
        if len(lights) >= DARK:
            break
        lights += by_cabinet[device_id]
        dark.append(cabinets[device_id])
    return lights, dark


def _with_blackout(day: list[Change], storm: datetime, lights: list[Asset], cabinets: list[Asset]) -> list[Change]:
    """Return the day with what the dark ones say in the place of what they would have said."""
    stricken = {asset.entity_id for asset in (*lights, *cabinets)}
    begin, length = to_microseconds(storm), LASTS // timedelta(microseconds=1)
    kept = [change for change in day if change.entity_id not in stricken or not begin <= _at(change) < begin + length]
    power, state = names.expand_attribute("activePower"), names.expand_attribute("powerState")
    for number, asset in enumerate((*lights, *cabinets)):
        is_cabinet = asset.entity_type == "StreetlightControlCabinet"
        said: Mapping[str, float | str] = {state: "off"} if is_cabinet else {power: 0.0, state: "on"}
        types = (names.expand_type(asset.entity_type),)
        start = begin + number * SPREAD * 1_000_000 // (len(lights) + len(cabinets))
        step = 30 if is_cabinet else EVERY
        for at in range(start, begin + length, step * 1_000_000):
            values = {iri: (value, at) for iri, value in said.items()}
            kept.append(Change(asset.entity_id, types, "updated", values))
    return sorted(kept, key=_at)


def _at(change: Change) -> int:
    return max((at or 0 for _, at in change.attributes.values()), default=0)


def _is_in(moment: datetime, storm: datetime) -> bool:
    return storm <= moment < storm + LASTS + TEN_MINUTES


def _busiest(calls: Iterable[Call]) -> int:
    moments = sorted(call.at for call in calls)
    return max((sum(1 for at in moments if start <= at < start + TEN_MINUTES) for start in moments), default=0)
