"""HEAD at every door that has GET (RFC 9110, clause 9.1)."""

import asyncio

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.routing import Route


def told(answer: httpx.Response) -> dict[str, str]:
    """The headers of an answer, without what is new with each."""
    return {name: text for name, text in answer.headers.items() if name not in ("x-request-id", "date")}


@pytest.mark.parametrize(
    "path",
    [
        "/ngsi-ld/v1/entities?type=T&count=true",
        "/ngsi-ld/v1/entities/urn:x:none",
        "/ngsi-ld/v1/temporal/entities?type=T&timerel=before&timeAt=2026-01-01T00:00:00Z",
        "/ngsi-ld/v1/types",
        "/ngsi-ld/v1/subscriptions",
        "/ngsi-ld/contexts/vidik.jsonld",
        "/api/openapi.json",
        "/api/sign-in",
        "/api/console/assets",
        "/api/audit/export",
        "/health/live",
        "/cap",
        "/",
        "/nothing.js",
    ],
)
async def test_the_head_of_a_get_is_what_get_says(client: httpx.AsyncClient, path: str) -> None:
    whole, head = await client.get(path), await client.head(path)

    assert head.status_code == whole.status_code
    assert told(head) == told(whole)
    assert head.content == b""
    assert whole.content


async def test_head_opens_no_door(client: httpx.AsyncClient) -> None:
    assert (await client.head("/ngsi-ld/v1/entities/urn:x:1", headers={"Authorization": ""})).status_code == 401
    assert (await client.head("/ngsi-ld/v1/entityOperations/query")).status_code == 405
    assert (await client.head("/api/incidents/1/close")).status_code == 405
    refused = await client.put("/ngsi-ld/v1/entities", content=b"{}")
    assert "HEAD" in refused.headers["Allow"].split(", ")


async def test_the_head_of_a_stream_ends(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        head = await client.head("/api/console/stream")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


def test_pages_know_head_by_themselves(app: Starlette) -> None:
    api = [route for route in app.routes if getattr(route, "path", None) == "/api"]
    pages = [route for route in app.routes if isinstance(route, Route) and "GET" in (route.methods or ())]

    assert api
    assert pages
    assert not any(isinstance(route, APIRoute) for route in pages)
    assert all("HEAD" in (route.methods or ()) for route in pages)
