"""A load of MQTT devices in one process: `uv run python bench/mqtt_load.py --help`.

Publishes with QoS 1 over many connections and reports as JSON what was acknowledged, and how fast. It shares the
machine with what it measures, so a message costs it a few microseconds: packets are laid out once a connection, and
only the packet identifier, the time and a number are filled in.

    {"connections": 1000, "connect_seconds": 0.4, "sent": 300000, "acknowledged": 300000, "refused": 0,
     "unconfirmed": 0, "lost_connections": 0, "seconds": 30.0, "rate": 9998.7, "cpu_seconds": 5.1,
     "latency_ms": {"p50": 21.4, "p95": 40.2, "p99": 55.0, "max": 80.1}}

`--journal FILE` appends one record (`JOURNAL`: device number, time in µs since 1970) for every acknowledged message,
so that a test can look for each of them after a fault.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import struct
import sys
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import uvloop

from vidik.intake.mqtt import codec, wire
from vidik.intake.mqtt.packets import Connack, Connect

JOURNAL = struct.Struct("<IQ")
TEMPLATE = '{"time":"{time}","temperature":{number},"humidity":{number},"pressure":{number}}'
KEEP_ALIVE_SECONDS = 600
TICK_SECONDS = 0.005


@dataclass
class Totals:
    """What happened so far; latencies in microseconds."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    unconfirmed: int = 0
    lost_connections: int = 0
    latencies: array[int] = field(default_factory=lambda: array("I"))
    journal: bytearray | None = None


class Clock:
    """Hands out times that never repeat, as ISO text; the text of the second is made once."""

    def __init__(self) -> None:
        self._last = 0
        self._second = -1
        self._text = b""

    def next(self) -> tuple[int, bytes]:
        """Return (µs since 1970, the same as `2026-11-22T01:02:03.000004Z`)."""
        now = self._last = max(time.time_ns() // 1000, self._last + 1)
        second, micros = divmod(now, 1_000_000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.").encode()
        return now, b"%b%06dZ" % (self._text, micros)


class Payload:
    """A payload of constant length with `{time}` and `{number}` (10.00 to 99.99) filled in."""

    def __init__(self, template: str) -> None:
        self._parts: list[bytes] = []
        self._slots: list[bool] = []
        rest = template
        while True:
            found = [(rest.index(mark), mark) for mark in ("{time}", "{number}") if mark in rest]
            if not found:
                break
            at, mark = min(found)
            self._parts.append(rest[:at].encode())
            self._slots.append(mark == "{time}")
            rest = rest[at + len(mark) :]
        self._end = rest.encode()
        self._clock = Clock()
        self._count = 0
        self.length = len(self.next()[1])

    def next(self) -> tuple[int, bytes]:
        """Return (time in µs, payload)."""
        at, text = self._clock.next()
        self._count = (self._count + 7919) % 9000
        number = b"%05.2f" % (10 + self._count / 100)
        pieces = []
        for part, is_time in zip(self._parts, self._slots, strict=True):
            pieces.append(part)
            pieces.append(text if is_time else number)
        pieces.append(self._end)
        return at, b"".join(pieces)


class Device(asyncio.Protocol):
    """One connection; `waiting` holds (time of the reading, when it was sent) in the order of sending."""

    def __init__(self, number: int, connect: Connect, topic: str, load: Load) -> None:
        self.number = number
        self.connect = connect
        self.load = load
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.packet_id = 0
        self.waiting: deque[tuple[int, float]] = deque()
        head = wire.encode_string(topic)
        self.after_id = b"\0" if connect.version == wire.VERSION_5 else b""
        length = len(head) + 2 + len(self.after_id) + load.payload.length
        self.head = b"\x32" + wire.encode_length(length) + head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        transport.write(codec.encode(self.connect, self.connect.version))  # type: ignore[attr-defined]  # as above

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        totals = self.load.totals
        totals.unconfirmed += len(self.waiting)
        self.waiting.clear()
        self.buffer = b""
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"device {self.number}: closed before CONNACK"))
        elif not self.load.ending:
            totals.lost_connections += 1
            self.load.again(self)

    def publish(self, count: int) -> int:
        """Send up to `count` messages as far as the window allows; returns how many were sent."""
        count = min(count, self.load.window - len(self.waiting))
        if count <= 0 or self.transport is None:
            return 0
        pieces = []
        now = time.perf_counter()
        for _ in range(count):
            self.packet_id = self.packet_id % 65_535 + 1
            at, payload = self.load.payload.next()
            pieces += (self.head, self.packet_id.to_bytes(2, "big"), self.after_id, payload)
            self.waiting.append((at, now))
        self.transport.write(b"".join(pieces))
        self.load.totals.sent += count
        return count

    def data_received(self, data: bytes) -> None:
        data = self.buffer + data
        position, size = 0, len(data)
        now = time.perf_counter()
        while position < size:
            if data[position : position + 2] == b"\x40\x02" and position + 4 <= size:
                self.acknowledged(now, 0)
                position += 4
                continue
            first, start, end = wire.next_frame(data, position, size, 1 << 20)
            if end > size:
                break
            self.other(first, codec.decode(data, first, start, end, self.connect.version), data, start, end, now)
            position = end
        self.buffer = data[position:]
        if self.load.rate == 0:
            self.publish(self.load.window)

    def other(self, first: int, packet: object, data: bytes, start: int, end: int, now: float) -> None:
        if first >> 4 == wire.PUBACK:
            self.acknowledged(now, data[start + 2])
        elif isinstance(packet, Connack) and not self.ready.done():
            if packet.reason:
                self.ready.set_exception(ConnectionError(f"device {self.number}: CONNACK {packet.reason:#x}"))
            else:
                self.ready.set_result(None)

    def acknowledged(self, now: float, reason: int) -> None:
        at, sent = self.waiting.popleft()
        totals = self.load.totals
        if reason >= 0x80:
            totals.refused += 1
            return
        totals.acknowledged += 1
        totals.latencies.append(int((now - sent) * 1e6))
        if totals.journal is not None:
            totals.journal += JOURNAL.pack(self.number, at)


