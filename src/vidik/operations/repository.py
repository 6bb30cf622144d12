"""All SQL of operations."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.operations.alarm import Alarm, AlarmKey, Transition

ALARM_CHANNEL = "vidik_alarm"
_EVENT_LOCK = 0x564C_4152  # "VLAR"


@dataclass(frozen=True, slots=True)
class Description:
    """What a person reads of an alarm beside its state: fixed when it is raised."""

    entity_name: str
    service: str
    origin: str
    message: Mapping[str, str]
    shown_attribute: str | None
    unit: str | None


_ALARM = """
    SELECT id, rule, entity_id, attribute, entity_name, service, origin, priority, state, message,
           shown_attribute, value, unit, threshold, observed_at, raised_at, last_seen_at, count,
           acknowledged_by, acknowledged_at, note, cleared_at, cleared_observed_at
      FROM alarm
"""


def _to_alarm(row: DictRow) -> Alarm:
    return Alarm(
        id=row["id"],
        key=AlarmKey(row["rule"], row["entity_id"], row["attribute"]),
        **{
            name: row[name]
            for name in (
                "priority", "state", "observed_at", "raised_at", "last_seen_at", "count", "value", "threshold",
                "acknowledged_by", "acknowledged_at", "note", "cleared_at", "cleared_observed_at",
            )
        },
    )  # fmt: skip


async def latest_alarms(connection: Connection, keys: Collection[AlarmKey]) -> dict[AlarmKey, Alarm]:
    """Return the newest alarm of each key that has one, locked until the transaction ends."""
    if not keys:
        return {}
    cursor = await connection.execute(
        f"""
        WITH wanted AS (
            SELECT DISTINCT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (rule, entity_id, attribute)
        )
        {_ALARM}
         WHERE id IN (
            SELECT newest.id
              FROM wanted
             CROSS JOIN LATERAL (
                SELECT max(a.id) AS id
                  FROM alarm a
                 WHERE (a.rule, a.entity_id, a.attribute) = (wanted.rule, wanted.entity_id, wanted.attribute)
             ) AS newest
         )
           FOR UPDATE
        """,
        [[key.rule for key in keys], [key.entity_id for key in keys], [key.attribute for key in keys]],
    )
    return {alarm.key: alarm for alarm in map(_to_alarm, await cursor.fetchall())}


async def insert_alarm(connection: Connection, alarm: Alarm, description: Description) -> int:
    """Write a new alarm and return its number."""
    cursor = await connection.execute(
        """
        INSERT INTO alarm (rule, entity_id, attribute, entity_name, service, origin, priority, state, message,
                           shown_attribute, value, unit, threshold, observed_at, raised_at, last_seen_at, count,
                           cleared_at, cleared_observed_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        RETURNING id
        """,
        [
            *alarm.key,
            description.entity_name,
            description.service,
            description.origin,
            alarm.priority,
            alarm.state,
            Jsonb(dict(description.message)),
            description.shown_attribute,
            Jsonb(alarm.value),
            description.unit,
            alarm.threshold,
            alarm.observed_at,
            alarm.raised_at,
            alarm.last_seen_at,
            alarm.count,
            alarm.cleared_at,
            alarm.cleared_observed_at,
        ],
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING of one row)
    return int(row["id"])


async def update_alarm(connection: Connection, alarm: Alarm, message: Mapping[str, str] | None = None) -> None:
    """Write what changed of an alarm; `message` only when it says something new."""
    await connection.execute(
        """
        UPDATE alarm
           SET priority = %s, state = %s, value = %s, threshold = %s, last_seen_at = %s, count = %s,
               acknowledged_by = %s, acknowledged_at = %s, note = %s, cleared_at = %s,
               cleared_observed_at = %s, message = coalesce(%s, message)
         WHERE id = %s
        """,
        [
            alarm.priority,
            alarm.state,
            Jsonb(alarm.value),
            alarm.threshold,
            alarm.last_seen_at,
            alarm.count,
            alarm.acknowledged_by,
            alarm.acknowledged_at,
            alarm.note,
            alarm.cleared_at,
            alarm.cleared_observed_at,
            Jsonb(dict(message)) if message is not None else None,
            alarm.id,
        ],
    )


async def append_events(
    connection: Connection, events: Sequence[tuple[int, Transition]], at: datetime, person: str | None = None
) -> None:
    """Write what happened to alarms (number, transition) and wake those who watch.

    The lock makes the numbers of events come in commit order, so that a reader never passes one not yet visible.
    """
    if not events:
        return
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_EVENT_LOCK & 0x7FFFFFFF])
    await connection.execute(
        """
        INSERT INTO alarm_event (at, alarm, transition, person)
        SELECT %s, alarm, transition, %s
          FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS e (alarm, transition, n)
         ORDER BY n
        """,
        [at, person, [alarm for alarm, _ in events], [transition for _, transition in events]],
    )
    await connection.execute("SELECT pg_notify(%s, current_schema())", [ALARM_CHANNEL])


async def find_alarm(connection: Connection, alarm_id: int) -> Alarm | None:
    """Return one alarm, locked until the transaction ends."""
    cursor = await connection.execute(f"{_ALARM} WHERE id = %s FOR UPDATE", [alarm_id])
    row = await cursor.fetchone()
    return _to_alarm(row) if row else None


async def alarm_rows(connection: Connection, alarm_ids: Sequence[int]) -> list[DictRow]:
    """Return whole rows of alarms by number, in no particular order."""
    cursor = await connection.execute(f"{_ALARM} WHERE id = ANY(%s)", [list(alarm_ids)])
    return await cursor.fetchall()


async def list_alarms(
    connection: Connection,
    *,
    state: Literal["open", "cleared", "all"],
    limit: int,
    before: int | None = None,
    entity_id: str | None = None,
    service: str | None = None,
) -> list[DictRow]:
    """Return rows of alarms: open ones worst first, the others newest first."""
    conditions = ["true"]
    if state != "all":
        conditions.append("cleared_at IS NULL" if state == "open" else "cleared_at IS NOT NULL")
    parameters: list[Any] = []
    for clause, value in (("id < %s", before), ("entity_id = %s", entity_id), ("service = %s", service)):
        if value is not None:
            conditions.append(clause)
            parameters.append(value)
    worst_first = "array_position(ARRAY['critical', 'high', 'medium', 'low'], priority), "
    cursor = await connection.execute(
        f"""
        {_ALARM}
         WHERE {" AND ".join(conditions)}
         ORDER BY {worst_first if state == "open" and before is None else ""}raised_at DESC, id DESC
         LIMIT %s
        """,
        [*parameters, limit],
    )
    return await cursor.fetchall()


async def count_open(connection: Connection) -> dict[str, int]:
    """Return how many alarms are open of each priority."""
    cursor = await connection.execute(
        "SELECT priority, count(*) AS alarms FROM alarm WHERE cleared_at IS NULL GROUP BY priority"
    )
    counts = dict.fromkeys(("critical", "high", "medium", "low"), 0)
    counts.update({row["priority"]: row["alarms"] for row in await cursor.fetchall()})
    return counts


async def alarms_between(connection: Connection, entity_id: str, start: datetime, end: datetime) -> list[DictRow]:
    """Return rows of the entity's alarms that stood at some time between, by the readings' time."""
    cursor = await connection.execute(
        f"""
        {_ALARM}
         WHERE entity_id = %s
           AND observed_at < %s
           AND (cleared_observed_at IS NULL OR cleared_observed_at >= %s)
         ORDER BY observed_at
         LIMIT 500
        """,
        [entity_id, end, start],
    )
    return await cursor.fetchall()


async def events_after(connection: Connection, event_id: int, limit: int = 500) -> list[DictRow]:
    """Return what happened to alarms after an event, in order: id, at, transition, person, alarm (number)."""
    cursor = await connection.execute(
        "SELECT id, at, alarm, transition, person FROM alarm_event WHERE id > %s ORDER BY id LIMIT %s",
        [event_id, limit],
    )
    return await cursor.fetchall()


async def newest_event(connection: Connection) -> int:
    """Return the number of the newest event; 0 when there is none."""
    cursor = await connection.execute("SELECT coalesce(max(id), 0) AS id FROM alarm_event")
    row = await cursor.fetchone()
    return int(row["id"]) if row else 0


async def newest_events(connection: Connection, limit: int, before: int | None = None) -> list[DictRow]:
    """Return the newest events, newest first, each with its alarm's words."""
    cursor = await connection.execute(
        """
        SELECT e.id, e.at, e.alarm, e.transition, e.person, a.rule, a.entity_id, a.entity_name, a.service,
               a.origin, a.priority, a.message
          FROM alarm_event e
          JOIN alarm a ON a.id = e.alarm
         WHERE %s::bigint IS NULL OR e.id < %s
         ORDER BY e.id DESC
         LIMIT %s
        """,
        [before, before, limit],
    )
    return await cursor.fetchall()


async def checkpoint(connection: Connection) -> tuple[int, int]:
    """Return (position, rules revision), locked until the transaction ends."""
    cursor = await connection.execute("SELECT position, rules_revision FROM rule_checkpoint FOR UPDATE")
    row = await cursor.fetchone()
    return (int(row["position"]), int(row["rules_revision"])) if row else (0, 0)


async def move_checkpoint(connection: Connection, position: int) -> None:
    """Say how far the rules' memory has come."""
    await connection.execute("UPDATE rule_checkpoint SET position = %s", [position])


async def rules_changed(connection: Connection) -> None:
    """Tell the worker that it must read the rules again."""
    await connection.execute("UPDATE rule_checkpoint SET rules_revision = rules_revision + 1")


async def read_memory(connection: Connection) -> dict[str, bytes]:
    """Return everything that the rules remember, by entity."""
    cursor = await connection.execute("SELECT entity_id, memory FROM rule_memory")
    return {row["entity_id"]: bytes(row["memory"]) for row in await cursor.fetchall()}


async def write_memory(connection: Connection, memory: Mapping[str, bytes], forgotten: Iterable[str]) -> None:
    """Write what the rules remember of some entities, and forget others."""
    if memory:
        await connection.execute(
            """
            INSERT INTO rule_memory (entity_id, memory)
            SELECT * FROM unnest(%s::text[], %s::bytea[])
                ON CONFLICT (entity_id) DO UPDATE SET memory = EXCLUDED.memory
            """,
            [list(memory), list(memory.values())],
        )
    gone = list(forgotten)
    if gone:
        await connection.execute("DELETE FROM rule_memory WHERE entity_id = ANY(%s)", [gone])


async def read_overrides(connection: Connection) -> list[DictRow]:
    """Return what a city changed of its rules: code, definition, changed_by, changed_at."""
    cursor = await connection.execute(
        "SELECT code, definition, changed_by, changed_at FROM rule_override ORDER BY code"
    )
    return await cursor.fetchall()


async def write_override(
    connection: Connection, code: str, definition: Mapping[str, Any], person: str, at: datetime
) -> None:
    """Write what a city changed of one rule."""
    await connection.execute(
        """
        INSERT INTO rule_override (code, definition, changed_by, changed_at)
        VALUES (%s, %s, %s, %s)
            ON CONFLICT (code) DO UPDATE
           SET definition = EXCLUDED.definition, changed_by = EXCLUDED.changed_by, changed_at = EXCLUDED.changed_at
        """,
        [code, Jsonb(dict(definition)), person, at],
    )


async def open_alarms_of(connection: Connection, rule: str) -> list[Alarm]:
    """Return the open alarms of one rule."""
    cursor = await connection.execute(f"{_ALARM} WHERE rule = %s AND cleared_at IS NULL", [rule])
    return [_to_alarm(row) for row in await cursor.fetchall()]


async def open_alarms_of_entities(connection: Connection, entity_ids: Collection[str]) -> list[Alarm]:
    """Return the open alarms of some entities, locked until the transaction ends."""
    cursor = await connection.execute(
        f"{_ALARM} WHERE entity_id = ANY(%s) AND cleared_at IS NULL FOR UPDATE", [list(entity_ids)]
    )
    return [_to_alarm(row) for row in await cursor.fetchall()]


async def types_of(connection: Connection, entity_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the expanded types of the entities that exist."""
    cursor = await connection.execute(
        "SELECT id, types FROM entity JOIN kind USING (kind) WHERE id = ANY(%s)", [list(entity_ids)]
    )
    return {row["id"]: tuple(row["types"]) for row in await cursor.fetchall()}


async def heard_devices(connection: Connection) -> list[DictRow]:
    """Return every enabled device with a profile that has ever been heard, with when it was heard last."""
    cursor = await connection.execute(
        """
        SELECT device_id, profile, entity_id, origin, expected_interval, last_seen
          FROM device
          JOIN device_health USING (device_id)
         WHERE enabled
           AND profile IS NOT NULL
        """
    )
    return await cursor.fetchall()


async def entities_of_types(connection: Connection, types: Sequence[str]) -> list[DictRow]:
    """Return id, document and modified_at of every entity that has one of these (expanded) types."""
    cursor = await connection.execute(
        "SELECT id, document, modified_at FROM entity JOIN kind USING (kind) WHERE types && %s::text[]",
        [list(types)],
    )
    return await cursor.fetchall()
