"""The directory answers from memory and follows the table."""

import asyncio
from datetime import timedelta

import pytest

from vidik.intake.devices import DeviceDirectory, new_secret
from vidik.intake.devices.records import hash_secret
from vidik.kernel.database import Database

INSERT = """
    INSERT INTO device (device_id, profile, gateway_id, name, origin, expected_interval, secret_hash)
    VALUES (%s, %s, %s, %s, 'simulated', interval '1 minute', %s)
"""


async def add(database: Database, device_id: str, gateway: str | None = None, secret: str | None = None) -> None:
    async with database.transaction("city") as connection:
        hashed = None if secret is None else hash_secret(secret)
        await connection.execute(INSERT, [device_id, "test", gateway, device_id, hashed])


async def execute(database: Database, statement: str) -> None:
    async with database.transaction("city") as connection:
        await connection.execute(statement)


@pytest.fixture
async def directory(database: Database) -> DeviceDirectory:
    return DeviceDirectory(database, "city")


class TestAuthenticate:
    async def test_knows_a_device_by_its_secret(self, database, directory):
        secret = new_secret()
        await add(database, "lamp-1", secret=secret)
        await directory.refresh()

        record = directory.authenticate("lamp-1", secret)

        assert record is not None
        assert record.expected_interval == timedelta(minutes=1)
        assert directory.by_secret(secret) is record

    async def test_refuses_a_wrong_secret_an_unknown_device_and_a_device_without_secret(self, database, directory):
        await add(database, "lamp-1", secret=new_secret())
        await add(database, "lamp-2")
        await directory.refresh()

        assert directory.authenticate("lamp-1", "wrong") is None
        assert directory.authenticate("nobody", "wrong") is None
        assert directory.authenticate("lamp-2", "") is None
        assert directory.by_secret("wrong") is None

    async def test_refuses_a_disabled_device(self, database, directory):
        secret = new_secret()
        await add(database, "lamp-1", secret=secret)
        await directory.refresh()
        await execute(database, "UPDATE device SET enabled = false")
        await directory.refresh()

        assert directory.authenticate("lamp-1", secret) is None
        assert directory.by_secret(secret) is None
        assert not directory.may_write("lamp-1", "lamp-1")


class TestMayWrite:
    async def test_a_device_writes_only_itself_and_a_gateway_what_is_behind_it(self, database, directory):
        await add(database, "gateway")
        await add(database, "lamp-1", gateway="gateway")
        await add(database, "lamp-2")
        await directory.refresh()

        assert directory.may_write("lamp-2", "lamp-2")
        assert directory.may_write("gateway", "lamp-1")
        assert not directory.may_write("gateway", "lamp-2")
        assert not directory.may_write("lamp-1", "lamp-2")
        assert not directory.may_write("gateway", "unknown")


class TestFollowing:
    async def test_hears_of_new_changed_and_removed_devices_at_once(self, database, directory):
        changes: asyncio.Queue[set[str]] = asyncio.Queue()
        directory.on_change.append(changes.put_nowait)
        async with directory.running():
            await add(database, "lamp-1")
            assert await asyncio.wait_for(changes.get(), 60) == {"lamp-1"}

            await execute(database, "UPDATE device SET name = 'Lamp' WHERE device_id = 'lamp-1'")
            assert await asyncio.wait_for(changes.get(), 60) == {"lamp-1"}
            assert directory.get("lamp-1").name == "Lamp"

            await execute(database, "DELETE FROM device")
            assert await asyncio.wait_for(changes.get(), 60) == {"lamp-1"}
            assert directory.get("lamp-1") is None

    async def test_misses_nothing_when_two_registrations_commit_in_the_other_order(self, database, directory):
        async with database.transaction("city") as slow:
            await slow.execute(INSERT, ["slow", "test", None, "slow", None])
            fast = asyncio.create_task(add(database, "fast"))
            await asyncio.sleep(0.1)
            await directory.refresh()
            assert len(directory) == 0
        await fast
        await directory.refresh()

        assert directory.get("slow") is not None
        assert directory.get("fast") is not None
