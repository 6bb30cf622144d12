"""All SQL of operations."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach
from vidik.operations.alarms.alarm import Alarm, Event
from vidik.operations.rules.signals import AlarmKey

Which = Literal["open", "unacknowledged", "returned", "hidden", "cleared", "all"]
_WHICH: Mapping[Which, str] = {
    "open": "cleared_at IS NULL AND hidden_by IS NULL",
    "unacknowledged": "state IN ('unacknowledged', 'latched_unacknowledged', 'returned_unacknowledged')",
    "returned": "state = 'returned_unacknowledged'",
    "hidden": "cleared_at IS NULL AND hidden_by IS NOT NULL",
    "cleared": "cleared_at IS NOT NULL",
    "all": "true",
}
ALARM_CHANNEL = "vidik_alarm"
_EVENT_LOCK = 0x564C_4152  # "VLAR"
_MOVE_LOCK = 0x564C_4D56  # "VLMV"


@dataclass(frozen=True, slots=True)
class Description:
    """What a person reads of an alarm beside its state: fixed when it is raised."""

    entity_name: str
    service: str
    origin: str
    message: Mapping[str, str]
    shown_attribute: str | None
    unit: str | None
    related: frozenset[str] = frozenset()
    exercise_id: int | None = None


_COLUMNS = """
           id, rule, entity_id, attribute, entity_name, service, origin, priority, state, message,
           shown_attribute, value, unit, threshold, observed_at, raised_at, last_seen_at, count,
           acknowledged_by, acknowledged_at, note, cleared_at, cleared_observed_at, latching, ask_on_return,
           hidden_by, returned_at, returned_observed_at, related, alarm_group, exercise_id, organisations, areas
"""
ALARM_COLUMNS = f"SELECT {_COLUMNS} FROM alarm"
# What is shown is answered and told by several ways at once: the newest event says which of two is the newer.
SHOWN_COLUMNS = f"""
    SELECT {_COLUMNS},
           (SELECT max(event.id) FROM alarm_event event WHERE event.alarm = alarm.id) AS version
      FROM alarm
"""
_FIELDS = (
    "priority", "observed_at", "raised_at", "last_seen_at", "count", "value", "threshold", "acknowledged_by",
    "acknowledged_at", "note", "cleared_at", "cleared_observed_at", "latching", "ask_on_return", "hidden_by",
    "returned_at", "returned_observed_at",
)  # fmt: skip


def to_alarm(row: DictRow) -> Alarm:
    """Return a row of `alarm` as the core knows it."""
    return Alarm(
        id=row["id"],
        key=AlarmKey(row["rule"], row["entity_id"], row["attribute"]),
        **{name: row[name] for name in _FIELDS},
    )


async def lock_alarms(connection: Connection) -> None:
    """Be the only one who moves many alarms until the transaction ends; taken before any row is locked.

    Order of locks, without which two could wait for each other: this one, rows of alarms, the one of events.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_MOVE_LOCK])


async def latest_alarms(connection: Connection, keys: Collection[AlarmKey]) -> dict[AlarmKey, Alarm]:
    """Return the newest alarm of each key that has one, locked until the transaction ends."""
    if not keys:
        return {}
    cursor = await connection.execute(
        f"""
        WITH wanted AS (
            SELECT DISTINCT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (rule, entity_id, attribute)
        )
        {ALARM_COLUMNS}
         WHERE id IN (
            SELECT newest.id
              FROM wanted
             CROSS JOIN LATERAL (
                SELECT max(a.id) AS id
                  FROM alarm a
                 WHERE (a.rule, a.entity_id, a.attribute) = (wanted.rule, wanted.entity_id, wanted.attribute)
             ) AS newest
         )
         ORDER BY id
           FOR UPDATE
        """,
        [[key.rule for key in keys], [key.entity_id for key in keys], [key.attribute for key in keys]],
    )
    return {alarm.key: alarm for alarm in map(to_alarm, await cursor.fetchall())}


