"""Readings through the batch door against a raw binary COPY of the same rows into the same indexed table."""

import time

import psycopg

from bench.report import Figure, Report
from bench.server import TENANT, database
from vidik.context.store import partitions
from vidik.context.store.readings import AttributeMeta, EntityReading, Target
from vidik.context.store.rows import COLUMNS, copy_buffer
from vidik.intake.decoding import Decoded
from vidik.intake.message import Message, Outcome
from vidik.intake.storing import Storer
from vidik.kernel.clock import now, now_microseconds
from vidik.kernel.database import Database

DEVICES = 10_000
BATCH = 5_000
BATCHES = 40
NAMES = tuple(f"https://vidik.rs/bench#{name}" for name in ("temperature", "pressure", "power"))


def targets() -> list[Target]:
    """Ten thousand devices with three attributes each."""
    meta = {name: AttributeMeta("Property", "CEL") for name in NAMES}
    return [
        Target(f"urn:ngsi-ld:Meter:bench:{number}", ("https://vidik.rs/bench#Meter",), meta, f"urn:device:{number}")
        for number in range(DEVICES)
    ]


def messages(devices: list[Target], batch: int, start: int) -> list[Decoded]:
    """One batch of decoded messages: half of the devices, a second later than the last time."""
    offset = batch % 2 * BATCH
    return [
        Decoded(
            Message(device.provided_by, device.provided_by, b"", start, "mqtt", ""),
            [
                EntityReading(
                    device,
                    start + batch * 1_000_000 + number,
                    {NAMES[0]: 20 + number % 70 / 10, NAMES[1]: 4.2, NAMES[2]: float(number)},
                )
            ],
        )
        for number, device in enumerate(devices[offset : offset + BATCH])
    ]


def copy_rate(url: str, start: int) -> float:
    """Rows a second of a raw COPY, a commit a batch, into the same table."""
    with psycopg.connect(url, autocommit=True, options=f"-c search_path=tenant_{TENANT},platform,public") as connection:
        began = time.perf_counter()
        for batch in range(BATCHES):
            first = 1_000_000_000 + batch % 2 * BATCH * 3
            series = range(first, first + BATCH * 3)
            times = [start + batch * 1_000_000 + number // 3 for number in range(BATCH * 3)]
            numbers = [20 + number % 70 / 10 for number in range(BATCH * 3)]
            buffer = copy_buffer(series, times, numbers, start)
            copying = f"COPY observation ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
            with connection.cursor() as cursor, cursor.copy(copying) as copy:
                copy.write(buffer)
        return BATCHES * BATCH * 3 / (time.perf_counter() - began)


async def run(report: Report) -> None:
    """Measure both, in turn and twice, and report the better pair's ratio."""
    with database() as url:
        store = Database(url)
        await store.open()
        async with store.session(TENANT) as connection:
            await partitions.prepare(connection, now().date())
        devices, storer = targets(), Storer(store, TENANT)
        start = now_microseconds() - 3_600_000_000
        for batch in range(2):  # everybody is known before the clock runs, as on any day but the first
            await storer.store(messages(devices, batch, start))
        limits, rates = [], []
        for turn in range(2):
            limits.append(copy_rate(url, start + turn * 1_800_000_000))
            batches = [messages(devices, batch, start) for batch in range(2 + turn * BATCHES, 2 + (turn + 1) * BATCHES)]
            began = time.perf_counter()
            for batch_of in batches:
                assert set(await storer.store(batch_of)) == {Outcome.ACCEPTED}
            rates.append(BATCHES * BATCH * 3 / (time.perf_counter() - began))
        await storer.close()
        await store.close()
    rate, limit = max(zip(rates, limits, strict=True), key=lambda pair: pair[0] / pair[1])
    report.add(
        Figure(
            "readings into entities + indexed history, against COPY",
            rate / limit,
            "of COPY",
            goal=0.2,
            details={
                "values a second": f"{rate:,.0f}",
                "messages of 3 values a second": f"{rate / 3:,.0f}",
                "raw binary COPY, rows a second": f"{limit:,.0f}",
            },
        )
    )
