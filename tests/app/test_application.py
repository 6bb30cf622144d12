"""The web application as a whole: problems, health, limits, headers, the offline reference."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route

from vidik.app import create_app
from vidik.app.application import _api
from vidik.app.boundary import LARGEST_BODY, Boundary, LiveStreams
from vidik.app.problems import HANDLERS
from vidik.kernel.errors import Conflict, TooManyRequests
from vidik.kernel.modules import Module
from vidik.kernel.processes import Heart
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The real application, its lifespan open."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vidik.test") as client,
    ):
        yield client


class Wish(BaseModel):
    password: str = Field(max_length=7)
    count: int = Field(le=9)


router = APIRouter()


@router.post("/wishes")
async def wish(wish: Wish) -> dict[str, int]:
    return {"count": wish.count}


@router.get("/conflict")
async def conflict() -> None:
    raise Conflict("That name is taken.", field="name")


@router.get("/hurry")
async def hurry() -> None:
    raise TooManyRequests("Too many.", retry_after=7)


@router.get("/mistake")
async def mistake() -> None:
    raise RuntimeError("the password is hunter2")


async def read_all(request: Request) -> Response:
    return Response(str(len(await request.body())))


async def page(_request: Request) -> Response:
    return Response("<p>", media_type="text/html")


@pytest.fixture
def small(services: Services) -> tuple[httpx.AsyncClient, LiveStreams]:
    """A few routes behind the same boundary and the same handlers."""
    api = _api([Module(name="test", api_routers=lambda: [router])], services)
    streams = LiveStreams()
    app = Starlette(
        routes=[Route("/page", page), Route("/read", read_all, methods=["POST"]), Mount("/api", api)],
        middleware=[Middleware(Boundary, streams=streams, settings=services.settings)],
        exception_handlers=HANDLERS,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vidik.test"), streams


Small = tuple[httpx.AsyncClient, LiveStreams]


class TestProblems:
    async def test_an_error_of_ours_says_code_detail_and_field(self, small: Small) -> None:
        response = await small[0].get("/api/conflict")

        assert response.status_code == 409
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"] == "That name is taken."
        assert response.json()["field"] == "name"

    async def test_an_error_sets_the_headers_it_asks_for(self, small: Small) -> None:
        assert (await small[0].get("/api/hurry")).headers["retry-after"] == "7"

    async def test_a_mistake_of_ours_says_only_a_number(self, small: Small) -> None:
        response = await small[0].get("/api/mistake")

        assert response.status_code == 500
        assert "hunter2" not in response.text
        assert response.json()["request_id"] == response.headers["x-request-id"]

    async def test_invalid_input_names_each_field_and_never_repeats_the_input(self, small: Small) -> None:
        response = await small[0].post("/api/wishes", json={"password": ["hunter2"], "count": "many"})

        assert response.status_code == 422
        assert [mistake["field"] for mistake in response.json()["errors"]] == ["password", "count"]
        assert "hunter2" not in response.text

    @pytest.mark.parametrize(
        ("body", "values"),
        [
            ({"count": 1}, {"field": "password", "kind": "missing"}),
            ({"password": "x", "count": 12}, {"field": "count", "kind": "too-large", "limit": 9}),
            ({"password": "x", "count": "many"}, {"field": "count", "kind": "no-number"}),
            ({"password": "a" * 8, "count": 1}, {"field": "password", "kind": "too-long", "limit": 7}),
        ],
    )
    async def test_a_screen_is_told_what_is_wrong_in_words_it_knows(
        self, small: Small, body: dict[str, Any], values: dict[str, Any]
    ) -> None:
        assert (await small[0].post("/api/wishes", json=body)).json()["values"] == values

    @pytest.mark.parametrize("address", ["/nowhere", "/api/nowhere"])
    async def test_an_unknown_address_is_a_problem_too(self, small: Small, address: str) -> None:
        response = await small[0].get(address)

        assert response.status_code == 404
        assert response.json()["detail"] == "There is nothing at this address."

    async def test_a_wrong_method_is_a_problem_too(self, small: Small) -> None:
        assert (await small[0].get("/read")).json()["status"] == 405


class TestBoundary:
    async def test_a_request_id_is_made_and_a_given_one_is_kept(self, small: Small) -> None:
        made = await small[0].get("/page")
        given = await small[0].get("/page", headers={"X-Request-ID": "abcdefgh-1"})
        refused = await small[0].get("/page", headers={"X-Request-ID": "<script>"})

        assert len(made.headers["x-request-id"]) == 16
        assert given.headers["x-request-id"] == "abcdefgh-1"
        assert refused.headers["x-request-id"] != "<script>"

    async def test_a_body_that_is_too_large_is_refused(self, small: Small) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(LARGEST_BODY // 1_000_000 + 2):
                yield bytes(1_000_000)

        response = await small[0].post("/read", content=endless())

        assert response.status_code == 413

    async def test_pages_carry_a_content_security_policy(self, small: Small) -> None:
        response = await small[0].get("/page")

        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize(
        ("reached", "public_url", "said"),
        [
            ("http://vidik.test", None, None),
            ("http://vidik.test", "http://vidik.test", None),
            ("https://vidik.test", None, "max-age=31536000"),
            ("http://vidik.test", "https://grad.example.rs", "max-age=31536000"),
        ],
    )
    async def test_who_comes_by_https_is_told_to_come_by_no_other_way(
        self, settings: Settings, reached: str, public_url: str | None, said: str | None
    ) -> None:
        async def page(_request: Request) -> Response:
            return Response("<p>Vidik</p>", media_type="text/html")

        standing = settings.model_copy(update={"public_url": public_url})
        app = Boundary(Starlette(routes=[Route("/", page)]), LiveStreams(), standing)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=reached) as browser:
            answers = [await browser.get("/"), await browser.get("/nowhere")]

        assert [answer.headers.get("strict-transport-security") for answer in answers] == [said, said]

    async def test_a_live_stream_ends_when_the_process_stops(self, settings: Settings) -> None:
        streams = LiveStreams()
        began = asyncio.Event()

        async def endless(_request: Request) -> Response:
            async def beats() -> AsyncIterator[bytes]:
                while True:
                    began.set()
                    yield b": beat\n\n"
                    await asyncio.sleep(0.01)

            return StreamingResponse(beats(), media_type="text/event-stream")

        app = Boundary(Starlette(routes=[Route("/stream", endless)]), streams, settings)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test") as client:
            answering = asyncio.create_task(client.get("/stream"))
            await began.wait()

            await streams.end_all()

            await asyncio.wait_for(answering, 60)


class TestHealth:
    async def test_it_lives_without_asking_anything(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/health/live")).json() == {"status": "alive"}

    async def test_it_is_ready_when_every_process_moves(self, client: httpx.AsyncClient, settings: Settings) -> None:
        async with Heart(settings.data / "run", "intake"), Heart(settings.data / "run", "worker"):
            response = await client.get("/health/ready")

        assert response.status_code == 200
        assert set(response.json()["checks"].values()) == {"ok"}

    async def test_it_is_not_ready_without_the_others(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/health/ready")

        assert response.status_code == 503
        assert response.json()["checks"]["intake"] == "not running"
        assert response.json()["checks"]["database"] == "ok"

    async def test_a_database_that_does_not_answer_is_said(self, settings: Settings) -> None:
        app = create_app(settings.model_copy(update={"database_url": None}))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vidik.test") as client:
            await app.state.services.database.open()
            response = await client.get("/health/ready")
            await app.state.services.database.close()

        assert response.json()["checks"]["database"] == "the database does not answer"

    async def test_metrics_are_in_prometheus_text(self, client: httpx.AsyncClient) -> None:
        await client.get("/health/live")

        response = await client.get("/metrics")

        assert response.headers["content-type"].startswith("text/plain")
        assert "vidik_http_requests_total" in response.text

    async def test_metrics_ask_who_is_there_when_they_are_not_public(self, settings: Settings) -> None:
        app = create_app(settings.model_copy(update={"metrics_public": False}))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://vidik.test") as client,
        ):
            assert (await client.get("/metrics")).status_code == 401


class TestReference:
    async def test_it_lists_every_operation_and_asks_nobody_else(self, client: httpx.AsyncClient) -> None:
        description = (await client.get("/api/openapi.json")).json()

        page = (await client.get("/api/docs")).text

        for path in description["paths"]:
            assert f"/api{path}" in page
        assert "<script" not in page
        assert "https://" not in page
