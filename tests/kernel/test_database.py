"""Connections of tenants: each looks into its own schema, however many tenants there are."""

import asyncio

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from vidik.kernel.database import Database

TENANTS = [f"crowd_{number}" for number in range(8)]


async def make_schemas(database: Database) -> None:
    async with database.platform() as connection:
        for tenant in TENANTS:
            await connection.execute(f"CREATE SCHEMA tenant_{tenant}")
            await connection.execute(f"CREATE TABLE tenant_{tenant}.place AS SELECT '{tenant}' AS name")


async def place_of(database: Database, tenant: str) -> str:
    async with database.transaction(tenant) as connection:
        row = await (await connection.execute("SELECT name FROM place", prepare=True)).fetchone()
    return str(row["name"]) if row else ""


class TestManyTenants:
    async def test_each_transaction_sees_its_own_tenant_only(self, database: Database) -> None:
        await make_schemas(database)
        asked = TENANTS * 10

        found = await asyncio.gather(*(place_of(database, tenant) for tenant in asked))

        assert found == asked

    async def test_a_failed_transaction_leaves_nothing_of_its_tenant_behind(self, database: Database) -> None:
        await make_schemas(database)
        await asyncio.gather(*(place_of(database, tenant) for tenant in TENANTS))

        with pytest.raises(psycopg.errors.DivisionByZero):
            async with database.transaction(TENANTS[-1]) as connection:
                await connection.execute("SELECT 1 / 0")

        assert await place_of(database, TENANTS[-2]) == TENANTS[-2]

    async def test_many_tenants_share_few_connections(self, database: Database) -> None:
        await make_schemas(database)

        await asyncio.gather(*(place_of(database, tenant) for tenant in TENANTS * 10))

        async with database.platform() as connection:
            cursor = await connection.execute(
                "SELECT count(*) AS open FROM pg_stat_activity WHERE datname = current_database()"
            )
            row = await cursor.fetchone()
        assert row is not None
        assert row["open"] <= 4 * 8

    def test_a_server_that_is_gone_is_noticed_and_the_address_goes_before(self) -> None:
        database = Database("postgresql://db.example/vidik?connect_timeout=3&options=-c%20role%3Dothers")

        said = conninfo_to_dict(database._conninfo(""))

        assert (said["connect_timeout"], said["tcp_user_timeout"]) == ("3", "60000")
        assert said["options"] == "-c search_path=platform,public -c timezone=UTC"
