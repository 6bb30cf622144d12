"""An entity is born with all of its series at once; what is late, many or unlike is written all the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vidik.context.store import births, corrections, entities, history
from vidik.context.store.states import EntityRow, EntityWrite
from vidik.kernel.clock import iso
from vidik.kernel.database import Database
from vidik.kernel.errors import Conflict

TENANT = "city"
FILL = "https://example.org/fillingLevel"
NAME = "https://example.org/name"
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
MOMENT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
MANY = entities._FEW + 1


def written(number: int, value: float, moment: datetime = MOMENT, before: EntityRow | None = None) -> EntityWrite:
    document: dict[str, Any] = {
        NAME: {"type": "Property", "value": f"Container {number}"},
        FILL: {"type": "Property", "value": value, "observedAt": iso(moment)},
        LOCATION: {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [21.9, 43.3]}},
    }
    changed = {name: [instance] for name, instance in document.items()}
    types = ["https://example.org/WasteContainer"]
    return EntityWrite(f"urn:ngsi-ld:WasteContainer:{number}", types, ["/Nis"], document, None, changed, before)


async def save(database: Database, *writes: EntityWrite) -> None:
    async with database.transaction(TENANT) as connection:
        await entities.save(connection, writes)


async def filling(database: Database, number: int) -> list[float]:
    async with database.session(TENANT) as connection:
        (series,) = await history.series_of(connection, [f"urn:ngsi-ld:WasteContainer:{number}"], [FILL])
        rows = await history.read(connection, [series.number])
    return rows[series.number].numbers.tolist()


@pytest.mark.parametrize("count", [1, MANY])
async def test_few_and_many_are_stored_alike(database: Database, count: int) -> None:
    await save(database, *(written(number, number / 10) for number in range(count)))

    async with database.session(TENANT) as connection:
        rows = await entities.load(connection, ["urn:ngsi-ld:WasteContainer:0"])
        cursor = await connection.execute("SELECT place::text AS place, observed_at FROM entity WHERE key > 0 LIMIT 1")
        stored = await cursor.fetchone()
        known = await history.series_of(connection, ["urn:ngsi-ld:WasteContainer:0"])
    (row,) = rows.values()
    assert row.scope == ["/Nis"]
    assert row.document[NAME]["value"] == "Container 0"
    assert stored == {"place": "(21.9,43.3),(21.9,43.3)", "observed_at": MOMENT}
    assert {one.attribute for one in known} == {NAME, FILL, LOCATION, "https://uri.etsi.org/ngsi-ld/scope"}
    assert all(one.number >= births.FIRST_NUMBER for one in known)
    assert await filling(database, count - 1) == [(count - 1) / 10]


async def test_a_batch_with_one_that_somebody_else_created_is_a_conflict(database: Database) -> None:
    await save(database, written(7, 0.1))

    with pytest.raises(Conflict):
        await save(database, *(written(number, 0.2) for number in range(MANY)))

    assert await filling(database, 7) == [0.1]


async def test_late_values_of_many_series_are_put_in_their_places(database: Database) -> None:
    await save(database, *(written(number, 0.5) for number in range(3)))
    async with database.session(TENANT) as connection:
        rows = await entities.load(connection, [f"urn:ngsi-ld:WasteContainer:{number}" for number in range(3)])

    earlier = MOMENT - timedelta(days=2)
    await save(
        database,
        *(written(number, 0.25, earlier, rows[f"urn:ngsi-ld:WasteContainer:{number}"]) for number in range(3)),
    )

    assert [await filling(database, number) for number in range(3)] == [[0.25, 0.5]] * 3


async def test_one_series_may_be_forgotten_and_the_others_stay(database: Database) -> None:
    await save(database, written(0, 0.5))
    async with database.transaction(TENANT) as connection:
        known = await history.series_of(connection, ["urn:ngsi-ld:WasteContainer:0"])
        (name,) = [one.number for one in known if one.attribute == NAME]
        await corrections.remove_all(connection, [name], forget=True)
        left = await history.series_of(connection, ["urn:ngsi-ld:WasteContainer:0"])

    assert left == [one for one in known if one.number != name]
    assert await filling(database, 0) == [0.5]
