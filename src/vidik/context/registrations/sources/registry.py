"""The registrations of each tenant in this process's memory: found by type, id and attribute.

A tenant is read once, and again after somebody changed its registrations: here, or in another process, which says so
by NOTIFY. While nobody listens, what is known is as old as a second at most.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from vidik.context.registrations.sources import repository
from vidik.context.registrations.sources.model import Registration
from vidik.kernel.database import Database, tenant_schema

_UNHEARD_SECONDS: Final = 1.0


@dataclass(slots=True)
class Known:
    """What this process knows of one tenant's registrations."""

    alias: str = ""
    """The name of this tenant in Via headers."""
    revision: int = -1
    registrations: tuple[Registration, ...] = ()
    is_fresh: bool = False
    checked: float = 0.0
    by_type: dict[str, list[Registration]] = field(default_factory=dict)
    """Registrations that name the type."""
    untyped: list[Registration] = field(default_factory=list)
    """Registrations with information about entities of any type."""

    @property
    def is_current(self) -> bool:
        """Whether it has been read, and nothing was heard of since."""
        return self.is_fresh and self.revision >= 0

    def of_types(self, types: Collection[str] | None) -> list[Registration]:
        """Registrations that may have entities of these types, in their order; None is of any type."""
        if types is None:
            return list(self.registrations)
        found = {one.key: one for one in self.untyped}
        for kind in types:
            found.update({one.key: one for one in self.by_type.get(kind, ())})
        return [found[key] for key in sorted(found)]


class Registry:
    """Every tenant's registrations. One a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants: dict[str, Known] = {}
        self.is_listening = False

    def has_none(self, tenant: str) -> bool:
        """Whether a tenant is known to have no registrations: the answer for most, at the price of a look-up."""
        known = self._tenants.get(tenant)
        return known is not None and known.is_current and not known.registrations and self.is_listening

    async def tenant(self, tenant: str) -> Known:
        """What is known of a tenant, as fresh as this process has heard."""
        known = self._tenants.get(tenant)
        if known is None:
            known = self._tenants[tenant] = Known()
        moment = time.monotonic()
        if known.is_current and (self.is_listening or moment - known.checked < _UNHEARD_SECONDS):
            return known
        known.is_fresh = True  # a change that is heard of while this reads makes it stale again
        try:
            async with self._database.session(tenant) as connection:
                revision, alias = await repository.state(connection)
                if revision != known.revision:
                    _index(known, await repository.every(connection))
                    known.revision, known.alias = revision, alias
        except BaseException:
            known.is_fresh = False
            raise
        known.checked = moment
        return known

    def stale(self, tenant: str) -> None:
        """A tenant's registrations have changed."""
        known = self._tenants.get(tenant)
        if known is not None:
            known.is_fresh = False

    def heard(self, schema: str) -> None:
        """Somebody said that the registrations of the tenant with this schema have changed."""
        for tenant in self._tenants:
            if tenant_schema(tenant) == schema:
                self.stale(tenant)

    def listening(self, is_listening: bool) -> None:
        """Whether changes are heard of from now on; what was said before may have been missed."""
        self.is_listening = is_listening
        for tenant in self._tenants:
            self.stale(tenant)


def _index(known: Known, registrations: list[Registration]) -> None:
    known.registrations = tuple(registrations)
    known.by_type = {}
    known.untyped = []
    for one in registrations:
        entities = [entity for part in one.information for entity in part.entities]
        if any(not part.entities for part in one.information):
            known.untyped.append(one)
            continue
        for kind in frozenset[str]().union(*(entity.types for entity in entities)):
            known.by_type.setdefault(kind, []).append(one)
