"""A city of entities behind the web application, and requests to drive it with, for the figures of the NGSI-LD API.

The city is in a durable embedded PostgreSQL of its own; the application is one uvicorn process, as `vidik up` has it.
`python -m bench.ngsild web PORT` is that process, `python -m bench.ngsild bare PORT` the bare endpoint that look-ups
are held against. Everything shares the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psutil
import psycopg
import uvicorn

from vidik.app.application import assemble
from vidik.app.one_write import OneWriteProtocol
from vidik.app.process import spare_the_collector
from vidik.context.jsonld import names
from vidik.context.ngsild.repository.entities import EntityReader
from vidik.context.store.kinds import kind_of
from vidik.kernel.database import Database
from vidik.kernel.embedded import EmbeddedServer, database_url
from vidik.kernel.identity import authenticator, system_principal
from vidik.kernel.logs import configure_logging
from vidik.kernel.migrate import migrate
from vidik.kernel.settings import get_settings

TYPES = ("ParkingSpot", "Streetlight", "WasteContainer", "AirQualityObserved", "TrafficFlowObserved")
WEST, SOUTH, EAST, NORTH = 21.85, 43.28, 21.95, 43.36
RADIUS_METRES = 500
SECRET = "bench"
SETTLE_SECONDS = 300

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


def request(path: str, method: str = "GET", body: Any = None, secret: str = SECRET) -> bytes:
    """The bytes of a request with the city's context."""
    link = '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
    head = (
        f"{method} /ngsi-ld/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\nLink: {link}\r\n"
    )
    if body is None:
        return f"{head}\r\n".encode()
    content = orjson.dumps(body)
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def some_id(count: int) -> str:
    """The id of some entity of the city."""
    return f"urn:ngsi-ld:{random.choice(TYPES)}:nis:{random.randint(1, count // len(TYPES))}"


def some_place() -> tuple[float, float]:
    """Some place of the city."""
    return round(random.uniform(WEST, EAST), 5), round(random.uniform(SOUTH, NORTH), 5)


def place_of(number: int) -> tuple[float, float]:
    """The place of an entity, where it stays: evenly over the city (the R2 sequence of M. Roberts, 2018)."""
    east, north = number * 0.7548776662466927 % 1, number * 0.5698402909980532 % 1
    return round(WEST + (EAST - WEST) * east, 5), round(SOUTH + (NORTH - SOUTH) * north, 5)


def query_request() -> bytes:
    """The query of the figure: a type, a q that four of five meet, near some place, a page of 100."""
    longitude, latitude = some_place()
    q = quote("batteryLevel>=0.2")
    return request(
        f"entities?type={random.choice(TYPES)}&q={q}&georel=near;maxDistance=={RADIUS_METRES}"
        f"&geometry=Point&coordinates=[{longitude},{latitude}]&limit=100"
    )


def page_request() -> bytes:
    """A type and a q that four of five meet, a page of 20."""
    return request(f"entities?type={random.choice(TYPES)}&q={quote('batteryLevel>=0.2')}&limit=20")


def new_entity(number: int) -> dict[str, Any]:
    """An entity that is not there yet: five attributes, a place."""
    observed = "2026-01-01T00:00:00Z"
    return {
        "id": f"urn:ngsi-ld:ParkingSpot:new:{number}",
        "type": "ParkingSpot",
        "name": {"type": "Property", "value": f"Spot {number}"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place_of(number)}},
        "status": {"type": "Property", "value": "free", "observedAt": observed},
        "batteryLevel": {"type": "Property", "value": 0.5, "unitCode": "C62", "observedAt": observed},
        "temperature": {"type": "Property", "value": number % 30, "unitCode": "CEL", "observedAt": observed},
    }


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
    settings = get_settings()
    configure_logging("json", "web", level="WARNING")
    app = assemble(settings)
    principal = system_principal("bench", settings.tenant, frozenset({"context.read", "context.write"}))
    authenticator(app.state.services).sources.append(lambda _user, secret: principal if secret == SECRET else None)
    spare_the_collector()
    _serve(app, port, http=OneWriteProtocol)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The least that answers GET /entities/{id}: the same shared look-up, the stored document as it is."""
    entity = await scope["state"]["reader"].get("city", scope["path"].rpartition("/")[2])
    body = orjson.dumps(entity.document) if entity is not None else b""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200 if entity is not None else 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve_bare(port: int) -> None:
    """The bare endpoint, as a process of its own."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {"reader": reader}
        await bare(scope, receive, send)

    settings = get_settings()
    database = Database(database_url(settings), max_size=10)
    reader = EntityReader(database)
    spare_the_collector()
    _serve(application, port, http="httptools")


def _serve(application: Any, port: int, http: Any) -> None:
    config = uvicorn.Config(
        application, port=port, loop="uvloop", http=http, ws="none", access_log=False, log_level="warning"
    )
    uvicorn.Server(config).run()


@dataclass(frozen=True, slots=True)
class City:
    """A city that is up: its database, where it is served, and how many entities it has."""

    url: str
    folder: Path
    port: int
    entities: int

    @contextmanager
    def bare(self) -> Iterator[int]:
        """The bare endpoint over the same database; yields its port."""
        with _process("bare", self.url, self.folder) as port:
            yield port


@contextmanager
def city(entities: int) -> Iterator[City]:
    """Build a city and serve it; database and server are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="vidik-bench-"))
    folder.chmod(0o711)
    try:
        with city_in(folder, entities) as built:
            yield built
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def city_in(folder: Path, entities: int) -> Iterator[City]:
    """Build a city in a data folder and serve it; the database stays in the folder, where a family finds it."""
    database = EmbeddedServer(folder)
    database.start()
    try:
        migrate(database.url, ["city"])
        fill(database.url, entities)
        with _process("web", database.url, folder) as port:
            yield City(database.url, folder, port, entities)
    finally:
        database.stop()


@contextmanager
def _process(kind: str, url: str, folder: Path) -> Iterator[int]:
    port = free_port()
    environment = {**os.environ, "VIDIK_DATA": str(folder), "VIDIK_DATABASE_URL": url, "VIDIK_LOG_FORMAT": "json"}
    process = subprocess.Popen([sys.executable, "-m", "bench.ngsild", kind, str(port)], env=environment)
    try:
        wait_for(port)
        wait_until_quiet(process.pid)
        yield port
    finally:
        process.terminate()
        process.wait(20)


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
    quiet = 0
    for _ in range(SETTLE_SECONDS):
        before = sum(watched.cpu_times()[:2])
        time.sleep(1)
        # One quiet second may be a wait for the database.
        quiet = quiet + 1 if sum(watched.cpu_times()[:2]) - before < 0.1 else 0
        if quiet == 4:
            return


def main() -> None:
    """Serve what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("kind", choices=("web", "bare"))
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    {"web": serve, "bare": serve_bare}[arguments.kind](arguments.port)


if __name__ == "__main__":
    main()
