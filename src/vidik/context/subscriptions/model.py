"""A subscription, read: what it watches, what it says and where to (ETSI GS CIM 009, clauses 5.2.12 to 5.2.15)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild.http.exchange import JSON
from vidik.context.ngsild.query import q, selections
from vidik.context.ngsild.query.expressions import Expression
from vidik.context.ngsild.query.geo import GeoQuery
from vidik.context.ngsild.representation.linked import Join
from vidik.context.ngsild.representation.rendering import View

Trigger = Literal[
    "entityCreated", "entityUpdated", "entityDeleted", "attributeCreated", "attributeUpdated", "attributeDeleted"
]
TRIGGERS: Final[tuple[Trigger, ...]] = (
    "entityCreated",
    "entityUpdated",
    "entityDeleted",
    "attributeCreated",
    "attributeUpdated",
    "attributeDeleted",
)
DEFAULT_TRIGGERS: Final[tuple[Trigger, ...]] = ("attributeCreated", "attributeUpdated")
About = Literal["entities", "registrations"]
DEFAULT_TIMEOUT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Selector:
    """Entities that a subscription is about: by id, by a pattern of the id, by type; None is no limit."""

    id: str | None = None
    id_pattern: str | None = None
    types: selections.TypeSelection | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where notifications go. `receiver_info` may hold secrets: it never reaches a log, and neither does `uri`."""

    uri: str = field(repr=False)
    accept: str = JSON
    receiver_info: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notifier_info: tuple[tuple[str, str], ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    cooldown_seconds: float | None = None

    @property
    def address(self) -> SplitResult:
        """The parts of its address."""
        return urlsplit(self.uri)

    @property
    def origin(self) -> str:
        """Who answers there: scheme, host and port, without a user's name or password."""
        parts = self.address
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@dataclass(slots=True)
class Subscription:
    """What a subscription asks for, with every name expanded."""

    id: str
    context: ActiveContext
    """The words that its notifications are written in."""
    endpoint: Endpoint
    view: View
    selectors: tuple[Selector, ...] = ()
    watched: frozenset[str] | None = None
    triggers: frozenset[Trigger] = frozenset(DEFAULT_TRIGGERS)
    query: q.Query | None = None
    query_context: ActiveContext | None = None
    geo: GeoQuery | None = None
    scopes: Expression[str] | None = None
    throttling_seconds: float = 0.0
    interval_seconds: float | None = None
    show_changes: bool = False
    join: Join | None = None
    is_active: bool = True
    expires_at: datetime | None = None
    about: About = "entities"
    """What its notifications tell of: changes of entities, or of registrations of context sources (clause 5.11)."""
    key: int = 0
    """Its number in the database; 0 for one that is not stored."""
    since: int = 0
    """The position of the newest change when it was made."""

    def is_listening(self, moment: datetime) -> bool:
        """Whether it is active at a moment: neither paused nor expired (clause 5.2.12, `status`)."""
        return self.is_active and (self.expires_at is None or moment < self.expires_at)
