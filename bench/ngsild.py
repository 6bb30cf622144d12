"""The figures of the NGSI-LD API: `uv run python -m bench.ngsild [--entities 100000] [--seconds 10]`.

Builds a city of 100,000 entities in an embedded PostgreSQL of its own, starts the web application as `vidik up` does
(one uvicorn process), and drives it over HTTP from this process. Everything shares the machine. Reported as JSON:

    {"entities": 100000,
     "retrieve": {"rate": 4000.0, "p50_ms": 7.1, "p95_ms": 11.0, "raw_rate": 9000.0, "ratio": 0.44},
     "query":    {"rate": 320.0, "p50_ms": 24.0, "p95_ms": 38.0, "raw_rate": 800.0, "ratio": 0.4, "page": 100.0}}

`raw_rate` is the limit measured in the same run: the same SQL, prepared, from this process over as many connections
as there are cores, nothing done with the rows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
import uvloop
from psycopg.conninfo import make_conninfo

from vidik.context.jsonld import names
from vidik.context.store.kinds import kind_of
from vidik.kernel.embedded import EmbeddedServer
from vidik.kernel.migrate import migrate

TYPES = ("ParkingSpot", "Streetlight", "WasteContainer", "AirQualityObserved", "TrafficFlowObserved")
WEST, SOUTH, EAST, NORTH = 21.85, 43.28, 21.95, 43.36
RADIUS_METRES = 500
SECRET = "bench"
RETRIEVE_CONNECTIONS = 32
QUERY_CONNECTIONS = 8

FILL = """
INSERT INTO entity (id, kind, document, place, created_at, modified_at, observed_at)
SELECT 'urn:ngsi-ld:' || %(type)s::text || ':nis:' || n, %(kind)s::bigint,
       jsonb_build_object(
         %(name)s::text, jsonb_build_object('type', 'Property', 'value', %(type)s::text || ' ' || n) || written,
         %(location)s::text, jsonb_build_object('type', 'GeoProperty', 'value', jsonb_build_object(
           'type', 'Point', 'coordinates', jsonb_build_array(longitude, latitude))) || written,
         %(status)s::text, jsonb_build_object('type', 'Property', 'value', (ARRAY['free', 'occupied'])[1 + n %% 2],
           'observedAt', '2026-01-01T00:00:00Z', %(provided)s::text, provider) || written,
         %(battery)s::text, jsonb_build_object('type', 'Property', 'value', (n * 7 %% 100) / 100.0, 'unitCode', 'C62',
           'observedAt', '2026-01-01T00:00:00Z', %(provided)s::text, provider) || written,
         %(temperature)s::text, jsonb_build_object('type', 'Property', 'value', n %% 30, 'unitCode', 'CEL',
           'observedAt', '2026-01-01T00:00:00Z', %(provided)s::text, provider) || written,
         %(origin)s::text, jsonb_build_object('type', 'Property', 'value', 'simulated') || written,
         %(operator)s::text, jsonb_build_object('type', 'Property', 'value', 'JKP Parking servis Niš') || written),
       box(point(longitude, latitude), point(longitude, latitude)), now(), now(), now()
FROM (SELECT n,
             %(west)s::float8 + %(width)s::float8 * random() AS longitude,
             %(south)s::float8 + %(height)s::float8 * random() AS latitude,
             jsonb_build_object('type', 'Relationship', 'object', 'urn:ngsi-ld:Device:nis-device-' || n) AS provider,
             '{"createdAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-01T00:00:00Z"}'::jsonb AS written
        FROM generate_series(1, %(count)s::int) AS n) AS made
"""

RAW_QUERY = """
SELECT id, kind, scope, document, created_at, modified_at, expires_at FROM entity
WHERE kind = %s AND document @? %s::jsonpath AND place && %s::box ORDER BY id LIMIT 101
"""


def fill(url: str, count: int) -> None:
    """Build the city, set by set."""
    with psycopg.connect(url, options="-c search_path=tenant_city") as connection:
        for name in TYPES:
            address = names.expand_type(name)
            kind = kind_of((address,))
            connection.execute("INSERT INTO kind (kind, types) VALUES (%s, %s)", [kind, [address]])
            attributes = {
                short: names.expand_attribute(word)
                for short, word in (
                    ("name", "name"),
                    ("location", "location"),
                    ("status", "status"),
                    ("battery", "batteryLevel"),
                    ("temperature", "temperature"),
                    ("origin", "dataOrigin"),
                    ("operator", "operator"),
                    ("provided", "providedBy"),
                )
            }
            connection.execute(
                FILL,
                {
                    **attributes,
                    "type": name,
                    "kind": kind,
                    "count": count // len(TYPES),
                    "west": WEST,
                    "width": EAST - WEST,
                    "south": SOUTH,
                    "height": NORTH - SOUTH,
                },
            )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE tenant_city.entity")
        connection.execute("CHECKPOINT")  # or the first queries would pay for writing what the filling left behind


class Connection:
    """One keep-alive HTTP connection, as light as a client can be."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, request: bytes) -> bytes:
        """The body of a 200; raises RuntimeError for anything else."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode() + body.decode())
        return body


async def drive(
    port: int, connections: int, seconds: float, make: Callable[[], bytes]
) -> tuple[dict[str, float], bytes]:
    """Ask for `seconds` over so many connections; rate and latencies, and the last body."""
    latencies: list[float] = []
    last = b""
    begin = time.perf_counter()
    until = begin + seconds

    async def ask() -> None:
        nonlocal last
        connection = Connection(port)
        while (started := time.perf_counter()) < until:
            last = await connection.get(make())
            latencies.append(time.perf_counter() - started)

    await asyncio.gather(*(ask() for _ in range(connections)))
    elapsed = time.perf_counter() - begin
    latencies.sort()
    return {
        "rate": round(len(latencies) / elapsed, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p95_ms": round(latencies[int(len(latencies) * 0.95)] * 1000, 2),
    }, last


async def raw_rate(url: str, seconds: float, sql: str, make: Callable[[], list[Any]]) -> float:
    """The same SQL without a web application."""
    done = 0
    until = time.perf_counter() + seconds

    async def ask() -> None:
        nonlocal done
        options = "-c search_path=tenant_city"
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, options=options)
        async with connection, connection.cursor() as cursor:
            while time.perf_counter() < until:
                await cursor.execute(sql, make(), prepare=True)
                await cursor.fetchall()
                done += 1

    await asyncio.gather(*(ask() for _ in range(os.cpu_count() or 2)))
    return round(done / seconds, 1)


def request(path: str) -> bytes:
    """The bytes of a GET with the city's context."""
    link = '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
    return (
        f"GET /ngsi-ld/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\nLink: {link}\r\n\r\n"
    ).encode()