async def insert_alarms(connection: Connection, alarms: Sequence[tuple[Alarm, Description]]) -> list[int]:
    """Write new alarms in one statement, since people wait while alarms are locked; returns their numbers in order."""
    if not alarms:
        return []
    cursor = await connection.execute(
        """
        INSERT INTO alarm (rule, entity_id, attribute, entity_name, service, origin, priority, state, message,
                           shown_attribute, value, unit, threshold, observed_at, raised_at, last_seen_at, count,
                           latching, ask_on_return, hidden_by, returned_at, returned_observed_at, cleared_at,
                           cleared_observed_at, related, exercise_id)
        SELECT rule, entity_id, attribute, entity_name, service, origin, priority, state, message,
               shown_attribute, value, unit, threshold, observed_at, raised_at, last_seen_at, count,
               latching, ask_on_return, hidden_by, returned_at, returned_observed_at, cleared_at,
               cleared_observed_at, ARRAY(SELECT jsonb_array_elements_text(related)), exercise_id
          FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                      %s::jsonb[], %s::text[], %s::jsonb[], %s::text[], %s::float8[], %s::timestamptz[],
                      %s::timestamptz[], %s::timestamptz[], %s::int[], %s::bool[], %s::bool[], %s::text[],
                      %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::jsonb[],
                      %s::bigint[])
               WITH ORDINALITY
               AS n (rule, entity_id, attribute, entity_name, service, origin, priority, state, message,
                     shown_attribute, value, unit, threshold, observed_at, raised_at, last_seen_at, count,
                     latching, ask_on_return, hidden_by, returned_at, returned_observed_at, cleared_at,
                     cleared_observed_at, related, exercise_id, place)
         ORDER BY place
        RETURNING id
        """,
        [
            [alarm.key.rule for alarm, _ in alarms],
            [alarm.key.entity_id for alarm, _ in alarms],
            [alarm.key.attribute for alarm, _ in alarms],
            [described.entity_name for _, described in alarms],
            [described.service for _, described in alarms],
            [described.origin for _, described in alarms],
            [alarm.priority for alarm, _ in alarms],
            [alarm.state for alarm, _ in alarms],
            [Jsonb(dict(described.message)) for _, described in alarms],
            [described.shown_attribute for _, described in alarms],
            [Jsonb(alarm.value) for alarm, _ in alarms],
            [described.unit for _, described in alarms],
            [alarm.threshold for alarm, _ in alarms],
            [alarm.observed_at for alarm, _ in alarms],
            [alarm.raised_at for alarm, _ in alarms],
            [alarm.last_seen_at for alarm, _ in alarms],
            [alarm.count for alarm, _ in alarms],
            [alarm.latching for alarm, _ in alarms],
            [alarm.ask_on_return for alarm, _ in alarms],
            [alarm.hidden_by for alarm, _ in alarms],
            [alarm.returned_at for alarm, _ in alarms],
            [alarm.returned_observed_at for alarm, _ in alarms],
            [alarm.cleared_at for alarm, _ in alarms],
            [alarm.cleared_observed_at for alarm, _ in alarms],
            [Jsonb(sorted(described.related)) for _, described in alarms],
            [described.exercise_id for _, described in alarms],
        ],
    )
    # Numbers are given in the order of the rows; in which order they are returned nobody promises.
    return sorted(int(row["id"]) for row in await cursor.fetchall())


async def update_alarms(connection: Connection, alarms: Collection[Alarm]) -> None:
    """Write what changed of alarms, each of which comes once: one statement, for people wait while they are locked."""
    if not alarms:
        return
    await connection.execute(
        """
        UPDATE alarm
           SET priority = n.priority, state = n.state, value = n.value, threshold = n.threshold,
               last_seen_at = n.last_seen_at, count = n.count, acknowledged_by = n.acknowledged_by,
               acknowledged_at = n.acknowledged_at, note = n.note, cleared_at = n.cleared_at,
               cleared_observed_at = n.cleared_observed_at, latching = n.latching,
               ask_on_return = n.ask_on_return, hidden_by = n.hidden_by, returned_at = n.returned_at,
               returned_observed_at = n.returned_observed_at
          FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[], %s::float8[], %s::timestamptz[], %s::int[],
                      %s::text[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bool[],
                      %s::bool[], %s::text[], %s::timestamptz[], %s::timestamptz[])
               AS n (id, priority, state, value, threshold, last_seen_at, count, acknowledged_by, acknowledged_at,
                     note, cleared_at, cleared_observed_at, latching, ask_on_return, hidden_by, returned_at,
                     returned_observed_at)
         WHERE alarm.id = n.id
        """,
        [
            [alarm.id for alarm in alarms],
            [alarm.priority for alarm in alarms],
            [alarm.state for alarm in alarms],
            [Jsonb(alarm.value) for alarm in alarms],
            [alarm.threshold for alarm in alarms],
            [alarm.last_seen_at for alarm in alarms],
            [alarm.count for alarm in alarms],
            [alarm.acknowledged_by for alarm in alarms],
            [alarm.acknowledged_at for alarm in alarms],
            [alarm.note for alarm in alarms],
            [alarm.cleared_at for alarm in alarms],
            [alarm.cleared_observed_at for alarm in alarms],
            [alarm.latching for alarm in alarms],
            [alarm.ask_on_return for alarm in alarms],
            [alarm.hidden_by for alarm in alarms],
            [alarm.returned_at for alarm in alarms],
            [alarm.returned_observed_at for alarm in alarms],
        ],
    )


