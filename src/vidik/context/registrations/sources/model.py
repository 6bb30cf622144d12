"""A registration, read: what a context source has and how it is asked (ETSI GS CIM 009, clauses 5.2.9 to 5.2.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from vidik.context.ngsild import values
from vidik.context.registrations.sources.operations import DEFAULT, operations_of
from vidik.context.registrations.sources.patterns import IdPattern, id_pattern

Mode = Literal["inclusive", "exclusive", "redirect", "auxiliary"]
MODES: Final[tuple[Mode, ...]] = ("inclusive", "exclusive", "redirect", "auxiliary")
Json = dict[str, Any]

DEFAULT_TIMEOUT_SECONDS: Final = 4.0
PLACES: Final = ("location", "observationSpace", "operationSpace")
INTERVALS: Final = ("observationInterval", "managementInterval")


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """Entities that a source has: of these (expanded) types, with this id or an id of this pattern."""

    types: frozenset[str]
    id: str | None = None
    pattern: IdPattern | None = None

    def has_id(self, entity_id: str) -> bool:
        """Whether the id is one of its entities' ids."""
        if self.id is not None:
            return self.id == entity_id
        return self.pattern is None or self.pattern.search(entity_id) is not None


@dataclass(frozen=True, slots=True)
class Information:
    """Entities and their attributes (expanded names); no entities is any, no attributes is all."""

    entities: tuple[EntityInfo, ...] = ()
    attributes: frozenset[str] | None = None


@dataclass
class Registration:
    """One context source: what it has, what it is asked for and how."""

    key: int
    id: str
    body: Json = field(repr=False)
    """As it is stored, with every name expanded."""
    created_at: datetime
    modified_at: datetime
    mode: Mode
    operations: frozenset[str]
    information: tuple[Information, ...]
    endpoint: str = field(repr=False)
    """Where its API is, without a slash at the end; `/ngsi-ld/v1` is beneath it."""
    expires_at: datetime | None = None
    times_sent: int = 0
    times_failed: int = 0
    last_success: datetime | None = None
    last_failure: datetime | None = None

    @classmethod
    def of(cls, key: int, body: Json, created_at: datetime, modified_at: datetime) -> Registration:
        """What a stored body means; it was checked when it was stored."""
        return cls(
            key=key,
            id=body["id"],
            body=body,
            created_at=created_at,
            modified_at=modified_at,
            mode=body.get("mode", "inclusive"),
            operations=operations_of(body.get("operations", DEFAULT)),
            information=tuple(_information(one) for one in body["information"]),
            endpoint=body["endpoint"].rstrip("/"),
            expires_at=values.moment(body["expiresAt"], "expiresAt") if "expiresAt" in body else None,
        )

    @property
    def tenant(self) -> str | None:
        """The tenant at the source."""
        return self.body.get("tenant")

    @property
    def alias(self) -> str | None:
        """The name by which the source is known in Via headers."""
        return self.body.get("contextSourceAlias")

    @cached_property
    def datasets(self) -> frozenset[str]:
        """The datasetIds that the source has instances of; none of them says that it may have any."""
        found = self.body.get("datasetId", ())
        return frozenset([found] if isinstance(found, str) else found)

    @cached_property
    def info(self) -> Mapping[str, str]:
        """What the source is told with every request: headers, and `jsonldContext`."""
        return {one["key"]: one["value"] for one in self.body.get("contextSourceInfo", ())}

    @property
    def management(self) -> Json:
        """How requests to the source are managed."""
        found: Json = self.body.get("management", {})
        return found

    @property
    def is_local_only(self) -> bool:
        """Whether the source is to answer from what it has itself, and not to ask others."""
        return bool(self.management.get("localOnly", self.body.get("localOnly", False)))

    @property
    def timeout_seconds(self) -> float:
        """How long an answer is waited for."""
        milliseconds = self.management.get("timeout")
        return DEFAULT_TIMEOUT_SECONDS if milliseconds is None else min(float(milliseconds) / 1000, 30.0)

    @property
    def cooldown_seconds(self) -> float:
        """How long the source is left alone after a failure."""
        return float(self.management.get("cooldown", 0)) / 1000

    @property
    def scopes(self) -> list[str]:
        """The scopes of what the source has."""
        found = self.body.get("scope", [])
        return found if isinstance(found, list) else [found]

    @property
    def is_of_now(self) -> bool:
        """Whether the source tells of now: one with an interval tells of the past (clause 5.10.2.4)."""
        return not any(interval in self.body for interval in INTERVALS)

    @property
    def holds_alone(self) -> bool:
        """Whether what it has is nowhere else: neither here nor, for exclusive ones, at any other source."""
        return self.mode in ("exclusive", "redirect")

    def is_in_force(self, moment: datetime) -> bool:
        """Whether it has not expired at a moment."""
        return self.expires_at is None or moment < self.expires_at


def _information(stored: Json) -> Information:
    entities = tuple(_entity(one) for one in stored.get("entities", ()))
    names = [*stored.get("propertyNames", ()), *stored.get("relationshipNames", ())]
    return Information(entities, frozenset(names) if names else None)


def _entity(stored: Json) -> EntityInfo:
    kinds = stored["type"]
    pattern = stored.get("idPattern")
    return EntityInfo(
        types=frozenset(kinds if isinstance(kinds, list) else [kinds]),
        id=stored.get("id"),
        pattern=None if pattern is None else id_pattern(pattern, "idPattern"),
    )
