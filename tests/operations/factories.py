"""Readings, changes and rules for tests of operations and the console."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from vidik.context.jsonld import names
from vidik.context.store.changes import Change
from vidik.context.store.readings import AttributeMeta, EntityReading, ReadingWriter, Target
from vidik.kernel.clock import to_microseconds
from vidik.kernel.database import Database
from vidik.operations.rules.model import AnyRule
from vidik.operations.rules.rulebook import read_rule

MINUTE = 60_000_000
START = to_microseconds(datetime(2026, 1, 15, 10, tzinfo=UTC))
UNITS = {
    "supplyTemperaturePrimary": "CEL",
    "returnTemperaturePrimary": "CEL",
    "supplyTemperatureSecondary": "CEL",
    "referenceTemperature": "CEL",
    "power": "KWT",
    "pm25": "GQ",
    "pressure": "BAR",
    "temperature": "CEL",
}


def a_rule(**fields: Any) -> AnyRule:
    """A rule on the return temperature, with some fields said otherwise."""
    definition: dict[str, Any] = {
        "code": "return_high",
        "kind": "threshold",
        "service": "heating",
        "priority": "high",
        "entity_types": ["HeatSubstation"],
        "title": {"en": "Return too high", "sr": "Поврат превисок"},
        "message": {"en": "Return at {value} {unit}.", "sr": "Поврат {value} {unit}."},
    }
    if fields.get("kind", "threshold") == "threshold":
        definition |= {"attribute": "returnTemperaturePrimary", "above": 50, "clear": 47}
    return read_rule(definition | fields)


def a_change(
    entity_id: str = "urn:ngsi-ld:HeatSubstation:nis:s01",
    *,
    at: int = START,
    entity_type: str = "HeatSubstation",
    operation: Any = "updated",
    **values: Any,
) -> Change:
    """A change as the stream carries it, from short names."""
    attributes = {names.expand_attribute(name): (value, at) for name, value in values.items()}
    return Change(entity_id, (names.expand_type(entity_type),), operation, attributes)


def a_target(entity_id: str, entity_type: str, **birth: Any) -> Target:
    """The entity that readings are about, born with a name, place and origin."""
    document: dict[str, Any] = {
        names.expand_attribute(name): {"type": "Property", "value": value} for name, value in birth.items()
    }
    if "location" in birth:
        document[names.LOCATION] = {"type": "GeoProperty", "value": birth["location"]}
        document.pop(names.expand_attribute("location"), None)
        document[names.LOCATION] = {"type": "GeoProperty", "value": birth["location"]}
    meta = {names.expand_attribute(name): AttributeMeta("Property", unit) for name, unit in UNITS.items()}
    device = entity_id.rpartition(":")[2]
    return Target(entity_id, (names.expand_type(entity_type),), meta, f"urn:ngsi-ld:Device:{device}", lambda: document)


async def store(
    database: Database,
    target: Target,
    values: Mapping[str, Any],
    at: datetime | None = None,
    writer: ReadingWriter | None = None,
) -> None:
    """Store one reading as the pipeline does."""
    moment = to_microseconds(at or datetime.now(UTC))
    reading = EntityReading(target, moment, {names.expand_attribute(name): value for name, value in values.items()})
    async with database.transaction("city") as connection:
        await (writer or ReadingWriter()).write(connection, [reading])


async def store_together(
    database: Database, target: Target, story: Sequence[Mapping[str, Any]], begin: datetime, step: timedelta
) -> None:
    """Store several readings of one entity in one batch, as a backlog arrives."""
    readings = [
        EntityReading(
            target,
            to_microseconds(begin + place * step),
            {names.expand_attribute(name): value for name, value in values.items()},
        )
        for place, values in enumerate(story)
    ]
    async with database.transaction("city") as connection:
        await ReadingWriter().write(connection, readings)


def minutes_ago(minutes: float) -> datetime:
    """A time so many minutes before now."""
    return datetime.now(UTC) - timedelta(minutes=minutes)