async def append_events(connection: Connection, events: Sequence[tuple[int, Event]]) -> None:
    """Write what happened to alarms (number, event) and wake those who watch.

    The lock makes the numbers of events come in commit order, so that a reader never passes one not yet visible.
    """
    if not events:
        return
    await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_EVENT_LOCK & 0x7FFFFFFF])
    await connection.execute(
        """
        INSERT INTO alarm_event (alarm, transition, state_before, state_after, cause, at, person, reason)
        SELECT alarm, transition, state_before, state_after, cause, at, person, reason
          FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[],
                      %s::text[])
               WITH ORDINALITY AS e (alarm, transition, state_before, state_after, cause, at, person, reason, n)
         ORDER BY n
        """,
        [
            [alarm for alarm, _ in events],
            [event.transition for _, event in events],
            [event.before for _, event in events],
            [event.after for _, event in events],
            [event.act.cause for _, event in events],
            [event.act.at for _, event in events],
            [event.act.person for _, event in events],
            [event.act.reason for _, event in events],
        ],
    )
    await connection.execute("SELECT pg_notify(%s, current_schema())", [ALARM_CHANNEL])


async def find_alarm(connection: Connection, alarm_id: int) -> Alarm | None:
    """Return one alarm, locked until the transaction ends."""
    cursor = await connection.execute(f"{ALARM_COLUMNS} WHERE id = %s FOR UPDATE", [alarm_id])
    row = await cursor.fetchone()
    return to_alarm(row) if row else None


async def alarm_rows(connection: Connection, alarm_ids: Sequence[int]) -> list[DictRow]:
    """Return whole rows of alarms by number, in no particular order."""
    cursor = await connection.execute(f"{SHOWN_COLUMNS} WHERE id = ANY(%s)", [list(alarm_ids)])
    return await cursor.fetchall()


async def list_alarms(
    connection: Connection,
    *,
    state: Which,
    limit: int,
    before: int | None = None,
    entity_id: str | None = None,
    service: str | None = None,
    reach: Reach = EVERYWHERE,
) -> list[DictRow]:
    """Return rows of alarms within reach: open ones (hidden ones left out) worst first, the others newest first."""
    within, parameters = reach.condition()
    conditions = [_WHICH[state], within]
    for clause, value in (("id < %s", before), ("entity_id = %s", entity_id), ("service = %s", service)):
        if value is not None:
            conditions.append(clause)
            parameters.append(value)
    worst_first = "array_position(ARRAY['critical', 'high', 'medium', 'low'], priority), "
    cursor = await connection.execute(
        f"""
        {SHOWN_COLUMNS}
         WHERE {" AND ".join(conditions)}
         ORDER BY {worst_first if state == "open" and before is None else ""}raised_at DESC, id DESC
         LIMIT %s
        """,
        [*parameters, limit],
    )
    return await cursor.fetchall()


async def count_open(connection: Connection, reach: Reach = EVERYWHERE) -> dict[str, int]:
    """Return how many alarms within reach are open, and not hidden, of each priority."""
    within, parameters = reach.condition()
    cursor = await connection.execute(
        "SELECT priority, count(*) AS alarms FROM alarm"
        f" WHERE cleared_at IS NULL AND hidden_by IS NULL AND {within} GROUP BY priority",
        parameters,
    )
    counts = dict.fromkeys(("critical", "high", "medium", "low"), 0)
    counts.update({row["priority"]: row["alarms"] for row in await cursor.fetchall()})
    return counts


async def count_lists(connection: Connection, reach: Reach = EVERYWHERE) -> dict[str, int]:
    """Return how many alarms within reach stand in the lists that an operator has to empty."""
    within, parameters = reach.condition()
    cursor = await connection.execute(
        f"""
        SELECT count(*) FILTER (WHERE {_WHICH["open"]}) AS open,
               count(*) FILTER (WHERE {_WHICH["unacknowledged"]}) AS unacknowledged,
               count(*) FILTER (WHERE {_WHICH["returned"]}) AS returned,
               count(*) FILTER (WHERE {_WHICH["hidden"]}) AS hidden
          FROM alarm
         WHERE (cleared_at IS NULL OR state = 'returned_unacknowledged') AND {within}
        """,
        parameters,
    )
    row = await cursor.fetchone()
    return {name: int(number) for name, number in (row or {}).items()}


