"""Batches here and at other sources (ETSI GS CIM 009, clauses 5.6.7 to 5.6.10 and 5.6.20): each entity is parted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.entities import batch_api
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import JSON, LD_JSON
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.representation.validation import CREATE, MERGE, UPDATE, Rules
from vidik.context.registrations.forwarding.sharing import Handler, Sharing
from vidik.context.registrations.sources.matching import Asked, covers
from vidik.context.registrations.sources.model import Json
from vidik.context.registrations.writing.bundles import Bundle, Item, Outcome, sent, takes
from vidik.context.registrations.writing.parting import parted
from vidik.context.registrations.writing.writes import HEAD, conflict_of, replaced
from vidik.kernel.errors import VidikError

MAXIMUM_BATCH: Final = 10_000
_RULES: Final = {"createBatch": CREATE, "upsertBatch": CREATE, "updateBatch": UPDATE, "mergeBatch": MERGE}
_FRAGMENTS: Final = ("updateBatch", "mergeBatch")


async def batch(sharing: Sharing, handler: Handler, operation: str) -> Response:
    """A batch, each entity of it changed by everybody whom it concerns."""
    call = sharing.call
    options = batch_api.options_of(call, operation)
    content, kind = await exchange.read_json(call.request, (JSON, LD_JSON))
    call.link = exchange.link_context(call.request)
    if not isinstance(content, list) or not 0 < len(content) <= MAXIMUM_BATCH:
        return await handler(replaced(call, content))
    bundles: dict[int, Bundle] = {}
    outcome = Outcome()
    here: list[Any] = []
    for item in content:
        kept = await _distributed(sharing, operation, options, item, kind, bundles, outcome)
        if kept is not None:
            here.append(kept)
    if not bundles and not outcome.errors:
        return await handler(replaced(call, content))
    told = asyncio.gather(*(sent(sharing, bundle, operation, options) for bundle in bundles.values()))
    local, others = await asyncio.gather(_performed(sharing, handler, here, outcome), told)
    for other in others:
        outcome.success += other.success
        outcome.created += other.created
        outcome.errors += other.errors
    return _answer(outcome, local, here, operation)


async def _distributed(
    sharing: Sharing,
    operation: str,
    options: Sequence[str],
    item: Any,
    kind: str,
    bundles: dict[int, Bundle],
    outcome: Outcome,
) -> Any:
    """Put one entity into the bundles of those whom it concerns; what of it concerns us, None for nothing."""
    try:
        entity_id, types, names, context = await _read(sharing, item, kind)
        if isinstance(item, dict):
            rules: Rules = UPDATE if operation == "upsertBatch" and "update" in options else _RULES[operation]
            validation.parse_entity(item, context, rules, whole=operation not in _FRAGMENTS)
    except (VidikError, KeyError):
        return item  # what is wrong with it is said here, and it goes nowhere else
    asked = Asked(types, frozenset((entity_id,)), None, frozenset(names) if names else None)
    concerned = (
        (registration, part)
        for registration, part in sharing.concerned(asked)
        if registration.mode != "auxiliary" and covers(part, entity_id, types)
    )
    parting = parted(concerned, names, bare=isinstance(item, str))
    for lot in parting.lots:
        if takes(lot.registration, operation, options):
            bundle = bundles.setdefault(lot.registration.key, Bundle(lot.registration))
            bundle.items.append(Item(entity_id, _share(item, lot.names), context))
        elif lot.registration.holds_alone:
            problem = conflict_of(lot.registration, operation)
            outcome.errors.append({"entityId": entity_id, "registrationId": lot.registration.id, "error": problem})
    if parting.is_elsewhere or (parting.taken and parting.taken >= set(names.values())):
        return None
    if isinstance(item, str):
        return item
    return {name: value for name, value in item.items() if name not in parting.taken}


async def _read(
    sharing: Sharing, item: Any, kind: str
) -> tuple[str, frozenset[str] | None, dict[str, str], ActiveContext]:
    """An entity's id, types, attributes (by expanded name) and @context; of an id alone what is known here."""
    call = sharing.call
    if isinstance(item, str):
        entity_id = values.uri(item, "id")
        present = await call.broker.reader.get(call.tenant, entity_id)
        return entity_id, None if present is None else frozenset(present.types), {}, call.broker.contexts.core
    inside = item if isinstance(item, dict) else {}
    entity_id = values.uri(inside.get("id", inside.get("@id")), "id")
    context = await call.broker.contexts.resolve(exchange.body_context(inside, kind, call.link))
    kinds = inside.get("type", inside.get("@type"))
    if kinds is None:
        present = await call.broker.reader.get(call.tenant, entity_id)
        types = None if present is None else frozenset(present.types)
    else:
        listed = kinds if isinstance(kinds, list) else [kinds]
        types = frozenset(context.expand(values.name(one, "type")) for one in listed)
    names = {context.expand(one): one for one in inside if one not in HEAD}
    return entity_id, types, names, context


def _share(item: Json | str, names: Sequence[str]) -> Json | str:
    """What a source is sent of one entity."""
    if isinstance(item, str):
        return item
    return {name: value for name, value in item.items() if name in HEAD or name in names}


async def _performed(sharing: Sharing, handler: Handler, items: list[Any], outcome: Outcome) -> Response | None:
    """Do what of a batch is ours; what is wrong with all of it is said of each, for others have done their part."""
    if not items:
        return None
    try:
        return await handler(replaced(sharing.call, items))
    except VidikError as error:
        outcome.errors += [{"entityId": one, "error": error.problem()} for one in _ids(items)]
        return None


def _ids(items: Sequence[Any]) -> list[str]:
    return [str(one.get("id", one.get("@id", ""))) if isinstance(one, dict) else str(one)[:200] for one in items]


def _answer(outcome: Outcome, local: Response | None, here: Sequence[Any], operation: str) -> Response:
    if local is not None and local.status_code == 207:
        told = orjson.loads(local.body)
        outcome.success += told["success"]
        outcome.errors += told["errors"]
    elif local is not None:
        outcome.success += _ids(here)
        outcome.created += orjson.loads(local.body) if local.status_code == 201 else []
    if outcome.errors:
        failed = {one.get("entityId") for one in outcome.errors}
        done = [one for one in dict.fromkeys([*outcome.success, *outcome.created]) if one not in failed]
        body = {"success": done, "errors": outcome.errors}
        return Response(orjson.dumps(body), status_code=207, media_type=JSON)
    if outcome.created and operation in ("createBatch", "upsertBatch"):
        created = list(dict.fromkeys(outcome.created))
        return Response(orjson.dumps(created), status_code=201, media_type=JSON)
    return Response(status_code=204)
