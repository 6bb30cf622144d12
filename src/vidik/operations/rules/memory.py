"""What the rules remember of each entity, and how a batch of changes moves it: no I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, NamedTuple

import msgspec

from vidik.context.store.changes import Change, Rejection
from vidik.operations.rules.crowd import Crowd
from vidik.operations.rules.evaluation import Judge, accept, reject
from vidik.operations.rules.fences import Place, place_of
from vidik.operations.rules.model import QualityRule, Scalar
from vidik.operations.rules.rulebook import Quick, RuleBook, WatchedType
from vidik.operations.rules.signals import BLANK, AlarmKey, RuleState, Sample, Signal, number_of


class Finding(NamedTuple):
    """A signal of a rule at an entity, on its way to the alarms."""

    key: AlarmKey
    signal: Signal


class Incomplete(NamedTuple):
    """An entity whose other values are not known: what is watched of it, and when its first change was (µs).

    The entity in the table may be ahead of the change that is being judged: what is newer is not for it.
    """

    watched: WatchedType
    until: int


class StoredMemory(msgspec.Struct, array_like=True):
    """What is written of one entity: states of rules by code (quality rules: code|attribute)."""

    states: dict[str, RuleState]


_NO_STATES: Mapping[str, RuleState] = {}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredMemory).decode


@dataclass(slots=True)
class EntityMemory:
    """Latest values that rules need again, and the states of rules that are not blank."""

    values: dict[str, Sample] = field(default_factory=dict)
    states: dict[str, RuleState] = field(default_factory=dict)
    complete: bool = False
    """Whether values not brought by a change were looked up once (after a start, an entity has a past)."""


def judged(value: object) -> Scalar | Place | None:
    """Return a value that some rule can judge, a place too, or None."""
    found = scalar(value)
    return found if found is not None else place_of(value)


def scalar(value: object) -> Scalar | None:
    """Return a value that rules can judge, or None for a place, a list or nothing."""
    if isinstance(value, bool | str):
        return value
    return float(value) if isinstance(value, int | float) else None


def quality_key(rule: QualityRule, attribute: str) -> str:
    """Return the name of a quality rule's state for one attribute (short name)."""
    return f"{rule.code}|{attribute}"


def _not_quiet(
    quick: Iterable[Quick], attributes: Mapping[str, tuple[Any, int | None]], states: Mapping[str, RuleState]
) -> list[Judge]:
    """Return the rules that must look closer: those that remember something, and those that a value may set off."""
    found: list[Judge] = []
    for iri, floor, ceiling, words, members in quick:
        value = attributes[iri][0]
        kind = type(value)
        if (kind is float and floor <= value <= ceiling and value not in words) or (kind is str and value not in words):
            if states:
                found += [judge for judge in members if judge.code in states]
        else:
            found += [
                judge for judge in members if judge.code in states or judge.quiet is None or not judge.quiet(value)
            ]
    return found


def _newest_of(
    judges: Iterable[Judge],
    attributes: Mapping[str, tuple[Any, int | None]],
    iris: Mapping[str, str],
    recorded_at: int,
) -> dict[str, Sample]:
    """Return what a change says of the attributes that some rules are on."""
    found: dict[str, Sample] = {}
    for judge in judges:
        name = judge.attribute
        if name in found or name not in iris:
            continue
        value, at = attributes[iris[name]]
        judgeable = value if type(value) is float else judged(value)
        if judgeable is not None:
            found[name] = Sample(judgeable, recorded_at if at is None else at)
    return found


