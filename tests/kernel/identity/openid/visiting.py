"""People who come to Vidik from the made-up provider, and what became of it."""

from typing import Any

import httpx
from tests.kernel.identity.openid.made_up import ISSUER, MadeUpProvider

from vidik.kernel import audit

CITY: dict[str, Any] = {
    "name": "City",
    "name_sr": "Град",
    "issuer": ISSUER,
    "client_id": "vidik",
    "groups": {
        "dispeceri": {"role": "dispatcher"},
        "toplana": {"role": "utility_manager", "organisation": "toplana"},
    },
}


async def arrive(visitor: httpx.AsyncClient, made_up: MadeUpProvider, then: str = "/tasks", **brought: Any) -> str:
    """Sign in at the provider, bring back what it gives; where the browser ends up."""
    sent = await visitor.get("/api/sign-in/begin", params={"then": then})
    assert sent.status_code == 303
    answer = await visitor.get(
        "/api/sign-in/callback",
        params={name: value for name, value in (made_up.agree(sent.headers["location"]) | brought).items() if value},
    )
    assert answer.status_code == 303
    return answer.headers["location"]


async def me(visitor: httpx.AsyncClient) -> dict[str, Any] | None:
    answer = await visitor.get("/api/session")
    return answer.json()["account"] if answer.status_code == 200 else None


async def recorded(services) -> list[dict[str, Any]]:
    async with services.database.platform() as connection:
        return list(reversed(await audit.newest(connection, "city", before=None, limit=50)))
