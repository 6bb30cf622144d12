"""Storing decoded messages: a transaction a batch, tried again while the database is away, split when it refuses.

Large batches go by three lanes, each with a connection and a writer of its own, so that PostgreSQL works on some while
Python makes the next. A device always takes the same lane, and a message lies wholly in one transaction.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from zlib import crc32

import psycopg
import structlog
from prometheus_client import Histogram
from psycopg import errors

from vidik.context.store.readings import EntityVanished, ReadingWriter
from vidik.intake import deadletters
from vidik.intake.decoding import Decoded, dead_letter
from vidik.intake.message import Outcome
from vidik.kernel.database import Connection, Database

LANES = 3
_SHARED_FROM = 500  # messages; a smaller batch is one transaction
_LONGEST_PAUSE_SECONDS = 2.0

_log = structlog.get_logger(__name__)
_COMMIT = Histogram("vidik_intake_commit_seconds", "Time to store and commit one batch.")

# The database is away, full or busy with another writer: the same batch will pass later.
_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.UniqueViolation,
    errors.ReadOnlySqlTransaction,
    EntityVanished,
    OSError,
)


class Storer:
    """Stores what messages gave, for one tenant. One batch at a time."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._lanes = [_Lane(database, tenant) for _ in range(LANES)]

    async def store(self, decoded: Sequence[Decoded]) -> list[Outcome]:
        """Store a batch, however long the database is away; returns what became of each message, in order.

        A message that the database refuses becomes a dead letter. FAILED marks what could not even become one.
        """
        lanes: list[list[int]] = [[] for _ in self._lanes]
        for place, one in enumerate(decoded):
            lanes[_lane_of(one) if len(decoded) >= _SHARED_FROM else 0].append(place)
        outcomes = [Outcome.FAILED] * len(decoded)
        results = await asyncio.gather(
            *(
                lane.store([decoded[place] for place in places])
                for lane, places in zip(self._lanes, lanes, strict=True)
                if places
            ),
            return_exceptions=True,
        )
        for result, places in zip(results, filter(None, lanes), strict=True):
            if isinstance(result, BaseException):
                _log.error("a batch could not be stored and is not acknowledged", messages=len(places), exc_info=result)
                continue
            for place in places:
                outcomes[place] = decoded[place].outcome
        return outcomes

    async def close(self) -> None:
        """Give back the connections."""
        for lane in self._lanes:
            await lane.drop_connection()


def _lane_of(decoded: Decoded) -> int:
    return crc32(decoded.message.device_id.encode()) % LANES


class _Lane:
    """A writer with a connection of its own."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant
        self._writer = ReadingWriter()
        self._connection: Connection | None = None

    async def store(self, decoded: Sequence[Decoded]) -> None:
        """Store a part of a batch in one transaction, or, where the database refuses it, in halves of it."""
        pause = 0.05
        while True:
            try:
                return await self._commit(decoded)
            except _PASSING as error:
                _log.warning("readings wait for the database", messages=len(decoded), error=sentence(error))
                await self._forget(decoded)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            except psycopg.Error as error:
                await self._forget(decoded)
                if len(decoded) > 1:
                    half = len(decoded) // 2
                    await self.store(decoded[:half])
                    return await self.store(decoded[half:])
                self._give_up(decoded[0], error)
            except BaseException:
                await self._forget(decoded)
                raise

    @staticmethod
    def _give_up(decoded: Decoded, error: psycopg.Error) -> None:
        """Let a message that cannot be stored become a dead letter."""
        if not decoded.readings and not decoded.rejections:
            raise error
        _log.error("a message could not be stored", device=decoded.message.device_id, error=sentence(error))
        letter = dead_letter(decoded.message, "the database refused the values", None, sentence(error))
        decoded.readings, decoded.rejections, decoded.letter = [], [], letter

    async def _commit(self, decoded: Sequence[Decoded]) -> None:
        readings = [reading for one in decoded for reading in one.readings]
        rejections = [rejection for one in decoded for rejection in one.rejections]
        letters = [one.letter for one in decoded if one.letter is not None]
        if self._connection is None or self._connection.closed:
            self._connection = await self._database.dedicated(self._tenant)
        connection = self._connection
        with _COMMIT.time():
            async with connection.transaction():
                if letters:
                    await deadletters.store(connection, letters)
                await self._writer.write(connection, readings, rejections)

    async def _forget(self, decoded: Sequence[Decoded]) -> None:
        """After a rollback: what the writer learned in it is not there."""
        self._writer.forget({reading.target.entity_id for one in decoded for reading in one.readings})
        if self._connection is not None and self._connection.broken:
            await self.drop_connection()

    async def drop_connection(self) -> None:
        """Close the connection; the next batch opens another."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await self._connection.close()
            self._connection = None


def sentence(error: BaseException) -> str:
    """The first line of an error: PostgreSQL's further lines may quote values."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
