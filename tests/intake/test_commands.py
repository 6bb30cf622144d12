"""Commands to devices: kept, sent, acknowledged, expired."""

import asyncio
import time
from collections.abc import Callable

import orjson
import pytest

from vidik.context.store import entities
from vidik.context.store.states import EntityRow
from vidik.intake.commands import CommandDispatcher
from vidik.intake.commands.jobs import expire_commands
from vidik.intake.commands.target import COMMAND
from vidik.intake.devices import DeviceDirectory
from vidik.intake.message import Message
from vidik.kernel.clock import now_microseconds

BIN = {"device_id": "bin-1", "profile": "demo-waste-container", "name": "Bin 1"}
OPEN = {"name": "open", "parameters": {"lid": 1}}


class FakeDoor:
    """A door whose device can be switched on, off, and to refuse."""

    taken_by = "device"

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self.acknowledges = True
        self.sent: list[dict] = []

    def connected(self, device_id: str) -> bool:
        return device_id in self.reached

    async def deliver_command(self, device_id: str, payload: bytes) -> bool:
        self.sent.append(orjson.loads(payload))
        await asyncio.sleep(0)
        return self.acknowledges


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.02)


@pytest.fixture
async def commands(administrator, client, services):
    await administrator.post("/api/devices", json=BIN)
    await services.get(DeviceDirectory).refresh()
    return client("dispatcher")


async def state(commands) -> list[str]:
    items = (await commands.get("/api/devices/bin-1/commands")).json()["items"]
    return [item["state"] for item in reversed(items)]


def becomes(commands, *states: str) -> Callable[[], object]:
    async def reached() -> bool:
        return await state(commands) == list(states)

    return reached


class TestDispatch:
    async def test_a_connected_device_gets_its_command_at_once(self, commands, services):
        door = FakeDoor()
        door.reached.add("bin-1")
        async with CommandDispatcher(services.database, "city", door).running():
            await asyncio.sleep(0.2)
            answer = await commands.post("/api/devices/bin-1/commands", json=OPEN)
            await until(becomes(commands, "delivered"))

        assert answer.status_code == 202
        (payload,) = door.sent
        assert payload["name"] == "open"
        assert payload["parameters"] == {"lid": 1}
        assert payload["id"] == answer.json()["id"]

    async def test_commands_wait_for_the_device_and_keep_their_order(self, commands, services):
        door = FakeDoor()
        dispatcher = CommandDispatcher(services.database, "city", door)
        async with dispatcher.running():
            for name in ("first", "second", "third"):
                await commands.post("/api/devices/bin-1/commands", json={"name": name})
            await asyncio.sleep(0.2)
            assert await state(commands) == ["pending"] * 3

            door.reached.add("bin-1")
            dispatcher.device_connected("bin-1")
            await until(becomes(commands, "delivered", "delivered", "delivered"))

        assert [payload["name"] for payload in door.sent] == ["first", "second", "third"]

    async def test_what_was_not_acknowledged_is_sent_again(self, commands, services):
        door = FakeDoor()
        door.reached.add("bin-1")
        door.acknowledges = False
        dispatcher = CommandDispatcher(services.database, "city", door)
        async with dispatcher.running():
            await commands.post("/api/devices/bin-1/commands", json=OPEN)
            await until(lambda: asyncio.sleep(0, bool(door.sent)))
            await until(becomes(commands, "pending"))
            door.acknowledges = True
            dispatcher.device_connected("bin-1")
            await until(becomes(commands, "delivered"))

        (item,) = (await commands.get("/api/devices/bin-1/commands")).json()["items"]
        assert item["attempts"] == len(door.sent) >= 2
        assert item["failure"] is None
        assert item["taken_by"] == "device"

    async def test_a_device_that_took_nothing_rests_however_many_commands_come_for_others(self, commands, services):
        door = FakeDoor()
        door.reached.add("bin-1")
        door.acknowledges = False
        async with CommandDispatcher(services.database, "city", door).running():
            for _ in range(3):
                await commands.post("/api/devices/bin-1/commands", json=OPEN)
                await asyncio.sleep(0.2)

        assert len(door.sent) == 1

    async def test_two_processes_send_it_once(self, commands, services):
        doors = [FakeDoor(), FakeDoor()]
        for door in doors:
            door.reached.add("bin-1")
        first = CommandDispatcher(services.database, "city", doors[0])
        second = CommandDispatcher(services.database, "city", doors[1])
        async with first.running(), second.running():
            await commands.post("/api/devices/bin-1/commands", json=OPEN)
            await until(becomes(commands, "delivered"))
            await asyncio.sleep(0.2)

        assert len(doors[0].sent) + len(doors[1].sent) == 1


