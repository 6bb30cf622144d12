"""What the listener's connections share: who is connected, what waits to be written, who waits for room."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from vidik.intake.mqtt.counters import Counters
from vidik.intake.mqtt.options import ListenerOptions
from vidik.intake.mqtt.ports import Directory, Outcome, PipelinePort
from vidik.intake.mqtt.throttle import LoginThrottle
from vidik.intake.mqtt.topics import Routes
from vidik.intake.mqtt.wheel import TimerWheel
from vidik.intake.mqtt.wire import Reason
from vidik.kernel.tasks import end_tasks

LOG_LINES_PER_WINDOW: Final = 20
LOG_WINDOW_SECONDS: Final = 10.0

log = structlog.get_logger("vidik.intake.mqtt")


class Client(Protocol):
    """A connection, as far as those know it that speak with many."""

    slot: int
    principal_id: str

    def flush(self) -> None:
        """Write what has gathered."""

    def due(self) -> None:
        """The wheel has come round."""

    def unchoke(self) -> None:
        """Read on: the pipeline has room again."""

    def send_command(self, device_id: str, payload: bytes) -> asyncio.Future[bool] | None:
        """Send a command to a device that listens here; None where it cannot be sent now."""

    def hold(self) -> None:
        """Read nothing more."""

    def end(self, reason: Reason | None) -> None:
        """Say why (MQTT 5), and close."""

    def cut(self) -> None:
        """Close at once."""


class Hub:
    """The state around which all connections of one listener turn."""

    def __init__(self, pipeline: PipelinePort, directory: Directory, options: ListenerOptions) -> None:
        self.pipeline = pipeline
        self.directory = directory
        self.options = options
        self.counters = Counters()
        self.throttle = LoginThrottle()
        self.wheel: TimerWheel[Client] = TimerWheel(lambda connection: connection.due())
        self.connections: set[Client] = set()
        self.sessions: dict[tuple[str, str], Client] = {}
        self.logins: dict[str, int] = {}
        self.subscribers: dict[str, Client] = {}
        self.on_connected: Callable[[str], None] = lambda _device_id: None
        self.stopping = False
        self.routes = Routes()
        self._dirty: list[Client] = []
        self._choked: deque[Client] = deque()
        self._room: asyncio.Task[None] | None = None
        self._log_window = 0.0
        self._log_lines = 0

    def written(self, connection: Client) -> None:
        """Have the connection's bytes sent once, at the end of this turn of the loop."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(connection)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.flush()

    def choke(self, connection: Client) -> None:
        """Remember a connection that stopped reading because the pipeline is full."""
        self._choked.append(connection)
        if self._room is None:
            self._room = asyncio.get_running_loop().create_task(self._make_room())

    async def _make_room(self) -> None:
        try:
            while self._choked:
                await self.pipeline.room()
                while self._choked and not self.pipeline.full:
                    self._choked.popleft().unchoke()
                await asyncio.sleep(0)
        finally:
            self._room = None

    def settled_without_answer(self, outcome: Outcome) -> None:
        """Count what became of a message that nobody waits for (QoS 0, a will)."""
        self.counters.unacknowledged -= 1
        if outcome is Outcome.FAILED:
            self.counters.failed += 1
        elif outcome is Outcome.REJECTED:
            self.counters.dead_lettered += 1

    def say(self, event: str, **details: object) -> None:
        """Log a misbehaving peer; a flood of them is cut to a few lines a window."""
        now = time.monotonic()
        if now - self._log_window > LOG_WINDOW_SECONDS:
            if self._log_lines > LOG_LINES_PER_WINDOW:
                log.warning("mqtt lines left out", lines=self._log_lines - LOG_LINES_PER_WINDOW)
            self._log_window, self._log_lines = now, 0
        self._log_lines += 1
        if self._log_lines <= LOG_LINES_PER_WINDOW:
            log.warning(event, **details)

    async def close(self) -> None:
        """Stop what the hub runs by itself."""
        self.wheel.stop()
        if self._room is not None:
            await end_tasks(self._room)
