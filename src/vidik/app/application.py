"""The web application: the modules' routes under one roof, with one way to say that something went wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from vidik import __version__
from vidik.app.boundary import Boundary, LiveStreams
from vidik.app.health import health_routes
from vidik.app.modules import installed_modules
from vidik.app.problems import HANDLERS
from vidik.app.reference import reference_page
from vidik.app.short_way import ShortWay
from vidik.kernel.database import Database
from vidik.kernel.embedded import database_url
from vidik.kernel.modules import Module
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

CONSOLE = "console"


def assemble(settings: Settings) -> Starlette:
    """Put the modules together; nothing is opened before the application's lifespan begins."""
    modules = installed_modules()
    services = Services(settings=settings, database=Database(database_url(settings), max_size=10))
    streams = LiveStreams()
    first = [route for module in modules if module.name != CONSOLE for route in module.routes()]
    last = [route for module in modules if module.name == CONSOLE for route in module.routes()]
    packed = Mount("/api", app=GZipMiddleware(_api(modules, services), minimum_size=2048, compresslevel=4))
    app = _Application(
        routes=[*first, *health_routes(services), packed, *last],
        lifespan=_lifespan(modules, services),
    )
    app.layers = lambda inner: Boundary(ShortWay(inner, first), streams, settings)
    app.state.services = services
    app.state.streams = streams
    return app


class _Application(Starlette):
    """Starlette with our layers alone: behind the boundary its own net for mistakes would catch nothing."""

    layers: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        """The application as it is asked, from the outside in."""
        expected = {kind: handler for kind, handler in HANDLERS.items() if kind is not Exception}
        return self.layers(ExceptionMiddleware(self.router, handlers=expected))


def _api(modules: list[Module], services: Services) -> FastAPI:
    api = FastAPI(
        title="Vidik",
        version=__version__,
        summary="The modules' own interfaces; the city's memory is at /ngsi-ld/v1.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
    api.state.services = services
    for module in modules:
        for router in module.api_routers():
            api.include_router(router)
    api.router.routes.append(Route("/docs", reference_page(api), methods=["GET"]))
    return api


def _lifespan(modules: list[Module], services: Services) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await services.database.open()
            stack.push_async_callback(services.database.close)
            for module in modules:
                if module.lifespan is not None:
                    await stack.enter_async_context(module.lifespan(services))
            yield

    return lifespan
