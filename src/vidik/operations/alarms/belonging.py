"""Whose alarms, groups and holds are: by the device and the place of what they are about."""

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import Belonging, Reach

OF_ENTITY = """
    organisations_of_entity({0}) AS organisations,
    coalesce((SELECT areas_of_box(place) FROM entity_whole WHERE id = {0}), '{{}}') AS areas
"""


async def of_alarm(connection: Connection, alarm_id: int) -> Belonging | None:
    """Return whose an alarm is; None when there is none."""
    cursor = await connection.execute("SELECT organisations, areas FROM alarm WHERE id = %s", [alarm_id])
    row = await cursor.fetchone()
    return Belonging.of(row) if row else None


async def of_group(connection: Connection, group_id: int) -> Belonging | None:
    """Return whose the alarms of a group are, together. Which of them somebody sees, or acts upon, each says itself."""
    cursor = await connection.execute(
        """
        SELECT coalesce(array_agg(DISTINCT one) FILTER (WHERE one IS NOT NULL), '{}') AS organisations,
               coalesce(array_agg(DISTINCT place) FILTER (WHERE place IS NOT NULL), '{}') AS areas
          FROM alarm
          LEFT JOIN LATERAL unnest(organisations) AS one ON true
          LEFT JOIN LATERAL unnest(areas) AS place ON true
         WHERE alarm_group = %s
        HAVING count(*) > 0
        """,
        [group_id],
    )
    row = await cursor.fetchone()
    return Belonging.of(row) if row else None


async def of_entity(connection: Connection, entity_id: str) -> Belonging:
    """Return whose an asset is: by its devices and its place."""
    columns = OF_ENTITY.format("asked.id")
    cursor = await connection.execute(f"SELECT {columns} FROM (VALUES (%s::text)) AS asked (id)", [entity_id])
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (one row of VALUES)
    return Belonging.of(row)


async def entities_within(connection: Connection, entity_ids: list[str], reach: Reach) -> set[str]:
    """Return which of these assets lie within reach."""
    if reach.is_everywhere:
        return set(entity_ids)
    within, parameters = reach.condition()
    columns = OF_ENTITY.format("asked.id")
    cursor = await connection.execute(
        f"SELECT id FROM (SELECT id, {columns} FROM unnest(%s::text[]) AS asked (id)) AS thing WHERE {within}",
        [entity_ids, *parameters],
    )
    return {row["id"] for row in await cursor.fetchall()}