async def alarms_between(
    connection: Connection, entity_id: str, start: datetime, end: datetime, reach: Reach = EVERYWHERE
) -> list[DictRow]:
    """Return rows of the entity's alarms within reach that stood at some time between, by the readings' time."""
    within, parameters = reach.condition()
    cursor = await connection.execute(
        f"""
        {ALARM_COLUMNS}
         WHERE entity_id = %s
           AND observed_at < %s
           AND (cleared_observed_at IS NULL OR cleared_observed_at >= %s)
           AND {within}
         ORDER BY observed_at
         LIMIT 500
        """,
        [entity_id, end, start, *parameters],
    )
    return await cursor.fetchall()


async def events_after(connection: Connection, event_id: int, limit: int = 500) -> list[DictRow]:
    """Return what happened to alarms after an event, in order: id, at, transition, person, alarm (number)."""
    cursor = await connection.execute(
        "SELECT id, at, alarm, transition, person FROM alarm_event WHERE id > %s ORDER BY id LIMIT %s",
        [event_id, limit],
    )
    return await cursor.fetchall()


async def events_of(connection: Connection, alarm_id: int) -> list[DictRow]:
    """Return every transition of one alarm, oldest first."""
    cursor = await connection.execute(
        """
        SELECT id, at, transition, state_before, state_after, cause, person, reason
          FROM alarm_event
         WHERE alarm = %s
         ORDER BY id
        """,
        [alarm_id],
    )
    return await cursor.fetchall()


async def newest_event(connection: Connection) -> int:
    """Return the number of the newest event; 0 when there is none."""
    cursor = await connection.execute("SELECT coalesce(max(id), 0) AS id FROM alarm_event")
    row = await cursor.fetchone()
    return int(row["id"]) if row else 0


async def newest_events(
    connection: Connection, limit: int, before: int | None = None, reach: Reach = EVERYWHERE
) -> list[DictRow]:
    """Return the newest events of alarms within reach, newest first, each with its alarm's words."""
    within, parameters = reach.condition("a.organisations", "a.areas")
    cursor = await connection.execute(
        f"""
        SELECT e.id, e.at, e.alarm, e.transition, e.person, a.rule, a.entity_id, a.entity_name, a.service,
               a.origin, a.priority, a.message
          FROM alarm_event e
          JOIN alarm a ON a.id = e.alarm
         WHERE (%s::bigint IS NULL OR e.id < %s) AND {within}
         ORDER BY e.id DESC
         LIMIT %s
        """,
        [before, before, *parameters, limit],
    )
    return await cursor.fetchall()


async def open_alarms_of(connection: Connection, rule: str) -> list[Alarm]:
    """Return the open alarms of one rule."""
    cursor = await connection.execute(f"{ALARM_COLUMNS} WHERE rule = %s AND cleared_at IS NULL", [rule])
    return [to_alarm(row) for row in await cursor.fetchall()]


async def open_alarms_of_entities(connection: Connection, entity_ids: Collection[str]) -> list[Alarm]:
    """Return the open alarms of some entities, locked until the transaction ends."""
    cursor = await connection.execute(
        f"{ALARM_COLUMNS} WHERE entity_id = ANY(%s) AND cleared_at IS NULL ORDER BY id FOR UPDATE", [list(entity_ids)]
    )
    return [to_alarm(row) for row in await cursor.fetchall()]


async def returned_alarms_of_exercise(connection: Connection, exercise: int) -> list[Alarm]:
    """Return the alarms of an exercise that came good before anybody acknowledged them, locked."""
    cursor = await connection.execute(
        f"{ALARM_COLUMNS} WHERE exercise_id = %s AND state = 'returned_unacknowledged' ORDER BY id FOR UPDATE",
        [exercise],
    )
    return [to_alarm(row) for row in await cursor.fetchall()]


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
    """Return id, types, document and modified_at of every entity that has one of these (expanded) types."""
    cursor = await connection.execute(
        "SELECT id, types, document, modified_at FROM entity JOIN kind USING (kind) WHERE types && %s::text[]",
        [list(types)],
    )
    return await cursor.fetchall()
