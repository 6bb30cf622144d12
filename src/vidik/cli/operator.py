"""Who a command acts as."""

from __future__ import annotations

import dataclasses

from vidik.kernel.identity import Principal, system_principal
from vidik.kernel.identity.roles import PERMISSIONS, Grant
from vidik.kernel.services import Services


def operator(services: Services) -> Principal:
    """Whoever can run a command on the machine is its operator; the audit record says that it was by hand."""
    principal = system_principal("command line", services.settings.tenant, PERMISSIONS)
    return dataclasses.replace(principal, grants=frozenset({Grant("administrator")}))
