"""Follows the change stream for one consumer: effects and cursor in one transaction, in commit order."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import psycopg
from psycopg_pool import PoolTimeout

from vidik.app.wakings import Wakings
from vidik.context.store import changes
from vidik.context.store.changes import ChangeBatch
from vidik.kernel.database import Connection
from vidik.kernel.logs import get_logger
from vidik.kernel.modules import BulkConsumer, ChangeConsumer, PreparingConsumer
from vidik.kernel.services import Services
from vidik.kernel.telemetry import STREAM_BATCHES, STREAM_LAG_SECONDS

BATCHES_AT_ONCE = 64
LONGEST_SECONDS = 0.1
"""After so long a transaction takes in no further batch: people wait for what it has locked (alarms, their events)."""
LONGEST_PAUSE_SECONDS = 30.0

_log = get_logger("vidik.consumers")


async def follow(services: Services, tenant: str, consumer: ChangeConsumer, wakings: Wakings) -> None:
    """Hand every committed batch to the consumer, for ever.

    A batch that fails is tried again, alone, with growing pauses: it is never skipped, because what comes after
    may rest on it.
    """
    pause, at_once = 0.5, BATCHES_AT_ONCE
    while True:
        try:
            with wakings.of(tenant) as event:
                while True:
                    taken = await take_in(services, tenant, consumer, at_once)
                    pause = 0.5
                    if taken:
                        at_once = BATCHES_AT_ONCE
                    else:
                        await wakings.wait(event)
        except (psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("the change stream does not answer", consumer=consumer.name, error=str(error).strip())
        except Exception:
            at_once = 1
            _log.exception("a consumer failed; it tries the same batch again", consumer=consumer.name)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def take_in(services: Services, tenant: str, consumer: ChangeConsumer, limit: int = BATCHES_AT_ONCE) -> int:
    """Take in the next batches in one transaction, `limit` at most; returns how many there were."""
    if isinstance(consumer, PreparingConsumer):
        await consumer.prepare(services, tenant)
    async with services.database.transaction(tenant) as connection:
        position = await changes.cursor_of(connection, consumer.name)
        if isinstance(consumer, BulkConsumer):
            taken = await changes.read_after(connection, position, limit)
            if taken:
                await consumer.handle_all(services, tenant, connection, taken)
        else:
            taken = await _one_by_one(services, tenant, consumer, connection, position, limit)
        if taken:
            await changes.move_cursor(connection, consumer.name, taken[-1].position)
    if isinstance(consumer, BulkConsumer) and taken:
        consumer.committed(services, tenant)
    if taken:
        STREAM_BATCHES.labels(consumer.name).inc(len(taken))
        lag = (datetime.now(UTC) - taken[-1].recorded_at).total_seconds()
        STREAM_LAG_SECONDS.labels(consumer.name).set(max(lag, 0.0))
    return len(taken)


async def _one_by_one(
    services: Services, tenant: str, consumer: ChangeConsumer, connection: Connection, position: int, limit: int
) -> list[ChangeBatch]:
    until = time.monotonic() + LONGEST_SECONDS
    taken: list[ChangeBatch] = []
    while True:
        # As many as there were already: what is read and not taken in before the time is up is read once more.
        batches = await changes.read_after(connection, position, min(max(len(taken), 1), limit - len(taken)))
        for batch in batches:
            await consumer.handle(services, tenant, connection, batch)
            taken.append(batch)
            position = batch.position
            if len(taken) == limit or time.monotonic() >= until:
                return taken
        if not batches:
            return taken
