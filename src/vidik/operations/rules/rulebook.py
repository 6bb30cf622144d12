"""All rules of a city, found quickly: by entity type and attribute for readings, by kind for the rest."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import TypeAdapter, ValidationError

from vidik.kernel.errors import BadInput
from vidik.operations.rules.evaluation import Judge
from vidik.operations.rules.model import (
    AbsenceRule,
    AnyRule,
    CombinationRule,
    DeviationRule,
    NeighboursRule,
    QualityRule,
    ReadingRule,
    RequestsRule,
    Rule,
    Scalar,
    SilenceRule,
    StateRule,
    ThresholdRule,
)
from vidik.operations.twins import twin_type

_RULE: TypeAdapter[AnyRule] = TypeAdapter(Rule)
EVERY_TYPE = "*"


def read_rule(definition: Mapping[str, Any]) -> AnyRule:
    """Return a validated rule; raises BadInput that names the field at fault."""
    try:
        return _RULE.validate_python(dict(definition))
    except ValidationError as error:
        first = error.errors()[0]
        # The first part of the place is the discriminator ("threshold"), which the reader did not write.
        place = ".".join(str(part) for part in first["loc"][1:]) or "kind"
        raise BadInput(f"The rule does not hold together: {place}: {first['msg']}", field=place) from error


def read_rules(text: str, source: str) -> list[AnyRule]:
    """Return the rules of one YAML file (a list); raises BadInput that names the file and the rule."""
    try:
        items = yaml.safe_load(text) or []
    except yaml.YAMLError as error:
        raise BadInput(f"{source} is not YAML: {error}") from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadInput(f"{source} must be a list of rules.")
    rules = []
    for item in items:
        try:
            rules.append(read_rule(item))
        except BadInput as error:
            raise BadInput(f"{source}, {item.get('code', '?')}: {error.detail}", field=error.field) from error
    return rules


@cache
def packaged_rules() -> Mapping[str, AnyRule]:
    """Return the rules that come with Vidik, by code."""
    files = sorted(resources.files(__package__).joinpath("packaged").iterdir(), key=lambda file: file.name)
    return _by_code(
        rule
        for file in files
        if file.name.endswith(".yaml")
        for rule in read_rules(file.read_text(encoding="utf-8"), file.name)
    )


def city_rules(folder: Path) -> Mapping[str, AnyRule]:
    """Return the rules of a city's own folder, by code; none when there is no folder. Raises BadInput.

    Asked for every few seconds: files are read when one has come, gone or changed. A thousand rules take 2.7 s.
    """
    if not folder.is_dir():
        return {}
    files = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(folder.glob("*.yaml")))
    found = _read_files(files)
    if isinstance(found, BadInput):
        raise BadInput(found.detail, field=found.field)
    return found


@lru_cache(maxsize=4)
def _read_files(files: tuple[tuple[Path, int, int], ...]) -> Mapping[str, AnyRule] | BadInput:
    try:
        return _by_code(rule for file, _, _ in files for rule in read_rules(_text_of(file), file.name))
    except BadInput as error:
        return error


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file.name} cannot be read: {error}") from error


def _by_code(rules: Iterable[AnyRule]) -> dict[str, AnyRule]:
    found: dict[str, AnyRule] = {}
    for rule in rules:
        if rule.code in found:
            raise BadInput(f"Two rules have the code {rule.code}.", field="code")
        found[rule.code] = rule
    return found


@dataclass(frozen=True, slots=True)
class WatchedType:
    """What the rules want to know of one combination of entity types.

    `names` maps each expanded attribute that any rule reads to its short name; `triggers` maps it to the rules
    that a new value of it sets off; `remembered` are short names whose latest value must be kept, because a rule
    may need it when another attribute arrives.
    """

    names: Mapping[str, str]
    triggers: Mapping[str, tuple[Judge, ...]]
    remembered: frozenset[str]
    always: tuple[Judge, ...] = ()
    """Rules that any word of the entity sets off: they look for what it does not say."""
    compared: tuple[NeighboursRule, ...] = ()

    _plans: dict[tuple[str, ...], "Plan"] = field(default_factory=dict)

    def plan(self, attributes: tuple[str, ...]) -> "Plan":
        """Return what to do with a change of these (expanded) attributes; readings of a device repeat theirs."""
        found = self._plans.get(attributes)
        if found is None:
            judges = {judge.code: judge for iri in attributes for judge in self.triggers.get(iri, ())}
            judges |= {judge.code: judge for judge in self.always}
            iris = {name: iri for iri, name in self.names.items()}
            found = Plan(
                tuple((iri, self.names[iri]) for iri in attributes if iri in self.names),
                {self.names[iri]: iri for iri in attributes if iri in self.names},
                _quick_by_attribute(judges.values(), iris),
                tuple(judge for judge in judges.values() if judge.quiet is None),
                bool(self.remembered) or bool(self.compared),
            )
            if len(self._plans) < _PLANS_KEPT:
                self._plans[attributes] = found
        return found


class Quick(NamedTuple):
    """The rules on one attribute (IRI) that a single value keeps quiet where nothing is remembered.

    A number from `floor` to `ceiling` that is not among `words`, and a word that is not, keeps all of them quiet.
    """

    iri: str
    floor: float
    ceiling: float
    words: frozenset[Scalar]
    judges: tuple[Judge, ...]


def _quick_by_attribute(judges: Iterable[Judge], iris: Mapping[str, str]) -> tuple[Quick, ...]:
    by_iri: dict[str, list[Judge]] = {}
    for judge in judges:
        if judge.quiet is not None:
            by_iri.setdefault(iris[judge.rule.attribute], []).append(judge)
    found = []
    for iri, members in by_iri.items():
        floor, ceiling, words = -inf, inf, set[Scalar]()
        for rule in (judge.rule for judge in members):
            if isinstance(rule, StateRule):
                words.update(rule.values)
            elif isinstance(rule, ThresholdRule) and rule.above is not None:
                ceiling = min(ceiling, rule.above)
            elif isinstance(rule, ThresholdRule):
                floor = max(floor, rule.threshold)
        found.append(Quick(iri, floor, ceiling, frozenset(words), tuple(members)))
    return tuple(found)


class Plan(NamedTuple):
    """What a change of some attributes asks for.

    `known`: attributes that any rule reads (IRI, short name), `iris` the same by short name; `quick`: rules that a
    single value keeps quiet; `slow`: the other rules; `keeps`: whether a value must be kept though all are quiet.
    """

    known: tuple[tuple[str, str], ...]
    iris: Mapping[str, str]
    quick: tuple[Quick, ...]
    slow: tuple[Judge, ...]
    keeps: bool


_PLANS_KEPT = 1000
_NOTHING = WatchedType({}, {}, frozenset())


@dataclass
class RuleBook:
    """The enabled rules of one city and their indexes; `expand_*` turn short names into IRIs."""

    rules: Mapping[str, AnyRule]
    expand_type: Callable[[str], str]
    expand_attribute: Callable[[str], str]
    quality: tuple[QualityRule, ...] = ()
    silence: tuple[SilenceRule, ...] = ()
    _by_types: dict[tuple[str, ...], WatchedType] = field(default_factory=dict)
    _by_entity: dict[str, tuple[tuple[str, ...] | None, WatchedType]] = field(default_factory=dict)
    _of_entity: dict[str, list[ReadingRule]] = field(default_factory=dict)
    _types_of: dict[str, frozenset[str]] = field(default_factory=dict)
    _judges: dict[str, Judge] = field(default_factory=dict)
    _reading: dict[str, list[ReadingRule]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        enabled = [rule for rule in self.rules.values() if rule.enabled]
        self.quality = tuple(rule for rule in enabled if isinstance(rule, QualityRule))
        self.silence = tuple(rule for rule in enabled if isinstance(rule, SilenceRule))
        for rule in enabled:
            if isinstance(rule, QualityRule | SilenceRule | RequestsRule):
                continue
            self._judges[rule.code] = Judge(rule)
            self._types_of[rule.code] = frozenset(map(self.expand_type, _types_and_twins(rule)))
            for entity_id in rule.entity_ids or ():
                self._of_entity.setdefault(entity_id, []).append(rule)
            for iri in self._types_of[rule.code] if rule.entity_ids is None else ():
                self._reading.setdefault(iri, []).append(rule)

    @property
    def comparing(self) -> list[NeighboursRule]:
        """The enabled rules that compare neighbours."""
        found = (judge.rule for judge in self._judges.values())
        return [rule for rule in found if isinstance(rule, NeighboursRule)]

    def watched(self, types: tuple[str, ...], entity_id: str) -> WatchedType | None:
        """Return what is watched of an entity of these (expanded) types; None when nothing is."""
        own = self._of_entity.get(entity_id)
        if own is None:
            found = self._by_types.get(types)
            if found is None:
                found = self._by_types[types] = self._watch(types, ())
        else:
            known, found = self._by_entity.get(entity_id, (None, _NOTHING))
            if known != types:
                found = self._watch(types, own)
                self._by_entity[entity_id] = (types, found)
        return found if found.names else None

    def quality_rule(self, types: Sequence[str] | None, attribute: str) -> QualityRule | None:
        """Return the first quality rule that watches an attribute (short name) of such an entity.

        `types` None: the entity is not known (yet); only rules for every type apply.
        """
        for rule in self.quality:
            of_type = EVERY_TYPE in rule.entity_types or any(
                self.expand_type(entity_type) in (types or ()) for entity_type in rule.entity_types
            )
            if of_type and (rule.attributes is None or attribute in rule.attributes):
                return rule
        return None

    def silence_rule(self, types: Sequence[str], origin: str) -> SilenceRule | None:
        """Return the silence rule for an entity of these (expanded) types; one that names a type wins."""
        general = None
        for rule in self.silence:
            if origin not in rule.origins:
                continue
            if any(self.expand_type(entity_type) in types for entity_type in rule.entity_types):
                return rule
            if EVERY_TYPE in rule.entity_types and general is None:
                general = rule
        return general

    def _watch(self, types: tuple[str, ...], own: Sequence[ReadingRule]) -> WatchedType:
        general = [rule for one in types for rule in self._reading.get(one, [])]
        rules = {rule.code: rule for rule in (*general, *own) if not self._types_of[rule.code].isdisjoint(types)}
        if not rules:
            return _NOTHING
        triggers: dict[str, list[Judge]] = {}
        names: dict[str, str] = {}
        remembered: set[str] = set()
        always = []
        for rule in rules.values():
            read = _attributes_read(rule)
            names.update({self.expand_attribute(name): name for name in read})
            if len(read) > 1 or isinstance(rule, AbsenceRule):
                remembered |= read
            if isinstance(rule, AbsenceRule):
                always.append(self._judges[rule.code])
                continue
            for name in _attributes_that_set_off(rule):
                triggers.setdefault(self.expand_attribute(name), []).append(self._judges[rule.code])
        return WatchedType(
            names,
            {iri: tuple(found) for iri, found in triggers.items()},
            frozenset(remembered),
            tuple(always),
            tuple(rule for rule in rules.values() if isinstance(rule, NeighboursRule)),
        )


def _types_and_twins(rule: ReadingRule) -> list[str]:
    """The types a rule judges, and their exercise twins; a twin is nobody's neighbour."""
    twins = [] if isinstance(rule, NeighboursRule) else map(twin_type, rule.entity_types)
    return [*rule.entity_types, *twins]


def _attributes_read(rule: ReadingRule) -> set[str]:
    read = _attributes_that_set_off(rule) | {condition.attribute for condition in rule.when if condition.attribute}
    return read | {"location"} if isinstance(rule, NeighboursRule) else read


def _attributes_that_set_off(rule: ReadingRule) -> set[str]:
    if isinstance(rule, DeviationRule):
        return {rule.attribute, rule.reference}
    if isinstance(rule, CombinationRule):
        return {condition.attribute for condition in rule.of if condition.attribute}
    return {rule.attribute}
