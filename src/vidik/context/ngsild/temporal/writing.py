"""Managing temporal representations (ETSI GS CIM 009, clauses 5.6.11 to 5.6.16): what is written, and where.

An instance is a row of history. Its instanceId names the series and the time, so that nothing has to be kept for it;
only an instance that is moved to another time keeps its first id in its value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.entities import merge
from vidik.context.ngsild.query.selections import TypeSelection, matches_types
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.representation.validation import CREATE, EVOLUTION, Attributes, EntityInput, Instance
from vidik.context.ngsild.values import NULL
from vidik.context.store import corrections, history, observations, remembered, sealed
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import SCOPE, UNOBSERVED, scope_instance, tombstone
from vidik.context.store.history import Series
from vidik.context.store.remembered import RememberedEntity
from vidik.kernel.clock import from_microseconds, iso, now, now_microseconds, to_microseconds
from vidik.kernel.database import Connection

_INSTANCE_ID: Final = re.compile(r"urn:ngsi-ld:instance:([0-9a-f]+)-(-?[0-9a-f]+)")
_PLAIN: Final = frozenset(("type", "value", "observedAt", "datasetId"))
_NOT_KEPT: Final = frozenset(("observedAt", "datasetId", "createdAt", "modifiedAt"))


def instance_id(series: int, moment: int) -> str:
    """The id of the instance of a series at a time (microseconds since 1970)."""
    return f"urn:ngsi-ld:instance:{series:x}-{moment:x}"


def parse(body: Any, context: ActiveContext, *, whole: bool) -> EntityInput:
    """The temporal representation in a request's body: attributes with any number of instances.

    Raises BadInput (BadRequestData).
    """
    if not isinstance(body, dict):
        raise problems.bad_data("A temporal representation is a JSON object.")
    head = {name: body[name] for name in ("id", "@id", "type", "@type", "scope") if name in body}
    past_of_scope = _scopes(head)
    if "expiresAt" in body:  # of what is stored now; the past has no end
        values.moment(body["expiresAt"], "expiresAt")
    entity = validation.parse_entity(head, context, CREATE, whole=whole)
    entity.past_of_scope = past_of_scope
    for name, given in body.items():
        if name in head or name in validation.ENTITY_SYSTEM or name == "expiresAt":
            continue
        attribute = context.expand(values.name(name, name))
        instances = given if isinstance(given, list) else [given]
        if not instances:
            raise problems.bad_data("An attribute has at least one instance.", name)
        inside = context.inside(name)
        parsed = [validation.parse_instance(one, inside, EVOLUTION, name) for one in instances]
        kept = [one for one in parsed if NULL not in one.values()]
        validation.check_fixed(attribute, kept, CREATE, name)
        entity.attributes[attribute] = parsed
    return entity


def _scopes(head: dict[str, Any]) -> list[Instance]:
    """The scopes that a temporal representation tells of, as instances (clause 4.5.6); the newest stay in its head.

    Raises BadInput.
    """
    given = head.get("scope")
    told: list[Any] = given if isinstance(given, list) else [given]
    if not told or not all(isinstance(one, dict) for one in told):
        return []
    found: list[Instance] = []
    for one in told:
        if one.get("type", "Property") != "Property" or "value" not in one:
            raise problems.bad_data("A scope is a Property with a value.", "scope")
        instance: Instance = {"type": "Property", "value": values.scope(one["value"])}
        if "observedAt" in one:
            instance["observedAt"] = values.date_time(one["observedAt"], "scope.observedAt")
        found.append(instance)
    head["scope"] = max(found, key=lambda one: _observed(one) or 2**62)["value"]
    return found


async def create_or_update(connection: Connection, entity: EntityInput) -> bool:
    """Bring a temporal representation in; True when history did not know the entity before."""
    entity_id = str(entity.id)
    known = await remembered.load(connection, entity_id)
    if known is None:
        document = _newest({}, entity.attributes)
        key = await remembered.keep(connection, entity_id, list(entity.types or ()), entity.scope, document)
        await _write(connection, key, _with_scopes(entity, entity.types or ()))
        return True
    await _append(connection, known, entity)
    return False


async def append(connection: Connection, entity_id: str, entity: EntityInput) -> None:
    """Add instances to attributes of an entity that history knows; raises NotFound."""
    await _append(connection, await _known(connection, entity_id), entity)


async def delete_entity(connection: Connection, entity_id: str) -> None:
    """Delete a whole temporal representation; raises NotFound where there is none."""
    known = await _known(connection, entity_id)
    numbers = [one.number for one in await history.series_of(connection, [entity_id])]
    if known.present and not await corrections.any_value(connection, numbers):
        raise problems.not_found(f"There is no temporal representation of {entity_id}.")
    # The series of an entity that is there stay: writers of its readings remember their numbers.
    await corrections.remove_all(connection, numbers, forget=not known.present)
    if not known.present:
        await remembered.forget(connection, known.key)


async def delete_attribute(
    connection: Connection, entity_id: str, attribute: str, *, dataset: str, every: bool
) -> None:
    """Delete the past of an attribute: of one dataset ("" is the default one) or of all; raises NotFound."""
    known = await _known(connection, entity_id)
    series = await history.series_of(connection, [entity_id], [attribute])
    numbers = [one.number for one in series if every or one.dataset == dataset]
    if not await corrections.any_value(connection, numbers):
        raise problems.not_found(f"The temporal representation of {entity_id} has no such attribute.")
    await corrections.remove_all(connection, numbers, forget=not known.present)
    if not known.present:
        left = [
            one
            for one in merge.instances_of(known.document, attribute)
            if not (every or one.get("datasetId", "") == dataset)
        ]
        document = {**known.document, attribute: left}
        if not left:
            del document[attribute]
        await remembered.keep(connection, entity_id, known.types, known.scope, document)


async def mark_deleted(
    connection: Connection,
    entity_id: str,
    attribute: str,
    selection: TypeSelection | None,
    *,
    dataset: str,
    every: bool,
) -> bool:
    """Delete an attribute (or `SCOPE`) of an entity that is known by its past alone: that says so from now on.

    False where there is no such entity (any more), or it has no such attribute.
    """
    known = await remembered.load(connection, entity_id)
    if known is None or known.present or known.deleted_at is not None:
        return False
    if selection is not None and not matches_types(selection, known.types):
        return False
    moment = now()
    at = iso(moment)
    document, scope = dict(known.document), known.scope
    if attribute == SCOPE:
        gone = [scope_instance(None, scope, at)] if scope else []
        scope = None
    else:
        instances = merge.instances_of(known.document, attribute)
        gone = [tombstone(one, at) for one in instances if every or one.get("datasetId", "") == dataset]
        left = [one for one in instances if not (every or one.get("datasetId", "") == dataset)]
        document.pop(attribute, None)
        if left:
            document[attribute] = left
    if not gone:
        return False
    await remembered.keep(connection, entity_id, known.types, scope, document)
    names = [(known.key, attribute, one.get("datasetId", "")) for one in gone]
    series = await observations.ensure_series(connection, names, moment)
    told = [(series[name][0], to_microseconds(moment), None, _kept(one)) for name, one in zip(names, gone, strict=True)]
    await corrections.put(connection, corrections.rows_of(told, to_microseconds(moment)))
    return True


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an instance stands: its entity, series and time (microseconds), and what is kept of it."""

    known: RememberedEntity
    series: Series
    moment: int
    instance: Instance


