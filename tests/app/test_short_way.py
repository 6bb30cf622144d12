"""The short way to mounted applications: who is asked, and what becomes of errors."""

from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from vidik.app.short_way import ShortWay
from vidik.kernel.errors import NotFound


class Impossible(Exception):
    pass


async def door(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/ngsi-ld/v1/nothing":
        raise NotFound("There is nothing here.")
    if scope["path"] == "/ngsi-ld/v1/impossible":
        raise Impossible
    await PlainTextResponse("the door")(scope, receive, send)


async def others(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("others")(scope, receive, send)


@pytest.fixture
async def client() -> Any:
    way = ShortWay(others, [Mount("/ngsi-ld/v1", app=door)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(way), base_url="http://vidik") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/ngsi-ld/v1/entities", "the door"), ("/ngsi-ld/v1", "others"), ("/ngsi-ld/v10/entities", "others")],
)
async def test_only_what_is_beneath_a_mount_goes_the_short_way(
    client: httpx.AsyncClient, path: str, expected: str
) -> None:
    assert (await client.get(path)).text == expected


async def test_an_error_of_the_family_is_a_problem_detail(client: httpx.AsyncClient) -> None:
    response = await client.get("/ngsi-ld/v1/nothing")

    assert (response.status_code, response.json()["detail"]) == (404, "There is nothing here.")


async def test_a_mistake_of_ours_is_left_to_the_boundary(client: httpx.AsyncClient) -> None:
    with pytest.raises(Impossible):
        await client.get("/ngsi-ld/v1/impossible")
