"""People and programs of the tests' city, as the application knows them after they have signed in."""

from typing import Any

from vidik.kernel.identity import Principal
from vidik.kernel.identity.roles import Grant


def a_principal(login: str, role: str, **other: Any) -> Principal:
    """A person with one role in the whole city; `other` is what is different about them."""
    usual: dict[str, Any] = {
        "kind": "person",
        "id": "1",
        "login": login,
        "name": login,
        "organisation": None,
        "roles": frozenset({role}),
        "grants": frozenset({Grant(role)}),
        "tenant": "city",
    }
    return Principal(**usual | other)
