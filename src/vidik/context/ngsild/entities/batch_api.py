"""Batch operations over HTTP (ETSI GS CIM 009, clauses 6.14 to 6.17, 6.23 and 6.31). One batch, one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.entities import writing
from vidik.context.ngsild.entities.alike import Alike, sort_out
from vidik.context.ngsild.entities.api import answer_query
from vidik.context.ngsild.entities.writing import BatchOutcome
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import GEO_JSON, JSON, LD_JSON, Parameters
from vidik.context.ngsild.query import parameters
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.representation.validation import CREATE, MERGE, UPDATE, EntityInput, Rules
from vidik.context.store import entities
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, VidikError

MAXIMUM_BATCH: Final = 10_000
_OPTIONS: Final[Mapping[str, Sequence[str]]] = {
    "upsertBatch": ("replace", "update"),
    "updateBatch": ("noOverwrite", "replace"),
}


async def batch_create(call: Call) -> Response:
    """POST /entityOperations/create."""
    alike, batch, refused = await _crowd_and_others(call, CREATE)
    ids = writing.ids_of(batch, alike)
    outcome = await _created(call, "create", ids, lambda one: writing.batch_create(one, batch, alike))
    return _finish(call, outcome, refused, created_status=201)


async def batch_upsert(call: Call) -> Response:
    """POST /entityOperations/upsert."""
    words = options_of(call, "upsertBatch")
    alike, batch, refused = await _crowd_and_others(call, UPDATE if "update" in words else CREATE)
    mode: Literal["replace", "update"] = "update" if "update" in words else "replace"
    ids = writing.ids_of(batch, alike)
    outcome = await _created(call, "upsert", ids, lambda one: writing.batch_upsert(one, batch, alike, mode=mode))
    return _finish(call, outcome, refused, created_status=201)


async def _created(
    call: Call, operation: str, ids: Sequence[str], write: Callable[[Connection], Awaitable[BatchOutcome]]
) -> BatchOutcome:
    """Write a batch that creates entities; once more where expired ones stood in its way."""
    try:
        return await _written(call, operation, write)
    except Conflict:
        async with call.broker.services.database.transaction(call.tenant) as connection:
            if not await entities.make_way(connection, ids):
                raise
        return await _written(call, operation, write)


async def _written(call: Call, operation: str, write: Callable[[Connection], Awaitable[BatchOutcome]]) -> BatchOutcome:
    async with call.broker.services.database.transaction(call.tenant) as connection:
        outcome = await write(connection)
        await call.note_write(connection, operation, [*outcome.created, *outcome.updated])
    return outcome


async def batch_update(call: Call) -> Response:
    """POST /entityOperations/update."""
    words = options_of(call, "updateBatch")
    alike, batch, refused = await _crowd_and_others(call, UPDATE, whole=False)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        outcome = await writing.batch_update(connection, batch, alike, overwrite="noOverwrite" not in words)
        await call.note_write(connection, "update", [*outcome.created, *outcome.updated])
    return _finish(call, outcome, refused)


async def batch_merge(call: Call) -> Response:
    """POST /entityOperations/merge."""
    alike, batch, refused = await _crowd_and_others(call, MERGE, whole=False)
    async with call.broker.services.database.transaction(call.tenant) as connection:
        outcome = await writing.batch_merge(connection, batch, alike)
        await call.note_write(connection, "merge", [*outcome.created, *outcome.updated])
    return _finish(call, outcome, refused)


async def batch_delete(call: Call) -> Response:
    """POST /entityOperations/delete."""
    content, _kind = await exchange.read_json(call.request, (JSON, LD_JSON))
    _check_list(content)
    ids: list[str] = []
    refused: list[tuple[str, VidikError]] = []
    for one in content:
        try:
            ids.append(values.uri(one, "id"))
        except VidikError as error:
            refused.append((str(one)[:200], error))
    async with call.broker.services.database.transaction(call.tenant) as connection:
        outcome = await writing.batch_delete(connection, ids)
        await call.note_write(connection, "delete", [*outcome.created, *outcome.updated])
    return _finish(call, outcome, refused)


async def batch_query(call: Call) -> Response:
    """POST /entityOperations/query."""
    kind = call.accept(JSON, LD_JSON, GEO_JSON)
    body, context = await call.body()
    if not isinstance(body, dict):
        raise problems.bad_data("A query is a JSON object.")
    asked: Parameters = call.parameters.joined(parameters.of_query(body))
    return await answer_query(call, asked, kind, context)


def options_of(call: Call, operation: str) -> list[str]:
    """The options of a batch, by the name that registrations have for it; raises BadInput for others than it knows."""
    words = call.parameters.names("options") or []
    known = _OPTIONS.get(operation)
    if known is not None and not set(words) <= set(known):
        raise problems.bad_data(f"options is one of {', '.join(known)}.", "options")
    return words


def _check_list(content: Any) -> None:
    if not isinstance(content, list) or not content:
        raise problems.bad_data("A batch is a JSON array with at least one item.")
    if None in content:
        raise problems.bad_data("JSON null is no item of a batch.")
    if len(content) > MAXIMUM_BATCH:
        raise problems.bad_data(f"A batch has at most {MAXIMUM_BATCH} items.")


async def _crowd_and_others(
    call: Call, rules: Rules, *, whole: bool = True
) -> tuple[list[Alike], list[EntityInput], list[tuple[str, VidikError]]]:
    """The entities of the body that are alike, the others that can be read, and what is wrong with the rest."""
    content, kind = await _read_list(call)
    linked = call.broker.contexts.remembered(call.link) if kind == JSON else None
    alike: list[Alike] = []
    if linked is not None:
        alike, content = sort_out(content, linked, rules)
    return alike, *await _one_by_one(call, content, kind, rules, whole=whole)


async def _read_list(call: Call) -> tuple[list[Any], str]:
    content, kind = await exchange.read_json(call.request, (JSON, LD_JSON))
    _check_list(content)
    call.link = exchange.link_context(call.request)
    if kind == LD_JSON and call.link is not None:
        raise problems.bad_data(f"With {LD_JSON} the @context is in the body, not in a Link header.", "Link")
    return content, kind


async def _one_by_one(
    call: Call, content: list[Any], kind: str, rules: Rules, *, whole: bool
) -> tuple[list[EntityInput], list[tuple[str, VidikError]]]:
    batch: list[EntityInput] = []
    refused: list[tuple[str, VidikError]] = []
    linked = call.broker.contexts.remembered(call.link) if kind == JSON else None
    for item in content:
        try:
            if linked is not None and type(item) is dict and "@context" not in item:
                context = linked  # as nearly always; a coroutine an entity would be a tenth of reading it
            else:
                context = await _context_of(call, item, kind)
            entity = validation.parse_entity(item, context, rules, whole=whole)
            if entity.id is None:
                raise problems.bad_data("An entity has an id.", "id")
            batch.append(entity)
        except VidikError as error:
            refused.append((_id_of(item), error))
    return batch, refused


async def _context_of(call: Call, item: Any, kind: str) -> ActiveContext:
    if not isinstance(item, dict):
        raise problems.bad_data("An entity is a JSON object.")
    local = exchange.body_context(item, kind, call.link)
    known = call.broker.contexts.remembered(local)
    return known if known is not None else await call.broker.contexts.resolve(local)


def _id_of(item: Any) -> str:
    found = item.get("id") if isinstance(item, dict) else None
    return found[:200] if isinstance(found, str) else ""


def _finish(
    call: Call, outcome: BatchOutcome, refused: Sequence[tuple[str, VidikError]], *, created_status: int = 204
) -> Response:
    if outcome.created:
        call.broker.reader.kinds(call.tenant).forget()
    errors = [*refused, *outcome.errors]
    if errors:
        body = {
            "success": [*outcome.created, *outcome.updated],
            "errors": [{"entityId": entity_id, "error": error.problem()} for entity_id, error in errors],
        }
        return Response(orjson.dumps(body), status_code=207, media_type=JSON)
    if outcome.created:
        return Response(orjson.dumps(outcome.created), status_code=created_status, media_type=JSON)
    return Response(status_code=204)
