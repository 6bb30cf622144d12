"""The past here and at other sources (ETSI GS CIM 009, clauses 5.7.3 and 5.7.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, Parameters, answer, page_links
from vidik.context.ngsild.query import entity_maps, parameters
from vidik.context.ngsild.temporal import api as temporal_api
from vidik.context.ngsild.temporal.query import TemporalQuery, parse_temporal
from vidik.context.registrations.forwarding import source_maps
from vidik.context.registrations.forwarding.requests import Answer, Errand
from vidik.context.registrations.forwarding.sharing import Sharing, Words
from vidik.context.registrations.reading.reads import MAXIMUM_DEPTH
from vidik.context.registrations.sources import matching
from vidik.context.registrations.sources.matching import Asked
from vidik.context.registrations.sources.model import Information, Json, Registration
from vidik.context.registrations.temporal.past_merging import (
    HEAD,
    Range,
    checked,
    limited,
    listed,
    renamed,
    shared_range,
    united,
)
from vidik.kernel.errors import NotFound, VidikError

_TIMES: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration")
_SHOWN: Final = ("options", "format", "sysAttrs", "lang", "datasetId")
_NAMED: Final = ("pick", "omit", "q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty")
_FILTERS: Final = frozenset(("q", "georel", "scopeQ"))


_Share = tuple[Registration, Information]
"""A source, and the part of its information that it is asked about."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What one place has: representations of entities in the words of the request."""

    bodies: Sequence[Json]
    ranges: Sequence[Range] = ()
    """What its answers hold, where that is not everything that was asked for."""
    fills: bool = False
    """Whether it has only some attributes: it adds to what is found elsewhere, because it cannot tell what fits."""
    total: int | None = None
    """How many entities it says that it has."""
    more: bool = False
    """Whether there is another page of it."""
    source: Registration | None = None
    """Where it was asked; None is here."""

    def and_then(self, following: _Told) -> _Told:
        """With the page after."""
        return replace(
            following,
            bodies=[*self.bodies, *following.bodies],
            ranges=[*self.ranges, *following.ranges],
            total=self.total if following.total is None else following.total,
        )


async def retrieve(sharing: Sharing) -> Response:
    """GET /temporal/entities/{id}, of all who have something of its past."""
    call = sharing.call
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    entity_id = values.uri(call.segments[2], "id")
    if entity_maps.is_wanted(call, call.parameters):
        return await entity_maps.answer_one(call, entity_id, lambda _call: retrieve(sharing))
    query = parse_temporal(call.parameters, parameters.options(call.parameters))
    names = parameters.expanded(call.parameters.names("attrs"), context, "attrs")
    asked = Asked(None, frozenset((entity_id,)), None, None if names is None else frozenset(names))
    shares = [one for one in _shares(sharing, call.parameters, asked, "retrieveTemporal") if sharing.asks(one[0])]
    if not shares:
        return await temporal_api.retrieve_temporal(call)
    local, found = await asyncio.gather(
        _here(temporal_api.retrieve_temporal(_unconditional(call))),
        asyncio.gather(*(_retrieved(sharing, share, asked, entity_id, context) for share in shares)),
    )
    if isinstance(local, NotFound) and not any(told.bodies for told in found):
        raise local
    if call.mapped is not None:
        held_by = [registration.id for (registration, _), told in zip(shares, found, strict=True) if told.bodies]
        is_here = isinstance(local, _Told)
        call.mapped.holders[entity_id] = list(dict.fromkeys([*([entity_maps.HERE] if is_here else []), *held_by]))
    told = [one for one in (local, *found) if isinstance(one, _Told)]
    held = shared_range([held for one in told for held in one.ranges], query)
    whole = _together(sharing, told, query).get(entity_id, {})
    return _answer(sharing, limited(whole, held, query), kind, context, {}, held)


