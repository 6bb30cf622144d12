"""The public doors that a replay sends through, with a device's credential, as a device would."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

import httpx

from vidik.kernel.errors import Forbidden, Unavailable
from vidik.kernel.publisher import PAYLOAD_INVALID, Publisher, PublishRefused
from vidik.kernel.tasks import end_tasks

_HTTP_TOGETHER = 16
_TRIES = 60

Done = Callable[[bool], None]
"""Called with True when the message is on disk as readings, False when it is on disk as a dead letter."""


class Door(Protocol):
    """Somewhere to send messages."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, device_id: str, payload: bytes, done: Done) -> None:
        """Send one message and return when there is room for the next; `done` is called when it is on disk."""
        ...

    async def drain(self) -> None:
        """Wait until everything sent is on disk."""
        ...


class MqttDoor:
    """MQTT with QoS 1."""

    def __init__(self, host: str, port: int, user: str, secret: str, *, window: int = 500) -> None:
        self._publisher = Publisher(host, port, user, secret, client_id=f"{user}-replay", window=window)
        self._refused: PublishRefused | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._publisher.open()
        except PublishRefused as error:
            raise Forbidden(f"{error}. Is the secret right?") from error
        except (OSError, EOFError) as error:
            raise Unavailable(f"The MQTT door does not answer: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._publisher.close()

    async def send(self, device_id: str, payload: bytes, done: Done) -> None:
        self._stop_if_refused()
        acknowledged = await self._publisher.send(f"devices/{device_id}/readings", payload)
        acknowledged.add_done_callback(lambda future: self._finish(future, done))

    async def drain(self) -> None:
        await self._publisher.drain()
        await asyncio.sleep(0)  # the answers' callbacks run on the next turn of the loop
        self._stop_if_refused()

    def _finish(self, future: "asyncio.Future[None]", done: Done) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            done(True)
        elif isinstance(error, PublishRefused) and error.code == PAYLOAD_INVALID:
            done(False)
        elif isinstance(error, PublishRefused):
            self._refused = error

    def _stop_if_refused(self) -> None:
        if self._refused is not None:
            raise Forbidden(f"{self._refused}. May this credential write for this device?")


class HttpDoor:
    """HTTP push, a few requests at once."""

    def __init__(
        self, base_url: str, user: str, secret: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, auth=(user, secret), timeout=30, transport=transport)
        self._room = asyncio.Semaphore(_HTTP_TOGETHER)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: BaseException | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_tasks(*self._tasks)
        await self._client.aclose()

    async def send(self, device_id: str, payload: bytes, done: Done) -> None:
        await self._room.acquire()
        if self._failed is not None:
            self._room.release()
            raise self._failed
        task = asyncio.create_task(self._post(device_id, payload, done))
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    async def drain(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failed is not None:
            raise self._failed

    def _finish(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._room.release()
        if not task.cancelled() and task.exception() is not None:
            self._failed = self._failed or task.exception()

    async def _post(self, device_id: str, payload: bytes, done: Done) -> None:
        for attempt in range(_TRIES):
            try:
                answer = await self._client.post(f"/api/intake/{device_id}", content=payload)
            except httpx.TransportError:
                await asyncio.sleep(min(10.0, 0.5 * 2**attempt))
                continue
            if answer.status_code in (429, 503):
                await asyncio.sleep(_seconds(answer.headers.get("Retry-After")))
                continue
            if answer.is_success or answer.status_code == 422:
                done(answer.is_success)
                return
            raise Forbidden(f"The HTTP door answered {answer.status_code} for {device_id}: {answer.text[:200]}")
        raise Unavailable("The HTTP door did not take the message for several minutes.")


def _seconds(header: str | None) -> float:
    try:
        return min(30.0, max(0.1, float(header or "1")))
    except ValueError:
        return 1.0