async def modify_instance(
    connection: Connection, entity_id: str, attribute: str, wanted: str, fragment: Instance
) -> None:
    """Change members of one instance; raises NotFound."""
    place = await _locate(connection, entity_id, attribute, wanted)
    old = place.instance
    if "type" in fragment and fragment["type"] != old["type"]:
        raise problems.bad_data(f"The instance is a {old['type']} and keeps its type.", "type")
    changed = {name: value for name, value in {**old, **fragment}.items() if value != NULL}
    moment = place.moment
    if "observedAt" in fragment:
        changed.pop(UNOBSERVED, None)
        moment = to_microseconds(values.moment(changed["observedAt"], "observedAt"))
    if moment != place.moment:
        await corrections.remove(connection, place.series.number, place.moment)
        changed["instanceId"] = wanted
    await corrections.put(connection, {place.series.number: _rows([(moment, changed)])})
    if not place.known.present:
        await remembered.touch(connection, place.known.key)


async def delete_instance(connection: Connection, entity_id: str, attribute: str, wanted: str) -> None:
    """Delete one instance; raises NotFound."""
    place = await _locate(connection, entity_id, attribute, wanted)
    await corrections.remove(connection, place.series.number, place.moment)


async def _known(connection: Connection, entity_id: str) -> RememberedEntity:
    known = await remembered.load(connection, entity_id)
    if known is None:
        raise problems.not_found(f"There is no temporal representation of {entity_id}.")
    return known


