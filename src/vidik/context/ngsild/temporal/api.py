"""The past over HTTP (ETSI GS CIM 009, clauses 6.18 and 6.19): retrieve and query temporal representations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.conditional import tagged
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, Parameters, answer, page_links
from vidik.context.ngsild.query import entity_maps, parameters, q, selections
from vidik.context.ngsild.query.expressions import Expression
from vidik.context.ngsild.repository.conditions import REMEMBERED
from vidik.context.ngsild.repository.entities import answered, gone_entity
from vidik.context.ngsild.repository.past import has_past
from vidik.context.ngsild.representation.rendering import Stored, View, head_view, projected
from vidik.context.ngsild.temporal import instances, paging, scope_past
from vidik.context.ngsild.temporal.aggregation import aggregated, aggregated_numbers
from vidik.context.ngsild.temporal.endings import ended, last_of
from vidik.context.ngsild.temporal.paging import Cut
from vidik.context.ngsild.temporal.query import TemporalQuery, parse_temporal
from vidik.context.ngsild.temporal.representation import (
    instances_of_series,
    normalized,
    temporal_values,
    without_values,
)
from vidik.context.ngsild.temporal.search import PastSearch
from vidik.context.store import corrections, history
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import SCOPE
from vidik.context.store.history import Series
from vidik.kernel.database import Connection

_FORMATS: Final = ("normalized", "concise", "simplified", "keyValues", "temporalValues", "aggregatedValues")


async def retrieve_temporal(call: Call) -> Response:
    """GET /temporal/entities/{id}."""
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    entity_id = values.uri(call.segments[2], "id")
    if entity_maps.is_wanted(call, call.parameters):
        return await entity_maps.answer_one(call, entity_id, retrieve_temporal)
    query, view = _asked(call.parameters, context)
    reader = call.broker.reader
    async with reader.session(call.tenant) as connection:
        found = (await reader.load(connection, call.tenant, [entity_id])).get(entity_id)
        entity = found or await gone_entity(connection, entity_id)
        if entity is None:
            raise problems.not_found(f"There is no entity {entity_id}.")
        bodies, cut = await _represent(connection, [entity], query, view, _most(call))
        if not bodies[entity_id].keys() - _HEAD:
            every = await history.series_of(
                connection, [entity_id], sorted(view.attributes) if view.attributes else None
            )
            if not await corrections.any_value(connection, [one.number for one in every]):
                raise problems.not_found(f"There is no temporal representation of {entity_id} with these attributes.")
    body = projected(bodies[entity_id], view)
    if not body:
        raise problems.not_found(f"The temporal representation of {entity_id} has none of these members.")
    return tagged(call.request, _answer(body, kind, context, {}, cut))


async def query_temporal(call: Call) -> Response:
    """GET /temporal/entities: entities by type and id as they are or were, q, place and scope by their instances."""
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    return await answer_query(call, call.parameters, kind, context)


async def query_by_post(call: Call) -> Response:
    """POST /temporal/entityOperations/query."""
    kind = call.accept(JSON, LD_JSON)
    body, context = await call.body()
    if not isinstance(body, dict):
        raise problems.bad_data("A query is a JSON object.")
    asked = call.parameters.joined(parameters.of_temporal_query(body))
    return await answer_query(call, asked, kind, context)


async def answer_query(call: Call, asked: Parameters, kind: str, context: ActiveContext) -> Response:
    """A page of a query of the past, however it was asked."""
    if entity_maps.is_wanted(call, asked):
        return await entity_maps.answer(call, asked, kind, context, partial(answer_query, call))
    query, view = _asked(asked, context)
    if query.start is None and query.end is None:
        raise problems.bad_data("A temporal query has timerel and timeAt.", "timerel")
    found, types = parameters.search(asked, context, REMEMBERED)
    if found.q is not None and q.linked_depth(found.q):
        raise problems.bad_data("A query of the past follows no links.", "q")
    names = None if view.attributes is None else sorted(view.attributes)
    found.past = has_past(query.time_property, query.start, query.end, names)
    if call.mapped is not None:
        found.ids = call.mapped.narrowed(found.ids)
    count = asked.flag("count") or "count" in parameters.options(asked)
    limit = asked.number("limit", parameters.DEFAULT_LIMIT, 0, parameters.MAXIMUM_LIMIT)
    offset = asked.number("offset", 0, 0, 10_000_000)
    reader = call.broker.reader
    async with reader.session(call.tenant) as connection:
        if types is not None:
            found.kinds = await _kinds(call, connection, types)
        asked_of_past = instances.instance_filter(found.q, found.geo, context)
        if asked_of_past is None and found.scopes is None:
            page = await reader.page(connection, call.tenant, found, limit=limit, offset=offset, count=count)
        else:
            without = replace(found, q=None, geo=None, scopes=None, scopes_once=found.scopes)
            past = PastSearch(call, connection, without, query, asked_of_past, found.scopes)
            page = await answered(past.page(limit, offset, count=count))
        bodies, cut = await _represent(connection, page.entities, query, view, _most(call), found.scopes)
    headers = page_links(call.path, asked, kind, limit, offset, page.more)
    if page.total is not None:
        headers["NGSILD-Results-Count"] = str(page.total)
    # An entity without any instance in the range is not part of the answer (clause 5.7.4).
    shown = [projected(body, view) for body in bodies.values() if body.keys() - _HEAD]
    return _answer([body for body in shown if body], kind, context, headers, cut)


_HEAD: Final = frozenset(("id", "type", "scope", "expiresAt", "createdAt", "modifiedAt", "deletedAt"))


def _most(call: Call) -> int:
    return call.broker.services.settings.history_page


async def _kinds(call: Call, connection: Connection, types: selections.TypeSelection) -> list[int]:
    return await call.broker.reader.kinds(call.tenant).select(connection, types)


def _asked(asked: Parameters, context: ActiveContext) -> tuple[TemporalQuery, View]:
    words = parameters.options(asked)
    text = asked.get("format")
    if text is not None and text not in _FORMATS:
        raise problems.invalid_request(f"format is one of {', '.join(_FORMATS)}.", "format")
    query = parse_temporal(asked, words)
    attributes = parameters.expanded(asked.names("attrs"), context, "attrs")
    datasets = asked.names("datasetId")
    pick, omit = parameters.projections(asked, context)
    view = View(
        context=context,
        format="concise" if "concise" in (*words, text) else "normalized",
        system="sysAttrs" in words or asked.flag("sysAttrs"),
        attributes=None if attributes is None else frozenset(attributes),
        datasets=None if datasets is None else frozenset(datasets),
        language=asked.get("lang"),
        pick=pick,
        omit=omit,
    )
    return query, view


async def _represent(
    connection: Connection,
    entities: Sequence[Stored],
    query: TemporalQuery,
    view: View,
    most: int,
    scopes: Expression[str] | None = None,
) -> tuple[dict[str, dict[str, Any]], Cut | None]:
    """The temporal representation of each entity, by id, and what it holds where that is not everything.

    With `scopes` of the times alone in which an entity's scopes matched.
    """
    wanted = None if view.attributes is None else sorted({*view.attributes, SCOPE})
    series = await history.series_of(connection, [one.id for one in entities], wanted)
    scoped = {one.entity_id: one for one in series if one.attribute == SCOPE}
    series = [one for one in series if one.attribute != SCOPE]
    if view.datasets is not None:
        series = [one for one in series if (one.dataset or "@none") in view.datasets]
    by_time = query.time_property == "observedAt"
    rows: Mapping[int, SeriesRows] = await history.read(
        connection,
        [one.number for one in series],
        query.start if query.is_by_time else None,
        query.end if query.is_by_time else None,
        query.last if by_time and scopes is None else None,
    )
    rows = ended(entities, series, rows, query)
    had: Mapping[int, SeriesRows] = await history.read(connection, [one.number for one in scoped.values()])
    if scopes is not None and by_time:
        during = scope_past.windows_of(scopes, entities, scoped, had, query)
        rows = {one.number: scope_past.within(rows[one.number], during[one.entity_id]) for one in series}
    cut: Cut | None = None
    if by_time and not query.methods:
        rows, cut = paging.cut(rows, query, most)
    by_entity: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        by_entity[one.entity_id].append(one)
    had = ended(entities, [*scoped.values()], had, query)
    bodies = {one.id: _body(one, by_entity[one.id], rows, query, view, is_part=cut is not None) for one in entities}
    for entity in entities:
        if (told := scoped.get(entity.id)) is not None and not query.methods:
            scope_past.put(bodies[entity.id], had[told.number], told, query, view)
    return bodies, cut


def _body(
    entity: Stored,
    series: Sequence[Series],
    rows: Mapping[int, SeriesRows],
    query: TemporalQuery,
    view: View,
    *,
    is_part: bool,
) -> dict[str, Any]:
    body = head_view(entity, view)
    later: dict[str, Any] = {}
    for one in series:
        word = view.context.compact(one.attribute)
        if query.methods and query.time_property == "observedAt" and not rows[one.number].json:
            numbers = aggregated_numbers(rows[one.number], query, one.dataset)
            if numbers is not None:
                _put(body, word, numbers)
            continue
        current = last_of(entity, one)
        instances = instances_of_series(rows[one.number], query, current, one)
        if instances:
            _add(body, word, instances, query, view)
        elif is_part:
            later[word] = without_values(query, current)
    # An attribute whose instances come later is there, so that the client knows of it.
    return {**body, **{word: shown for word, shown in later.items() if word not in body}}


def _answer(body: Any, kind: str, context: ActiveContext, headers: dict[str, str], cut: Cut | None) -> Response:
    if cut is None:
        return answer(body, kind, context, headers=headers)
    return answer(body, kind, context, status=206, headers={**headers, "Content-Range": cut.header()})


def _add(body: dict[str, Any], word: str, instances: list[dict[str, Any]], query: TemporalQuery, view: View) -> None:
    """Put one series into a representation; those of several datasets stand side by side."""
    context = view.context.inside(word)
    if query.methods:
        shown: Any = aggregated(instances, query)
        if shown is None:
            return
    elif query.simplified:
        shown = temporal_values(instances, query, context, view.language)
    else:
        body.setdefault(word, []).extend(normalized(instances, view, context))
        return
    _put(body, word, shown)


def _put(body: dict[str, Any], word: str, shown: Any) -> None:
    present = body.get(word)
    if present is None:
        body[word] = shown
    else:
        body[word] = [*present, shown] if isinstance(present, list) else [present, shown]