async def query(sharing: Sharing, asked: Parameters, kind: str, context: ActiveContext) -> Response:
    """A page of a query of the past, of all who have something of it, in the order of ids."""
    call = sharing.call
    if entity_maps.is_wanted(call, asked):
        return await entity_maps.answer(call, asked, kind, context, partial(query, sharing))
    await sharing.narrow(asked, context)
    search, types = parameters.search(asked, context)
    if call.mapped is not None:
        search.ids = call.mapped.narrowed(search.ids)
    names = None if search.attributes is None else frozenset(search.attributes)
    ids = None if search.ids is None else frozenset(search.ids)
    wanted = Asked(matching.leaf_types(types), ids, matching.pattern_of(search.id_pattern), names)
    shares = [one for one in _shares(sharing, asked, wanted, "queryTemporal") if sharing.asks(one[0])]
    if not shares:
        return await temporal_api.answer_query(call, asked, kind, context)
    if asked.get("orderBy") is not None:
        raise problems.bad_data("What several sources have has no order; ask with local=true.", "orderBy")
    past = parse_temporal(asked, parameters.options(asked))
    counts, limit, offset = parameters.page(asked)
    if offset + limit >= MAXIMUM_DEPTH:
        raise problems.too_complex(f"A query of several sources' past shows the first {MAXIMUM_DEPTH}; narrow it.")
    pages = _pages(offset + limit + 1)
    told = await asyncio.gather(
        _every_page(pages, lambda page: _queried_here(call, asked, page, kind, context)),
        *(_every_page(pages, partial(_queried, sharing, share, asked, wanted, context)) for share in shares),
    )
    held = shared_range([held for one in told for held in one.ranges], past)
    whole = _together(sharing, [one for one in told if not one.fills], past)
    filtered = any(asked.get(name) is not None for name in _FILTERS)
    added = [one for one in told if one.fills]
    if filtered:
        added = [replace(one, bodies=[body for body in one.bodies if body["id"] in whole]) for one in added]
    whole = _together(sharing, [_Told([*whole.values()]), *added], past)
    entities = [limited(whole[one], held, past) for one in sorted(whole)]
    if call.mapped is not None:
        call.mapped.holders |= _holders(whole, told)
    headers = page_links(call.path, asked, kind, limit, offset, len(entities) > offset + limit)
    if counts:
        more = sum(max(0, one.total - len(one.bodies)) for one in told if one.total is not None and not one.fills)
        headers["NGSILD-Results-Count"] = str(len(entities) + more)
    return _answer(sharing, entities[offset : offset + limit], kind, context, headers, held)


def _holders(ids: Iterable[str], told: Sequence[_Told]) -> dict[str, list[str]]:
    """Of each entity who has something of its past, for an entity map."""
    found = [
        (entity_maps.HERE if one.source is None else one.source.id, {body["id"] for body in one.bodies}) for one in told
    ]
    return {one: list(dict.fromkeys(name for name, has in found if one in has)) for one in ids}


_Page = tuple[int, int]
"""How many entities, after how many."""


def _pages(number: int) -> list[_Page]:
    """The pages that the first `number` entities stand on."""
    return [
        (min(parameters.MAXIMUM_LIMIT, number - start), start) for start in range(0, number, parameters.MAXIMUM_LIMIT)
    ]


async def _every_page(pages: Sequence[_Page], ask: Callable[[_Page], Awaitable[_Told]]) -> _Told:
    """What one place has on some pages, as far as it goes."""
    told = await ask(pages[0])
    for page in pages[1:]:
        if not told.more:
            break
        told = told.and_then(await ask(page))
    return told


async def _queried_here(call: Call, asked: Parameters, page: _Page, kind: str, context: ActiveContext) -> _Told:
    selected = Parameters.of({"limit": str(page[0]), "offset": str(page[1])}).joined(asked)
    told = await _here(temporal_api.answer_query(call, selected, kind, context))
    if isinstance(told, NotFound):
        raise told
    return told


def _shares(sharing: Sharing, asked: Parameters, wanted: Asked, operation: str) -> list[_Share]:
    """Who is asked: sources that take the operation and whose interval, where they have one, meets the time."""
    times = matching.parse_times(asked)
    return [
        (registration, part)
        for registration, part in sharing.concerned(wanted)
        if operation in registration.operations
        and (times is None or times.interval not in registration.body or times.meets(registration))
    ]


def _unconditional(call: Call) -> Call:
    """The same call whose answer is never "as you have it": what others have of it may be new."""
    headers = [(name, value) for name, value in call.request.scope["headers"] if name != b"if-none-match"]
    return replace(call, request=Request({**call.request.scope, "headers": headers, "vidik.header_names": None}))


async def _here(response: Awaitable[Response]) -> _Told | NotFound:
    """What is here, as our own handlers answer it."""
    try:
        found = await response
    except NotFound as error:
        return error
    body = orjson.loads(found.body)
    bodies = [{name: value for name, value in one.items() if name != "@context"} for one in listed(body)]
    return _read(found.headers, bodies, is_partial=True)


def _read(headers: Mapping[str, str], bodies: Sequence[Json], *, is_partial: bool, fills: bool = False) -> _Told:
    """What a place has, by what it says beside it."""
    held = Range.of(headers.get("content-range", "")) if is_partial else None
    total = headers.get("ngsild-results-count", "")
    return _Told(
        bodies,
        [] if held is None else [held],
        fills,
        int(total) if total.isdigit() else None,
        'rel="next"' in headers.get("link", ""),
    )


async def _retrieved(sharing: Sharing, share: _Share, wanted: Asked, entity_id: str, context: ActiveContext) -> _Told:
    path = f"temporal/entities/{quote(entity_id, safe=':')}"
    return await _told(sharing, share, sharing.call.parameters, wanted, context, lambda _words: (path, {}))


