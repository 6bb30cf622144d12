"""Filling a snapshot with what its queries find (ETSI GS CIM 009, clause 5.16.1.4).

What is found is first only named, then copied by one statement a kind of query, so that everything that is here is of
one moment. What other sources have of it is asked for and put in as they answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import entity_maps, parameters, temporal, temporal_api
from vidik.context.ngsild.broker import Call, Mapped
from vidik.context.ngsild.entity_maps import HERE, Ask, Everything
from vidik.context.ngsild.exchange import JSON, Parameters
from vidik.context.ngsild.rendering import Stored
from vidik.context.registrations.distribution import answer_query
from vidik.context.registrations.merging import read_entity
from vidik.context.snapshots import repository
from vidik.context.snapshots.model import DETAILS, Json, Snapshot, status_of
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import VidikError

_AT_ONCE: Final = 500
_SELECTING: Final = (
    "type",
    "id",
    "idPattern",
    "attrs",
    "q",
    "scopeQ",
    "georel",
    "geometry",
    "coordinates",
    "geoproperty",
)


@dataclass(slots=True)
class Content:
    """What the queries of a snapshot found, before it is put in."""

    here: list[str] = field(default_factory=list)
    """Entities to copy from here."""
    elsewhere: list[Stored] = field(default_factory=list)
    past: list[tuple[list[str], temporal.TemporalQuery]] = field(default_factory=list)


async def collect(call: Call, body: Json, context: ActiveContext) -> Content:
    """Ask the queries of a snapshot; how each went is put into the body."""
    content = Content()
    for query in body.get("snapshotQueries", ()):
        details = body.setdefault(DETAILS["snapshotQueries"], [])
        details.append(await _tried(_find_present(call, query, context, content)))
    for query in body.get("snapshotTemporalQueries", ()):
        details = body.setdefault(DETAILS["snapshotTemporalQueries"], [])
        details.append(await _tried(_find_past(call, query, context, content)))
    return content


async def _tried(work: Any) -> Json:
    """How a query went (ExecutionResultDetails, clause 5.2.42)."""
    try:
        found: Everything = await work
    except VidikError as error:
        return {"resultStatus": "failure", "problemDetails": error.problem()}
    details: Json = {"resultStatus": "success" if found.ids else "empty"}
    if found.warnings:
        detail = "; ".join(dict.fromkeys(found.warnings))[:1000]
        details["problemDetails"] = {"type": "about:blank", "title": "A source did not answer", "detail": detail}
    return details


async def _find_present(call: Call, query: Json, context: ActiveContext, content: Content) -> Everything:
    asked = _selected(parameters.of_query(query))
    ask: Ask = partial(answer_query, call)
    found = await entity_maps.everything(call, asked, context, ask)
    content.here += [one for one in found.ids if found.holders.get(one, [HERE]) == [HERE]]
    shared = [one for one in found.ids if found.holders.get(one, [HERE]) != [HERE]]
    for start in range(0, len(shared), _AT_ONCE):
        part = shared[start : start + _AT_ONCE]
        sources = frozenset(source for one in part for source in found.holders[one])
        rest = Parameters.of({"limit": str(len(part)), "options": "sysAttrs"}).joined(asked)
        with call.over(Mapped(part, sources)):
            response = await ask(rest, JSON, context)
        content.elsewhere += [read_entity(one, context) for one in orjson.loads(response.body)]
    return found


async def _find_past(call: Call, query: Json, context: ActiveContext, content: Content) -> Everything:
    given = parameters.of_temporal_query(query)
    times = {name: text for name in ("timerel", "timeAt", "endTimeAt", "timeproperty") if (text := given.get(name))}
    asked = Parameters.of(times).joined(_selected(given))
    # By the times of the server what is late belongs to the range too, so that all of the past is copied.
    wanted = temporal.parse_temporal(asked, ())
    found = await entity_maps.everything(call, asked, context, partial(temporal_api.answer_query, call))
    content.past.append((found.ids, wanted))
    return found


def _selected(given: Parameters) -> Parameters:
    """What of a query says which entities it means: a snapshot holds them whole."""
    return Parameters.of({name: text for name in _SELECTING if (text := given.get(name)) is not None})


async def fill(connection: Connection, snapshot: Snapshot, content: Content) -> None:
    """Put what was found into a snapshot; part of the transaction that makes it."""
    if content.here:
        await repository.copy_entities(connection, snapshot, content.here)
    for ids, wanted in content.past:
        by_time = wanted.time_property == "observedAt"
        start, end = (wanted.start, wanted.end) if by_time else (None, None)
        await repository.copy_past(connection, snapshot, ids, start, end)
    await repository.copy_kinds(connection, snapshot)
    await repository.count_on(connection, snapshot)
    if content.elsewhere:
        await repository.add_entities(connection, snapshot, content.elsewhere, now())
    details = [one for name in DETAILS.values() for one in snapshot.body.get(name, ())]
    snapshot.status = status_of(details)
