"""Every door of the web application as a stranger finds it: shut, but for what is public on purpose."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from vidik.app import create_app
from vidik.app.modules import installed_modules
from vidik.context import api as ngsi_ld
from vidik.kernel.database import Connection, Database
from vidik.kernel.settings import Settings

PUBLIC = {
    "POST /session": "signing in",
    "DELETE /session": "signing out, harmless for nobody",
    "GET /sign-in": "how one can sign in",
    "GET /sign-in/begin": "on the way to the city's provider",
    "GET /sign-in/callback": "on the way back from it",
    "POST /sign-in/logout": "the provider itself says, signed by it, that sessions have ended",
}

NGSI_LD = [
    "entities",
    "entities/1",
    "entities/1/attrs",
    "entities/1/attrs/1",
    *(f"entityOperations/{operation}" for operation in ("create", "upsert", "update", "merge", "delete", "query")),
    "subscriptions",
    "subscriptions/1",
    "csourceSubscriptions",
    "csourceSubscriptions/1",
    "jsonldContexts",
    "jsonldContexts/1",
    "types",
    "types/1",
    "attributes",
    "attributes/1",
    "info/sourceIdentity",
    "csourceRegistrations",
    "csourceRegistrations/1",
    "snapshots",
    "snapshots/1",
    "snapshots/1/clone",
    "entityMaps",
    "temporal/entityMaps",
    "entityMaps/1",
    "temporal/entities",
    "temporal/entities/1",
    "temporal/entities/1/attrs",
    "temporal/entities/1/attrs/1",
    "temporal/entities/1/attrs//1",
    "temporal/entities/1/attrs/1/1",
    "temporal/entityOperations/query",
]


def routes() -> Iterator[tuple[str, str]]:
    """Each method and path beneath /api."""
    for module in installed_modules():
        for router in module.api_routers():
            for route in router.routes:
                assert isinstance(route, APIRoute)
                for method in sorted(route.methods):
                    yield method, route.path


def methods_of(path: str) -> Any:
    return ngsi_ld._methods(path.split("/"))


@pytest.fixture(scope="module")
async def stranger(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of nobody; the application has no database, and asking it for one is a mistake."""

    @asynccontextmanager
    async def refused(_database: Database, schema: str) -> AsyncIterator[Connection]:
        raise AssertionError(f"a connection to {schema} for a stranger")
        yield

    settings = Settings(data=tmp_path_factory.mktemp("data"), database_url="postgresql://nowhere.invalid/vidik")
    transport = httpx.ASGITransport(app=create_app(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_connection", refused)
        async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test") as client:
            yield client


@pytest.mark.parametrize(
    ("method", "path"), [door for door in routes() if " ".join(door) not in PUBLIC], ids=lambda part: part
)
async def test_a_door_is_shut_before_anything_is_asked_of_the_database(
    stranger: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await stranger.request(method, "/api" + re.sub(r"{\w+(:path)?}", "1", path))

    assert answer.status_code == 401, answer.text


def test_what_is_said_to_be_public_is_there() -> None:
    assert set(PUBLIC) <= {" ".join(door) for door in routes()}


@pytest.mark.parametrize("path", NGSI_LD)
async def test_the_citys_memory_is_shut(stranger: httpx.AsyncClient, path: str) -> None:
    answers = [await stranger.request(method, f"/ngsi-ld/v1/{path}", content=b"{}") for method in methods_of(path)]

    assert {answer.status_code for answer in answers} == {401}


def test_every_table_of_the_citys_memory_was_asked() -> None:
    tables = [found for found in vars(ngsi_ld).values() if isinstance(found, dict) and set(found) <= METHODS and found]

    asked = [methods_of(path) for path in NGSI_LD]

    assert [table for table in tables if not any(table is one for one in asked)] == []


METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
