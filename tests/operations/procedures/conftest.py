"""People who ask over HTTP for tests of procedures."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.operations.procedures.doing import PEOPLE, Ask

from vidik.kernel.identity import authenticator
from vidik.kernel.services import Services


@pytest.fixture
async def ask(app: Starlette) -> AsyncIterator[Ask]:
    """Requests of a named person; dispatcher, ana and crew have accounts."""
    services: Services = app.state.services
    authenticator(services).sources.append(lambda _user, secret: PEOPLE.get(secret))
    async with services.database.platform() as connection:
        for login in ("dispatcher", "ana", "crew"):
            await connection.execute(
                "INSERT INTO platform.account (tenant, login, name, password_hash) VALUES ('city', %s, %s, 'x')",
                [login, PEOPLE[login].name],
            )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vidik.test") as browser:

        async def ask(
            method: str, path: str, body: Any = None, *, who: str = "dispatcher", version: int | None = None
        ) -> httpx.Response:
            headers = {"Authorization": f"Bearer {who}", "Content-Type": "application/json"}
            if version is not None:
                headers["If-Match"] = f'"{version}"'
            # Escaped to ASCII: a lone surrogate and NaN are JSON to Python, though no UTF-8 can say the first.
            content = json.dumps(body) if body is not None else None
            return await browser.request(method, f"/api{path}", content=content, headers=headers)

        yield ask
