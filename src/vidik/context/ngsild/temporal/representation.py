"""Instances of the past as attributes, or as pairs of value and time (clauses 4.5.7 to 4.5.9). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.representation.rendering import View, instance_view, simple_value
from vidik.context.ngsild.representation.validation import MEMBER_OF, Instance
from vidik.context.ngsild.temporal.query import TemporalQuery
from vidik.context.ngsild.temporal.writing import instance_id
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import UNOBSERVED, WITH_ENTITY
from vidik.context.store.expiry import is_valid
from vidik.context.store.history import Series
from vidik.kernel.clock import from_microseconds, iso

_PLURAL: Final = {
    "value": "values",
    "object": "objects",
    "languageMap": "languageMaps",
    "json": "jsons",
    "vocab": "vocabs",
    "valueList": "valueLists",
    "objectList": "objectLists",
}
_OF_DELETED: Final = ("type", "datasetId", "instanceId", "deletedAt")


def instances_of_series(
    rows: SeriesRows, query: TemporalQuery, current: Instance | None, series: Series
) -> list[Instance]:
    """Instances of one series in order of time. `current` lends plain numbers their unit."""
    found = [instance for _, instance in numbered_instances(rows, query, current, series)]
    return found if query.last is None else found[-query.last :]


def numbered_instances(
    rows: SeriesRows, query: TemporalQuery, current: Instance | None, series: Series
) -> Iterator[tuple[int, Instance]]:
    """The rows of a series that are instances in the range, by their place among the rows."""
    for index in range(len(rows.times)):
        observed = from_microseconds(int(rows.times[index]))
        recorded = from_microseconds(int(rows.recorded[index]))
        text = rows.json.get(index)
        instance = _plain(float(rows.numbers[index]), current) if text is None else orjson.loads(text)
        if not isinstance(instance, dict) or not is_valid(instance):
            continue
        unobserved = instance.pop(UNOBSERVED, False)
        if "deletedAt" in instance:
            if query.time_property not in ("deletedAt", "modifiedAt"):
                continue
        elif query.time_property == "deletedAt":
            continue
        elif not unobserved:
            instance["observedAt"] = iso(observed)
        elif query.time_property == "observedAt":
            continue
        instance["createdAt"] = instance["modifiedAt"] = iso(observed if unobserved else recorded)
        if series.dataset:
            instance["datasetId"] = series.dataset
        if not instance.pop(WITH_ENTITY, False) and "instanceId" not in instance and not query.simplified:
            instance["instanceId"] = instance_id(series.number, int(rows.times[index]))
        if query.time_property == "observedAt" or query.includes(values.moment(time_of(instance, query), "timeAt")):
            yield index, instance


def _plain(number: float, current: Instance | None) -> Instance:
    instance: Instance = {"type": "Property", "value": shown_number(number)}
    if current is not None and "unitCode" in current:
        instance["unitCode"] = current["unitCode"]
    return instance


def shown_number(number: float) -> float | int:
    """A number without a needless fraction."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def time_of(instance: Instance, query: TemporalQuery) -> str:
    """The time by which a query knows an instance."""
    time: str = instance.get(query.time_property) or instance["modifiedAt"]
    return time


def normalized(instances: Sequence[Instance], view: View, context: ActiveContext) -> list[Any]:
    """Instances as attributes, newest last."""
    return [instance_view(one, context, view) if "deletedAt" not in one else _deleted(one, view) for one in instances]


def _deleted(instance: Instance, view: View) -> Instance:
    """A deletion: the member that has the value is NGSI-LD Null (clause 4.5.7)."""
    kept = _OF_DELETED if not view.system else (*_OF_DELETED, "createdAt", "modifiedAt")
    shown = {name: instance[name] for name in kept if name in instance}
    return {**shown, MEMBER_OF[instance["type"]]: _null(instance)}


def _null(instance: Instance) -> Any:
    """What stands for the value of what was deleted: nothing at all for a scope, which keeps an empty list."""
    if "value" in instance:
        return instance["value"]
    return {"@none": values.NULL} if instance["type"] == "LanguageProperty" else values.NULL


def temporal_values(
    instances: Sequence[Instance], query: TemporalQuery, context: ActiveContext, language: str | None
) -> dict[str, Any]:
    """The simplified representation: pairs of value and time (clause 4.5.9)."""
    newest = instances[-1]
    kind = newest["type"]
    member = MEMBER_OF[kind]
    pairs = []
    for one in instances:
        if "deletedAt" not in one:
            value = simple_value(one, context, language)
        else:
            value = {member: _null(one)} if kind == "LanguageProperty" else _null(one)
        pairs.append([value, time_of(one, query)])
    shown: dict[str, Any] = {"type": kind, _PLURAL[member]: pairs}
    if "datasetId" in newest:
        shown["datasetId"] = newest["datasetId"]
    return shown


def without_values(query: TemporalQuery, current: Instance | None) -> Any:
    """An attribute of which an answer holds no instance yet, in the form in which it would show them."""
    if not query.simplified:
        return []
    kind = "Property" if current is None else current.get("type", "Property")
    return {"type": kind, _PLURAL[MEMBER_OF[kind]]: []}