class TestExpire:
    async def test_an_expired_command_is_not_sent(self, commands, services):
        await commands.post("/api/devices/bin-1/commands", json=OPEN)
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE command SET expires_at = now()")
        door = FakeDoor()
        door.reached.add("bin-1")
        dispatcher = CommandDispatcher(services.database, "city", door)
        async with dispatcher.running():
            dispatcher.device_connected("bin-1")
            await asyncio.sleep(0.2)
        await expire_commands(services, "city")

        assert door.sent == []
        assert await state(commands) == ["expired"]


class TestSend:
    async def test_says_what_cannot_be(self, commands, administrator, client):
        unknown = await commands.post("/api/devices/nothing/commands", json=OPEN)
        nameless = await commands.post("/api/devices/bin-1/commands", json={"name": "no spaces"})
        crew = await client("crew").post("/api/devices/bin-1/commands", json=OPEN)
        await administrator.patch("/api/devices/bin-1", json={"enabled": False})
        disabled = await commands.post("/api/devices/bin-1/commands", json=OPEN)

        assert unknown.status_code == 404
        assert nameless.status_code in (400, 422)
        assert crew.status_code == 403
        assert disabled.status_code == 409

    async def test_can_be_taken_back_while_it_waits(self, commands):
        sent = (await commands.post("/api/devices/bin-1/commands", json=OPEN)).json()

        first = await commands.delete(f"/api/devices/bin-1/commands/{sent['id']}")
        second = await commands.delete(f"/api/devices/bin-1/commands/{sent['id']}")

        assert (first.status_code, second.status_code) == (204, 409)
        assert await state(commands) == ["failed"]


class TestTarget:
    async def test_the_entity_shows_its_newest_command_and_what_became_of_it(self, commands, services, pipeline):
        payload = orjson.dumps({"t": time.time(), "fill": 50})
        await pipeline.submit(Message("bin-1", "bin-1", payload, now_microseconds(), "broker", "test"))
        before = await entity(services)
        door = FakeDoor()
        door.reached.add("bin-1")

        sent = (await commands.post("/api/devices/bin-1/commands", json=OPEN)).json()
        pending = (await entity(services)).document[COMMAND]["json"]
        dispatcher = CommandDispatcher(services.database, "city", door)
        async with dispatcher.running():
            await until(becomes(commands, "delivered"))
        after = await entity(services)

        assert pending == {"id": sent["id"], "name": "open", "parameters": {"lid": 1}, "state": "pending"}
        assert after.document[COMMAND]["json"]["state"] == "delivered"
        assert after.observed_at == before.observed_at

    async def test_an_older_command_does_not_hide_a_newer_one(self, commands, services, pipeline):
        payload = orjson.dumps({"t": time.time(), "fill": 50})
        await pipeline.submit(Message("bin-1", "bin-1", payload, now_microseconds(), "broker", "test"))
        old = (await commands.post("/api/devices/bin-1/commands", json={"name": "old"})).json()
        await commands.post("/api/devices/bin-1/commands", json={"name": "new"})

        await commands.delete(f"/api/devices/bin-1/commands/{old['id']}")

        assert (await entity(services)).document[COMMAND]["json"]["name"] == "new"


async def entity(services) -> EntityRow:
    name = "urn:ngsi-ld:WasteContainer:nis:bin-1"
    async with services.database.transaction("city") as connection:
        return (await entities.load(connection, [name]))[name]
