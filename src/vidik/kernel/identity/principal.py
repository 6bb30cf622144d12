"""Whoever asks: a person, a token that acts for one, a device, or Vidik itself."""

from dataclasses import dataclass, field
from typing import Literal

from vidik.kernel.identity.roles import ANYWHERE, Anywhere, Grant, allows, permissions_of


@dataclass(frozen=True)
class Principal:
    """An authenticated caller and what it may do.

    `organisation` is where a person works; `grants` says which role holds in which organisation. `scopes` narrows
    a token to some permissions of its account; None does not narrow. `session` is a person's session, `phone` the name
    of the crew's phone that it is on, `provider` whether the person signs in through the city's provider.
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

    def may(self, permission: str, organisation: str | Anywhere | None = ANYWHERE) -> bool:
        """Whether a permission holds: anywhere at all, or for what belongs to an organisation.

        `organisation=None` asks for what belongs to no organisation, the city's own.
        """
        if self.scopes is not None and permission not in self.scopes:
            return False
        if self.kind in ("device", "system"):
            return self.scopes is not None
        return allows(self.grants, permission, organisation)

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
