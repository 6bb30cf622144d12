"""A citizens' application that writes requests, and the worker that follows them: fixtures (a plugin)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.principals import a_principal

from vidik.app.consumers import take_in
from vidik.context.store import changes
from vidik.kernel.clock import iso, now
from vidik.kernel.identity import authenticator
from vidik.kernel.services import Services
from vidik.operations.incidents.jobs import open_by_alarms
from vidik.operations.requests import settling
from vidik.operations.requests.consumer import RequestConsumer

CITY_CONTEXT = (
    '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
)
APPLICATION = a_principal(
    "service-311",
    "administrator",
    kind="token",
    id="311",
    name="Позовни центар",
    scopes=frozenset({"context.read", "context.write"}),
)
HERE = [21.8958, 43.3209]


def a_request(number: int, place: list[float] | None = HERE, minutes: float = 5, **said: Any) -> dict[str, Any]:
    """A request in the simplified form, sent some minutes ago; a member said as None is left out."""
    body: dict[str, Any] = {
        "id": f"urn:ngsi-ld:service_requests:nis:{number}",
        "type": "service_requests",
        "service_code": "water_leak",
        "description": "Вода тече низ улицу.",
        "address_string": f"Обреновићева {number}",
        "requested_datetime": iso(datetime.now(UTC) - timedelta(minutes=minutes)),
        "status": "open",
        "dataOrigin": "simulated",
        **({"location": {"type": "Point", "coordinates": place}} if place is not None else {}),
        **said,
    }
    return {name: value for name, value in body.items() if value is not None}


class Outside:
    """The citizens' application: writes requests through the NGSI-LD door, and reads what became of them."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def send(self, *requests: dict[str, Any]) -> list[str]:
        answer = await self.http.post("/ngsi-ld/v1/entityOperations/upsert", json=list(requests))
        assert answer.status_code in (201, 204), answer.text
        return [one["id"] for one in requests]

    async def patch(self, request: str, **attributes: Any) -> None:
        answer = await self.http.patch(f"/ngsi-ld/v1/entities/{request}", json=attributes)
        assert answer.status_code == 204, answer.text

    async def read(self, request: str, lang: str = "en") -> dict[str, Any]:
        answer = await self.http.get(f"/ngsi-ld/v1/entities/{request}", params={"format": "simplified", "lang": lang})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def delete(self, request: str) -> None:
        assert (await self.http.delete(f"/ngsi-ld/v1/entities/{request}")).status_code == 204


@pytest.fixture
async def outside(app: Starlette) -> Any:
    services: Services = app.state.services
    authenticator(services).sources.append(lambda _user, secret: APPLICATION if secret == "311" else None)
    headers = {"Authorization": "Bearer 311", "Link": CITY_CONTEXT}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test", headers=headers) as http:
        yield Outside(http)


Worker = Callable[[], Awaitable[None]]


@pytest.fixture
async def worker(app: Starlette) -> Worker:
    """One turn of everything that the worker does for requests."""
    services: Services = app.state.services
    async with services.database.transaction("city") as connection:
        await changes.cursor_of(connection, RequestConsumer.name)

    async def turn() -> None:
        consumer = RequestConsumer()
        while await take_in(services, "city", consumer):
            pass
        await open_by_alarms(services, "city")
        await settling.settle(services, "city", now() - timedelta(minutes=1))
        while await take_in(services, "city", consumer):
            pass

    return turn
