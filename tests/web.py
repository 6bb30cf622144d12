"""A web application with a signed-in dispatcher, over a real database: fixtures for every folder (a plugin)."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from vidik.app.application import assemble
from vidik.console.live import LiveCity
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

DISPATCHER = Principal(
    kind="token",
    id="1",
    login="dispatcher",
    name="Милица Петровић",
    organisation=None,
    roles=frozenset({"dispatcher", "supervisor"}),
    grants=frozenset({Grant("dispatcher"), Grant("supervisor")}),
    tenant="city",
)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Starlette]:
    """The whole web application, opened; the bearer secret `dispatcher` is the dispatcher."""
    application = assemble(settings)
    async with application.router.lifespan_context(application):
        services: Services = application.state.services
        authenticator(services).sources.append(lambda _user, secret: DISPATCHER if secret == "dispatcher" else None)
        await services.get(LiveCity).ready()
        yield application


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A browser whose person is signed in."""
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": "Bearer dispatcher"}
    async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test", headers=headers) as browser:
        yield browser


@pytest.fixture
def live(app: Starlette) -> LiveCity:
    services: Services = app.state.services
    return services.get(LiveCity)
