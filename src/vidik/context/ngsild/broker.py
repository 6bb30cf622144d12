"""What every request of the NGSI-LD API shares, and what it learns about the one at hand."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from starlette.requests import Request

from vidik.context.jsonld import hosting
from vidik.context.jsonld.active import ActiveContext
from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.entities.grouping import GroupWriter
from vidik.context.ngsild.http import exchange
from vidik.context.ngsild.http.exchange import Parameters
from vidik.context.ngsild.repository.entities import EntityReader
from vidik.context.ngsild.repository.tenants import tenant_exists
from vidik.context.ngsild.representation.fragments import Fragments
from vidik.kernel import audit
from vidik.kernel.database import Connection
from vidik.kernel.errors import Forbidden
from vidik.kernel.identity import Principal, must_reach_the_city, require_principal
from vidik.kernel.services import Services

_TENANT: Final = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_KNOWN_SECONDS: Final = 60.0


@dataclass(slots=True)
class Mapped:
    """What an entity map says of a query (see `entity_maps`)."""

    ids: list[str] | None
    """The entities that are looked at; None is all of them."""
    sources: frozenset[str] | None = None
    """The registrations whose sources are asked; None is all that match."""
    holders: dict[str, list[str]] = field(default_factory=dict)
    """Filled by a distributed query: of an entity, who has it."""
    lifetime: str | None = None
    """How long a map lasts that a source is asked to make of its own, as the client wrote it."""
    linked: dict[str, str] | None = None
    """Where a map is being made: by registration, the address of the map that its source has made of its own."""

    def asks(self, source: str) -> bool:
        """Whether a source (a registration's id, or this broker's own `@none`) is asked."""
        return self.sources is None or source in self.sources

    def narrowed(self, ids: list[str] | None) -> list[str] | None:
        """Of the ids that a query asks for those that it may look at."""
        if self.ids is None or ids is None:
            return ids if self.ids is None else self.ids
        asked = set(ids)
        return [one for one in self.ids if one in asked]


@dataclass(slots=True)
class Call:
    """One request: who asks, of which tenant, with which parameters and path."""

    request: Request
    broker: Broker
    principal: Principal
    tenant: str
    parameters: Parameters
    segments: list[str]
    """The path beneath /ngsi-ld/v1, decoded piece by piece."""
    link: str | None = None
    mapped: Mapped | None = None
    snapshot: str | None = None
    """The snapshot that the request is about, if it is; `tenant` is then the snapshot's own name."""

    @contextmanager
    def over(self, mapped: Mapped) -> Iterator[Mapped]:
        """Answer queries over what a map says, and over everything again afterwards, however it ends."""
        self.mapped = mapped
        try:
            yield mapped
        finally:
            self.mapped = None

    @property
    def path(self) -> str:
        """The path of this resource as the client wrote it."""
        return f"/ngsi-ld/v1/{self.request.scope['vidik.ngsild.path']}"

    async def note_write(self, connection: Connection, operation: str, entity_ids: Sequence[str]) -> None:
        """Put a person's write into the audit record, last before the commit; programs and devices cost nothing."""
        await audit.record_writes(connection, self.principal, operation, entity_ids)

    def entity_id(self) -> str:
        """The id of the entity in the path; raises BadInput where it is no URI."""
        return values.uri(self.segments[-1] if len(self.segments) < 2 else self.segments[1], "id")

    async def reading_context(self) -> ActiveContext:
        """The @context of a request without a body."""
        self.link = exchange.link_context(self.request)
        return await self.broker.contexts.resolve(self.link)

    async def body(self, *media_types: str) -> tuple[Any, ActiveContext]:
        """The body of a write and its @context."""
        content, kind = await exchange.read_json(self.request, media_types or (exchange.JSON, exchange.LD_JSON))
        self.link = exchange.link_context(self.request)
        context = await self.broker.contexts.resolve(exchange.body_context(content, kind, self.link))
        return content, context

    @property
    def prefer(self) -> str:
        """What the client prefers of an answer (RFC 7240); empty where it says nothing."""
        return self.request.headers["prefer"] if exchange.has_header(self.request, b"prefer") else ""

    def accept(self, *offered: str) -> str:
        """The media type of the answer; raises NotAcceptable."""
        header = self.request.headers.get("accept") if exchange.has_header(self.request, b"accept") else None
        return exchange.accepted(header or "*/*", offered or (exchange.JSON, exchange.LD_JSON))


@dataclass(slots=True)
class Broker:
    """The API's long-lived parts. One a process."""

    services: Services
    contexts: ContextResolver
    reader: EntityReader
    writer: GroupWriter
    fragments: Fragments = field(default_factory=Fragments)
    _tenants: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, services: Services) -> Broker:
        """The broker of this process; made at the first request."""
        if not services.has(cls):
            services.put(
                cls(
                    services,
                    ContextResolver(
                        services.settings.data / "contexts",
                        allow_private=services.settings.allow_private_endpoints,
                        hosted=partial(hosting.content, services.database),
                    ),
                    EntityReader(services.database),
                    GroupWriter(services.database),
                )
            )
        return services.get(cls)

    async def call(self, request: Request, segments: list[str], permission: str) -> Call:
        """Who asks and for which tenant; raises Unauthenticated, Forbidden or NotFound (NonexistentTenant).

        Entities do not say whose they are, citizens' requests among them: a role in an organisation is not enough.
        """
        principal = await require_principal(request, permission)
        must_reach_the_city(principal, permission)
        tenant = await self._tenant(request, principal)
        return Call(request, self, principal, tenant, Parameters(request.scope["query_string"]), segments)

    async def _tenant(self, request: Request, principal: Principal) -> str:
        own = principal.tenant
        if not exchange.has_header(request, b"ngsild-tenant"):
            return own
        asked = request.headers["ngsild-tenant"]
        if asked == own:
            return own
        if not _TENANT.fullmatch(asked):
            raise problems.bad_data("A tenant's name has 1 to 40 of a-z, 0-9 and _.", "NGSILD-Tenant")
        if time.monotonic() - self._tenants.get(asked, -_KNOWN_SECONDS) >= _KNOWN_SECONDS:
            if not await tenant_exists(self.services.database, asked):
                raise problems.no_such_tenant(asked)
            self._tenants[asked] = time.monotonic()
        raise Forbidden(f"Your account belongs to the tenant {own}, not to {asked}.", field="NGSILD-Tenant")
