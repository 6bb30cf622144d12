"""Retrieving and querying entities here and at other sources (ETSI GS CIM 009, clauses 5.7.1 and 5.7.2)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.entities import api as entities_api
from vidik.context.ngsild.http.exchange import GEO_JSON, JSON, LD_JSON, Parameters, answer, page_links
from vidik.context.ngsild.query import entity_maps, parameters, q, selections
from vidik.context.ngsild.repository.conditions import Search
from vidik.context.ngsild.representation import linked
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.representation.showing import shown_entity, shown_page
from vidik.context.registrations.forwarding import hearsay, source_maps
from vidik.context.registrations.forwarding.requests import Answer, Errand
from vidik.context.registrations.forwarding.sharing import Sharing, Words
from vidik.context.registrations.reading.fitting import fitting_of
from vidik.context.registrations.reading.merging import Part, merged, read_entity, without_held
from vidik.context.registrations.sources import matching
from vidik.context.registrations.sources.matching import Asked
from vidik.context.registrations.sources.model import Information, Json, Registration
from vidik.kernel.clock import now
from vidik.kernel.errors import NotFound, VidikError

READABLE: Final = (JSON, LD_JSON, GEO_JSON)
READING: Final = ("retrieveEntity", "queryEntity", "queryBatch")
MAXIMUM_DEPTH: Final = 10_000
"""As many entities of a source are looked through for one page; beyond it a page is refused."""
_AT_ONCE: Final = 10
"""Entities of an answer that are read before others are served; a large one takes most of a millisecond."""
_BESIDE: Final[tuple[str, ...]] = ("limit", "offset", "count", "options", "local")
_FILTERS: Final = ("q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty")


class PartlyNotFound(NotFound):
    """Nobody who answered has it; `warnings` say who did not answer."""

    def __init__(self, detail: str, warnings: Mapping[str, str]) -> None:
        super().__init__(detail, type_uri=problems.ERRORS + "ResourceNotFound")
        self._warnings = dict(warnings)

    def headers(self) -> dict[str, str]:
        return self._warnings


@dataclass(frozen=True, slots=True)
class Share:
    """One source's part of a question."""

    registration: Registration
    information: Information
    attributes: frozenset[str] | None
    """What it is asked for; None is everything."""


def shares_of(sharing: Sharing, asked: Asked, *operations: str) -> list[Share]:
    """Who is asked: registrations that a question concerns and that support one of the operations."""
    return [
        Share(registration, part, _both(part.attributes, asked.attributes))
        for registration, part in sharing.concerned(asked)
        if not registration.operations.isdisjoint(operations)
    ]


def _holders(sharing: Sharing, asked: Asked) -> list[tuple[Registration, Information]]:
    """Who holds alone something of what a question is about, and can be asked for it."""
    return [
        (registration, part)
        for registration, part in sharing.concerned(asked)
        if registration.holds_alone and not registration.operations.isdisjoint(READING)
    ]


def _ours(entity: Stored | None, holders: Sequence[tuple[Registration, Information]]) -> Stored | None:
    """What is here of an entity, whether its holders answer or not: what they hold alone is nowhere else."""
    if entity is None or not holders:
        return entity
    held = [part.attributes for _, part in holders if matching.covers(part, entity.id, entity.types)]
    return without_held(entity, held) if held else entity


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other


async def retrieve(sharing: Sharing) -> Response:
    """GET /entities/{id}, of all who have something of it."""
    call = sharing.call
    kind = call.accept(*READABLE)
    context = await call.reading_context()
    parameters.check_kind(call.parameters, kind)
    view = parameters.view(call.parameters, context)
    entity_id = call.entity_id()
    if entity_maps.is_wanted(call, call.parameters):
        return await entity_maps.answer_one(call, entity_id, lambda _call: retrieve(sharing))
    text = call.parameters.get("type")
    selection = None if text is None else selections.parse_types(text, context)
    asked = Asked(matching.leaf_types(selection), frozenset((entity_id,)), None, view.attributes)
    shares = [one for one in shares_of(sharing, asked, *READING) if sharing.asks(one.registration)]
    if not shares and call.parameters.get("join") is None:
        return await entities_api.retrieve_entity(call)
    local, found = await asyncio.gather(
        call.broker.reader.get(call.tenant, entity_id),
        asyncio.gather(*(_retrieved(sharing, one, entity_id, context) for one in shares)),
    )
    local = _ours(local, _holders(sharing, asked))
    if call.mapped is not None:
        if not call.mapped.asks(entity_maps.HERE):
            local = None
        call.mapped.holders[entity_id] = _who_has(local is not None, zip(shares, found, strict=True))
    entity = merged(local, [part for parts in found for part in parts if part.entity.id == entity_id])
    if entity is None or (selection is not None and not selections.matches_types(selection, entity.types)):
        raise PartlyNotFound(f"There is no entity {entity_id}.", sharing.headers())
    if view.attributes is not None and view.attributes.isdisjoint(entity.document):
        raise PartlyNotFound(f"The entity {entity_id} has none of these attributes.", sharing.headers())
    body = await shown_entity(call, entity, view, kind, context, partial(_linked, sharing, context))
    return answer(body, kind, context, headers=sharing.headers(), prefer=call.prefer)


