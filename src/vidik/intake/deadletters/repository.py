"""All SQL of dead letters but the pipeline's bulk insert."""

from collections.abc import Mapping, Sequence
from typing import Any

from vidik.kernel.database import Connection

Row = dict[str, Any]

# A sentence that begins with the value refused ("1.3 is outside ...") is one reason, whatever the value was.
_KIND = "regexp_replace(reason, '^[-+0-9.e, ]+ is ', '… is ')"

_WANTED = f"""
      FROM dead_letter
     WHERE (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
       AND (%(reason)s::text IS NULL OR %(reason)s IN (reason, {_KIND}))
       AND (%(state)s::text IS NULL OR state = %(state)s)
"""
_LIST = f"""
    SELECT id, device_id, principal_id, door, topic, received_at, field, reason, value, others,
           substr(payload, 1, %(shown_bytes)s) AS payload, size, state, decided_at, decided_by, note
    {_WANTED}
       AND (%(before)s::bigint IS NULL OR id < %(before)s)
     ORDER BY id DESC
     LIMIT %(limit)s
"""
_COUNT = f"""
    SELECT {_KIND} AS reason, count(*) AS count
    {_WANTED}
     GROUP BY 1
     ORDER BY count(*) DESC, 1
     LIMIT 50
"""
_OPEN_IDS = f"SELECT id {_WANTED} AND state = 'open' ORDER BY id LIMIT %(limit)s"
_OPEN = """
    SELECT id, device_id, principal_id, topic, received_at, payload, size
      FROM dead_letter
     WHERE id = ANY (%s) AND state = 'open'
     ORDER BY received_at, id
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


async def listed(connection: Connection, criteria: Mapping[str, Any]) -> list[Row]:
    """Dead letters from the newest back; the payload is cut to `shown_bytes`."""
    return await (await connection.execute(_LIST, criteria)).fetchall()


async def counted(connection: Connection, criteria: Mapping[str, Any]) -> list[Row]:
    """How many there are for each reason, most first."""
    return await (await connection.execute(_COUNT, {**criteria, "reason": None})).fetchall()


async def payload(connection: Connection, letter: int) -> Row | None:
    """The whole payload of one dead letter."""
    query = "SELECT payload, size FROM dead_letter WHERE id = %s"
    return await (await connection.execute(query, [letter])).fetchone()


async def open_ids(connection: Connection, criteria: Mapping[str, Any]) -> list[int]:
    """The oldest open dead letters that fit a filter."""
    return [row["id"] for row in await (await connection.execute(_OPEN_IDS, criteria)).fetchall()]


async def open_letters(connection: Connection, ids: Sequence[int]) -> list[Row]:
    """Those of the named dead letters that are open, in the order in which they came."""
    return await (await connection.execute(_OPEN, [list(ids)])).fetchall()


async def decide(connection: Connection, ids: Sequence[int], state: str, by: str, note: str | None) -> int:
    """Close open dead letters; returns how many were open."""
    values = {"ids": list(ids), "state": state, "by": by, "note": note}
    return (await connection.execute(_DECIDE, values)).rowcount


async def refusals(connection: Connection, device_id: str, received: Sequence[Any]) -> list[Row]:
    """What was refused of pushed messages that were received at these times."""
    return await (await connection.execute(_REFUSALS, [device_id, list(received)])).fetchall()
