"""The counters of devices, flushed in bulk by the pipeline every few seconds."""

from collections.abc import Sequence

from vidik.intake.devices.records import HealthRow
from vidik.kernel.database import Connection

# Sorted by device, so that two intake processes that flush at once cannot wait for each other.
_FLUSH = """
    INSERT INTO device_health (device_id, last_seen, last_observed, last_rejected, messages, rejected, door)
    SELECT *
      FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
                  %s::bigint[], %s::bigint[], %s::text[])
        AS row (device_id, last_seen, last_observed, last_rejected, messages, rejected, door)
     ORDER BY device_id
    ON CONFLICT (device_id) DO UPDATE
       SET last_seen = greatest(device_health.last_seen, excluded.last_seen),
           door = CASE WHEN excluded.last_seen >= device_health.last_seen THEN excluded.door
                       ELSE device_health.door END,
           last_observed = greatest(device_health.last_observed, excluded.last_observed),
           last_rejected = greatest(device_health.last_rejected, excluded.last_rejected),
           messages = device_health.messages + excluded.messages,
           rejected = device_health.rejected + excluded.rejected
"""


async def flush_health(connection: Connection, rows: Sequence[HealthRow]) -> None:
    """Add what happened since the last flush, at most one row a device."""
    if not rows:
        return
    await connection.execute(
        _FLUSH,
        [
            [row.device_id for row in rows],
            [row.last_seen for row in rows],
            [row.last_observed for row in rows],
            [row.last_rejected for row in rows],
            [row.messages for row in rows],
            [row.rejected for row in rows],
            [row.door for row in rows],
        ],
    )
