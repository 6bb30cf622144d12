"""An application with the identity module alone, and people to use it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import Depends, FastAPI
from psycopg.types.json import Jsonb

from vidik.app.problems import HANDLERS
from vidik.kernel.identity import MODULE, require
from vidik.kernel.identity import repository as identity
from vidik.kernel.identity.passwords import passwords
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services

PASSWORD = "plavo-nebo-nad-gradom"

MakeAccount = Callable[..., Awaitable[int]]
Drawn = Callable[[str, float], Awaitable[None]]
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def app(services: Services) -> FastAPI:
    app = FastAPI(exception_handlers=dict(HANDLERS))
    app.state.services = services
    for router in MODULE.api_routers():
        app.include_router(router, prefix="/api")

    @app.post("/rules", dependencies=[Depends(require("rules.manage"))])
    async def change_rules() -> str:
        return "changed"

    return app


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
    """Makes clients that are not signed in."""
    clients = []

    def make() -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vidik.test")
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def make_account(services: Services) -> MakeAccount:
    async def make(login: str, *grants: Grant, password: str | None = PASSWORD, organisation: str | None = None) -> int:
        hashed = None if password is None else await passwords(64).hash(password)
        async with services.database.platform() as connection:
            account = await identity.insert_account(
                connection,
                {
                    "tenant": "city",
                    "login": login,
                    "name": login.title(),
                    "organisation": organisation,
                    "password_hash": hashed,
                    "password_initial": False,
                    "ends_at": None,
                },
            )
            assert account is not None
            await identity.replace_roles(connection, account, [Grant(*grant) for grant in grants])
        return account

    return make


@pytest.fixture
def drawn(services: Services) -> Drawn:
    """Draws an area: a twentieth of a degree wide, from a longitude on."""

    async def draw(code: str, west: float) -> None:
        ring = [[west, 43.3], [west + 0.05, 43.3], [west + 0.05, 43.33], [west, 43.33], [west, 43.3]]
        async with services.database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO area (code, name, shape, changed_by, changed_at) VALUES (%s, %s, %s, 'x', now())",
                [code, code, Jsonb({"type": "Polygon", "coordinates": [ring]})],
            )

    return draw


@pytest.fixture
def sign_in(browser: Callable[[], httpx.AsyncClient]) -> SignIn:
    async def sign_in(login: str, password: str = PASSWORD) -> httpx.AsyncClient:
        client = browser()
        answer = await client.post("/api/session", json={"login": login, "password": password})
        assert answer.status_code == 204, answer.text
        return client

    return sign_in


@pytest.fixture
async def administrator(make_account: MakeAccount, sign_in: SignIn) -> httpx.AsyncClient:
    await make_account("admin", ("administrator", None))
    return await sign_in("admin")
