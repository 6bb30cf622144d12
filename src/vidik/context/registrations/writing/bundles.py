"""What one source is sent of a batch, and what it says to that (ETSI GS CIM 009, clauses 5.6.7 to 5.6.10 and 5.6.20).

A source that takes the batch is sent it in one request; one that only takes the operation on one entity is sent the
entities one after the other, as the clauses say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import JSON, LD_JSON
from vidik.context.registrations.forwarding import hearsay
from vidik.context.registrations.forwarding.requests import LOOP_DETECTED, Answer, Errand
from vidik.context.registrations.forwarding.sharing import Sharing
from vidik.context.registrations.sources.model import Json, Registration
from vidik.context.registrations.temporal.past_merging import renamed
from vidik.context.registrations.writing.writes import problem_of
from vidik.kernel.errors import VidikError

_AT_ONCE: Final = 8
"""Entities that are sent to one source at the same time."""
_CONFLICT: Final = 409
_SINGLE: Final[Mapping[str, tuple[str, ...]]] = {
    "createBatch": ("createEntity",),
    "upsertBatch": ("createEntity", "replaceEntity"),
    "updateBatch": ("updateEntity",),
    "mergeBatch": ("mergeEntity",),
    "deleteBatch": ("deleteEntity",),
}
_OTHERWISE: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("upsertBatch", "update"): ("createEntity", "updateEntity"),
    ("updateBatch", "noOverwrite"): ("appendAttrs",),
}
_REQUESTS: Final[Mapping[str, tuple[str, str]]] = {
    "createEntity": ("POST", ""),
    "replaceEntity": ("PUT", "/{}"),
    "updateEntity": ("PATCH", "/{}/attrs/"),
    "appendAttrs": ("POST", "/{}/attrs/"),
    "mergeEntity": ("PATCH", "/{}"),
    "deleteEntity": ("DELETE", "/{}"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """An entity, or an id alone, as one source is sent it; `context` is what its names are written in."""

    id: str
    body: Json | str
    context: ActiveContext


@dataclass(slots=True)
class Bundle:
    """What one source is sent of a batch."""

    registration: Registration
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What became of the entities of a batch, whoever changed them."""

    success: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)


def singles(operation: str, options: Collection[str]) -> tuple[str, ...]:
    """The operations on one entity that do what a batch does, in the order in which they are tried."""
    return next(
        (_OTHERWISE[operation, word] for word in options if (operation, word) in _OTHERWISE), _SINGLE[operation]
    )


def takes(registration: Registration, operation: str, options: Collection[str]) -> bool:
    """Whether a source takes a batch, be it entity by entity."""
    return not registration.operations.isdisjoint((operation, *singles(operation, options)))


async def sent(sharing: Sharing, bundle: Bundle, operation: str, options: Sequence[str]) -> Outcome:
    """What a source did of a batch."""
    outcome = Outcome()
    if operation in bundle.registration.operations:
        _take_in(outcome, bundle, await _sent_whole(sharing, bundle, options))
        return outcome
    for begin in range(0, len(bundle.items), _AT_ONCE):
        some = bundle.items[begin : begin + _AT_ONCE]
        answers = await asyncio.gather(*(_sent_one(sharing, bundle, one, operation, options) for one in some))
        for item, answer in zip(some, answers, strict=True):
            _take_in(outcome, Bundle(bundle.registration, [item]), answer)
        silent = next((answer for answer in answers if not answer.status), None)
        if silent is not None:  # who does not answer is not asked a thousand times
            _take_in(outcome, Bundle(bundle.registration, bundle.items[begin + _AT_ONCE :]), silent)
            break
    return outcome


async def _sent_whole(sharing: Sharing, bundle: Bundle, options: Sequence[str]) -> Answer:
    asked = {"options": ",".join(options)} if options else {}
    try:
        items, kind, link = await _written(sharing, bundle.registration, bundle.items)
    except VidikError as error:  # its jsonldContext cannot be had
        return Answer(0, problem=error.detail)
    path = "/".join(sharing.call.segments)
    return await sharing.send(
        Errand(bundle.registration, "POST", path, asked | _local(bundle.registration), items, link, kind)
    )


async def _sent_one(sharing: Sharing, bundle: Bundle, item: Item, operation: str, options: Sequence[str]) -> Answer:
    """What a source says to one entity: of an upsert it is asked once more where it has the entity already."""
    known = [one for one in singles(operation, options) if one in bundle.registration.operations]
    answer = await _asked(sharing, bundle.registration, item, known[0])
    if operation != "upsertBatch" or known[0] != "createEntity" or not _is_there(answer):
        return answer
    if len(known) == 1:
        refusal = problems.not_supported("The source has the entity already, and does not take a change of it.")
        return Answer(refusal.status, refusal.problem())
    return await _asked(sharing, bundle.registration, item, known[1])