async def _append(connection: Connection, known: RememberedEntity, entity: EntityInput) -> None:
    if not known.present:
        types = list(dict.fromkeys([*known.types, *(entity.types or ())]))
        # What was deleted had at its end what it had, whatever else is told of its past.
        document = known.document if known.deleted_at else _newest(known.document, entity.attributes)
        await remembered.keep(connection, known.id, types, entity.scope or known.scope, document)
    await _write(connection, known.key, _with_scopes(entity, [*known.types, *(entity.types or ())]))


def _with_scopes(entity: EntityInput, types: Iterable[str]) -> Attributes:
    attributes = sealed.published(types, entity.attributes)
    return {**attributes, SCOPE: entity.past_of_scope} if entity.past_of_scope else attributes


async def _write(connection: Connection, key: int, attributes: Attributes) -> None:
    by_series: dict[tuple[int, str, str], list[tuple[int, Instance]]] = defaultdict(list)
    unobserved = now_microseconds()
    for attribute, instances in attributes.items():
        for instance in instances:
            moment = _observed(instance)
            if moment is None:
                moment, unobserved = unobserved, unobserved + 1
                instance = {**instance, UNOBSERVED: True}
            by_series[key, attribute, instance.get("datasetId", "")].append((moment, instance))
    series = await observations.ensure_series(connection, by_series.keys(), now())
    await corrections.put(connection, {series[name][0]: _rows(items) for name, items in by_series.items()})


def _observed(instance: Instance) -> int | None:
    text = instance.get("observedAt")
    return None if text is None else to_microseconds(values.moment(text, "observedAt"))


def _rows(items: Iterable[tuple[int, Instance]]) -> SeriesRows:
    """Rows of one series in order of time; of two of the same time the later one stands."""
    recorded = now_microseconds()
    last = sorted(dict(items).items())
    json = {place: text for place, (_, one) in enumerate(last) if (text := _kept(one)) is not None}
    return SeriesRows(
        np.array([moment for moment, _ in last], np.int64),
        np.full(len(last), recorded, np.int64),
        np.array([_number(one) for _, one in last], np.float64),
        json,
    )


def _number(instance: Instance) -> float:
    value = instance.get("value")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else np.nan


def _kept(instance: Instance) -> str | None:
    if instance["type"] == "Property" and instance.keys() <= _PLAIN and not np.isnan(_number(instance)):
        return None
    return orjson.dumps({name: value for name, value in instance.items() if name not in _NOT_KEPT}).decode()


def _newest(document: Mapping[str, Any], attributes: Attributes) -> dict[str, Any]:
    """A document with the newest instance of each attribute and dataset."""
    result = dict(document)
    at = iso(now())
    for attribute, instances in attributes.items():
        present = {one.get("datasetId"): one for one in merge.instances_of(document, attribute)}
        for instance in instances:
            before = present.get(instance.get("datasetId"))
            if before is None or (_observed(instance) or 0) >= (_observed(before) or 0):
                present[instance.get("datasetId")] = {**instance, "createdAt": at, "modifiedAt": at}
        every = list(present.values())
        result[attribute] = every[0] if len(every) == 1 and "datasetId" not in every[0] else every
    return result


async def _locate(connection: Connection, entity_id: str, attribute: str, wanted: str) -> _Place:
    known = await _known(connection, entity_id)
    every = await history.series_of(connection, [entity_id], [attribute])
    match = _INSTANCE_ID.fullmatch(wanted)
    if match is not None:
        number, moment = int(match.group(1), 16), int(match.group(2), 16)
        for one in every:
            if one.number == number and abs(moment) < 2**56:
                start = from_microseconds(moment)
                rows = (await history.read(connection, [number], start, from_microseconds(moment + 1)))[number]
                if len(rows):
                    return _place(known, one, rows, 0)
    for one in every:
        rows = (await history.read(connection, [one.number]))[one.number]
        for index, text in rows.json.items():
            if orjson.loads(text).get("instanceId") == wanted:
                return _place(known, one, rows, index)
    raise problems.not_found("The temporal representation has no such instance.")


def _place(known: RememberedEntity, series: Series, rows: SeriesRows, index: int) -> _Place:
    text = rows.json.get(index)
    number = float(rows.numbers[index])
    instance: Instance = {"type": "Property", "value": number} if text is None else orjson.loads(text)
    return _Place(known, series, int(rows.times[index]), instance)
