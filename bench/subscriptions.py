"""10,000 subscriptions while 1,000 attributes a second are written over HTTP: what arrives, how late, in what order.

Writer and receiver are processes of their own and share the machine with the family they measure. A written value is
its own time, so that the receiver knows how old a state is when it hears of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import re
import subprocess
import time
from multiprocessing.connection import Connection as Pipe
from typing import Any, ClassVar

import numpy as np
import psutil
from tests.family import RunningVidik, free_port

from bench.http_load import Connection
from bench.report import Figure, Report
from bench.server import folder

ENTITIES = 10_000
TYPES = 1_000
BY_ID = 9_000
RATE = 1_000
CONNECTIONS = 64
DRAIN_SECONDS = 30


def entity(number: int) -> dict[str, Any]:
    """One of the entities that are written."""
    return {
        "id": f"urn:ngsi-ld:Meter:{number}",
        "type": f"Meter{number % TYPES}",
        "name": f"Meter {number}",
        "level": 0,
        "location": {"type": "Point", "coordinates": [21.9 + number / 1e6, 43.3]},
    }


def subscription(number: int, uri: str) -> dict[str, Any]:
    """The subscription that hears of one entity: nine of ten by id, one by type, attribute, pattern and q."""
    if number < BY_ID:
        limits: dict[str, Any] = {"entities": [{"type": f"Meter{number % TYPES}", "id": f"urn:ngsi-ld:Meter:{number}"}]}
    else:
        limits = {
            "entities": [{"type": f"Meter{number % TYPES}", "idPattern": r":9\d\d\d$"}],
            "watchedAttributes": ["level"],
            "q": "level>=0",
        }
    return {
        "id": f"urn:ngsi-ld:Subscription:{number}",
        "type": "Subscription",
        **limits,
        "notification": {"endpoint": {"uri": f"{uri}/{number % 16}"}, "format": "keyValues"},
    }


class _Hearing(asyncio.Protocol):
    """The receiver's end of one connection: finds the bodies, answers 204."""

    latencies: ClassVar[list[float]] = []
    newest: ClassVar[dict[bytes, int]] = {}
    disorder = 0
    repeats = 0
    _state = re.compile(rb'"id":"urn:ngsi-ld:Meter:(\d+)".*?"level":(\d+)')

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            start = self._buffer.index(b"Content-Length: ") + 16
            end = head + 4 + int(self._buffer[start : self._buffer.index(b"\r\n", start)])
            if len(self._buffer) < end:
                return
            self._hear(self._buffer[head + 4 : end])
            self._buffer = self._buffer[end:]
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def _hear(self, body: bytes) -> None:
        moment = time.time_ns() // 1000
        for number, level in self._state.findall(body):
            value, before = int(level), self.newest.get(number, 0)
            if value == before:
                _Hearing.repeats += 1
                continue
            if value < before:
                _Hearing.disorder += 1
            self.newest[number] = value
            self.latencies.append((moment - value) / 1e6)


