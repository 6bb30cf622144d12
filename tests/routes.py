"""The routes of the web application, worked out once for all tests of a process.

FastAPI works out each route (its parameters, its body's model) when the first request comes: a third of a second for
every application, and each test over HTTP has one of its own. Routes know nothing of an installation but its services.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from vidik.app import application
from vidik.kernel.modules import Module
from vidik.kernel.services import Services

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class Routes:
    """Lends the interfaces of closed applications to new ones; two that are open at once never share."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, ...], list[FastAPI]] = defaultdict(list)
        self._lent: dict[int, FastAPI] = {}
        self._build, self._live = application._api, application._lifespan

    def lend(self, modules: list[Module], services: Services) -> FastAPI:
        """Interfaces that answer for these services until their application is closed."""
        idle = self._idle[_names(modules)]
        api = idle.pop() if idle else self._build(modules, services)
        api.state.services = services
        self._lent[id(services)] = api
        return api

    def lifespan(self, modules: list[Module], services: Services) -> Lifespan:
        """The application's own lifespan; what was lent comes back when it ends."""
        live = self._live(modules, services)

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            try:
                async with live(app):
                    yield
            finally:
                self._idle[_names(modules)].append(self._lent.pop(id(services)))

        return lifespan


def _names(modules: list[Module]) -> tuple[str, ...]:
    return tuple(module.name for module in modules)


def share(patch: pytest.MonkeyPatch) -> None:
    """Let every application of this process take its interfaces from one store."""
    routes = Routes()
    patch.setattr(application, "_api", routes.lend)
    patch.setattr(application, "_lifespan", routes.lifespan)
