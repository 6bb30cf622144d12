"""Whether the organisations and areas of the sign-in file are there: a misspelt one reaches nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidik.kernel.identity.openid.config import Provider


@dataclass(frozen=True, slots=True)
class Standing:
    """The areas that are drawn, and the organisations that have devices, crews or people."""

    areas: frozenset[str]
    organisations: frozenset[str]


def standing_at(url: str, tenant: str) -> Standing:
    """Read what stands in a tenant; raises psycopg.Error."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    from vidik.kernel.database import tenant_schema

    # What roles name does not count: a misspelt one would vouch for itself once somebody has signed in.
    organisations = SQL(
        "SELECT organisation FROM {schema}.device UNION SELECT organisation FROM {schema}.crew"
        " UNION SELECT organisation FROM platform.account WHERE tenant = %s"
    )
    schema = Identifier(tenant_schema(tenant))
    with psycopg.connect(url, connect_timeout=5) as connection:
        areas = connection.execute(SQL("SELECT code FROM {schema}.area").format(schema=schema)).fetchall()
        named = connection.execute(organisations.format(schema=schema), [tenant]).fetchall()
    return Standing(frozenset(row[0] for row in areas), frozenset(row[0] for row in named if row[0] is not None))


def unknown_places(provider: Provider, standing: Standing) -> Iterator[tuple[bool, str]]:
    """Yield a sentence of each place that is not there, and whether it must be mended.

    An area must: nobody reaches one that is not drawn. An organisation may come later, with its first device.
    """
    for group, given in provider.groups.items():
        for grant in given:
            gives = f"The sign-in file gives the group {group!r} the role {grant.role}"
            if grant.area is not None and grant.area not in standing.areas:
                yield (
                    True,
                    f"{gives} in the area {grant.area!r}, which does not exist, so its people see nothing there: "
                    f"draw it under Control, Areas, or correct the file{_near(grant.area, standing.areas)}.",
                )
            if grant.organisation is not None and grant.organisation not in standing.organisations:
                yield (
                    False,
                    f"{gives} in the organisation {grant.organisation!r}, which has no device, crew or person yet: "
                    f"give it some, or correct the file{_near(grant.organisation, standing.organisations)}.",
                )


def _near(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name, sorted(known), n=1)
    return f" (perhaps {found[0]!r} is meant)" if found else ""
