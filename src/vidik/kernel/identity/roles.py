"""Who may do what: every permission and every role. Where a role reaches is compared in reach.py."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, Literal, NamedTuple, get_args

from vidik.kernel.identity.reach import Place

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
    "requests.read",
    "requests.manage",
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
    "incidents.close", "requests.read", "requests.manage", "tasks.work", "tasks.manage", "procedures.run",
    "duty.read", "warnings.draft",
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


class Grant(NamedTuple):
    """A role, the organisation that it holds in (None: the whole city), and the area (None: everywhere)."""

    role: str
    organisation: str | None = None
    area: str | None = None

    @property
    def place(self) -> Place:
        """Where the role holds."""
        return Place(self.organisation, self.area)


def grants_of(row: Mapping[str, Any]) -> frozenset[Grant]:
    """Return the grants of an account's row."""
    return frozenset(Grant(*held) for held in row["grants"])


def in_order(grants: Iterable[Grant]) -> list[Grant]:
    """Return grants in the order in which they are listed and written."""
    return sorted(set(grants), key=lambda grant: tuple(part or "" for part in grant))


def permissions_of(grants: Iterable[Grant]) -> frozenset[str]:
    """Every permission that these roles give somewhere."""
    return frozenset().union(*(_GRANTED.get(grant.role, frozenset()) for grant in grants))


def places_of(grants: Iterable[Grant], permission: str) -> frozenset[Place]:
    """Every place where these roles give a permission."""
    return frozenset(grant.place for grant in grants if permission in _GRANTED.get(grant.role, frozenset()))
