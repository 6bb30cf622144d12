"""Batches here and at other sources (ETSI GS CIM 009, clauses 5.6.7 to 5.6.10 and 5.6.20): one request a source."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import JSON, LD_JSON
from vidik.context.registrations.forwarding import hearsay
from vidik.context.registrations.forwarding.requests import LOOP_DETECTED, Answer, Errand
from vidik.context.registrations.forwarding.sharing import Handler, Sharing
from vidik.context.registrations.sources.matching import Asked, covers
from vidik.context.registrations.sources.model import Information, Json, Registration
from vidik.context.registrations.temporal.past_merging import renamed
from vidik.context.registrations.writing.writes import HEAD, conflict_of, problem_of, replaced
from vidik.kernel.errors import VidikError

MAXIMUM_BATCH: Final = 10_000


@dataclass(slots=True)
class _Bundle:
    """What one source is sent of a batch."""

    registration: Registration
    items: list[tuple[Any, ActiveContext]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Outcome:
    """What became of the entities of a batch, whoever changed them."""

    success: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)


async def batch(sharing: Sharing, handler: Handler, operation: str) -> Response:
    """A batch, each entity of it changed by everybody whom it concerns."""
    call = sharing.call
    content, kind = await exchange.read_json(call.request, (JSON, LD_JSON))
    call.link = exchange.link_context(call.request)
    if not isinstance(content, list) or not 0 < len(content) <= MAXIMUM_BATCH:
        return await handler(replaced(call, content))
    bundles: dict[int, _Bundle] = {}
    outcome = _Outcome()
    here: list[Any] = []
    for item in content:
        if await _distribute(sharing, operation, item, kind, bundles, outcome):
            here.append(item if isinstance(item, str) else _kept(item))
    if not bundles and not outcome.errors:
        return await handler(replaced(call, content))
    tasks = [_sent(sharing, bundle) for bundle in bundles.values()]
    local, answers = await asyncio.gather(_performed(sharing, handler, here), asyncio.gather(*tasks))
    for bundle, answer in zip(bundles.values(), answers, strict=True):
        _take_in(outcome, bundle, answer)
    return _answer(outcome, local, operation)


_TAKEN: Final = "\x00taken"


def _kept(item: Any) -> Any:
    """An entity without what others hold alone of it."""
    if not isinstance(item, dict):
        return item
    taken = item.pop(_TAKEN, ())
    return {name: value for name, value in item.items() if name not in taken}


async def _distribute(
    sharing: Sharing, operation: str, item: Any, kind: str, bundles: dict[int, _Bundle], outcome: _Outcome
) -> bool:
    """Put one entity into the bundles of those whom it concerns; whether it concerns us too."""
    try:
        entity_id, types, names, context = await _read(sharing, item, kind)
    except VidikError:
        return True  # what is wrong with it is said here, and it goes nowhere else
    taken: set[str] = set()
    is_elsewhere = False
    asked = Asked(types, frozenset((entity_id,)), None, frozenset(names) if names else None)
    for registration, part in sharing.concerned(asked):
        if registration.mode == "auxiliary" or not covers(part, entity_id, types):
            continue
        its = [name for iri, name in names.items() if part.attributes is None or iri in part.attributes]
        if names and not its and part.attributes is not None:
            continue
        if registration.holds_alone:
            taken.update(its)
            is_elsewhere = is_elsewhere or part.attributes is None
        if operation in registration.operations:
            bundle = bundles.setdefault(registration.key, _Bundle(registration))
            bundle.items.append((_share(item, its, part), context))
            bundle.ids.append(entity_id)
        elif registration.holds_alone:
            problem = conflict_of(registration, operation)
            outcome.errors.append({"entityId": entity_id, "registrationId": registration.id, "error": problem})
    if is_elsewhere or (taken and taken >= set(names.values())):
        return False
    if taken and isinstance(item, dict):
        item[_TAKEN] = taken
    return True


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


def _share(item: Any, names: list[str], part: Information) -> Any:
    """What a source is sent of one entity."""
    if isinstance(item, str):
        return item
    return {name: value for name, value in item.items() if name in HEAD or part.attributes is None or name in names}


async def _sent(sharing: Sharing, bundle: _Bundle) -> Answer:
    call = sharing.call
    asked = {} if (text := call.parameters.get("options")) is None else {"options": text}
    if bundle.registration.is_local_only:
        asked["local"] = "true"
    path = "/".join(call.segments)
    try:
        items, kind, link = await _written(sharing, bundle)
    except VidikError as error:  # its jsonldContext cannot be had
        return Answer(0, problem=error.detail)
    return await sharing.send(Errand(bundle.registration, "POST", path, asked, items, link, kind))


async def _written(sharing: Sharing, bundle: _Bundle) -> tuple[list[Any], str, str | None]:
    """What a source is sent, its media type, and the @context that goes in a header (clauses 4.3.6.6 and 6.3.5).

    An @context that all have, and that has an address, is said once; otherwise each entity says its own.
    """
    contexts, info = sharing.call.broker.contexts, bundle.registration.info
    address, wanted = info.get("jsonldContext"), info.get("contentType")
    addresses = {"" if context is contexts.core else _address(context) for _, context in bundle.items}
    is_said_once = len(addresses) == 1 and None not in addresses
    if address is not None or (wanted == JSON and not is_said_once):
        words = await contexts.resolve(address)
        return [_renamed(item, context, words) for item, context in bundle.items], JSON, address
    if isinstance(bundle.items[0][0], str) or (is_said_once and wanted != LD_JSON):
        return [_bare(item) for item, _ in bundle.items], JSON, next(iter(addresses)) or None
    return [{"@context": exchange.context_of_answer(context), **item} for item, context in bundle.items], LD_JSON, None


def _address(context: ActiveContext) -> str | None:
    """The address of an @context, be it in a list of one; None where it has none."""
    source = context.source
    if isinstance(source, list) and len(source) == 1:
        source = source[0]
    return source if isinstance(source, str) else None


def _renamed(item: Any, context: ActiveContext, words: ActiveContext) -> Any:
    return renamed(item, lambda name: words.compact(context.expand(name))) if isinstance(item, dict) else item


def _bare(item: Any) -> Any:
    return {name: value for name, value in item.items() if name != "@context"} if isinstance(item, dict) else item


async def _performed(sharing: Sharing, handler: Handler, items: list[Any]) -> Response | None:
    return await handler(replaced(sharing.call, items)) if items else None


def _take_in(outcome: _Outcome, bundle: _Bundle, answer: Answer) -> None:
    if answer.is_success and answer.status != 207:
        outcome.success += bundle.ids
        outcome.created += bundle.ids if answer.status == 201 else []
        return
    if answer.status == LOOP_DETECTED:
        return
    mark = {"registrationId": bundle.registration.id}
    if answer.status == 207 and isinstance(answer.content, dict):
        done, errors = answer.content.get("success"), answer.content.get("errors")
        outcome.success += [one for one in bundle.ids if isinstance(done, list) and one in done]
        told = errors if isinstance(errors, list) else []
        outcome.errors += [_error(bundle, one) for one in told if isinstance(one, dict)]
        return
    problem = problem_of(answer, bundle.registration)
    outcome.errors += [{"entityId": one, **mark, "error": problem} for one in bundle.ids]


def _error(bundle: _Bundle, given: Json) -> Json:
    """What a source says that went wrong with an entity."""
    told = given.get("error")
    status = told.get("status") if isinstance(told, dict) else None
    return {
        "entityId": hearsay.plain(str(given.get("entityId", "*")), bundle.registration),
        "registrationId": bundle.registration.id,
        "error": hearsay.problem(
            told if isinstance(told, dict) else {}, status if isinstance(status, int) else 502, bundle.registration
        ),
    }


def _answer(outcome: _Outcome, local: Response | None, operation: str) -> Response:
    if local is not None and local.status_code == 207:
        told = orjson.loads(local.body)
        outcome.success += told["success"]
        outcome.errors += told["errors"]
    elif local is not None and local.status_code == 201:
        outcome.created += orjson.loads(local.body)
    if outcome.errors:
        failed = {one.get("entityId") for one in outcome.errors}
        done = [one for one in dict.fromkeys([*outcome.success, *outcome.created]) if one not in failed]
        body = {"success": done, "errors": outcome.errors}
        return Response(orjson.dumps(body), status_code=207, media_type=JSON)
    if outcome.created and operation in ("createBatch", "upsertBatch"):
        created = list(dict.fromkeys(outcome.created))
        return Response(orjson.dumps(created), status_code=201, media_type=JSON)
    return Response(status_code=204)