async def _queried(
    sharing: Sharing,
    share: _Share,
    asked: Parameters,
    wanted: Asked,
    context: ActiveContext,
    page: _Page,
) -> _Told:
    def request(words: Words) -> tuple[str, dict[str, str]]:
        entities = share[1].entities
        types = frozenset[str]().union(*(one.types for one in entities))
        types = types & wanted.types if wanted.types is not None and types else wanted.types or types
        selectors = {"limit": str(page[0]), **({"offset": str(page[1])} if page[1] else {})}
        if asked.flag("count"):
            selectors["count"] = "true"
        if types:
            selectors["type"] = ",".join(sorted(words.context.compact(one) for one in types))
        if wanted.ids is not None:
            selectors["id"] = ",".join(sorted(wanted.ids))
        elif entities and all(one.id is not None for one in entities):
            selectors["id"] = ",".join(sorted(str(one.id) for one in entities))
        elif (pattern := asked.get("idPattern")) is not None:
            selectors["idPattern"] = pattern
        return "temporal/entities", selectors

    return await _told(sharing, share, asked, wanted, context, request)


async def _told(
    sharing: Sharing,
    share: _Share,
    asked: Parameters,
    wanted: Asked,
    context: ActiveContext,
    request: Callable[[Words], tuple[str, dict[str, str]]],
) -> _Told:
    """Ask one source; what is missing or wrong is a warning and nothing more."""
    registration, part = share
    fills = part.attributes is not None
    words = await sharing.words_or_warn(registration, context)
    if words is None:
        return _Told((), fills=fills)
    # A source that has only some attributes cannot say whether the whole entity is wanted.
    named = [name for name in (_NAMED[:2] if fills else _NAMED) if asked.get(name) is not None]
    if words.context is not context and any(not _is_the_same_in_all_words(name, asked) for name in named):
        sharing.warn(registration, Answer(0, problem="the query cannot be said in the words of the source"))
        return _Told((), fills=fills)
    path, parts = request(words)
    parts |= {name: text for name in (*_TIMES, *_SHOWN, *named) if (text := asked.get(name)) is not None}
    names = part.attributes if wanted.attributes is None else wanted.attributes & (part.attributes or wanted.attributes)
    if names is not None:
        parts["attrs"] = ",".join(sorted(words.context.compact(one) for one in names))
    if registration.is_local_only:
        parts["local"] = "true"
    told = await source_maps.send(
        sharing, Errand(registration, "GET", path, parts, link=words.link), source_maps.OF_PAST
    )
    if told.status == 404:
        return _Told((), fills=fills)
    if not told.is_success:
        sharing.warn(registration, told)
        return _Told((), fills=fills)
    try:
        past = parse_temporal(asked, parameters.options(asked))
        found = []
        for each in listed(told.content):
            await asyncio.sleep(0)  # a long past takes milliseconds to read: others are served meanwhile
            one = checked(renamed(each, lambda name: context.compact(words.context.expand(name))), past)
            if _has(part, one["id"]):
                found.append(one)
        return replace(_read(told.headers, found, is_partial=told.status == 206, fills=fills), source=registration)
    except (VidikError, AttributeError, TypeError, ValueError, KeyError, IndexError):
        sharing.warn(registration, Answer(0, problem="the answer cannot be read", is_invalid=True))
        return _Told((), fills=fills)


def _is_the_same_in_all_words(name: str, asked: Parameters) -> bool:
    """Whether a parameter has no names but those of members that every @context knows; a map asks for ids alone."""
    return name in ("pick", "omit") and HEAD.issuperset(asked.names(name) or ())


def _has(part: Information, entity_id: str) -> bool:
    return not part.entities or any(one.has_id(entity_id) for one in part.entities)


def _together(sharing: Sharing, places: Sequence[_Told], query: TemporalQuery) -> dict[str, Json]:
    """The entities that several places have, each once; of what cannot be put together a warning."""
    found: dict[str, Json] = {}
    for told in places:
        left_out: set[str] = set()
        for one in told.bodies:
            present = found.get(one["id"])
            found[one["id"]] = one if present is None else united(present, one, query, left_out)
        if left_out and told.source is not None:
            names = ", ".join(sorted(left_out))
            problem = f"its aggregates of {names} are left out: they are of periods that another place has, too"
            sharing.warn(told.source, Answer(0, problem=problem))
    return found


def _answer(
    sharing: Sharing, body: Any, kind: str, context: ActiveContext, headers: dict[str, str], held: Range | None
) -> Response:
    headers = {**headers, **sharing.headers()}
    if held is None:
        return answer(body, kind, context, headers=headers)
    return answer(body, kind, context, status=206, headers={**headers, "Content-Range": held.header()})
