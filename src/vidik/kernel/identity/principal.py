"""Whoever asks: a person, a token that acts for one, a device, or Vidik itself."""

from dataclasses import dataclass, field
from typing import Literal

from vidik.kernel.identity.reach import EVERYWHERE, Belonging, Reach
from vidik.kernel.identity.roles import ANYWHERE, Anywhere, Grant, permissions_of, places_of


@dataclass(frozen=True)
class Principal:
    """An authenticated caller and what it may do.

    `organisation` is where a person works; `grants` says which role holds in which organisation and area. `scopes`
    narrows a token to some permissions of its account; None does not narrow. `session` is a person's session, `phone`
    the name of the crew's phone that it is on, `provider` whether the person signs in through the city's provider.
    """

    kind: Literal["person", "token", "device", "system"]
    id: str
    login: str
    name: str
    organisation: str | None
    roles: frozenset[str]
    tenant: str
    grants: frozenset[Grant] = field(default=frozenset())
    scopes: frozenset[str] | None = None
    session: int | None = None
    phone: str | None = None
    provider: bool = False

    def reach(self, permission: str) -> Reach:
        """Where a permission holds; a token's scopes narrow it, a device or a part of Vidik has it everywhere."""
        if self.scopes is not None and permission not in self.scopes:
            return Reach()
        if self.kind in ("device", "system"):
            return EVERYWHERE if self.scopes is not None else Reach()
        return Reach(places_of(self.grants, permission), self.login)

    def reaches(self, permission: str, thing: Belonging) -> bool:
        """Whether a permission holds for a thing."""
        return self.reach(permission).includes(thing)

    def may(self, permission: str, organisation: str | Anywhere | None = ANYWHERE) -> bool:
        """Whether a permission holds: anywhere at all, or for what belongs to an organisation and has no place.

        `organisation=None` asks for what belongs to no organisation, the city's own. After ANYWHERE the thing itself
        must still be asked for.
        """
        reach = self.reach(permission)
        if organisation is ANYWHERE:
            return bool(reach.places)
        return reach.includes(Belonging.to(organisation))

    def owners(self, permission: str) -> list[str]:
        """The organisations to which what this principal makes belongs.

        That for which they work; when their roles do not reach its things, those for which they may make any.
        """
        reach = self.reach(permission)
        own = Belonging.to(self.organisation)
        if reach.is_everywhere or any(place.organisation in (None, *own.organisations) for place in reach.places):
            return sorted(own.organisations)
        return sorted({place.organisation for place in reach.places if place.organisation is not None})

    @property
    def permissions(self) -> frozenset[str]:
        """Every permission that holds somewhere."""
        if self.kind in ("device", "system"):
            return self.scopes or frozenset()
        given = permissions_of(self.grants)
        return given if self.scopes is None else given & self.scopes

    @property
    def actor(self) -> str:
        """How the audit record and other tables name this principal, e.g. "person:12"."""
        return f"{self.kind}:{self.id}"


def device_principal(device_id: str, name: str, organisation: str | None, tenant: str) -> Principal:
    """A device or gateway, which may do one thing: bring readings."""
    return Principal(
        kind="device",
        id=device_id,
        login=device_id,
        name=name,
        organisation=organisation,
        roles=frozenset(),
        tenant=tenant,
        scopes=frozenset({"intake.push"}),
    )


def system_principal(part: str, tenant: str, permissions: frozenset[str]) -> Principal:
    """A part of Vidik itself (a job, the command line), with exactly the permissions it names."""
    return Principal(
        kind="system",
        id=part,
        login=part,
        name="Vidik",
        organisation=None,
        roles=frozenset(),
        tenant=tenant,
        scopes=permissions,
    )
