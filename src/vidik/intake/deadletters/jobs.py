"""Dead letters do not grow without end: newest 1,000 a device, 30 days, 256 MiB in all."""

from vidik.kernel.services import Services

NEWEST_PER_DEVICE = 1000
KEPT_DAYS = 30
KEPT_BYTES = 256 * 1024 * 1024
_AT_ONCE = 20_000

_OLD = """
    DELETE FROM dead_letter
     WHERE id IN (SELECT id FROM dead_letter
                   WHERE received_at < now() - make_interval(days => %s)
                   LIMIT %s)
"""
_BEYOND_NEWEST = """
    DELETE FROM dead_letter
     USING (SELECT crowded.device_id,
                   (SELECT id FROM dead_letter AS letter
                     WHERE letter.device_id = crowded.device_id
                     ORDER BY id DESC
                    OFFSET %(newest)s LIMIT 1) AS last_out
              FROM (SELECT device_id FROM dead_letter GROUP BY device_id HAVING count(*) > %(newest)s) AS crowded
           ) AS limits
     WHERE dead_letter.device_id = limits.device_id AND dead_letter.id <= limits.last_out
"""
_BEYOND_BYTES = """
    DELETE FROM dead_letter
     WHERE id <= (SELECT max(id)
                    FROM (SELECT id, sum(least(size, 262144)) OVER (ORDER BY id DESC) AS newer_bytes
                            FROM dead_letter) AS running
                   WHERE newer_bytes > %s)
"""


async def limit_dead_letters(services: Services, tenant: str) -> None:
    """Remove what is over the limits, oldest first."""
    async with services.database.transaction(tenant) as connection:
        await connection.execute(_OLD, [KEPT_DAYS, _AT_ONCE])
        await connection.execute(_BEYOND_NEWEST, {"newest": NEWEST_PER_DEVICE})
        await connection.execute(_BEYOND_BYTES, [KEPT_BYTES])