def receive(pipe: Pipe) -> None:
    """The receiver's process: says its port, and what it has heard whenever it is asked."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Hearing, "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        while True:
            if pipe.poll():
                what = pipe.recv()
                if what == "count":
                    pipe.send(len(_Hearing.latencies))
                else:
                    pipe.send((_Hearing.latencies, _Hearing.disorder, _Hearing.repeats))
                    return
            await asyncio.sleep(0.01)

    asyncio.run(serve())


def write(pipe: Pipe, port: int, token: str, seconds: float) -> None:
    """The writer's process: so many PATCHes a second, evenly, over many connections."""

    async def work() -> None:
        waiting: asyncio.Queue[int] = asyncio.Queue()
        failures = 0

        async def one() -> None:
            nonlocal failures
            connection = await Connection.open(port)
            while (number := await waiting.get()) >= 0:
                body = b'{"level":%d}' % (time.time_ns() // 1000)
                head = (
                    f"PATCH /ngsi-ld/v1/entities/urn:ngsi-ld:Meter:{number}/attrs HTTP/1.1\r\nHost: localhost\r\n"
                    f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n"
                )
                answer = await connection.ask(head.encode() + body)
                failures += not answer.startswith(b"HTTP/1.1 204")
            connection.close()

        workers = [asyncio.create_task(one()) for _ in range(CONNECTIONS)]
        began, sent, order = time.perf_counter(), 0, np.random.default_rng(7).permutation(ENTITIES)
        while (passed := time.perf_counter() - began) < seconds:
            while sent < passed * RATE:
                waiting.put_nowait(int(order[sent % ENTITIES]))
                sent += 1
            await asyncio.sleep(0.002)
        for _ in workers:
            waiting.put_nowait(-1)
        await asyncio.gather(*workers)
        pipe.send((sent, failures, time.perf_counter() - began, time.process_time()))

    asyncio.run(work())


def token_of(vidik: RunningVidik) -> str:
    """A token that may read and write the city's memory."""
    command = [*vidik.command("token", "add", "bench"), "--permission", "context.read", "--permission", "context.write"]
    made = subprocess.run(command, env=vidik.full_environment(), check=True, capture_output=True, text=True)
    found = re.search(r"vdk_[\w\-]+|[\w\-]{40,}", made.stdout)
    assert found is not None, made.stdout
    return found.group()


async def _fill(vidik: RunningVidik, token: str, uri: str) -> None:
    connections = [await Connection.open(vidik.port) for _ in range(16)]

    async def post(connection: Connection, path: str, body: Any) -> None:
        content = json.dumps(body).encode()
        head = (
            f"POST /ngsi-ld/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        answer = await connection.ask(head.encode() + content)
        assert answer.startswith(b"HTTP/1.1 201"), answer[:500]

    for start in range(0, ENTITIES, 1000):
        batch = [entity(number) for number in range(start, start + 1000)]
        await post(connections[0], "entityOperations/create", batch)
    for start in range(0, ENTITIES, 16):
        await asyncio.gather(
            *(
                post(connection, "subscriptions", subscription(start + offset, uri))
                for offset, connection in enumerate(connections)
                if start + offset < ENTITIES
            )
        )
    for connection in connections:
        connection.close()


def _busy_seconds(vidik: RunningVidik) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in ("web", "worker"):
        times = psutil.Process(vidik.pid(name)).cpu_times()
        found[name] = times.user + times.system
    return found


async def run(report: Report, options: argparse.Namespace) -> None:
    """Start a family, subscribe, write, and hold what arrived against what was written."""
    hearing, ear = multiprocessing.Pipe()
    receiver = multiprocessing.Process(target=receive, args=(ear,), daemon=True)
    receiver.start()
    uri = f"http://127.0.0.1:{hearing.recv()}"
    with folder() as path:
        vidik = RunningVidik(path / "data", free_port(), free_port(), {"VIDIK_ALLOW_PRIVATE_ENDPOINTS": "true"})
        vidik.start()
        try:
            token = token_of(vidik)
            await _fill(vidik, token, uri)
            writing, hand = multiprocessing.Pipe()
            before = _busy_seconds(vidik)
            arguments = (hand, vidik.port, token, options.seconds)
            writer = multiprocessing.Process(target=write, args=arguments, daemon=True)
            writer.start()
            written, failures, took, client_seconds = await asyncio.to_thread(writing.recv)
            at_end = await _count(hearing)
            deadline = time.monotonic() + DRAIN_SECONDS
            while await _count(hearing) < written - failures and time.monotonic() < deadline:  # noqa: ASYNC110  the receiver tells nobody
                await asyncio.sleep(0.2)
            busy = {name: seconds - before[name] for name, seconds in _busy_seconds(vidik).items()}
            hearing.send("tell")
            latencies, disorder, repeats = await asyncio.to_thread(hearing.recv)
            vidik.stop()
            began = time.monotonic()
            vidik.start()
            restart = time.monotonic() - began
        finally:
            vidik.stop()
    _add(report, written, failures, took, latencies)
    report.figures[-1].details.update(
        {
            "states out of order": disorder,
            "repeats": repeats,
            "arrived when the last write was answered": at_end,
            **{f"{name}, of a core": f"{seconds / took:.0%}" for name, seconds in busy.items()},
            "writer, of a core": f"{client_seconds / took:.0%}",
        }
    )
    report.add(Figure("restart with 10,000 subscriptions", restart, "s", goal=5, higher_is_better=False))


async def _count(hearing: Any) -> int:
    hearing.send("count")
    return int(await asyncio.to_thread(hearing.recv))


def _add(report: Report, written: int, failures: int, took: float, latencies: list[float]) -> None:
    done = written - failures
    p50, p99, most = np.percentile(latencies, (50, 99, 100)) if latencies else (0.0, 0.0, 0.0)
    report.add(Figure("notifications delivered, of those owed", 100 * len(latencies) / done, "%", goal=100))
    report.add(
        Figure(
            "write to notification, p99, 10,000 subscriptions",
            float(p99),
            "s",
            goal=2,
            higher_is_better=False,
            details={
                "writes a second": f"{done / took:,.0f}",
                "writes refused": failures,
                "p50": f"{p50 * 1000:.0f} ms",
                "longest": f"{most:.2f} s",
            },
        )
    )
