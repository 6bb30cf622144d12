"""The door to PostgreSQL: a connection looks into one tenant's schema, so that no query can cross into another's.

The first tenants of a process have a small pool each. All further ones share a pool whose connections are pointed
at a tenant when they are taken: with a hundred tenants, a pool each would be more than PostgreSQL has connections.
"""

import re
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from vidik.kernel.errors import BadInput

Connection = AsyncConnection[DictRow]

# An entity's document is 2 kB of JSON: the standard library takes five times as long to read it.
set_json_loads(orjson.loads)

PLATFORM = "platform"
# A server that is gone without a word is noticed within a minute and a half, not after the system's quarter of an hour;
# what the address of the database says of this goes before.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_OWN_POOLS = 3
_SHARED = ""
_TENANT_NAME = re.compile(r"[a-z0-9_]{1,40}")
_SNAPSHOTS = "snapshot_"
_SNAPSHOT_NAME = re.compile(r"snapshot:([0-9a-f]{32})")


def tenant_schema(tenant: str) -> str:
    """The PostgreSQL schema of a tenant; raises BadInput for a name outside [a-z0-9_]{1,40}.

    A snapshot of a tenant's memory has a schema of its own too; its name, `snapshot:` and 32 hexadecimal digits, is
    one that no tenant can have.
    """
    snapshot = _SNAPSHOT_NAME.fullmatch(tenant)
    if snapshot is not None:
        return f"{_SNAPSHOTS}{snapshot.group(1)}"
    if not _TENANT_NAME.fullmatch(tenant):
        raise BadInput("A tenant's name has 1 to 40 of the characters a-z, 0-9 and _.", field="tenant")
    return f"tenant_{tenant}"


async def _check(connection: Connection) -> None:
    """Refuse a connection that the server has closed; costs no way to the server while its socket is silent."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def _path(schema: str) -> str:
    """The search path of a schema; the shared pool's connections begin with what all tenants have in common."""
    return f"{PLATFORM},public" if schema in (PLATFORM, _SHARED) else f"{schema},{PLATFORM},public"


class Database:
    """Connections to one PostgreSQL database.

    Rows are dictionaries. `max_size` bounds the connections of each pool in this process.
    """

    def __init__(self, url: str, *, max_size: int = 8) -> None:
        self.url = url
        self._max_size = max_size
        self._pools: dict[str, AsyncConnectionPool[Connection]] = {}
        self._open = False

    async def open(self) -> None:
        """Let connections be taken; pools are filled at first use."""
        self._open = True

    async def close(self) -> None:
        """Give back every connection."""
        self._open = False
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()

    async def forget(self, tenant: str) -> None:
        """Give back the connections of a tenant or snapshot that has gone."""
        pool = self._pools.pop(tenant_schema(tenant), None)
        if pool is not None:
            await pool.close()

    @asynccontextmanager
    async def _connection(self, schema: str) -> AsyncIterator[Connection]:
        own = schema in self._pools or schema == PLATFORM or len(self._pools) < _OWN_POOLS
        pool = await self._pool(schema if own else _SHARED)
        async with pool.connection() as connection:
            if not own:
                await connection.execute("SELECT set_config('search_path', %s, false)", [_path(schema)])
            yield connection

    async def _pool(self, schema: str) -> AsyncConnectionPool[Connection]:
        pool = self._pools.get(schema)
        if pool is None:
            pool = AsyncConnectionPool(
                self._conninfo(schema),
                connection_class=AsyncConnection[DictRow],
                kwargs={"row_factory": dict_row, "autocommit": True},
                min_size=0,
                max_size=self._max_size,
                open=False,
                check=_check,
                timeout=30,
                max_idle=120,
                name=schema or "further tenants",
            )
            self._pools[schema] = pool
            await pool.open()
        return pool

    def _conninfo(self, schema: str) -> str:
        options = f"-c search_path={_path(schema)} -c timezone=UTC"
        said: dict[str, Any] = {**_PATIENCE, **conninfo_to_dict(self.url)}
        return make_conninfo(**(said | {"options": options, "application_name": "vidik"}))

    @asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[Connection]:
        """A connection inside one transaction of the tenant: committed at the end, rolled back on an exception."""
        async with self._connection(tenant_schema(tenant)) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def pipelined(self, tenant: str) -> AsyncIterator[Connection]:
        """A transaction as above, whose statements leave without waiting for one another until rows are asked for.

        It is committed when the block is left. What a statement raises may come from the one after it; COPY and
        savepoints are not for such a transaction.
        """
        async with (
            self._connection(tenant_schema(tenant)) as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            yield connection

    @asynccontextmanager
    async def session(self, tenant: str) -> AsyncIterator[Connection]:
        """A connection of the tenant without a transaction around it (reads)."""
        async with self._connection(tenant_schema(tenant)) as connection:
            yield connection

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[Connection]:
        """A connection inside one transaction on what tenants share (accounts, sessions)."""
        async with self._connection(PLATFORM) as connection, connection.transaction():
            yield connection

    async def dedicated(self, tenant: str | None) -> Connection:
        """A connection of its own, outside the pool, for LISTEN or a long-lived writer; the caller closes it."""
        schema = PLATFORM if tenant is None else tenant_schema(tenant)
        options: dict[str, Any] = {"row_factory": dict_row, "autocommit": True}
        return await AsyncConnection[DictRow].connect(self._conninfo(schema), **options)