def _who_has(is_here: bool, found: Iterable[tuple[Share, list[Part]]]) -> list[str]:
    """Who has something of an entity, for an entity map."""
    others = [share.registration.id for share, parts in found if parts]
    return list(dict.fromkeys([*([entity_maps.HERE] if is_here else []), *others]))


async def _retrieved(sharing: Sharing, share: Share, entity_id: str, context: ActiveContext) -> list[Part]:
    """What a source has of one entity, by whichever operation it supports."""
    if "retrieveEntity" not in share.registration.operations:
        return (await _queried(sharing, share, _Question(frozenset((entity_id,))), context))[0]
    words = await sharing.words_or_warn(share.registration, context)
    if words is None:
        return []
    asked = {"options": "sysAttrs", **_attributes(share, words), **_local(share)}
    path = f"entities/{quote(entity_id, safe=':')}"
    told = await sharing.send(Errand(share.registration, "GET", path, asked, link=words.link))
    return await _parts(sharing, share, told, [told.content], words.context)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a source is asked for: ids, a pattern, types as text and filters as they were written."""

    ids: frozenset[str] | None = None
    pattern: str | None = None
    types: frozenset[str] | None = None
    together: str | None = None
    """A type selection that is more than alternatives, as it was written."""
    filters: Mapping[str, str] | None = None
    written_in: ActiveContext | None = None
    number: int = 1
    count: bool = False
    by_post: bool = False


async def _queried(
    sharing: Sharing, share: Share, question: _Question, context: ActiveContext
) -> tuple[list[Part], int]:
    """What a source finds, and how many it says there are."""
    words = await sharing.words_or_warn(share.registration, context)
    if words is None:
        return [], 0
    parts: list[Part] = []
    total = 0
    for offset in range(0, question.number, parameters.MAXIMUM_LIMIT):
        limit = min(parameters.MAXIMUM_LIMIT, question.number - offset)
        asked = _selectors(share, question, words) | {"limit": str(limit), "options": "sysAttrs"}
        asked |= ({"offset": str(offset)} if offset else {}) | ({"count": "true"} if question.count else {})
        told = await source_maps.send(sharing, _query_errand(share, question, asked, words), source_maps.OF_ENTITIES)
        content = told.content if isinstance(told.content, list) else [told.content]
        found = await _parts(sharing, share, told, content if told.content is not None else [], words.context)
        parts += found
        counted = told.headers.get("ngsild-results-count", "")
        total = int(counted) if counted.isdigit() else len(parts)
        if len(found) < limit:
            break
    return parts, total


def _query_errand(share: Share, question: _Question, asked: Json, words: Words) -> Errand:
    operations = share.registration.operations
    by_post = "queryBatch" in operations and (question.by_post or "queryEntity" not in operations)
    if not by_post:
        return Errand(share.registration, "GET", "entities", asked, link=words.link)
    selector = {name: asked[name] for name in ("id", "idPattern", "type") if name in asked}
    ids = selector.pop("id", None)
    entities = [selector] if ids is None else [{**selector, "id": one} for one in ids.split(",")]
    body: Json = {"type": "Query", "entities": entities}
    body |= {"attrs": asked["attrs"].split(",")} if "attrs" in asked else {}
    body |= {name: asked[name] for name in ("q", "scopeQ") if name in asked}
    if "georel" in asked:
        body["geoQ"] = {name: asked[name] for name in _FILTERS[2:] if name in asked}
    rest = {name: str(asked[name]) for name in _BESIDE if name in asked}
    return Errand(share.registration, "POST", "entityOperations/query", rest, body, words.link)


def _selectors(share: Share, question: _Question, words: Words) -> dict[str, str]:
    entities = share.information.entities
    compact = words.context.compact
    asked: dict[str, str] = {}
    held = frozenset[str]().union(*(one.types for one in entities))
    types = _both(held or None, question.types)
    if question.together is not None and words.context is question.written_in:
        asked["type"] = question.together
    elif types:
        asked["type"] = ",".join(sorted(compact(one) for one in types))
    ids = question.ids
    if entities and all(one.id is not None for one in entities):
        ids = _both(frozenset(str(one.id) for one in entities), ids)
    if ids is not None:
        asked["id"] = ",".join(sorted(one for one in ids if _has(share, one)))
    elif question.pattern is not None:
        asked["idPattern"] = question.pattern
    elif len(entities) == 1 and entities[0].pattern is not None:
        asked["idPattern"] = entities[0].pattern.pattern
    # A source that has only some attributes cannot say whether the whole entity is wanted.
    if share.information.attributes is None and words.context is question.written_in:
        asked |= question.filters or {}
    return asked | _attributes(share, words) | _local(share)


def _has(share: Share, entity_id: str) -> bool:
    entities = share.information.entities
    return not entities or any(one.has_id(entity_id) for one in entities)


def _attributes(share: Share, words: Words) -> dict[str, str]:
    if share.attributes is None:
        return {}
    return {"attrs": ",".join(sorted(words.context.compact(one) for one in share.attributes))}


def _local(share: Share) -> dict[str, str]:
    return {"local": "true"} if share.registration.is_local_only else {}


async def _parts(
    sharing: Sharing, share: Share, told: Answer, bodies: Sequence[Any], context: ActiveContext
) -> list[Part]:
    """The entities of an answer; what is missing or wrong is a warning and nothing more."""
    registration = share.registration
    if told.status == 404:
        return []
    if not told.is_success:
        sharing.warn(registration, told)
        return []
    handed = told.headers.get("ngsild-warning")
    if handed:
        sharing.warnings += hearsay.warnings(handed, registration)
    parts = []
    moment = now()
    for number, body in enumerate(bodies):
        if number % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        try:
            inside = {name: value for name, value in body.items() if name != "@context"}
            entity = read_entity(inside, context)
        except (VidikError, AttributeError) as error:
            problem = f"an entity of the answer cannot be read: {error}"
            sharing.warn(registration, replace(told, problem=problem, is_invalid=True))
            continue
        # What has expired is discarded (clause 5.7.1.4): its source may clean up late.
        if _has(share, entity.id) and (entity.expires_at is None or entity.expires_at > moment):
            parts.append(Part(entity, registration.mode))
    return parts


async def query(sharing: Sharing, asked: Parameters, kind: str, context: ActiveContext, *, by_post: bool) -> Response:
    """A page of a query, of all who have something of it, in the order of ids."""
    call = sharing.call
    if entity_maps.is_wanted(call, asked):
        again = partial(query, sharing, by_post=by_post)
        return await entity_maps.answer(call, asked, kind, context, again)
    await sharing.narrow(asked, context)
    parameters.check_kind(asked, kind)
    view = parameters.view(asked, context)
    join = linked.parse_join(asked)
    search, types = parameters.search(asked, context)
    parameters.check_links(search.q, asked)
    if call.mapped is not None:
        search.ids = call.mapped.narrowed(search.ids)
    counts, limit, offset = parameters.page(asked)
    if offset + limit >= MAXIMUM_DEPTH:
        raise problems.too_complex(f"A query of several sources shows the first {MAXIMUM_DEPTH} entities; narrow it.")
    question = _question(asked, search, types, context, offset + limit + 1, counts=counts, by_post=by_post)
    wanted = Asked(question.types, question.ids, matching.pattern_of(search.id_pattern), view.attributes)
    shares = shares_of(sharing, wanted, "queryEntity", "queryBatch")
    if shares and asked.get("orderBy") is not None:
        raise problems.bad_data("What several sources have has no order; ask with local=true.", "orderBy")
    if search.geo is not None:
        word = call.broker.contexts.core.compact(search.geo.geo_property)
        place = search.geo
        shares = [one for one in shares if matching.is_in_place(one.registration, place, word, unplaced=True)]
    shares = [one for one in shares if sharing.asks(one.registration)]
    local, found = await asyncio.gather(
        _local_page(call, search, types, question.number, counts=counts),
        asyncio.gather(*(_queried(sharing, one, question, context) for one in shares)),
    )
    parts: dict[str, list[Part]] = defaultdict(list)
    for some, _ in found:
        for part in some:
            parts[part.entity.id].append(part)
    holders = _holders(sharing, wanted)
    entities = await _whole(call, asked, local[0], parts, holders, search, types)
    page = entities[offset : offset + limit]
    if call.mapped is not None:
        call.mapped.holders |= _sources(page, local[0], shares, found)
    headers = page_links(call.path, asked, kind, limit, offset, len(entities) > offset + limit)
    if counts:
        more = local[1] + sum(total for _, total in found) - len(local[0]) - sum(len(some) for some, _ in found)
        headers["NGSILD-Results-Count"] = str(len(entities) + max(0, more))
    body = await shown_page(call, asked, page, view, join, kind, context, partial(_linked, sharing, context))
    return answer(body, kind, context, headers={**headers, **sharing.headers()}, prefer=call.prefer)


async def _linked(sharing: Sharing, context: ActiveContext, ids: Sequence[str]) -> dict[str, Stored]:
    """Linked entities that are not here but at sources (clause 4.5.23)."""
    wanted = frozenset(ids)
    shares = shares_of(sharing, Asked(None, wanted, None), "queryEntity", "queryBatch")
    question = _Question(ids=wanted, number=len(ids))
    parts: dict[str, list[Part]] = defaultdict(list)
    for found, _ in await asyncio.gather(*(_queried(sharing, one, question, context) for one in shares)):
        for part in found:
            parts[part.entity.id].append(part)
    return {one: whole for one, some in parts.items() if one in wanted and (whole := merged(None, some)) is not None}


def _sources(
    page: Sequence[Stored], local: Sequence[Stored], shares: Sequence[Share], found: Sequence[tuple[list[Part], int]]
) -> dict[str, list[str]]:
    """Of each entity who has something of it, for an entity map."""
    holders = [(entity_maps.HERE, {one.id for one in local})]
    for share, (parts, _) in zip(shares, found, strict=True):
        holders.append((share.registration.id, {part.entity.id for part in parts}))
    return {one.id: list(dict.fromkeys(name for name, ids in holders if one.id in ids)) for one in page}


def _question(
    asked: Parameters,
    search: Search,
    types: selections.TypeSelection | None,
    context: ActiveContext,
    number: int,
    *,
    counts: bool,
    by_post: bool,
) -> _Question:
    split = asked.flag("splitEntities")
    filters = {name: text for name in _FILTERS if (text := asked.get(name)) is not None}
    if search.q is not None and q.linked_depth(search.q):
        filters.pop("q", None)  # what an entity links to may be anywhere: the links are followed here
    return _Question(
        ids=None if search.ids is None else frozenset(search.ids),
        pattern=search.id_pattern,
        types=matching.leaf_types(types),
        together=asked.get("type") if types is not None and selections.plain_types(types) is None else None,
        filters={} if split else filters,
        written_in=context,
        number=number,
        count=counts,
        by_post=by_post,
    )


async def _local_page(
    call: Call, search: Search, types: selections.TypeSelection | None, number: int, *, counts: bool
) -> tuple[list[Stored], int]:
    reader = call.broker.reader
    async with reader.session(call.tenant) as connection:
        if types is not None:
            search.kinds = await reader.kinds(call.tenant).select(connection, types)
        page = await reader.page(connection, call.tenant, search, limit=number, offset=0, count=counts, times=True)
    return page.entities, page.total or 0


async def _whole(
    call: Call,
    asked: Parameters,
    local: Sequence[Stored],
    parts: Mapping[str, Sequence[Part]],
    holders: Sequence[tuple[Registration, Information]],
    search: Search,
    types: selections.TypeSelection | None,
) -> list[Stored]:
    """The entities that fit, whole, in the order of their ids (of the asked order, those here come first)."""
    present = {one.id: one for one in local}
    async with call.broker.reader.session(call.tenant) as connection:
        absent = [one for one in parts if one not in present]
        here = await call.broker.reader.load(connection, call.tenant, absent) if absent else {}
        whole = {}
        touched = {}
        for entity_id in (*present, *absent):
            ours = present.get(entity_id) or here.get(entity_id)
            entity = merged(_ours(ours, holders), parts.get(entity_id, ()))
            if entity is not None:
                whole[entity_id] = entity
                if entity is not ours:
                    touched[entity_id] = entity
        fitting = {one.id for one in await fitting_of(connection, list(touched.values()), search, types)}
    kept = [one for one in whole.values() if one.id not in touched or one.id in fitting]
    return kept if asked.get("orderBy") is not None else sorted(kept, key=lambda one: one.id)
