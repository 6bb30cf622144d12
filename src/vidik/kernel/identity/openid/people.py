"""From a provider's claims to an account here: linked by issuer and subject, its roles following its groups."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from vidik.kernel import audit
from vidik.kernel.database import Connection
from vidik.kernel.identity import repository
from vidik.kernel.identity.openid import repository as links
from vidik.kernel.identity.openid.config import Provider
from vidik.kernel.identity.principal import system_principal
from vidik.kernel.identity.roles import Grant, grants_of, in_order

_NOT_IN_A_LOGIN: Final = re.compile(r"[^a-z0-9._@-]+")
_LONGEST_NAME: Final = 200


@dataclass(frozen=True)
class Person:
    """What the provider says of somebody, as far as the city's file lets it count."""

    subject: str
    login: str
    name: str
    grants: frozenset[Grant]

    @property
    def organisation(self) -> str | None:
        """Where the person works: the one organisation that all roles hold in, else the whole city."""
        places = {grant.organisation for grant in self.grants}
        return places.pop() if len(places) == 1 else None


def read_person(provider: Provider, claims: dict[str, Any]) -> Person:
    """The person behind claims that were checked; without grants when nothing admits them."""
    groups = _groups(claims.get(provider.groups_claim))
    admitted = _domain_admitted(provider, claims) and _claims_admitted(provider, claims)
    name = next(
        (text for key in ("name", "preferred_username", "email") if (text := _text(claims.get(key)))), claims["sub"]
    )
    login = _text(claims.get(provider.login_claim)) or _text(claims.get("email")) or str(claims["sub"])
    return Person(
        subject=claims["sub"],
        login=_login(login),
        name=_text(name) or "?",
        grants=provider.grants_of(groups) if admitted else frozenset(),
    )


async def admit(connection: Connection, tenant: str, provider: Provider, person: Person) -> dict[str, Any] | None:
    """The account of a person who may come in, made or changed as their groups say; None when they may not.

    Who may not (any more) loses roles and sessions in the same transaction. An account that an administrator
    switched off stays off.
    """
    by = system_principal("sign-in", tenant, frozenset())
    account = await links.linked_account(connection, tenant, provider.issuer, person.subject)
    if account is None:
        if not person.grants:
            return None
        account = await _make(connection, tenant, provider, person)
        details = {"roles": in_order(person.grants), "issuer": provider.issuer}
        await audit.record(connection, by, "account.create", f"account:{account}", reason="provider", details=details)
    else:
        await _follow(connection, tenant, account, person)
    row = await repository.account_by_id(connection, tenant, account)
    if row is None or not row["stands"] or not person.grants:
        return None
    await links.note_sign_in(connection, account, provider.tokens_days)
    return row


async def _make(connection: Connection, tenant: str, provider: Provider, person: Person) -> int:
    account = None
    number = 1
    while account is None:  # a login that is taken belongs to somebody else: never linked by its name alone
        login = person.login if number == 1 else f"{person.login[:58]}-{number}"
        values = {
            "tenant": tenant,
            "login": login,
            "name": person.name,
            "organisation": person.organisation,
            "password_hash": None,
            "password_initial": False,
            "ends_at": None,
        }
        account = await repository.insert_account(connection, values)
        number += 1
    await links.link(connection, tenant, provider.issuer, person.subject, account)
    await repository.replace_roles(connection, account, person.grants)
    return account


async def _follow(connection: Connection, tenant: str, account: int, person: Person) -> None:
    """Give the account what the claims say today; less than before ends the sessions that began with more."""
    row = await repository.account_by_id(connection, tenant, account)
    if row is None:
        return
    before = grants_of(row)
    values = {
        "name": person.name,
        "organisation": person.organisation,
        "enabled": row["enabled"],
        "ends_at": row["ends_at"],
    }
    if (row["name"], row["organisation"]) != (person.name, person.organisation):
        await repository.update_account(connection, account, values)
    if before == person.grants:
        return
    await repository.replace_roles(connection, account, person.grants)
    if before - person.grants:
        await repository.delete_sessions(connection, account)
    by = system_principal("sign-in", tenant, frozenset())
    details = {"roles": in_order(person.grants), "before": in_order(before)}
    await audit.record(connection, by, "account.change", f"account:{account}", reason="provider", details=details)


def _groups(told: Any) -> frozenset[str]:
    if isinstance(told, str):
        return frozenset({told})
    if isinstance(told, list):
        return frozenset(group for group in told if isinstance(group, str))
    return frozenset()


def _domain_admitted(provider: Provider, claims: dict[str, Any]) -> bool:
    """Whether the verified mail address is of an allowed domain; an address that is not verified proves nothing."""
    if not provider.email_domains:
        return True
    address = claims.get("email")
    if not isinstance(address, str) or claims.get("email_verified") is not True:
        return False
    return address.rpartition("@")[2].lower() in {domain.lower() for domain in provider.email_domains}


def _claims_admitted(provider: Provider, claims: dict[str, Any]) -> bool:
    for name, allowed in provider.required_claims.items():
        told = claims.get(name)
        values = told if isinstance(told, list) else [told]
        if not any(type(value) is type(one) and value == one for value in values for one in allowed):
            return False
    return True


def _text(told: Any) -> str | None:
    """A claim as text that a table can keep, at most as long as a name may be; None when it says nothing."""
    if not isinstance(told, str):
        return None
    text = "".join(letter for letter in told.encode("utf-8", "replace").decode() if letter.isprintable()).strip()
    return text[:_LONGEST_NAME] or None


def _login(told: str) -> str:
    login = _NOT_IN_A_LOGIN.sub("-", told.lower()).strip("-._@")[:60]
    return login if len(login) >= 2 else f"person-{login or 'x'}"