class Load:
    """All devices together."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.rate: float = options.rate
        self.window: int = options.window
        self.payload = Payload(options.template)
        self.totals = Totals(journal=None if options.journal is None else bytearray())
        self.devices: list[Device] = []
        self.ending = False
        self._tasks: set[asyncio.Task[None]] = set()

    def device(self, number: int, name: str, password: str) -> Device:
        """Return device `number`; a shared --username logs in for all of them."""
        options = self.options
        username = options.username.replace("{device}", name)
        connect = Connect(
            client_id=f"{options.client_prefix}{name}",
            version=wire.VERSION_5 if options.version == 5 else wire.VERSION_311,
            keep_alive=KEEP_ALIVE_SECONDS,
            username=username or None,
            password=password.encode() if username else None,
        )
        return Device(number, connect, options.topic.replace("{device}", name), self)

    def again(self, device: Device) -> None:
        """Have a lost device come back."""
        task = asyncio.get_running_loop().create_task(self._again(device))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self, device: Device) -> None:
        while not self.ending:
            await asyncio.sleep(self.options.reconnect_seconds)
            device.ready = asyncio.get_running_loop().create_future()
            try:
                await self.connect(device)
            except OSError:
                continue
            return

    async def connect(self, device: Device) -> None:
        """Connect and wait for the CONNACK."""
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: device, self.options.host, self.options.port)
        except OSError:
            device.ready.cancel()
            raise
        await asyncio.wait_for(device.ready, 30)

    async def connect_all(self) -> float:
        """Connect every device, a few hundred at a time; returns the seconds it took."""
        started = time.perf_counter()
        queue = deque(self.devices)

        async def worker() -> None:
            while queue:
                await self.connect(queue.popleft())

        await asyncio.gather(*(worker() for _ in range(min(self.options.connecting, len(queue)))))
        return time.perf_counter() - started

    async def publish(self, seconds: float) -> None:
        """Publish at the rate (0: as fast as the windows allow) for so long, evenly over the devices."""
        started = time.perf_counter()
        if self.rate == 0:
            for device in self.devices:
                device.publish(self.window)
            await asyncio.sleep(seconds)
            self.rate = -1
            return
        ring, size, due, spent = 0, len(self.devices), 0.0, 0
        pinged = started
        while (elapsed := time.perf_counter() - started) < seconds:
            due = elapsed * self.rate - spent
            tried = 0
            while due >= 1 and tried < size:
                count = self.devices[ring].publish(min(self.options.burst, int(due)))
                ring = (ring + 1) % size
                tried += 1
                due -= count
                spent += count
            if time.perf_counter() - pinged > KEEP_ALIVE_SECONDS / 3:
                pinged = time.perf_counter()
                self.ping()
            self.flush_journal()
            await asyncio.sleep(TICK_SECONDS)

    def ping(self) -> None:
        """Say that everybody is alive."""
        for device in self.devices:
            if device.transport is not None:
                device.transport.write(codec.PINGREQ)

    def flush_journal(self) -> None:
        """Hand the acknowledged messages to the journal file."""
        journal = self.totals.journal
        if journal:
            with Path(self.options.journal).open("ab") as file:
                file.write(journal)
            journal.clear()

    async def settle(self, seconds: float) -> None:
        """Wait for the last acknowledgements."""
        deadline = time.perf_counter() + seconds
        while any(device.waiting for device in self.devices) and time.perf_counter() < deadline:  # noqa: ASYNC110  no event says it
            await asyncio.sleep(0.01)
        self.flush_journal()

    def close(self) -> None:
        """Hang up."""
        self.ending = True
        for device in self.devices:
            if device.transport is not None:
                device.transport.write(b"\xe0\x00")
                device.transport.close()


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Run one load and return its figures."""
    load = Load(options)
    for number, (name, password) in enumerate(names(options)):
        load.devices.append(load.device(number, name, password))
    connecting = await load.connect_all()
    progress(options, f"{len(load.devices)} connected in {connecting:.1f} s")
    cpu, started = time.process_time(), time.perf_counter()
    await load.publish(options.seconds)
    await load.settle(options.settle)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    load.close()
    await asyncio.sleep(0.1)
    totals = load.totals
    figures = {
        "connections": len(load.devices),
        "connect_seconds": round(connecting, 2),
        "sent": totals.sent,
        "acknowledged": totals.acknowledged,
        "refused": totals.refused,
        "unconfirmed": totals.unconfirmed,
        "lost_connections": totals.lost_connections,
        "seconds": round(seconds, 2),
        "rate": round(totals.acknowledged / seconds, 1),
        "cpu_seconds": round(cpu, 2),
    }
    if totals.latencies:
        p50, p95, p99, top = np.percentile(np.frombuffer(totals.latencies, "u4"), (50, 95, 99, 100)) / 1000
        figures["latency_ms"] = {"p50": round(p50, 2), "p95": round(p95, 2), "p99": round(p99, 2), "max": round(top, 2)}
    return figures


