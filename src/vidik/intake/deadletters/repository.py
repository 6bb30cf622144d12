"""All SQL of dead letters but the pipeline's bulk insert."""

from collections.abc import Mapping, Sequence
from typing import Any

from vidik.intake.devices.belonging import sent_within
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach

Row = dict[str, Any]

# A sentence that begins with the value refused ("1.3 is outside ...") is one reason, whatever the value was.
_KIND = "regexp_replace(reason, '^[-+0-9.e, ]+ is ', '… is ')"

_WANTED = f"""
      FROM dead_letter
     WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
       AND (%(reason)s::text IS NULL OR %(reason)s IN (reason, {_KIND}))
       AND (%(state)s::text IS NULL OR state = %(state)s)
"""
_DECIDE = """
    UPDATE dead_letter
       SET state = %(state)s, decided_at = now(), decided_by = %(by)s, note = %(note)s
     WHERE id = ANY (%(ids)s) AND state = 'open'
"""
_REFUSALS = """
    SELECT received_at, field, reason, value, others
      FROM dead_letter
     WHERE device_id = %s AND door = 'http' AND received_at = ANY (%s)
"""


async def listed(connection: Connection, criteria: Mapping[str, Any], reach: Reach = EVERYWHERE) -> list[Row]:
    """Dead letters of devices within reach from the newest back; the payload is cut to `shown_bytes`."""
    condition, parameters = sent_within(reach, "dead_letter.device_id")
    query = f"""
        SELECT id, device_id, principal_id, door, topic, received_at, field, reason, value, others,
               substr(payload, 1, %(shown_bytes)s) AS payload, size, state, decided_at, decided_by, note
        {_WANTED}
           AND {condition}
           AND (%(before)s::bigint IS NULL OR id < %(before)s)
         ORDER BY id DESC
         LIMIT %(limit)s
    """
    return await (await connection.execute(query, {**criteria, **parameters})).fetchall()


async def counted(connection: Connection, criteria: Mapping[str, Any], reach: Reach = EVERYWHERE) -> list[Row]:
    """How many there are for each reason, most first."""
    condition, parameters = sent_within(reach, "dead_letter.device_id")
    query = f"""
        SELECT {_KIND} AS reason, count(*) AS count
        {_WANTED}
           AND {condition}
         GROUP BY 1
         ORDER BY count(*) DESC, 1
         LIMIT 50
    """
    return await (await connection.execute(query, {**criteria, **parameters, "reason": None})).fetchall()


async def payload(connection: Connection, letter: int, reach: Reach = EVERYWHERE) -> Row | None:
    """The whole payload of one dead letter within reach."""
    condition, parameters = sent_within(reach, "dead_letter.device_id")
    query = f"SELECT payload, size FROM dead_letter WHERE id = %(letter)s AND {condition}"
    return await (await connection.execute(query, {"letter": letter, **parameters})).fetchone()


async def open_ids(connection: Connection, criteria: Mapping[str, Any], reach: Reach = EVERYWHERE) -> list[int]:
    """The oldest open dead letters within reach that fit a filter."""
    condition, parameters = sent_within(reach, "dead_letter.device_id")
    query = f"SELECT id {_WANTED} AND {condition} AND state = 'open' ORDER BY id LIMIT %(limit)s"
    rows = await (await connection.execute(query, {**criteria, **parameters})).fetchall()
    return [row["id"] for row in rows]


async def open_letters(connection: Connection, ids: Sequence[int], reach: Reach = EVERYWHERE) -> list[Row]:
    """Those of the named dead letters within reach that are open, in the order in which they came."""
    condition, parameters = sent_within(reach, "dead_letter.device_id")
    query = f"""
        SELECT id, device_id, principal_id, topic, received_at, payload, size
          FROM dead_letter
         WHERE id = ANY (%(ids)s) AND state = 'open' AND {condition}
         ORDER BY received_at, id
    """
    return await (await connection.execute(query, {"ids": list(ids), **parameters})).fetchall()


async def decide(
    connection: Connection, ids: Sequence[int], state: str, by: str, note: str | None, reach: Reach = EVERYWHERE
) -> int:
    """Close open dead letters within reach; returns how many those were."""
    condition, parameters = sent_within(reach, "dead_letter.device_id")
    values = {"ids": list(ids), "state": state, "by": by, "note": note, **parameters}
    return (await connection.execute(f"{_DECIDE} AND {condition}", values)).rowcount


async def refusals(connection: Connection, device_id: str, received: Sequence[Any]) -> list[Row]:
    """What was refused of pushed messages that were received at these times."""
    return await (await connection.execute(_REFUSALS, [device_id, list(received)])).fetchall()