class Memory:
    """The rules' memory of one tenant."""

    def __init__(self, book: RuleBook, compact: Callable[[str], str], zone: tzinfo) -> None:
        self.book = book
        self._compact = compact
        self._zone = zone
        self._entities: dict[str, EntityMemory] = {}
        self._touched: set[str] = set()
        self._refused: set[str] = set()
        """Entities of which a quality rule may remember something."""
        self._crowds = {rule.code: Crowd(rule.radius_m) for rule in book.comparing}

    def load(self, stored: Mapping[str, bytes]) -> None:
        """Take in what an earlier process wrote; states of rules that are gone are forgotten."""
        known = {rule.code for rule in self.book.rules.values() if rule.enabled}
        for entity_id, payload in stored.items():
            states = {name: state for name, state in _decode(payload).states.items() if name.partition("|")[0] in known}
            self._entities[entity_id] = EntityMemory(states=states)
            if any("|" in name for name in states):
                self._refused.add(entity_id)

    def incomplete(self, changes: Iterable[Change], recorded_at: int) -> dict[str, Incomplete]:
        """Return the entities whose other values must be looked up before these changes can be judged."""
        found: dict[str, Incomplete] = {}
        for change in changes:
            watched = self.book.watched(change.types, change.entity_id)
            if watched is None or not watched.remembered:
                continue
            memory = self._entities.get(change.entity_id)
            if memory is None or not memory.complete:
                times = [recorded_at if at is None else at for _, at in change.attributes.values()]
                found.setdefault(change.entity_id, Incomplete(watched, min(times, default=recorded_at)))
        return found

    def complete(self, entity_id: str, values: Mapping[str, Sample]) -> None:
        """Give an entity its past: latest values by short name; newer ones already known stay."""
        memory = self._entities.setdefault(entity_id, EntityMemory())
        memory.complete = True
        for name, sample in values.items():
            if name not in memory.values or memory.values[name].at < sample.at:
                memory.values[name] = sample

    def seed(self, entity_id: str, types: tuple[str, ...], values: Mapping[str, Sample]) -> None:
        """Say what an entity said before this process began, to those that are compared with it."""
        watched = self.book.watched(types, entity_id)
        if watched is not None:
            self._note_among_neighbours(entity_id, watched, values)

    def take(self, changes: Iterable[Change], recorded_at: int) -> list[Finding]:
        """Move every rule that these changes concern; returns what to tell the alarms, in order.

        `recorded_at` (µs) stands in for values without a time of observation. Late changes are history: they
        raise nothing.
        """
        findings: list[Finding] = []
        for change in changes:
            if change.operation == "late":
                continue
            if change.operation == "deleted":
                self.forget(change.entity_id)
                continue
            memory = self._entities.get(change.entity_id)
            watched = self.book.watched(change.types, change.entity_id)
            if memory is None and watched is None:
                continue
            if memory is not None and change.entity_id in self._refused:
                findings += self._accept(change, memory, recorded_at)
            if watched is not None:
                findings += self._evaluate(change, memory, watched, recorded_at)
        return findings

    def take_rejections(
        self,
        rejections: Iterable[Rejection],
        types_of: Callable[[str], tuple[str, ...] | None],
    ) -> list[Finding]:
        """Count implausible values; `types_of` gives an entity's expanded types, or None when there is none."""
        findings = []
        for rejection in rejections:
            name = self._compact(rejection.attribute)
            rule = self.book.quality_rule(types_of(rejection.entity_id), name)
            if rule is None:
                continue
            memory = self._entities.setdefault(rejection.entity_id, EntityMemory())
            self._refused.add(rejection.entity_id)
            state = memory.states.get(quality_key(rule, name), BLANK)
            state, signal = reject(rule, state, scalar(rejection.value), rejection.observed_at)
            self._keep(rejection.entity_id, memory, quality_key(rule, name), state)
            if signal is not None:
                findings.append(Finding(AlarmKey(rule.code, rejection.entity_id, name), signal))
        return findings

    def forget(self, entity_id: str) -> None:
        """Drop everything about an entity."""
        self._refused.discard(entity_id)
        for crowd in self._crowds.values():
            crowd.forget(entity_id)
        if self._entities.pop(entity_id, None) is not None:
            self._touched.add(entity_id)

    def changed(self) -> tuple[dict[str, bytes], list[str]]:
        """Return what must be written since the last call, and the entities to delete."""
        written: dict[str, bytes] = {}
        gone: list[str] = []
        for entity_id in self._touched:
            memory = self._entities.get(entity_id)
            if memory is None or not memory.states:
                gone.append(entity_id)
            else:
                written[entity_id] = _encode(StoredMemory(memory.states))
        self._touched = set()
        return written, gone

    def _evaluate(
        self, change: Change, memory: EntityMemory | None, watched: WatchedType, recorded_at: int
    ) -> list[Finding]:
        attributes = change.attributes
        plan = watched.plan(tuple(attributes))
        states = memory.states if memory is not None else _NO_STATES
        judges = _not_quiet(plan.quick, attributes, states)
        if not judges and not plan.slow and not plan.keeps:
            return []
        memory = memory or EntityMemory(complete=not watched.remembered)
        judges += plan.slow
        if not plan.keeps:
            # Nothing is kept, so no rule reads another attribute than its own.
            fresh = _newest_of(judges, attributes, plan.iris, recorded_at)
            findings = self._judge(change, memory, fresh, judges, recorded_at)
        else:
            self._note(memory.values, attributes, plan.known, recorded_at)
            if watched.compared:
                self._note_among_neighbours(change.entity_id, watched, memory.values)
            findings = self._judge(change, memory, memory.values, judges, recorded_at) if judges else []
            for _, name in plan.known:
                if name not in watched.remembered:
                    memory.values.pop(name, None)
        if memory.values or memory.states:
            self._entities[change.entity_id] = memory
        return findings

    @staticmethod
    def _note(
        values: dict[str, Sample],
        attributes: Mapping[str, tuple[Any, int | None]],
        known: Iterable[tuple[str, str]],
        recorded_at: int,
    ) -> None:
        for iri, name in known:
            value, observed_at = attributes[iri]
            at = recorded_at if observed_at is None else observed_at
            judgeable = value if type(value) is float else judged(value)
            if judgeable is None:
                values.pop(name, None)
            elif name not in values or values[name].at <= at:
                values[name] = Sample(judgeable, at)

    def _judge(
        self,
        change: Change,
        memory: EntityMemory,
        values: Mapping[str, Sample],
        judges: list[Judge],
        recorded_at: int,
    ) -> list[Finding]:
        newest = 0
        findings = []
        for judge in judges:
            code = judge.code
            before = memory.states.get(code, BLANK)
            if judge.whole and not newest:
                newest = max((recorded_at if at is None else at for _, at in change.attributes.values()), default=0)
            state, signal = judge.take(
                before,
                values,
                self._zone,
                at=newest,
                entity_id=change.entity_id,
                crowd=self._crowds.get(code),
            )
            if state is not before:
                self._keep(change.entity_id, memory, code, state)
            if signal is not None:
                findings.append(Finding(AlarmKey(code, change.entity_id), signal))
        return findings

    def _note_among_neighbours(self, entity_id: str, watched: WatchedType, values: Mapping[str, Sample]) -> None:
        place = values["location"].value if "location" in values else None
        if not isinstance(place, Place):
            return
        for rule in watched.compared:
            sample = values.get(rule.attribute)
            number = number_of(sample.value) if sample is not None else None
            if sample is not None and number is not None:
                self._crowds[rule.code].note(entity_id, place, number, sample.at)

    def _accept(self, change: Change, memory: EntityMemory, recorded_at: int) -> list[Finding]:
        findings = []
        for rule in self.book.quality:
            for iri, (value, at) in change.attributes.items():
                name = self._compact(iri)
                state = memory.states.get(quality_key(rule, name))
                if state is None or value is None:
                    continue
                moved, signal = accept(rule, state, scalar(value), recorded_at if at is None else at)
                self._keep(change.entity_id, memory, quality_key(rule, name), moved)
                if signal is not None:
                    findings.append(Finding(AlarmKey(rule.code, change.entity_id, name), signal))
        if not any("|" in name for name in memory.states):
            self._refused.discard(change.entity_id)
        return findings

    def _keep(self, entity_id: str, memory: EntityMemory, name: str, state: RuleState) -> None:
        if state.is_blank:
            if memory.states.pop(name, None) is not None:
                self._touched.add(entity_id)
            return
        known = memory.states.get(name)
        memory.states[name] = state
        self._entities[entity_id] = memory
        if known is None or not state.says_as_much_as(known):
            self._touched.add(entity_id)
