"""Paging over a fixed set of entities (ETSI GS CIM 009, clauses 5.5.9.3, 5.5.14 and 5.14).

A map holds the ids that a query found when it was made, and who has each. Its pages look at those only, and ask the
filters again: what no longer fits leaves the map, and a page is filled with what follows. `offset` is a place in the
map, so that nothing is shown twice and nothing is passed over however many leave.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import orjson
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call, Mapped
from vidik.context.ngsild.http.exchange import JSON, Parameters, has_header, page_link
from vidik.context.ngsild.query import parameters
from vidik.context.ngsild.repository import entity_maps as repository
from vidik.context.ngsild.repository.entity_maps import EntityMap
from vidik.context.ngsild.temporal.query import parse_duration
from vidik.kernel.clock import now

Ask = Callable[[Parameters, str, ActiveContext], Awaitable[Response]]
"""Answers a page of a query: parameters, media type, @context. What `call.mapped` says limits it."""

HERE: Final = "@none"
HEADER: Final = "NGSILD-EntityMap"
MAXIMUM_ENTITIES: Final = 9_000
MAXIMUM_MAPS: Final = 100
LIFETIME: Final = timedelta(hours=1)
LONGEST_LIFETIME: Final = timedelta(days=1)
_AT_ONCE: Final = 1000
_WINDOW: Final = 100
_ONLY_SHOWING: Final = ("format", "sysAttrs", "lang", "omit", "join", "joinLevel", "containedBy", "datasetId", "count")
_ONLY_HERE: Final = ("options", "entityMap", "entityMapLifetime", "geometryProperty", "aggrMethods", "lastN")


def is_wanted(call: Call, asked: Parameters) -> bool:
    """Whether a query is to be answered over a map."""
    if call.mapped is not None:
        return False
    return asked.flag("entityMap") or has_header(call.request, b"ngsild-entitymap")


async def answer(call: Call, asked: Parameters, kind: str, context: ActiveContext, ask: Ask) -> Response:
    """A page of the map that the request names; of a new one (201) where it names none that is still there."""
    query = _Query(call, asked, kind, context, ask)
    known = await named(call)
    entity_map = known or await query.create()
    response = await query.page(entity_map)
    if known is None:
        response.status_code = 201 if response.status_code == 200 else response.status_code
    response.headers[HEADER] = address(entity_map.id)
    return response


async def answer_one(call: Call, entity_id: str, retrieve: Callable[[Call], Awaitable[Response]]) -> Response:
    """One entity, of those who have it by the map that the request names; else by a new one (5.7.1.4, 5.7.3.4)."""
    known = await named(call)
    if known is not None:
        with call.over(Mapped(None, sources=frozenset(known.holders.get(entity_id, [HERE])))):
            response = await retrieve(call)
        map_id = known.id
    else:
        expires_at = expiry(call.parameters.get("entityMapLifetime"), now())
        with call.over(Mapped(None)) as mapped:
            response = await retrieve(call)
        map_id = f"urn:ngsi-ld:EntityMap:{uuid.uuid4()}"
        async with call.broker.services.database.transaction(call.tenant) as connection:
            await repository.add(connection, EntityMap(map_id, [entity_id], mapped.holders, expires_at), MAXIMUM_MAPS)
    response.headers[HEADER] = address(map_id)
    return response


async def create(call: Call, asked: Parameters, context: ActiveContext, ask: Ask) -> EntityMap:
    """A new map of what a query finds; raises TooManyResults."""
    return await _Query(call, asked, JSON, context, ask).create()


@dataclass(slots=True)
class Everything:
    """Everything that a query finds, by id."""

    ids: list[str]
    holders: dict[str, list[str]]
    """Of what is not here alone, who has it."""
    warnings: list[str]


async def everything(call: Call, asked: Parameters, context: ActiveContext, ask: Ask) -> Everything:
    """What a query finds without an end to its pages; raises TooManyResults."""
    query = _Query(call, asked, JSON, context, ask)
    ids, holders = await query.collect()
    return Everything(ids, holders, query.warnings)


async def named(call: Call) -> EntityMap | None:
    """The map that the request names, by its id or its address; None where it has gone, or names none."""
    header = call.request.headers.get(HEADER)
    if header is None:
        return None
    map_id = values.uri(header.strip().rpartition("/entityMaps/")[2], HEADER)
    async with call.broker.reader.session(call.tenant) as connection:
        return await repository.get(connection, map_id)


def address(map_id: str) -> str:
    """Where a map is."""
    return f"/ngsi-ld/v1/entityMaps/{map_id}"


def expiry(lifetime: str | None, moment: datetime) -> datetime:
    """When a map ends for which somebody suggests a lifetime (ISO 8601); raises BadInput."""
    if lifetime is None:
        return moment + LIFETIME
    wanted = parse_duration(lifetime, "entityMapLifetime")
    return moment + min(wanted.about, LONGEST_LIFETIME)


@dataclass(slots=True)
class _Query:
    """A query that is answered over a map."""

    call: Call
    asked: Parameters
    kind: str
    context: ActiveContext
    ask: Ask
    warnings: list[str] = field(default_factory=list)

    async def create(self) -> EntityMap:
        expires_at = expiry(self.asked.get("entityMapLifetime"), now())
        linked: dict[str, str] = {}
        ids, holders = await self.collect(linked)
        entity_map = EntityMap(f"urn:ngsi-ld:EntityMap:{uuid.uuid4()}", [*ids], holders, expires_at, linked)
        async with self.call.broker.services.database.transaction(self.call.tenant) as connection:
            await repository.add(connection, entity_map, MAXIMUM_MAPS)
        return entity_map

    async def collect(self, linked: dict[str, str] | None = None) -> tuple[list[str], dict[str, list[str]]]:
        """The ids of everything that the query finds, and who has what is not here alone.

        `linked` is filled with the maps that sources make of their own: their pages stand still, too.
        """
        ids: list[str] = []
        more = True
        collecting = Mapped(None, lifetime=self.asked.get("entityMapLifetime"), linked=linked)
        with self.call.over(collecting) as mapped:
            while more:
                found, more = await self._ids(_AT_ONCE, len(ids))
                ids += found
                if len(ids) > MAXIMUM_ENTITIES or (more and len(ids) == MAXIMUM_ENTITIES):
                    raise problems.too_many(f"The query finds more than {MAXIMUM_ENTITIES} entities; narrow it.")
        return list(dict.fromkeys(ids)), {one: mapped.holders[one] for one in ids if one in mapped.holders}

    async def page(self, entity_map: EntityMap) -> Response:
        counts, limit, offset = parameters.page(self.asked)
        places = [place for place, one in enumerate(entity_map.ids) if one is not None and place >= offset]
        shown: list[str] = []
        gone: list[str] = []
        following: int | None = None
        size = max(limit + 1, _WINDOW)
        for start in range(0, len(places), size):
            window = [(place, str(entity_map.ids[place])) for place in places[start : start + size]]
            fitting = await self._fitting(entity_map, [one for _, one in window])
            for place, one in window:
                if one not in fitting:
                    gone.append(one)
                elif len(shown) < limit:
                    shown.append(one)
                else:
                    following = place
                    break
            if following is not None:
                break
        if gone and not self.warnings:
            async with self.call.broker.services.database.transaction(self.call.tenant) as connection:
                await repository.remove(connection, entity_map.id, gone)
        response = await self._shown(entity_map, shown)
        self._link(response, entity_map, limit, offset, following)
        if counts:
            left = sum(one is not None for one in entity_map.ids) - (0 if self.warnings else len(gone))
            response.headers["NGSILD-Results-Count"] = str(left)
        return response

    def _link(self, response: Response, entity_map: EntityMap, limit: int, offset: int, following: int | None) -> None:
        before = [place for place, one in enumerate(entity_map.ids[:offset]) if one is not None]
        links = [] if following is None else [self._page_link(following, "next")]
        if before and limit:
            links.append(self._page_link(before[-limit] if len(before) >= limit else 0, "prev"))
        if links:
            own = response.headers.get("Link")
            response.headers["Link"] = ", ".join([*links, own] if own else links)

    def _page_link(self, offset: int, rel: str) -> str:
        return page_link(self.call.path, self.asked, self.kind, offset, rel)

    async def _fitting(self, entity_map: EntityMap, ids: Sequence[str]) -> set[str]:
        """Those of some entities of the map that fit the query still."""
        if not ids:
            return set()
        with self.call.over(_limited(entity_map, ids)):
            found, _ = await self._ids(len(ids), 0)
        return set(found)

    async def _ids(self, limit: int, offset: int) -> tuple[list[str], bool]:
        asked = _without(self.asked, *_ONLY_SHOWING, *_ONLY_HERE, "limit", "offset", "pick")
        plain = {"limit": str(limit), "offset": str(offset)}
        if asked.get("attrs") is None:
            plain["pick"] = "id"
        response = await self.ask(Parameters.of(plain).joined(asked), JSON, self.context)
        self._note(response)
        return [one["id"] for one in orjson.loads(response.body)], 'rel="next"' in response.headers.get("Link", "")

    async def _shown(self, entity_map: EntityMap, ids: Sequence[str]) -> Response:
        asked = _without(self.asked, "count", "entityMap", "entityMapLifetime", "limit", "offset")
        rest = Parameters.of({"limit": str(max(1, len(ids)))}).joined(asked)
        with self.call.over(_limited(entity_map, ids)):
            response = await self.ask(rest, self.kind, self.context)
        self._note(response)
        return response

    def _note(self, response: Response) -> None:
        warning = response.headers.get("NGSILD-Warning")
        if warning:
            self.warnings.append(warning)


def _without(asked: Parameters, *names: str) -> Parameters:
    kept = asked.present() - set(names)
    return Parameters.of({name: text for name in kept if (text := asked.get(name)) is not None})


def _limited(entity_map: EntityMap, ids: Sequence[str]) -> Mapped:
    held = [entity_map.holders.get(one, [HERE]) for one in ids]
    return Mapped(list(ids), sources=frozenset(source for sources in held for source in sources))
