"""The HTTP doors of Vidik, as any outsider with a token or a device's credential uses them."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import structlog

_log = structlog.get_logger(__name__)

CITY_CONTEXT = (
    '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
)
_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0
_AT_ONCE = 200
_TRIES_OF_A_NEW_CREDENTIAL = 40  # every process hears of it within half a minute


class DoorClosed(Exception):
    """Vidik refused what the demo asked for; the message says what and why."""


class Door:
    """Calls Vidik over HTTP; waits while Vidik is starting or busy."""

    def __init__(self, base_url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            timeout=60,
            limits=httpx.Limits(max_connections=16),
        )
        self._token = {"Authorization": f"Bearer {token}"}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ready(self) -> None:
        """Wait until Vidik says that it is ready."""
        pause = 0.25
        while True:
            try:
                if (await self._client.get("/health/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(pause)
            pause = min(3.0, pause * 1.5)

    async def basemap(self) -> dict[str, Any]:
        """The base map that the console draws. Raises DoorClosed."""
        answer = await self._ask("GET", "/api/console/basemap.json")
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str) -> dict[str, Any]:
        """What Vidik answers to a question. Raises DoorClosed."""
        found: dict[str, Any] = (await self._ask("GET", path)).json()
        return found

    async def post(self, path: str, **more: Any) -> dict[str, Any]:
        """Hand something in; `more` as httpx takes it. Returns what Vidik made of it. Raises DoorClosed."""
        made: dict[str, Any] = (await self._ask("POST", path, **more)).json()
        return made

    async def send(self, path: str, **more: Any) -> None:
        """Hand something in that is answered with nothing. Raises DoorClosed."""
        await self._ask("POST", path, **more)

    async def knows_device(self, device_id: str) -> bool:
        """Whether a device is registered."""
        answer = await self._ask("GET", f"/api/devices/{device_id}", also=(404,))
        return answer.status_code == 200

    async def register(self, devices: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Register devices, or bring their record up to date; returns the secrets of those that asked for one."""
        secrets: dict[str, str] = {}
        for start in range(0, len(devices), _AT_ONCE * 4):
            chunk = list(devices[start : start + _AT_ONCE * 4])
            answer = await self._ask("POST", "/api/devices", params={"existing": "update"}, json=chunk)
            secrets |= {item["device_id"]: item["secret"] for item in answer.json()["items"] if "secret" in item}
        return secrets

    async def upsert(self, entities: Sequence[dict[str, Any]]) -> None:
        """Create or update entities, `{"id", "type", attributes...}` with the city's short names."""
        for start in range(0, len(entities), _AT_ONCE):
            answer = await self._ask(
                "POST",
                "/ngsi-ld/v1/entityOperations/upsert",
                params={"options": "update"},
                json=list(entities[start : start + _AT_ONCE]),
                headers={"Link": CITY_CONTEXT},
            )
            if answer.status_code == 207:
                raise DoorClosed(f"some entities were refused: {answer.text[:400]}")

    async def create(self, entity: dict[str, Any]) -> None:
        """Create an entity with the city's short names; one that is there already stays as it is. Raises DoorClosed."""
        headers = {"Link": CITY_CONTEXT}
        await self._ask("POST", "/ngsi-ld/v1/entities", also=(409,), json=entity, headers=headers)

    async def push(self, gateway_id: str, secret: str, device_id: str, payload: bytes) -> None:
        """Bring one message of a device with its gateway's credential; done when it is on disk. Raises DoorClosed."""
        auth = httpx.BasicAuth(gateway_id, secret)
        for _ in range(_TRIES_OF_A_NEW_CREDENTIAL):
            answer = await self._ask(
                "POST", f"/api/intake/{device_id}", also=(401, 403, 404, 422), content=payload, auth=auth
            )
            if answer.is_success or answer.status_code == 422:
                return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise DoorClosed(f"{device_id} by {gateway_id} was answered {answer.status_code}: {answer.text[:200]}")

    async def _ask(self, method: str, path: str, *, also: Sequence[int] = (), **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        if "auth" not in more:
            headers = headers | self._token
        pause = _PAUSE_SECONDS
        while True:
            try:
                answer = await self._client.request(method, path, headers=headers, **more)
            except httpx.TransportError as error:
                _log.info("Vidik does not answer yet", path=path, error=repr(error))
            else:
                if answer.is_success or answer.status_code in also:
                    return answer
                if answer.status_code not in (429, 502, 503, 504):
                    raise DoorClosed(f"{method} {path} was answered {answer.status_code}: {answer.text[:400]}")
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE_SECONDS, pause * 1.6)
