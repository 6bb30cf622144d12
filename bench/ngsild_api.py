"""The figures of the NGSI-LD API at 100,000 entities (the city and its requests: bench/ngsild.py)."""

import argparse
import itertools
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from bench import ngsild
from bench.http_load import Connection, Load, drive
from bench.ngsild import City
from bench.report import Figure, Report
from vidik.context.jsonld import names

ENTITIES = 100_000
BATCH = 1000
POINTS = 150_000
WARM_SECONDS = 2.0
FIRST_SEEN = datetime(2026, 1, 2, tzinfo=UTC)
RAW_SQL = "the raw query over two connections"


async def run(report: Report, options: argparse.Namespace) -> None:
    """Read, write, query, aggregate; each against its goal."""
    seconds = min(options.seconds, 10.0)
    with ngsild.city(ENTITIES) as city:
        await retrieve(report, city, seconds)
        await near(report, city, seconds)
        await page(report, city, seconds)
        await write(report, city, seconds)
        await aggregate(report, city)


async def warm_and_drive(
    city: City, connections: int, seconds: float, make: Callable[[], bytes], expected: int = 200
) -> Load:
    """A load, after a shorter one that fills what is remembered."""
    await drive(city.port, connections, WARM_SECONDS, make, expected)
    return await drive(city.port, connections, seconds, make, expected)


async def retrieve(report: Report, city: City, seconds: float) -> None:
    """GET one entity, and the bare endpoint that makes the same shared look-up."""

    def make() -> bytes:
        return ngsild.request(f"entities/{ngsild.some_id(city.entities)}")

    load = await warm_and_drive(city, 32, seconds, make)
    with city.bare() as port:
        limit = await drive(port, 32, seconds / 2, make)
    report.add(
        Figure(
            "retrieve one entity by id, 32 connections",
            load.rate,
            "requests/s",
            goal=max(5_000, limit.rate / 2),
            limit=limit.rate,
            limit_is="a bare ASGI endpoint with the same look-up",
            details=load.details(),
        )
    )


async def near(report: Report, city: City, seconds: float) -> None:
    """type + q + near, pages of 100: first as it comes, then with most entities remembered."""
    cold = await drive(city.port, 8, seconds / 2, ngsild.query_request)
    await drive(city.port, 8, seconds, ngsild.query_request)
    load = await drive(city.port, 8, seconds, ngsild.query_request)
    raw = await ngsild.raw_rate(city.url, seconds / 2, ngsild.RAW_QUERY, ngsild.raw_query)
    report.add(
        Figure(
            "type + q + near, page of 100, 100k entities",
            load.rate,
            "requests/s",
            goal=300,
            limit=raw,
            limit_is=RAW_SQL,
            details={**load.details(), "before entities are remembered": f"{cold.rate} requests/s"},
        )
    )
    report.add(p95("type + q + near, page of 100, 100k entities, p95", load, 50))


async def page(report: Report, city: City, seconds: float) -> None:
    """type + q, pages of 20."""
    load = await warm_and_drive(city, 16, seconds, ngsild.page_request)
    report.add(Figure("type + q, page of 20, 100k entities", load.rate, "requests/s", goal=600, details=load.details()))
    report.add(p95("type + q, page of 20, 100k entities, p95", load, 50))


