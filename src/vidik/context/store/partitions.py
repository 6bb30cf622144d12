"""Daily partitions of the observations: made before the first reading of a day, dropped when the day is packed.

Only days near now get one. Readings of other days (a replay of past years, a device that was away) go to the default
partition `observation_other`, from where the packing job takes them like any closed day.
"""

from datetime import UTC, date, datetime, timedelta

from psycopg import errors, sql

from vidik.kernel.database import Connection

DAYS_BEHIND = 1
DAYS_AHEAD = 1
_PREFIX = "observation_d"


def partition_name(day: date) -> str:
    """The name of a day's partition: observation_dYYYYMMDD (UTC)."""
    return f"{_PREFIX}{day:%Y%m%d}"


def day_of(name: str) -> date:
    """The day (UTC) of a partition's name."""
    return datetime.strptime(name.removeprefix(_PREFIX), "%Y%m%d").replace(tzinfo=UTC).date()


async def existing(connection: Connection) -> list[date]:
    """The days that have a partition, oldest first."""
    cursor = await connection.execute(
        "SELECT child.relname AS name FROM pg_inherits"
        " JOIN pg_class child ON child.oid = inhrelid"
        " WHERE inhparent = 'observation'::regclass AND child.relname LIKE 'observation\\_d%%'"
        " ORDER BY child.relname"
    )
    return [day_of(row["name"]) for row in await cursor.fetchall()]


async def prepare(connection: Connection, today: date) -> None:
    """Make the partitions from yesterday to tomorrow. Run in a transaction of its own (autocommit)."""
    have = set(await existing(connection))
    for offset in range(-DAYS_BEHIND, DAYS_AHEAD + 1):
        day = today + timedelta(days=offset)
        if day not in have:
            await _create(connection, day)


async def _create(connection: Connection, day: date) -> None:
    name = sql.Identifier(partition_name(day))
    start, end = sql.Literal(f"{day}T00:00:00Z"), sql.Literal(f"{day + timedelta(days=1)}T00:00:00Z")
    async with connection.transaction():
        # Attaching fails while the default partition holds rows of the day, so they move first, under a lock.
        await connection.execute("LOCK TABLE observation IN SHARE ROW EXCLUSIVE MODE")
        exists = await connection.execute("SELECT to_regclass(%s) AS found", [partition_name(day)])
        row = await exists.fetchone()
        if row and row["found"]:
            return
        # A day is dropped when it is packed and no query reads its index alone: to vacuum what was only inserted would
        # read gigabytes for nothing, in the middle of the load.
        await connection.execute(
            sql.SQL(
                "CREATE TABLE {} (LIKE observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
                " WITH (autovacuum_vacuum_insert_threshold = -1)"
            ).format(name)
        )
        await connection.execute(
            sql.SQL(
                "WITH moved AS (DELETE FROM observation_other WHERE observed_at >= {} AND observed_at < {} RETURNING *)"
                " INSERT INTO {} SELECT * FROM moved"
            ).format(start, end, name)
        )
        await connection.execute(
            sql.SQL("ALTER TABLE observation ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(name, start, end)
        )


async def drop(connection: Connection, day: date) -> bool:
    """Drop a day's partition; False when a reader holds it just now (the job will come again)."""
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '2s'")
            await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition_name(day))))
    except errors.LockNotAvailable:
        return False
    return True