def _is_there(answer: Answer) -> bool:
    """Whether a source has an entity that it was to create, and whomever it has asked."""
    if answer.status != 207:
        return answer.status == _CONFLICT
    content = answer.content if isinstance(answer.content, dict) else {}
    errors = content.get("errors")
    told = [one.get("error") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    is_all = bool(told) and not content.get("success")
    return is_all and all(isinstance(one, dict) and one.get("status") == _CONFLICT for one in told)


async def _asked(sharing: Sharing, registration: Registration, item: Item, single: str) -> Answer:
    method, place = _REQUESTS[single]
    path = f"entities{place.format(quote(item.id, safe=':'))}"
    asked = _local(registration) | ({"options": "noOverwrite"} if single == "appendAttrs" else {})
    if isinstance(item.body, str):
        return await sharing.send(Errand(registration, method, path, asked))
    try:
        (body,), kind, link = await _written(sharing, registration, [item])
    except VidikError as error:
        return Answer(0, problem=error.detail)
    return await sharing.send(Errand(registration, method, path, asked, body, link, kind))


def _local(registration: Registration) -> dict[str, str]:
    return {"local": "true"} if registration.is_local_only else {}


async def _written(
    sharing: Sharing, registration: Registration, items: Sequence[Item]
) -> tuple[list[Any], str, str | None]:
    """What a source is sent, its media type, and the @context that goes in a header (clauses 4.3.6.6 and 6.3.5).

    An @context that all have, and that has an address, is said once; otherwise each entity says its own.
    """
    contexts, info = sharing.call.broker.contexts, registration.info
    address, wanted = info.get("jsonldContext"), info.get("contentType")
    addresses = {"" if one.context is contexts.core else _address(one.context) for one in items}
    is_said_once = len(addresses) == 1 and None not in addresses
    if address is not None or (wanted == JSON and not is_said_once):
        words = await contexts.resolve(address)
        return [_renamed(one, words) for one in items], JSON, address
    if isinstance(items[0].body, str) or (is_said_once and wanted != LD_JSON):
        return [_bare(one.body) for one in items], JSON, next(iter(addresses)) or None
    return [_with_context(one) for one in items], LD_JSON, None


def _address(context: ActiveContext) -> str | None:
    """The address of an @context, be it in a list of one; None where it has none."""
    source = context.source
    if isinstance(source, list) and len(source) == 1:
        source = source[0]
    return source if isinstance(source, str) else None


def _renamed(item: Item, words: ActiveContext) -> Json | str:
    if isinstance(item.body, str):
        return item.body
    return renamed(item.body, lambda name: words.compact(item.context.expand(name)))


def _bare(body: Json | str) -> Json | str:
    return body if isinstance(body, str) else {name: value for name, value in body.items() if name != "@context"}


def _with_context(item: Item) -> Json | str:
    if isinstance(item.body, str):
        return item.body
    return {"@context": exchange.context_of_answer(item.context), **item.body}


def _take_in(outcome: Outcome, bundle: Bundle, answer: Answer) -> None:
    ids = [one.id for one in bundle.items]
    if answer.is_success and answer.status != 207:
        outcome.success += ids
        outcome.created += ids if answer.status == 201 else []
        return
    if answer.status == LOOP_DETECTED and not bundle.registration.holds_alone:
        return  # it was at that source already, which is doing its part
    mark = {"registrationId": bundle.registration.id}
    errors = answer.content.get("errors") if isinstance(answer.content, dict) else None
    if answer.status == 207 and isinstance(answer.content, dict) and isinstance(errors, list):
        done = answer.content.get("success")
        outcome.success += [one for one in ids if isinstance(done, list) and one in done]
        outcome.errors += [_error(bundle.registration, one) for one in errors if isinstance(one, dict)]
        return
    problem = problem_of(answer, bundle.registration)
    outcome.errors += [{"entityId": one, **mark, "error": problem} for one in ids]


def _error(registration: Registration, given: Json) -> Json:
    """What a source says that went wrong with an entity."""
    told = given.get("error")
    status = told.get("status") if isinstance(told, dict) else None
    return {
        "entityId": hearsay.plain(str(given.get("entityId", "*")), registration),
        "registrationId": registration.id,
        "error": hearsay.problem(
            told if isinstance(told, dict) else {}, status if isinstance(status, int) else 502, registration
        ),
    }
