"""Filling a snapshot with what its queries find (ETSI GS CIM 009, clause 5.16.1.4), after its client has the answer.

What is found here is first only named, then copied by one statement a kind of query, so that everything that is here
is of one moment. Sources are asked once, and what they have is put in as they answered. A snapshot that nobody fills
any more (its process was killed) is given up when its time for that is over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

import orjson

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems
from vidik.context.ngsild.broker import Call, Mapped
from vidik.context.ngsild.http.exchange import JSON, Parameters
from vidik.context.ngsild.query import entity_maps, parameters
from vidik.context.ngsild.query.entity_maps import HERE, MAXIMUM_ENTITIES, Everything
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.temporal import api as temporal_api
from vidik.context.ngsild.temporal.query import TemporalQuery, parse_temporal
from vidik.context.registrations.distribution import answer_query, is_shared
from vidik.context.registrations.reading.merging import read_entity
from vidik.context.snapshots import repository
from vidik.context.snapshots.model import DETAILS, QUERIES, Json, Snapshot, status_of
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import get_logger

_AT_ONCE: Final = 500
_LONGEST: Final = timedelta(seconds=120)
"""So long a snapshot may be filled."""
_GIVEN_UP: Final = _LONGEST + timedelta(seconds=30)
_NOT_FILLED: Final[Json] = {
    "resultStatus": "failure",
    "problemDetails": {
        "type": problems.ERRORS + "InternalError",
        "title": "The snapshot was not filled",
        "detail": "Filling it was interrupted, or took too long. Create it again, or narrow its queries.",
    },
}
_log = get_logger("vidik.snapshots")
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
    past: list[tuple[list[str], TemporalQuery]] = field(default_factory=list)


async def run(call: Call, snapshot: Snapshot, context: ActiveContext) -> Snapshot | None:
    """Fill a snapshot that is kept as preparing; as it is now, or None where somebody has deleted it meanwhile."""
    found: Json = {name: snapshot.body[name] for name in QUERIES if name in snapshot.body}
    try:
        async with asyncio.timeout(_LONGEST.total_seconds()):
            content = await collect(call, found, context)
            async with call.broker.services.database.transaction(call.tenant) as connection:
                kept = await _preparing(connection, snapshot)
                if kept is not None:
                    kept.body |= found
                    await fill(connection, kept, content)
                    await repository.update(connection, kept)
                return kept
    except Exception as error:
        _log.exception("a snapshot was not filled", snapshot=snapshot.id, reason=type(error).__name__)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        kept = await _preparing(connection, snapshot)
        if kept is not None:
            await _give_up(connection, kept)
        return kept


async def give_up(connection: Connection) -> list[Snapshot]:
    """Say of snapshots that nobody fills any more that they have failed; which they are."""
    over = now() - _GIVEN_UP
    lost = [one for one in await repository.every(connection) if one.status == "preparing" and one.created_at < over]
    kept = [one for each in lost if (one := await _preparing(connection, each)) is not None]
    for one in kept:
        await _give_up(connection, one)
    return kept


async def _preparing(connection: Connection, snapshot: Snapshot) -> Snapshot | None:
    """A snapshot as it is kept, locked, if it is to be filled still."""
    kept = await repository.get(connection, snapshot.id, for_update=True)
    return kept if kept is not None and (kept.place, kept.status) == (snapshot.place, "preparing") else None


async def _give_up(connection: Connection, snapshot: Snapshot) -> None:
    for queries, details in DETAILS.items():
        if queries in snapshot.body:
            snapshot.body[details] = [_NOT_FILLED] * len(snapshot.body[queries])
    snapshot.status = "failure"
    await repository.update(connection, snapshot)


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
    if not await is_shared(call, asked):
        found = await entity_maps.everything(call, asked, context, partial(answer_query, call))
        content.here += found.ids
        return found
    found = Everything([], {}, [])
    more = True
    with call.over(Mapped(None)) as mapped:
        while more:
            page = {"limit": str(_AT_ONCE), "offset": str(len(found.ids)), "options": "sysAttrs"}
            response = await answer_query(call, Parameters.of(page).joined(asked), JSON, context)
            if warning := response.headers.get("NGSILD-Warning"):
                found.warnings.append(warning)
            for one in orjson.loads(response.body):
                found.ids.append(one["id"])
                if mapped.holders.get(one["id"], [HERE]) == [HERE]:
                    content.here.append(one["id"])
                else:
                    content.elsewhere.append(read_entity(one, context))
            more = 'rel="next"' in response.headers.get("Link", "")
            if len(found.ids) > MAXIMUM_ENTITIES:
                raise problems.too_many(f"The query finds more than {MAXIMUM_ENTITIES} entities; narrow it.")
    return found


async def _find_past(call: Call, query: Json, context: ActiveContext, content: Content) -> Everything:
    given = parameters.of_temporal_query(query)
    times = {name: text for name in ("timerel", "timeAt", "endTimeAt", "timeproperty") if (text := given.get(name))}
    asked = Parameters.of(times).joined(_selected(given))
    # By the times of the server what is late belongs to the range too, so that all of the past is copied.
    wanted = parse_temporal(asked, ())
    found = await entity_maps.everything(call, asked, context, partial(temporal_api.answer_query, call))
    content.past.append((found.ids, wanted))
    return found


def _selected(given: Parameters) -> Parameters:
    """What of a query says which entities it means: a snapshot holds them whole."""
    return Parameters.of({name: text for name in _SELECTING if (text := given.get(name)) is not None})


async def fill(connection: Connection, snapshot: Snapshot, content: Content) -> None:
    """Put what was found into a snapshot, and say how it is."""
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
