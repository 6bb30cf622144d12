"""What stood at a moment: the newest value before it, in rows, in a chunk, or come late beside one."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from vidik.context.store import history, moments, packing
from vidik.context.store.readings import AttributeMeta, EntityReading, ReadingWriter, Target
from vidik.kernel.clock import to_microseconds
from vidik.kernel.database import Database

TENANT = "city"
LEVEL, STATUS = "https://example.org/level", "https://example.org/status"
LAMP = Target(
    "urn:ngsi-ld:Lamp:one",
    ("https://example.org/Lamp",),
    {LEVEL: AttributeMeta("Property", "P1"), STATUS: AttributeMeta()},
    "urn:ngsi-ld:Device:one",
    dict,
)
MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)
GAP = timedelta(hours=3)


async def write(database: Database, *values: tuple[float, dict[str, Any]]) -> None:
    """Store readings by hours after the midnight."""
    readings = [EntityReading(LAMP, to_microseconds(MIDNIGHT + timedelta(hours=hours)), told) for hours, told in values]
    async with database.transaction(TENANT) as connection:
        await ReadingWriter().write(connection, readings)


async def stood(database: Database, *hours: float) -> list[dict[str, Any]]:
    """What stood so many hours after the midnight, by attribute."""
    async with database.session(TENANT) as connection:
        series = {one.number: one.attribute for one in await history.series_of(connection, [LAMP.entity_id])}
        when = [MIDNIGHT + timedelta(hours=hour) for hour in hours]
        found = await moments.standing_at(connection, list(series), when, GAP)
    return [{series[number]: value for number, value in state.items()} for state in found]


async def test_a_value_holds_until_the_next_and_no_longer_than_the_gap(database: Database) -> None:
    await write(database, (1, {LEVEL: 10.0, STATUS: "on"}), (2, {LEVEL: 20.0}), (2.5, {STATUS: "off"}))

    assert await stood(database, 0.99, 1, 2.49, 4.99, 5.01, 5.51) == [
        {},
        {LEVEL: 10.0, STATUS: "on"},
        {LEVEL: 20.0, STATUS: "on"},
        {LEVEL: 20.0, STATUS: "off"},
        {STATUS: "off"},
        {},
    ]


async def test_packed_days_rows_and_what_came_late_are_one_past(database: Database) -> None:
    random = Random(42)  # the same story each time
    story = {round(random.uniform(-24, 24), 2): float(number) for number in range(60)}
    early = dict(list(story.items())[:45])
    await write(database, *((hours, {LEVEL: value}) for hours, value in early.items()))
    await packing.pack_closed_days(database, TENANT, date(2026, 3, 5))
    await write(database, *((hours, {LEVEL: value}) for hours, value in story.items() if hours not in early))
    asked = sorted(round(random.uniform(-25, 27), 2) for _ in range(80))

    found = await stood(database, *asked)

    newest = [max((one for one in story if hour - 3 < one <= hour), default=None) for hour in asked]
    assert found == [{} if one is None else {LEVEL: story[one]} for one in newest]
