"""Discovery of types and attributes here and at other sources (ETSI GS CIM 009, clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, answer
from vidik.context.registrations.forwarding.requests import Answer, Errand
from vidik.context.registrations.forwarding.sharing import Handler, Sharing, Words
from vidik.context.registrations.sources.matching import Asked
from vidik.context.registrations.sources.model import Information, Json, Registration
from vidik.kernel.errors import NotFound

_NAMES: Final = ("typeList", "attributeList", "attributeNames", "typeNames")
_NAME: Final = ("typeName", "attributeName")


@dataclass(frozen=True, slots=True)
class Discovery:
    """One of the six operations: what registrations call it, with details too, and what its path names."""

    operation: str
    details: str
    member: str
    """Of what a list has the names: `type` or `attribute`."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What a request asks: everything, or one type or attribute (expanded); with details or without."""

    what: Discovery
    wanted: str | None
    is_detailed: bool


async def discover(sharing: Sharing, handler: Handler, what: Discovery) -> Response:
    """What is known here and at every source that can be asked; a thing that several have is shown once.

    Counts are added up: an entity that lies in two places counts twice.
    """
    call = sharing.call
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    wanted = context.expand(values.name(call.segments[1], what.member)) if len(call.segments) == 2 else None
    question = _Question(what, wanted, wanted is None and call.parameters.flag("details"))
    shares = _shares(sharing, question)
    if not shares:
        return await handler(call)
    local, *found = await asyncio.gather(
        _local(handler, sharing, context),
        *(_asked(sharing, registration, parts, question, context) for registration, parts in shares),
    )
    present = [one for one in (local.body, *found) if one is not None]
    if not present:
        raise local.absent or NotFound("There is nothing of this name.")
    whole = present[0]
    for other in present[1:]:
        whole = united(whole, other)
    return answer(renamed(whole, context.compact), kind, context, headers=sharing.headers())


def _shares(sharing: Sharing, question: _Question) -> list[tuple[Registration, list[Information]]]:
    """Who is asked, each with the parts of its information that the question is about."""
    what, names = question.what, None if question.wanted is None else frozenset((question.wanted,))
    operation = what.details if question.is_detailed else what.operation
    asked = Asked(types=names) if what.member == "type" else Asked(attributes=names)
    found: dict[int, tuple[Registration, list[Information]]] = {}
    for registration, part in sharing.concerned(asked):
        if operation in registration.operations:
            found.setdefault(registration.key, (registration, []))[1].append(part)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Local:
    body: Any
    absent: NotFound | None = None


async def _local(handler: Handler, sharing: Sharing, context: ActiveContext) -> _Local:
    """What is known here, with every name expanded."""
    try:
        response = await handler(sharing.call)
    except NotFound as error:
        return _Local(None, error)
    return _Local(renamed(orjson.loads(response.body), context.expand))


async def _asked(
    sharing: Sharing,
    registration: Registration,
    parts: list[Information],
    question: _Question,
    context: ActiveContext,
) -> Any:
    """What a source says, with every name expanded and no more than it is registered for; None is nothing."""
    words = await sharing.words_or_warn(registration, context)
    if words is None:
        return None
    asked = {"details": "true"} if question.is_detailed else {}
    asked |= {"local": "true"} if registration.is_local_only else {}
    path = _path(sharing, question.wanted, words)
    told = await sharing.send(Errand(registration, "GET", path, asked, link=words.link))
    if told.status == 404:
        return None
    if not told.is_success:
        sharing.warn(registration, told)
        return None
    try:
        if isinstance(told.content, list) != question.is_detailed:
            raise TypeError("a list is asked for with details, and only then")
        found = renamed(told.content, words.context.expand)
        return _limited(found, _held(parts, question.what.member)) if question.wanted is None else found
    except (TypeError, AttributeError, KeyError, ValueError):
        sharing.warn(registration, Answer(0, problem="the answer cannot be read"))
        return None


def _path(sharing: Sharing, wanted: str | None, words: Words) -> str:
    head = sharing.call.segments[0]
    return head if wanted is None else f"{head}/{quote(words.context.compact(wanted), safe=':')}"


def _held(parts: list[Information], member: str) -> frozenset[str] | None:
    """The types or attributes that a source is registered for; None is any."""
    found: set[str] = set()
    for part in parts:
        if member == "type":
            if not part.entities:
                return None
            found.update(*(one.types for one in part.entities))
        elif part.attributes is None:
            return None
        else:
            found |= part.attributes
    return frozenset(found)


def _limited(body: Any, held: frozenset[str] | None) -> Any:
    if held is None:
        return body
    if isinstance(body, list):
        return [one for one in body if one["id"] in held]
    return {
        name: [one for one in value if one in held] if name in ("typeList", "attributeList") else value
        for name, value in body.items()
    }


def renamed(body: Any, word: Callable[[str], str]) -> Any:
    """A body of discovery with its names in other words, without @context."""
    if isinstance(body, list):
        return [renamed(one, word) for one in body]
    shown: Json = {}
    for name, value in body.items():
        if name in _NAMES:
            shown[name] = [word(one) for one in value]
        elif name in _NAME:
            shown[name] = word(value)
        elif name == "attributeDetails":
            shown[name] = renamed(value, word)
        elif name != "@context":
            shown[name] = value
    return shown


def united(one: Any, other: Any) -> Any:
    """Two bodies of discovery as one: lists without repetition, things by their ids, counts added up."""
    if isinstance(one, list) and isinstance(other, list):
        return _united_lists(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        whole: Json = dict(one)
        for name, value in other.items():
            whole[name] = united(whole[name], value) if name in whole else value
        return whole
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return one


def _united_lists(one: list[Any], other: list[Any]) -> list[Any]:
    things = {each["id"] if isinstance(each, dict) else each: each for each in one}
    for each in other:
        key = each["id"] if isinstance(each, dict) else each
        things[key] = united(things[key], each) if key in things else each
    return list(things.values())
