"""The command centre's eyes: what the front end asks, its live stream, and the front end itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vidik.kernel.modules import Module, PeriodicJob
from vidik.kernel.services import Services

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.routing import BaseRoute


def _api_routers() -> "Sequence[APIRouter]":
    from vidik.console import api
    from vidik.console.vitals import api as vitals_api

    return [api.router, vitals_api.router]


def _routes() -> "Sequence[BaseRoute]":
    from starlette.routing import Route

    from vidik.console.static_files import StaticFiles

    return [Route("/{path:path}", StaticFiles().__call__, methods=["GET", "HEAD"], name="console")]


@asynccontextmanager
async def _lifespan(services: Services) -> AsyncIterator[None]:
    from vidik.console.live import LiveCity
    from vidik.console.vitals.shown import Vitals

    services.put(Vitals(services.database, services.settings.tenant))
    async with LiveCity(services).running() as live:
        services.put(live)
        yield


def _periodic() -> Sequence[PeriodicJob]:
    from vidik.console.vitals.keeping import KEEP_EVERY_SECONDS, Keeper

    return [PeriodicJob("console.vitals", KEEP_EVERY_SECONDS, Keeper().run)]


MODULE = Module(name="console", api_routers=_api_routers, routes=_routes, periodic=_periodic, lifespan=_lifespan)
