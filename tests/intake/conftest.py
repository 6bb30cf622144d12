"""The intake module behind HTTP, with a pipeline that works, and people who may use it."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI

from vidik.app.problems import HANDLERS
from vidik.intake import MODULE
from vidik.intake.pipeline import Pipeline
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services

Client = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def intake_app(services: Services) -> AsyncIterator[FastAPI]:
    app = FastAPI(exception_handlers=dict(HANDLERS))
    app.state.services = services
    for router in MODULE.api_routers():
        app.include_router(router, prefix="/api")
    async with MODULE.lifespan(services):
        yield app


@pytest.fixture
def pipeline(intake_app: FastAPI, services: Services) -> Pipeline:
    return services.get(Pipeline)


@pytest.fixture
async def client(intake_app: FastAPI, services: Services) -> AsyncIterator[Client]:
    """Makes clients that act as somebody: by roles, by a credential, or as nobody."""
    clients = []
    people: dict[str, Principal] = {}
    authenticator(services).sources.append(lambda _, secret: people.get(secret))

    def make(*grants: str | tuple[str, str], secret: str | None = None) -> httpx.AsyncClient:
        headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
        if grants:
            pairs = frozenset(Grant(grant) if isinstance(grant, str) else Grant(*grant) for grant in grants)
            name = f"person-{len(people)}"
            people[name] = Principal(
                kind="person",
                id=str(len(people) + 1),
                login=name,
                name=name,
                organisation=None,
                roles=frozenset(grant.role for grant in pairs),
                tenant="city",
                grants=pairs,
            )
            headers = {"authorization": f"Bearer {name}"}
        transport = httpx.ASGITransport(intake_app)
        made = httpx.AsyncClient(transport=transport, base_url="http://vidik.test", headers=headers)
        clients.append(made)
        return made

    yield make
    for made in clients:
        await made.aclose()


@pytest.fixture
def administrator(client: Client) -> httpx.AsyncClient:
    return client("administrator")
