"""The assembled application over a fresh database, and somebody who may use it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from vidik import context
from vidik.app import application
from vidik.kernel import identity
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

READER_SECRET = "reader"
WRITER_SECRET = "writer"


def principal(*permissions: str) -> Principal:
    return Principal(
        kind="system",
        id="test",
        login="test",
        name="Test",
        organisation=None,
        roles=frozenset(),
        tenant="city",
        scopes=frozenset(permissions),
    )


@pytest.fixture
async def anonymous(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, with the modules that the API stands on, that is not signed in."""
    monkeypatch.setattr(application, "installed_modules", lambda: [identity.MODULE, context.MODULE])
    app = application.assemble(settings)
    services: Services = app.state.services
    known = {
        READER_SECRET: principal("context.read"),
        WRITER_SECRET: principal("context.read", "context.write"),
    }
    authenticator(services).sources.append(lambda _user, secret: known.get(secret))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://vidik.test/ngsi-ld/v1") as client,
    ):
        yield client


@pytest.fixture
async def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client that may read and write the city's memory."""
    anonymous.headers["Authorization"] = f"Bearer {WRITER_SECRET}"
    return anonymous