async def write(report: Report, city: City, seconds: float) -> None:
    """Create, patch one attribute, upsert by the thousand."""
    numbers = itertools.count()

    def create() -> bytes:
        return ngsild.request("entities", "POST", ngsild.new_entity(next(numbers)))

    def patch() -> bytes:
        fragment = {"type": "Property", "value": random.randint(-20, 40)}
        return ngsild.request(f"entities/{ngsild.some_id(city.entities)}/attrs/temperature", "PATCH", fragment)

    def upsert() -> bytes:
        entities = [ngsild.new_entity(next(numbers)) for _ in range(BATCH)]
        return ngsild.request("entityOperations/upsert", "POST", entities)

    def upsert_again() -> bytes:
        """The next thousand of those that are there, round and round, as they were seen a minute later."""
        turn = next(turns)
        start = turn * BATCH % (upserted_until - upserted_from)
        seen = (FIRST_SEEN + timedelta(minutes=turn)).strftime("%Y-%m-%dT%H:%M:%SZ")
        entities = []
        for number in range(upserted_from + start, upserted_from + start + BATCH):
            entity = ngsild.new_entity(number)
            for name in ("status", "batteryLevel", "temperature"):
                entity[name]["observedAt"] = seen
            entities.append(entity)
        return ngsild.request("entityOperations/upsert", "POST", entities)

    created = await warm_and_drive(city, 64, seconds, create, 201)
    report.add(
        Figure("POST /entities, 64 connections", created.rate, "requests/s", goal=1_500, details=created.details())
    )
    patched = await warm_and_drive(city, 64, seconds, patch, 204)
    report.add(
        Figure("PATCH one attribute, 64 connections", patched.rate, "requests/s", goal=2_500, details=patched.details())
    )
    clear_up(city)
    turns = itertools.count(1)
    upserted_from = next(numbers) + 1
    # Four: with two, nobody works while both wait for the disk.
    upserted = await warm_and_drive(city, 4, seconds, upsert, 201)
    report.add(
        Figure(
            "batch upsert, 1,000 entities a call, 4 connections",
            upserted.rate * BATCH,
            "entities/s",
            goal=15_000,
            details=upserted.details(),
        )
    )
    # Whole batches alone: the last ones may still have been on their way.
    upserted_until = upserted_from + (next(numbers) - upserted_from - 8 * BATCH) // BATCH * BATCH
    clear_up(city)
    again = await warm_and_drive(city, 4, seconds, upsert_again, 204)
    report.add(
        Figure(
            "batch upsert of entities that are there, 1,000 a call, 4 connections",
            again.rate * BATCH,
            "entities/s",
            goal=15_000,
            details=again.details(),
        )
    )


def clear_up(city: City) -> None:
    """Clear up after one load, so that autovacuum does not do it during the next."""
    with psycopg.connect(city.url, autocommit=True) as connection:
        connection.execute("VACUUM")


async def aggregate(report: Report, city: City) -> None:
    """Hourly means, minima and maxima of 150,000 points of one attribute; the median of five."""
    entity = ngsild.some_id(city.entities)
    _remember(city.url, entity)
    path = (
        f"temporal/entities/{entity}?attrs=temperature&options=aggregatedValues&aggrMethods=avg,min,max"
        "&aggrPeriodDuration=PT1H&timerel=after&timeAt=2026-01-01T00:00:00Z"
    )
    connection = await Connection.open(city.port)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        answer = await connection.ask(ngsild.request(path))
        took.append(time.perf_counter() - began)
        if not answer.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(answer[:2000].decode(errors="replace"))
    connection.close()
    report.add(
        Figure(
            "aggregated temporal, 150k points of one attribute",
            sorted(took)[2],
            "s",
            goal=0.3,
            higher_is_better=False,
            details={"the first time": f"{took[0]:.3f} s"},
        )
    )


def _remember(url: str, entity: str) -> None:
    """Give an entity a past: a temperature every minute, not packed yet."""
    with psycopg.connect(url, options="-c search_path=tenant_city -c timezone=UTC") as connection:
        connection.execute(
            "WITH made AS (INSERT INTO attribute_series (entity, attribute, created_at)"
            " SELECT key, %s, now() FROM entity WHERE id = %s"
            " ON CONFLICT (entity, attribute, dataset) DO UPDATE SET created_at = excluded.created_at RETURNING series)"
            " INSERT INTO observation (observed_at, recorded_at, number, series)"
            " SELECT moment, moment, 20 + extract(epoch FROM moment)::bigint %% 97 / 10.0, series"
            " FROM made, generate_series(timestamptz '2026-01-01', timestamptz '2026-01-01' + %s * interval '1 minute',"
            "  interval '1 minute') AS moment"
            " ON CONFLICT DO NOTHING",
            [names.expand_attribute("temperature"), entity, POINTS - 1],
        )


def p95(name: str, load: Load, goal: float) -> Figure:
    """The 95th percentile of a load's latencies as a figure."""
    return Figure(name, load.p95_ms, "ms", goal=goal, higher_is_better=False)