def names(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return (device, password) of every device: from --credentials, or numbered after --device."""
    if options.credentials is not None:
        lines = Path(options.credentials).read_text().splitlines()[: options.connections]
        return [(name, secret) for name, secret in (line.split() for line in lines)]
    width = options.device.count("#")
    stem = options.device.rstrip("#")
    return [(f"{stem}{number:0{width}d}", options.password) for number in range(options.connections)]


def progress(options: argparse.Namespace, text: str) -> None:
    """Say something on standard error."""
    if options.verbose:
        print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description="Publish MQTT readings from many devices and measure it.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--version", type=int, choices=(4, 5), default=4, help="4 is MQTT 3.1.1")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--device", default="load-#####", help="device name; # are the digits of its number")
    parser.add_argument("--credentials", help="file with a line `device secret` for each device")
    parser.add_argument("--username", default="{device}", help="empty: anonymous")
    parser.add_argument("--password", default="")
    parser.add_argument("--topic", default="devices/{device}/readings")
    parser.add_argument("--client-prefix", default="")
    parser.add_argument("--template", default=TEMPLATE, help="payload with {time} and {number}")
    parser.add_argument("--rate", type=float, default=1000, help="messages a second over all; 0: as fast as possible")
    parser.add_argument("--window", type=int, default=16, help="unacknowledged messages a connection")
    parser.add_argument("--burst", type=int, default=1, help="messages a connection sends at once")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--settle", type=float, default=10, help="seconds to wait for the last acknowledgements")
    parser.add_argument("--connecting", type=int, default=200, help="connections opened at the same time")
    parser.add_argument("--reconnect-seconds", type=float, default=0.5)
    parser.add_argument("--journal", help="file for the acknowledged messages")
    parser.add_argument("--verbose", action="store_true")
    return parser


def main() -> None:
    """Run from the command line."""
    options = arguments().parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(json.dumps(uvloop.run(run(options))))


if __name__ == "__main__":
    main()
