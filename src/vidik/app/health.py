"""Whether this process lives, whether the family can serve, and the family's figures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vidik.kernel import telemetry
from vidik.kernel.migrate import head
from vidik.kernel.processes import FRESH_SECONDS, read_beat
from vidik.kernel.services import Services

DATABASE_SECONDS = 3.0
_encode = msgspec.json.Encoder().encode


def health_routes(services: Services) -> list[BaseRoute]:
    """`/health/live`, `/health/ready` and `/metrics`."""
    return [
        Route("/health/live", _live, methods=["GET"]),
        Route("/health/ready", _ready(services), methods=["GET"]),
        Route("/metrics", _metrics(services), methods=["GET"]),
    ]


async def _live(_request: Request) -> Response:
    return Response(b'{"status":"alive"}', media_type="application/json")


def _ready(services: Services) -> Callable[[Request], Awaitable[Response]]:
    async def ready(_request: Request) -> Response:
        checks = await readiness(services)
        good = all(check == "ok" for check in checks.values())
        return Response(
            _encode({"status": "ready" if good else "not ready", "checks": checks}),
            status_code=200 if good else 503,
            media_type="application/json",
            headers={"cache-control": "no-store"},
        )

    return ready


async def readiness(services: Services) -> dict[str, str]:
    """One word or sentence for each thing that must work before people are let in; "ok" when it does."""
    checks = {"database": "ok", "migrations": "ok"}
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            checks["migrations"] = await _migrations(services)
    except (psycopg.Error, PoolTimeout, TimeoutError, OSError):
        checks["database"] = "the database does not answer"
        checks["migrations"] = "unknown"
    for process in ("intake", "worker"):
        checks[process] = _process(services, process)
    return checks


async def _migrations(services: Services) -> str:
    async with services.database.session(services.settings.tenant) as connection:
        cursor = await connection.execute(
            "SELECT (SELECT version_num FROM alembic_version) AS tenant,"
            " (SELECT version_num FROM platform.alembic_version) AS platform"
        )
        row = await cursor.fetchone()
    wanted = {"tenant": head("tenant"), "platform": head("platform")}
    return "ok" if row == wanted else "the database is not at this release's version: run 'vidik migrate'"


def _process(services: Services, name: str) -> str:
    beat = read_beat(services.settings.data / "run", name)
    if beat is None:
        return "not running"
    return "ok" if beat.age_seconds < FRESH_SECONDS else f"no sign of life for {beat.age_seconds:.0f} s"


def _metrics(services: Services) -> Callable[[Request], Awaitable[Response]]:
    async def metrics(request: Request) -> Response:
        if not services.settings.metrics_public:
            from vidik.kernel.identity import require_principal

            await require_principal(request, "audit.read")
        text = await asyncio.to_thread(telemetry.exposition, services.settings.data / "run")
        return Response(text, media_type=telemetry.CONTENT_TYPE)

    return metrics
