"""Who may do what: every permission, every role, and the only place where they are compared."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal, get_args

Permission = Literal[
    "context.read",
    "context.write",
    "devices.read",
    "devices.manage",
    "devices.command",
    "intake.push",
    "deadletters.read",
    "deadletters.replay",
    "alarms.read",
    "alarms.acknowledge",
    "alarms.shelve",
    "alarms.suppress",
    "rules.manage",
    "incidents.read",
    "incidents.manage",
    "incidents.close",
    "tasks.work",
    "tasks.manage",
    "crews.manage",
    "procedures.run",
    "procedures.manage",
    "duty.read",
    "duty.manage",
    "warnings.draft",
    "warnings.release",
    "exercises.run",
    "pilots.read",
    "pilots.manage",
    "pilots.sign",
    "accounts.manage",
    "audit.read",
]
Role = Literal[
    "citizen",
    "crew",
    "dispatcher",
    "supervisor",
    "utility_manager",
    "energy_manager",
    "auditor",
    "administrator",
]

PERMISSIONS: Final[frozenset[str]] = frozenset(get_args(Permission))
ROLES: Final[tuple[str, ...]] = get_args(Role)

_LOOKING = frozenset({"context.read", "devices.read", "alarms.read", "incidents.read", "pilots.read"})
_DISPATCHING = _LOOKING | {
    "alarms.acknowledge", "alarms.shelve", "deadletters.read", "devices.command", "incidents.manage",
    "incidents.close", "tasks.work", "tasks.manage", "procedures.run", "duty.read", "warnings.draft",
}  # fmt: skip
_SUPERVISING = _DISPATCHING | {
    "deadletters.replay", "alarms.suppress", "rules.manage", "audit.read", "crews.manage", "procedures.manage",
    "duty.manage", "warnings.release", "exercises.run",
}  # fmt: skip

_GRANTED: Final[Mapping[str, frozenset[str]]] = {
    "citizen": frozenset(),
    "crew": _LOOKING | {"tasks.work"},
    "dispatcher": _DISPATCHING,
    "supervisor": _SUPERVISING,
    "utility_manager": _SUPERVISING | {"devices.manage", "context.write", "pilots.manage"},
    "energy_manager": _LOOKING | {"devices.command", "deadletters.read", "pilots.manage", "pilots.sign"},
    "auditor": _LOOKING | {"deadletters.read", "audit.read"},
    "administrator": PERMISSIONS,
}


class Anywhere(Enum):
    """Stands for "in at least one organisation" where a permission is asked for."""

    ANYWHERE = "anywhere"


ANYWHERE: Final = Anywhere.ANYWHERE

Grant = tuple[str, str | None]
"""A role and the organisation it holds in; None is the whole city."""


def permissions_of(grants: frozenset[Grant]) -> frozenset[str]:
    """Every permission that these roles give somewhere."""
    return frozenset().union(*(_GRANTED.get(role, frozenset()) for role, _ in grants))


def allows(grants: frozenset[Grant], permission: str, organisation: str | Anywhere | None) -> bool:
    """Whether these roles allow a permission for what belongs to an organisation.

    What belongs to no organisation (None) is the city's own: only a role in the whole city reaches it. ANYWHERE
    asks whether there is any organisation at all; the object itself must then still be asked for.
    """
    return any(
        permission in _GRANTED.get(role, frozenset())
        and (where is None or organisation is ANYWHERE or where == organisation)
        for role, where in grants
    )
