"""Readings become the newest state and history, once, whatever their order."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from vidik.context.store import changes, entities, history, packing, partitions
from vidik.context.store.readings import AttributeMeta, EntityReading, EntityVanished, ReadingWriter, Target
from vidik.context.store.states import EntityWrite
from vidik.kernel.clock import iso, now, to_microseconds
from vidik.kernel.database import Database

TENANT = "city"
TEMPERATURE = "https://example.org/temperature"
STATUS = "https://example.org/status"
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
MOMENT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
MICROSECONDS = to_microseconds(MOMENT)
SECOND = 1_000_000


def target(name: str = "s1") -> Target:
    return Target(
        entity_id=f"urn:ngsi-ld:Substation:{name}",
        types=("https://example.org/Substation",),
        meta={
            TEMPERATURE: AttributeMeta("Property", "CEL"),
            STATUS: AttributeMeta(),
            LOCATION: AttributeMeta("GeoProperty"),
        },
        provided_by=f"urn:ngsi-ld:Device:{name}",
        birth=lambda: {LOCATION: {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [21.9, 43.3]}}},
    )


def reading(values: dict[str, Any], seconds: float = 0, name: str = "s1") -> EntityReading:
    return EntityReading(target(name), MICROSECONDS + int(seconds * SECOND), values)


async def write(database: Database, writer: ReadingWriter, *readings: EntityReading) -> None:
    async with database.transaction(TENANT) as connection:
        await writer.write(connection, readings)


async def document(database: Database, name: str = "s1") -> dict[str, Any]:
    async with database.session(TENANT) as connection:
        rows = await entities.load(connection, [target(name).entity_id])
    return rows[target(name).entity_id].document


async def values(database: Database, attribute: str = TEMPERATURE) -> list[float]:
    async with database.session(TENANT) as connection:
        (series,) = await history.series_of(connection, [target().entity_id], [attribute])
        rows = await history.read(connection, [series.number])
    return rows[series.number].numbers.tolist()


async def operations(database: Database) -> list[str]:
    async with database.session(TENANT) as connection:
        batches = await changes.read_after(connection, 0)
    return [change.operation for batch in batches for change in batch.changes]


class TestNewestState:
    async def test_a_first_reading_makes_the_entity(self, database: Database) -> None:
        await write(database, ReadingWriter(), reading({TEMPERATURE: 21.5, STATUS: "on"}))

        stored = await document(database)
        assert stored[TEMPERATURE]["value"] == 21.5
        assert stored[TEMPERATURE]["unitCode"] == "CEL"
        assert stored[TEMPERATURE]["observedAt"] == "2026-03-04T12:00:00Z"
        assert stored[STATUS]["value"] == "on"
        assert stored[LOCATION]["value"]["coordinates"] == [21.9, 43.3]

    async def test_a_late_reading_lands_in_history_only(self, database: Database) -> None:
        writer = ReadingWriter()
        await write(database, writer, reading({TEMPERATURE: 21.5}))

        await write(database, writer, reading({TEMPERATURE: 19.0}, seconds=-60))

        assert (await document(database))[TEMPERATURE]["value"] == 21.5
        assert await values(database) == [19.0, 21.5]
        assert await operations(database) == ["created", "late"]

    async def test_an_attribute_that_is_newer_enters_though_another_is_late(self, database: Database) -> None:
        writer = ReadingWriter()
        await write(database, writer, reading({TEMPERATURE: 21.5}), reading({STATUS: "off"}, seconds=-120))

        await write(database, writer, reading({TEMPERATURE: 1.0, STATUS: "on"}, seconds=-60))

        stored = await document(database)
        assert (stored[TEMPERATURE]["value"], stored[STATUS]["value"]) == (21.5, "on")

    async def test_the_newest_of_one_batch_wins_whatever_the_order(self, database: Database) -> None:
        await write(
            database,
            ReadingWriter(),
            reading({TEMPERATURE: 3.0}, seconds=3),
            reading({TEMPERATURE: 9.0}, seconds=9),
            reading({TEMPERATURE: 6.0}, seconds=6),
        )

        assert (await document(database))[TEMPERATURE]["value"] == 9.0
        assert await values(database) == [3.0, 6.0, 9.0]

    async def test_a_repeat_changes_nothing(self, database: Database) -> None:
        writer = ReadingWriter()
        await write(database, writer, reading({TEMPERATURE: 21.5}))
        before = await document(database)

        await write(database, writer, reading({TEMPERATURE: 99.0}), reading({TEMPERATURE: 22.0}, seconds=1))
        await write(database, ReadingWriter(), reading({TEMPERATURE: 99.0}))

        assert await values(database) == [21.5, 22.0]
        assert (await document(database))[TEMPERATURE]["createdAt"] == before[TEMPERATURE]["createdAt"]

    async def test_other_datasets_of_an_attribute_stay(self, database: Database) -> None:
        writer = ReadingWriter()
        await write(database, writer, reading({TEMPERATURE: 21.5}))
        async with database.transaction(TENANT) as connection:
            row = (await entities.load(connection, [target().entity_id], for_update=True))[target().entity_id]
            stamp = iso(now())
            second = {"type": "Property", "value": 5, "datasetId": "urn:d:2", "createdAt": stamp, "modifiedAt": stamp}
            changed = row.document | {TEMPERATURE: [row.document[TEMPERATURE], second]}
            await entities.save(
                connection,
                [EntityWrite(row.id, row.types, None, changed, None, {TEMPERATURE: [second]}, row)],
            )

        await write(database, writer, reading({TEMPERATURE: 30.0}, seconds=10))

        instances = (await document(database))[TEMPERATURE]
        assert sorted(instance["value"] for instance in instances) == [5, 30.0]

    async def test_a_place_that_moves_is_found_where_it_is(self, database: Database) -> None:
        writer = ReadingWriter()
        await write(database, writer, reading({TEMPERATURE: 1.0}))

        await write(database, writer, reading({LOCATION: {"type": "Point", "coordinates": [20.9, 44.0]}}, seconds=5))

        async with database.session(TENANT) as connection:
            cursor = await connection.execute("SELECT id FROM entity WHERE place <@ box '(21,44.1),(20.8,43.9)'")
            assert len(await cursor.fetchall()) == 1

    async def test_an_entity_deleted_meanwhile_is_noticed_and_comes_again_with_its_history(
        self, database: Database
    ) -> None:
        writer = ReadingWriter()
        await write(database, writer, reading({TEMPERATURE: 1.0}))
        async with database.transaction(TENANT) as connection:
            await entities.delete(connection, [target().entity_id])

        with pytest.raises(EntityVanished):
            await write(database, writer, reading({TEMPERATURE: 2.0}, seconds=5))
        writer.forget([target().entity_id])
        await write(database, writer, reading({TEMPERATURE: 2.0}, seconds=5))

        first, second, deleted = await values(database)
        assert (first, second) == (1.0, 2.0)
        assert math.isnan(deleted)


class TestPacking:
    async def test_packed_days_and_open_rows_read_as_one_series(self, database: Database) -> None:
        writer = ReadingWriter()
        async with database.session(TENANT) as connection:
            await partitions.prepare(connection, MOMENT.date())
        day = 86_400
        await write(database, writer, reading({TEMPERATURE: 1.0, STATUS: "on"}, -day), reading({TEMPERATURE: 2.0}))
        await write(database, writer, reading({TEMPERATURE: 0.5}, -40 * day))

        packed = await packing.pack_closed_days(database, TENANT, MOMENT.date())

        assert packed == 3
        assert await values(database) == [0.5, 1.0, 2.0]
        async with database.session(TENANT) as connection:
            assert MOMENT.date() in await partitions.existing(connection)
            assert len(await partitions.existing(connection)) == 2
            cursor = await connection.execute("SELECT sum(count) AS count FROM observation_hour")
            assert (await cursor.fetchone() or {})["count"] == 2

    async def test_a_late_reading_of_a_packed_day_is_merged_into_its_chunk(self, database: Database) -> None:
        writer = ReadingWriter()
        await write(database, writer, reading({TEMPERATURE: 1.0}))
        await packing.pack_closed_days(database, TENANT, now().date())
        await write(database, writer, reading({TEMPERATURE: 7.0}), reading({TEMPERATURE: 2.0}, seconds=1))

        assert await values(database) == [1.0, 2.0]
        await packing.pack_closed_days(database, TENANT, now().date())

        assert await values(database) == [1.0, 2.0]
        async with database.session(TENANT) as connection:
            (series,) = await history.series_of(connection, [target().entity_id])
            last = await history.read(connection, [series.number], last=1)
            hours = await history.hourly(connection, series.number, MOMENT, MOMENT.replace(hour=13))
        assert last[series.number].numbers.tolist() == [2.0]
        assert (hours.count.tolist(), hours.mean.tolist()) == ([2], [1.5])
