"""One temporal representation out of several sources' (ETSI GS CIM 009, clauses 4.5.6 and 6.3.10). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from vidik.context.ngsild import values
from vidik.context.ngsild.temporal.query import TemporalQuery
from vidik.context.registrations.sources.model import Json
from vidik.context.registrations.temporal.aggregates import joined
from vidik.kernel.clock import iso

HEAD: Final = frozenset(("id", "type", "scope", "expiresAt", "createdAt", "modifiedAt", "deletedAt"))
_SINGLE: Final = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
_VALUES: Final = frozenset((*_SINGLE, *(f"{name}s" for name in _SINGLE)))
_OWN: Final = HEAD | frozenset(("observedAt", "unitCode", "datasetId", "instanceId", "lang", "objectType"))
_RANGE: Final = re.compile(r"\s*date-time\s+(\S+Z)-(\d{4}-\S+Z)/(\S+)\s*")


@dataclass(frozen=True, slots=True)
class Range:
    """What of the past an answer holds, as its Content-Range says: from `start` to `end`, as it is read."""

    start: datetime
    end: datetime
    size: str

    @classmethod
    def of(cls, header: str) -> Range | None:
        """The range of a header; None where it is none."""
        found = _RANGE.fullmatch(header)
        if found is None:
            return None
        start, end, size = found.groups()
        return cls(values.moment(start, "Content-Range"), values.moment(end, "Content-Range"), size)

    def header(self) -> str:
        """The value of Content-Range."""
        return f"date-time {iso(self.start)}-{iso(self.end)}/{self.size}"


def shared_range(ranges: Sequence[Range], query: TemporalQuery) -> Range | None:
    """What all of several answers hold: up to the first end, or, read backwards (lastN), down to the last."""
    if not ranges:
        return None
    if query.last is None:
        return Range(min(one.start for one in ranges), min(one.end for one in ranges), "*")
    return Range(max(one.start for one in ranges), max(one.end for one in ranges), str(query.last))


def united(one: Json, other: Json, query: TemporalQuery, left_out: set[str] | None = None) -> Json:
    """Two representations of an entity as one: an instance that both have is shown once, in the order of time.

    Aggregates of different periods stand side by side. Of the same period only minimum and maximum can be put
    together: nobody knows which values both places counted. Else those of the first stand, and `left_out` takes the
    names of attributes of which the other had more.
    """
    whole = dict(one)
    for name, shown in other.items():
        if name == "type":
            whole[name] = _one_or_many([*listed(one.get(name, [])), *listed(shown)])
        elif name not in whole:
            whole[name] = shown
        elif name not in HEAD and query.methods:
            whole[name], is_whole = joined(whole[name], shown, query.methods)
            if not is_whole and left_out is not None:
                left_out.add(name)
        elif name not in HEAD:
            whole[name] = _joined(whole[name], shown, query)
    if "deletedAt" in whole and not ("deletedAt" in one and "deletedAt" in other):
        del whole["deletedAt"]  # it is there still, at one of them
    return whole


def checked(body: Json, query: TemporalQuery) -> Json:
    """A representation from elsewhere, in order; raises VidikError, TypeError and the like where it is none."""
    values.uri(body.get("id"), "id")
    return united(body, body, query)


def limited(body: Json, held: Range | None, query: TemporalQuery) -> Json:
    """A representation without what lies beyond what all hold, and with the last `lastN` instances only."""
    if query.methods or (held is None and query.last is None):
        return body

    def keeps(time: str | None) -> bool:
        if held is None or time is None:
            return True
        moment = values.moment(time, query.time_property)
        return moment <= held.end if query.last is None else moment >= held.end

    return {
        name: shown if name in HEAD else _kept(shown, query, lambda one: keeps(_time(one, query)))
        for name, shown in body.items()
    }


def renamed(body: Json, word: Callable[[str], str]) -> Json:
    """A representation with its names in other words, without @context; values stay as they are."""
    shown: Json = {}
    for name, value in body.items():
        if name == "type":
            shown[name] = _one_or_many([word(one) for one in listed(value)])
        elif name in HEAD:
            shown[name] = value
        elif name != "@context":
            shown[word(name)] = _renamed(value, word)
    return shown


def _renamed(value: Any, word: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_renamed(one, word) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name if name in _OWN or name in _VALUES else word(name): value[name]
        if name in _VALUES
        else _renamed(each, word)
        for name, each in value.items()
    }


def _joined(one: Any, other: Any, query: TemporalQuery) -> Any:
    if query.simplified:
        return _joined_pairs(listed(one), listed(other))
    seen: set[bytes] = set()
    instances = []
    for each in (*listed(one), *listed(other)):
        key = _key(each, query)
        if key not in seen:
            seen.add(key)
            instances.append(each)
    return sorted(instances, key=lambda each: _moment(_time(each, query)))


def _joined_pairs(one: list[Any], other: list[Any]) -> Any:
    """Series of pairs of value and time: those of one datasetId and kind become one."""
    series = {(each.get("datasetId"), _member(each)): each for each in one}
    for each in other:
        key = (each.get("datasetId"), _member(each))
        mine = series.get(key)
        if mine is None or key[1] is None:
            series[key] = each
            continue
        times = {pair[1] for pair in mine[key[1]]}
        pairs = [*mine[key[1]], *(pair for pair in each[key[1]] if pair[1] not in times)]
        series[key] = {**mine, key[1]: sorted(pairs, key=lambda pair: _moment(pair[1]))}
    return _one_or_many(list(series.values()))


def _kept(shown: Any, query: TemporalQuery, keeps: Callable[[Any], bool]) -> Any:
    if query.simplified:
        return _one_or_many([_kept_pairs(one, query, keeps) for one in listed(shown)])
    instances = [one for one in listed(shown) if keeps(one)]
    if query.last is None:
        return instances
    of_dataset: dict[str | None, int] = {}
    found = []
    for one in reversed(instances):
        number = of_dataset[one.get("datasetId")] = of_dataset.get(one.get("datasetId"), 0) + 1
        if number <= query.last:
            found.append(one)
    return found[::-1]


def _kept_pairs(one: Json, query: TemporalQuery, keeps: Callable[[Any], bool]) -> Json:
    member = _member(one)
    if member is None:
        return one
    pairs = [pair for pair in one[member] if keeps({query.time_property: pair[1]})]
    return {**one, member: pairs if query.last is None else pairs[-query.last :]}


def _member(series: Json) -> str | None:
    return next((name for name in series if name in _VALUES), None)


def _key(instance: Any, query: TemporalQuery) -> bytes:
    """What makes an instance itself: its dataset and time, and without a time everything but its instanceId."""
    time = _time(instance, query)
    if time is not None and query.time_property == "observedAt":
        return orjson.dumps([instance.get("datasetId"), _moment(time)])
    rest = {name: value for name, value in instance.items() if name != "instanceId"}
    return orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)


def _time(instance: Any, query: TemporalQuery) -> str | None:
    found = instance.get(query.time_property)
    return found if isinstance(found, str) else None


def _moment(time: str | None) -> float:
    return 0.0 if time is None else values.moment(time, "observedAt").timestamp()


def listed(value: Any) -> list[Any]:
    """One thing or several, as a list."""
    return value if isinstance(value, list) else [value]


def _one_or_many(found: Iterable[Any]) -> Any:
    """One thing alone, several as a list; names that come twice stand once."""
    things: list[Any] = []
    for one in found:
        if one not in things:
            things.append(one)
    return things[0] if len(things) == 1 else things
