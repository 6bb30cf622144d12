"""What hides alarms: shelves, holds by design, and what is out of service. Pure: no I/O, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from vidik.operations.alarms.alarm import HOLD_KINDS, Act, HoldKind
from vidik.operations.rules.model import AnyRule
from vidik.operations.rules.signals import AlarmKey
from vidik.operations.twins import exercise_of

SHELVED_AT_MOST = timedelta(days=1)
"""ISA-18.2, 11.7: shelving has an end. What must stay away longer is taken out of service, by who may do that."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold that a person placed: on alarms of a rule, of an entity, or of both (None stands for any).

    It counts from `begins_at` (planned maintenance lies ahead) until `until`, which a shelf must have. One that
    counted `at_once` goes on to count when the clock is set back: the alarms that it hides must not call again.
    """

    id: int
    kind: HoldKind
    rule: str | None
    entity_id: str | None
    attribute: str | None
    begins_at: datetime
    until: datetime | None
    reason: str
    placed_by: str
    at_once: bool = False

    def covers(self, key: AlarmKey) -> bool:
        """Whether an alarm of this key is meant."""
        if self.entity_id is None and exercise_of(key.entity_id) is not None:
            return False  # a rule that is put aside for real work is not put aside for an exercise
        return (
            self.rule in (None, key.rule)
            and self.entity_id in (None, key.entity_id)
            and self.attribute in (None, key.attribute)
        )

    def counts_at(self, moment: datetime) -> bool:
        """Whether it holds at a time."""
        return (self.at_once or self.begins_at <= moment) and (self.until is None or moment < self.until)


class Standing(NamedTuple):
    """An open alarm as inhibition looks at it; `related` are the entities that its own points to."""

    key: AlarmKey
    service: str
    related: frozenset[str]
    active: bool
    out_of_service: bool


class Hidden(NamedTuple):
    """Why an alarm is hidden."""

    kind: HoldKind
    act: Act


class Holds:
    """All that hides alarms at one moment: people's holds, maintenance windows of rules, and inhibition by others."""

    def __init__(
        self,
        holds: Iterable[Hold],
        rules: Mapping[str, AnyRule],
        standing: Iterable[Standing],
        moment: datetime,
        zone: tzinfo,
    ) -> None:
        self._moment = moment
        self._holds = sorted(
            (hold for hold in holds if hold.counts_at(moment)), key=lambda hold: HOLD_KINDS.index(hold.kind)
        )
        self._rules = rules
        self._local = moment.astimezone(zone)
        self._inhibitors = inhibitors_of(rules)
        sources = {source for found in self._inhibitors.values() for source, _ in found}
        self._sources: dict[str, list[Standing]] = {}
        self._inhibiting = frozenset(sources)
        for one in standing:
            self.see(one)

    @property
    def inhibiting(self) -> frozenset[str]:
        """The rules whose alarms hide others."""
        return self._inhibiting

    def see(self, one: Standing) -> None:
        """Take in how an alarm stands now, if it may inhibit others."""
        if one.key.rule not in self._inhibiting:
            return
        others = [other for other in self._sources.get(one.key.rule, []) if other.key != one.key]
        self._sources[one.key.rule] = [*others, one] if one.active and not one.out_of_service else others

    def of(self, key: AlarmKey, service: str, related: frozenset[str]) -> Hidden | None:
        """Return what hides an alarm of this key, the strongest; None when nothing does."""
        hold = next((hold for hold in self._holds if hold.covers(key)), None)
        if hold is not None and hold.kind == "out_of_service":
            return self._by(hold)
        rule = self._rules.get(key.rule)
        real = exercise_of(key.entity_id) is None
        if real and rule is not None and any(window.holds_at(self._local) for window in rule.maintenance):
            return Hidden("suppressed", Act("design", self._moment, reason="maintenance window"))
        by = self._inhibitor(key, service, related)
        if by is not None:
            return Hidden("suppressed", Act("design", self._moment, reason=f"{by.rule} at {by.entity_id}"))
        return self._by(hold) if hold is not None else None

    def _by(self, hold: Hold) -> Hidden:
        return Hidden(hold.kind, Act("person", self._moment, hold.placed_by, hold.reason))

    def _inhibitor(self, key: AlarmKey, service: str, related: frozenset[str]) -> AlarmKey | None:
        for code, where in self._inhibitors.get(key.rule, ()):
            for source in self._sources.get(code, ()):
                entity_id = source.key.entity_id
                if source.key == key or exercise_of(entity_id) != exercise_of(key.entity_id):
                    continue
                if (
                    where == "city"
                    or (where == "entity" and entity_id == key.entity_id)
                    or (where == "service" and source.service == service)
                    or (where == "related" and (entity_id in related or bool(related & source.related)))
                ):
                    return source.key
        return None


def inhibitors_of(rules: Mapping[str, AnyRule]) -> dict[str, list[tuple[str, str]]]:
    """Return by rule which rules inhibit it, and where; a link that would close a circle is left out.

    Two rules that hide each other would hide a fault from everybody.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for code in sorted(rules):
        for inhibitor in rules[code].inhibited_by:
            if inhibitor.rule != code and not _reaches(found, inhibitor.rule, code):
                found.setdefault(code, []).append((inhibitor.rule, inhibitor.at))
    return found


def circle_of(rules: Mapping[str, AnyRule], code: str) -> str | None:
    """Return the rule through which a rule would inhibit itself; None when there is no circle."""
    links = {one: [(by.rule, by.at) for by in rule.inhibited_by] for one, rule in rules.items()}
    return next((by for by, _ in links.get(code, []) if by == code or _reaches(links, by, code)), None)


def _reaches(links: Mapping[str, Sequence[tuple[str, str]]], begin: str, end: str) -> bool:
    seen: set[str] = set()
    open_ends = [begin]
    while open_ends:
        code = open_ends.pop()
        if code == end:
            return True
        if code not in seen:
            seen.add(code)
            open_ends += [source for source, _ in links.get(code, ())]
    return False
