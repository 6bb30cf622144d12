"""Desks of people who see and do different things, and an alarm at each thing."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb
from starlette.applications import Starlette
from tests.operations.reaching.desks import GRANTS, MEDIJANA, THINGS, Desks, a_person, id_of

from vidik.kernel.identity import authenticator
from vidik.kernel.services import Services


@pytest.fixture
async def _drawn(services: Services) -> None:
    """The area and the things, there before the live city is: it would let everybody limited read them anew."""
    async with services.database.transaction("city") as connection:
        await connection.execute(
            "INSERT INTO area (code, name, shape, changed_by, changed_at) VALUES ('medijana', 'М', %s, 'x', now())",
            [Jsonb(MEDIJANA)],
        )
        for thing, (organisation, spot) in THINGS.items():
            if spot is not None:
                await connection.execute(
                    "INSERT INTO entity (id, kind, document, place, created_at, modified_at)"
                    " VALUES (%s, 0, '{}', box(point(%s, %s), point(%s, %s)), now(), now())",
                    [id_of(thing), *spot, *spot],
                )
            await connection.execute(
                "INSERT INTO device (device_id, entity_id, name, organisation, origin) VALUES (%s, %s, %s, %s, 'real')",
                [thing, id_of(thing), thing, organisation],
            )


@pytest.fixture
async def desks(_drawn: None, app: Starlette) -> AsyncIterator[Desks]:
    people = {login: a_person(login) for login in GRANTS}
    authenticator(app.state.services).sources.append(lambda _, secret: people.get(secret))
    async with AsyncExitStack() as stack:
        yield {
            login: await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://vidik.test",
                    headers={"Authorization": f"Bearer {login}"},
                )
            )
            for login in GRANTS
        }


@pytest.fixture
async def alarms(desks: Desks, signal: Callable[..., Any]) -> dict[str, str]:
    """The number of an open alarm at each thing."""
    await signal("pressure", *(id_of(thing) for thing in THINGS))
    items = (await desks["city"].get("/api/alarms")).json()["items"]
    return {item["entity_id"].rpartition(":")[2]: item["id"] for item in items}
