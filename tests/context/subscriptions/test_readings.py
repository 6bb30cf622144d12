"""Readings of devices are told too: those that are the newest state, each of them (clause 5.8.6)."""

import asyncio

from tests.context.subscriptions.conftest import TENANT, City, Worker
from tests.context.subscriptions.receiver import Receiver

from vidik.context.jsonld.names import expand_attribute, expand_type
from vidik.context.store import packing
from vidik.context.store.readings import EntityReading, ReadingWriter, Target
from vidik.kernel.clock import now, now_microseconds
from vidik.kernel.database import Database

METER = Target("urn:ngsi-ld:Meter:1", (expand_type("Meter"),), {}, "urn:ngsi-ld:Device:1")
SECOND = 1_000_000


class Device:
    """Brings readings of one attribute as the intake does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = ReadingWriter()
        self._start = now_microseconds()

    async def bring(self, *levels: tuple[int, float]) -> None:
        """One batch of (seconds since the start, level)."""
        readings = [
            EntityReading(METER, self._start + second * SECOND, {expand_attribute("level"): level})
            for second, level in levels
        ]
        async with self._database.transaction(TENANT) as connection:
            await self._writer.write(connection, readings)


async def test_each_reading_of_a_batch_is_told_with_its_own_value(
    city: City, receiver: Receiver, database: Database, worker: Worker
) -> None:
    device = Device(database)
    await device.bring((0, 1.5))
    await city.subscribe(entities=[{"type": "Meter"}], q="level>30")
    await worker.stop()
    await device.bring((1, 20.0), (2, 35.0), (3, 25.0))
    await device.bring((4, 31.0))
    await device.bring((5, 2.0))
    await worker.start()

    async with asyncio.timeout(30):
        while sum(len(one.data) for one in receiver.received) < 2:  # noqa: ASYNC110  the receiver tells nobody
            await asyncio.sleep(0.05)
    told = [entity["level"]["value"] for one in receiver.received for entity in one.data]
    assert told == [35.0, 31.0]


async def test_a_late_reading_is_not_told(city: City, receiver: Receiver, database: Database) -> None:
    device = Device(database)
    await device.bring((10, 1.5))
    await city.subscribe(entities=[{"type": "Meter"}])
    await device.bring((5, 2.5))
    await device.bring((11, 3.5))

    (told,) = await receiver.wait(1)
    assert told.data[0]["level"]["value"] == 3.5


async def test_a_device_s_first_reading_creates_its_entity(city: City, receiver: Receiver, database: Database) -> None:
    await city.subscribe(entities=[{"type": "Meter"}], notificationTrigger=["entityCreated"])
    device = Device(database)
    await device.bring((0, 1.5))
    await device.bring((1, 2.5))
    await asyncio.sleep(0.3)

    assert [one.data[0]["id"] for one in await receiver.wait(1)] == [METER.entity_id]


async def test_a_second_reading_updates_the_attribute(city: City, receiver: Receiver, database: Database) -> None:
    await city.subscribe(entities=[{"type": "Meter"}], notificationTrigger=["attributeUpdated"])
    device = Device(database)
    await device.bring((0, 1.5))
    await device.bring((1, 2.5))

    (told,) = await receiver.wait(1)
    assert told.data[0]["level"]["value"] == 2.5


async def test_changes_show_what_a_reading_took_the_place_of(
    city: City, receiver: Receiver, database: Database, worker: Worker
) -> None:
    device = Device(database)
    await device.bring((0, 1.5))
    await city.subscribe(entities=[{"type": "Meter"}], notification={"showChanges": True})
    await worker.stop()
    await device.bring((1, 20.0), (2, 35.25))
    await device.bring((3, 7.0))
    await worker.start()

    async with asyncio.timeout(60):
        while sum(len(one.data) for one in receiver.received) < 3:  # noqa: ASYNC110  the receiver tells nobody
            await asyncio.sleep(0.05)
    told = [entity["level"] for one in receiver.received for entity in one.data]
    assert [(one["previousValue"], one["value"]) for one in told] == [(1.5, 20), (20, 35.25), (35.25, 7)]


async def test_what_a_first_reading_creates_has_no_past(city: City, receiver: Receiver, database: Database) -> None:
    await city.subscribe(entities=[{"type": "Meter"}], notification={"showChanges": True})
    await Device(database).bring((0, 1.5))

    (told,) = await receiver.wait(1)
    assert "previousValue" not in told.data[0]["level"]


async def test_the_value_before_may_be_packed_long_since(city: City, receiver: Receiver, database: Database) -> None:
    device = Device(database)
    await device.bring((-10 * 86_400, 1.5))
    assert await packing.pack_closed_days(database, TENANT, now().date()) == 1
    await city.subscribe(entities=[{"type": "Meter"}], notification={"showChanges": True})
    await device.bring((0, 2.5))

    (told,) = await receiver.wait(1)
    assert told.data[0]["level"]["previousValue"] == 1.5