def some_id(count: int) -> str:
    """The id of some entity of the city."""
    return f"urn:ngsi-ld:{random.choice(TYPES)}:nis:{random.randint(1, count // len(TYPES))}"


def some_place() -> tuple[float, float]:
    """Some place of the city."""
    return round(random.uniform(WEST, EAST), 5), round(random.uniform(SOUTH, NORTH), 5)


def query_request() -> bytes:
    """The query of the figure: a type, a q that four of five meet, near some place, a page of 100."""
    longitude, latitude = some_place()
    q = quote("batteryLevel>=0.2")
    return request(
        f"entities?type={random.choice(TYPES)}&q={q}&georel=near;maxDistance=={RADIUS_METRES}"
        f"&geometry=Point&coordinates=[{longitude},{latitude}]&limit=100"
    )


def raw_query() -> list[Any]:
    """The parameters of the same question in SQL."""
    longitude, latitude = some_place()
    north, east = RADIUS_METRES / 111_195, RADIUS_METRES / 81_000
    battery = names.expand_attribute("batteryLevel")
    return [
        kind_of((names.expand_type(random.choice(TYPES)),)),
        f'$."{battery}" ? (@.value >= 0.2)',
        f"({longitude + east},{latitude + north}),({longitude - east},{latitude - north})",
    ]


def serve(port: int) -> None:
    """The web application, as a process of its own."""
    import uvicorn

    from vidik.app.application import assemble
    from vidik.kernel.identity import authenticator, system_principal
    from vidik.kernel.logs import configure_logging
    from vidik.kernel.settings import get_settings

    settings = get_settings()
    configure_logging("json", "web", level="WARNING")
    app = assemble(settings)
    principal = system_principal("bench", settings.tenant, frozenset({"context.read"}))
    authenticator(app.state.services).sources.append(lambda _user, secret: principal if secret == SECRET else None)
    config = uvicorn.Config(
        app, port=port, loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning"
    )
    uvicorn.Server(config).run()


async def measure(url: str, port: int, entities: int, seconds: float) -> dict[str, Any]:
    """Both figures, each beside its limit."""
    retrieve_sql = "SELECT id, kind, scope, document, created_at, modified_at, expires_at FROM entity WHERE id = %s"
    await drive(port, 4, 1.0, lambda: request(f"entities/{some_id(entities)}"))
    retrieve, _ = await drive(port, RETRIEVE_CONNECTIONS, seconds, lambda: request(f"entities/{some_id(entities)}"))
    retrieve["raw_rate"] = await raw_rate(url, seconds / 2, retrieve_sql, lambda: [some_id(entities)])
    await drive(port, 4, 1.0, query_request)
    query, page = await drive(port, QUERY_CONNECTIONS, seconds, query_request)
    query["raw_rate"] = await raw_rate(url, seconds / 2, RAW_QUERY, raw_query)
    query["page"] = len(json.loads(page))
    for figure in (retrieve, query):
        figure["ratio"] = round(figure["rate"] / figure["raw_rate"], 3)
    return {"entities": entities, "retrieve": retrieve, "query": query}


def run(entities: int = 100_000, seconds: float = 10.0) -> dict[str, Any]:
    """Measure on a server and a database of its own; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="vidik-bench-"))
    folder.chmod(0o711)
    database = EmbeddedServer(folder)
    database.start()
    web: subprocess.Popen[bytes] | None = None
    try:
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        url = make_conninfo(database.url, dbname="bench")
        migrate(url, ["city"])
        fill(url, entities)
        port = free_port()
        environment = {**os.environ, "VIDIK_DATA": str(folder), "VIDIK_DATABASE_URL": url, "VIDIK_LOG_FORMAT": "json"}
        web = subprocess.Popen([sys.executable, "-m", "bench.ngsild", "--serve", str(port)], env=environment)
        wait_for(port)
        wait_until_quiet(web.pid)
        return uvloop.run(measure(url, port, entities, seconds))
    finally:
        if web is not None:
            web.terminate()
            web.wait(20)
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until the web application answers."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the web application did not start")


def wait_until_quiet(process: int) -> None:
    """Until the web application has read what its screens need at start (the console reads every entity once)."""
    watched = psutil.Process(process)
    for _ in range(60):
        before = sum(watched.cpu_times()[:2])
        time.sleep(1)
        if sum(watched.cpu_times()[:2]) - before < 0.1:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--serve", type=int, metavar="PORT")
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    print(json.dumps(run(arguments.entities, arguments.seconds), indent=2))


if __name__ == "__main__":
    main()
