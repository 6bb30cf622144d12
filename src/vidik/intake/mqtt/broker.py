"""The door to the city's own broker (Mosquitto, EMQX …): a subscriber that acknowledges after commit.

The broker keeps what is not acknowledged, also while this process is away; how far its own memory can be trusted is its
configuration's business, see docs/operators/mqtt.md.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from typing import Final, Literal

import structlog

from vidik.intake.mqtt.broker_link import BrokerLink
from vidik.intake.mqtt.broker_url import BrokerOptions
from vidik.intake.mqtt.counters import Counters
from vidik.intake.mqtt.ports import PipelinePort
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311
from vidik.kernel.tasks import begin_endless, end_tasks

STEADY_SECONDS: Final = 5.0

log = structlog.get_logger("vidik.intake.mqtt")


class BrokerDoor:
    """Stays connected to a broker for ever, however often it goes away."""

    taken_by: Literal["broker"] = "broker"

    def __init__(self, pipeline: PipelinePort, options: BrokerOptions) -> None:
        self.options = options
        self._pipeline = pipeline
        self._counters = Counters()
        self._link: BrokerLink | None = None
        self._task: asyncio.Task[None] | None = None
        self._ever_connected = False
        self._up = asyncio.Event()

    async def start(self) -> None:
        """Begin to connect; returns at once, a broker that is away does not keep the house from starting."""
        self._task = begin_endless(self._run(), "link to the broker")

    async def up(self) -> None:
        """Return when the door is connected and subscribed."""
        await self._up.wait()

    async def stop(self, grace_seconds: float = 10.0) -> None:
        """Wait for the commits under way, acknowledge them, part; the broker keeps the session."""
        if self._task is not None:
            await end_tasks(self._task)
        link = self._link
        if link is not None:
            await link.finish(grace_seconds)
        self._link = None
        self._up.clear()

    def snapshot(self) -> dict[str, int]:
        """Return the counters by name."""
        return self._counters.snapshot()

    def connected(self, device_id: str) -> bool:  # noqa: ARG002  the port's shape
        """Return True while the broker is there; whether the device is, only the broker knows."""
        return self._up.is_set()

    async def deliver_command(self, device_id: str, payload: bytes, *, within_seconds: float = 30.0) -> bool:
        """Publish a command with QoS 1; True once the broker has taken it for somebody who listens.

        The broker's word is not the device's: it stands for delivery as far as the device keeps a session there.
        """
        future = None if self._link is None else self._link.publish_command(device_id, payload)
        if future is None:
            return False
        try:
            return await asyncio.wait_for(future, within_seconds)
        except TimeoutError:
            return False

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pause = self.options.first_pause
        while True:
            began = loop.time()
            why = await self._stay()
            if loop.time() - began > STEADY_SECONDS:
                pause = self.options.first_pause
            log.warning("mqtt broker away", broker=self.options.place, why=why, next_try_seconds=round(pause, 2))
            # Many intake processes must not all knock at the same moment.
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  jitter, not a secret
            pause = min(pause * 2, self.options.longest_pause)

    async def _stay(self) -> str:
        """Connect and stay until the link is lost; returns why."""
        options = self.options
        link = BrokerLink(options, self._pipeline, self._counters)
        try:
            async with asyncio.timeout(options.answer_seconds):
                await asyncio.get_running_loop().create_connection(
                    lambda: link, options.host, options.port, ssl=options.tls_context()
                )
                session_present = await link.ready
        except (OSError, ValueError) as error:
            link.abandon()
            if link.speaks_only_311 and options.version == VERSION_5 and options.share is None:
                self.options = dataclasses.replace(options, version=VERSION_311)
            return "no answer in time" if isinstance(error, TimeoutError) else str(error)
        except asyncio.CancelledError:
            link.abandon()
            raise
        self._link = link
        self._counters.connections = 1
        self._counters.connects += 1
        self._up.set()
        log.info("mqtt broker connected", broker=options.place, session_present=session_present)
        if self._ever_connected and not session_present:
            log.error("mqtt broker has lost our session: what it held for us is gone", broker=options.place)
        self._ever_connected = True
        try:
            return await asyncio.shield(link.lost)
        finally:
            if link.lost.done():
                self._counters.connections = 0
                self._up.clear()
                self._link = None
