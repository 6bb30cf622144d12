"""Identity: accounts, sessions, tokens, roles, and who is asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vidik.kernel.identity.authentication import (
    Authenticator,
    authenticate,
    authenticator,
    must_reach_the_city,
    require,
    require_in_the_city,
    require_person,
    require_principal,
    require_principal_anew,
    require_somebody,
)
from vidik.kernel.identity.principal import Principal, device_principal, system_principal
from vidik.kernel.modules import Module, PeriodicJob

if TYPE_CHECKING:
    from fastapi import APIRouter

    from vidik.kernel.identity.first_account import Credentials
    from vidik.kernel.services import Services

__all__ = [
    "MODULE",
    "Authenticator",
    "Principal",
    "authenticate",
    "authenticator",
    "device_principal",
    "ensure_first_account",
    "must_reach_the_city",
    "require",
    "require_in_the_city",
    "require_person",
    "require_principal",
    "require_principal_anew",
    "require_somebody",
    "system_principal",
]


async def ensure_first_account(services: Services) -> Credentials | None:
    """Make the first administrator when there is no account yet; see first_account."""
    from vidik.kernel.identity import first_account

    return await first_account.ensure_first_account(services)


def _api_routers() -> list[APIRouter]:
    from vidik.kernel.identity import (
        accounts_api,
        areas_api,
        audit_api,
        phones_api,
        session_api,
        sessions_api,
        tokens_api,
    )
    from vidik.kernel.identity.openid import api as openid_api

    modules = (session_api, openid_api, sessions_api, phones_api, accounts_api, areas_api, tokens_api, audit_api)
    return [module.router for module in modules]


def _periodic() -> list[PeriodicJob]:
    from vidik.kernel.identity import jobs

    return [
        PeriodicJob("identity.remove_ended", 3600, jobs.remove_ended),
        PeriodicJob("identity.note_audit_head", 3600, jobs.note_audit_head),
    ]


@asynccontextmanager
async def _lifespan(services: Services) -> AsyncIterator[None]:
    async with authenticator(services).following():
        yield


MODULE = Module(name="identity", api_routers=_api_routers, periodic=_periodic, lifespan=_lifespan)
