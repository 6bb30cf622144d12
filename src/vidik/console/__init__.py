"""The command centre's eyes: what the front end asks, its live stream, and the front end itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vidik.kernel.modules import Module
from vidik.kernel.services import Services

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.routing import BaseRoute


def _api_routers() -> "Sequence[APIRouter]":
    from vidik.console.api import router

    return [router]


def _routes() -> "Sequence[BaseRoute]":
    from starlette.routing import Route

    from vidik.console.static_files import StaticFiles

    return [Route("/{path:path}", StaticFiles().__call__, methods=["GET", "HEAD"], name="console")]


@asynccontextmanager
async def _lifespan(services: Services) -> AsyncIterator[None]:
    from vidik.console.live import LiveCity
    from vidik.console.trends import Trends

    trends = Trends(services.database, services.settings.tenant)
    services.put(trends)
    async with LiveCity(services).running() as live:
        services.put(live)
        try:
            yield
        finally:
            await trends.close()


MODULE = Module(name="console", api_routers=_api_routers, routes=_routes, lifespan=_lifespan)
