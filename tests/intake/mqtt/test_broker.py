"""The door to the city's own broker, with a real Mosquitto and the configuration that we ship."""

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.intake.mqtt.fakes import MemoryPipeline, RawClient, eventually, reading
from tests.intake.mqtt.mosquitto import PASSWORD, Mosquitto

from vidik.intake.mqtt import packets
from vidik.intake.mqtt.broker import BrokerDoor
from vidik.intake.mqtt.broker_url import parse_broker_url
from vidik.intake.mqtt.ports import Outcome
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, Reason

OpenDoor = Callable[..., Awaitable[BrokerDoor]]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker = Mosquitto(tmp_path, port)
    await broker.start()
    yield broker
    for client in RawClient.opened:
        client.drop()
    RawClient.opened.clear()
    await broker.kill()


@pytest.fixture
async def open_door(broker: Mosquitto, pipeline: MemoryPipeline) -> AsyncIterator[OpenDoor]:
    """Open a door to the broker and wait until it is subscribed; all are closed at the end."""
    opened: list[BrokerDoor] = []

    async def open_one(query: str = "", **changes: Any) -> BrokerDoor:
        options = parse_broker_url(f"mqtt://vidik:{PASSWORD}@127.0.0.1:{broker.port}{query}")
        door = BrokerDoor(pipeline, dataclasses.replace(options, longest_pause=0.5, **changes))
        await door.start()
        await asyncio.wait_for(door.up(), 60)
        opened.append(door)
        return door

    yield open_one
    for door in opened:
        await door.stop(grace_seconds=0.1)


async def lamp(broker: Mosquitto, name: str = "lamp-1", version: int = VERSION_5, **fields: object) -> RawClient:
    return await RawClient.log_in(broker.port, name, version, **({"password": PASSWORD.encode()} | fields))


def numbers(pipeline: MemoryPipeline) -> list[int]:
    return [int(message.payload) for message in pipeline.messages]


class TestReceiving:
    @pytest.mark.parametrize("query", ["", "?version=3.1.1", "?share=vidik"])
    async def test_a_reading_arrives_from_a_device_that_the_broker_vouches_for(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline, query: str
    ) -> None:
        door = await open_door(query)
        device = await lamp(broker)
        assert await device.ask(reading(1, payload=b"21")) == packets.Puback(1)
        (message,) = await pipeline.took(1)
        assert (message.principal_id, message.device_id, message.payload, message.door, message.topic) == (
            "",
            "lamp-1",
            b"21",
            "broker",
            "devices/lamp-1/readings",
        )
        await eventually(lambda: door.snapshot()["acknowledged"] == 1)

    async def test_what_is_not_committed_comes_again_to_the_next_process(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        first = await open_door()
        device = await lamp(broker)
        for number in range(1, 21):
            await device.ask(reading(number, payload=b"%d" % number))
        await pipeline.took(20)
        await first.stop(grace_seconds=0)
        pipeline.commit()  # too late: nobody may acknowledge these now
        pipeline.messages.clear()
        pipeline.automatic = True
        await open_door()
        await pipeline.took(20)
        assert numbers(pipeline) == list(range(1, 21))

    async def test_what_could_not_be_stored_comes_again(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        door = await open_door()
        device = await lamp(broker)
        for number in range(1, 6):
            await device.ask(reading(number, payload=b"%d" % number))
        await pipeline.took(5)
        pipeline.automatic = True
        pipeline.commit(Outcome.FAILED)
        await pipeline.took(10)
        assert numbers(pipeline)[5:] == [1, 2, 3, 4, 5]
        await eventually(lambda: door.snapshot()["acknowledged"] == 5)

    async def test_a_dead_letter_is_acknowledged_so_that_it_does_not_come_for_ever(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        pipeline.outcome = Outcome.REJECTED
        door = await open_door()
        device = await lamp(broker)
        await device.ask(reading(1, payload=b"broken"))
        await eventually(lambda: door.snapshot()["dead_lettered"] == 1)
        await door.stop()
        pipeline.messages.clear()
        await open_door()
        await asyncio.sleep(0.2)
        assert pipeline.messages == []

    async def test_a_full_pipeline_is_not_filled_further(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        pipeline.capacity = 10
        await open_door(receive_maximum=20)
        device = await lamp(broker)
        for number in range(1, 201):
            await device.ask(reading(number, payload=b"%d" % number))
        await asyncio.sleep(0.2)
        assert pipeline.most_waiting <= 20
        pipeline.automatic = True
        pipeline.commit()
        await pipeline.took(200)
        assert numbers(pipeline) == list(range(1, 201))

    async def test_two_processes_share_the_readings(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        doors = [await open_door(f"?share=vidik&client_id=vidik-{number}") for number in range(2)]
        device = await lamp(broker)
        for number in range(1, 101):
            await device.ask(reading(number, payload=b"%d" % number))
        await pipeline.took(100)
        await eventually(lambda: sum(door.snapshot()["acknowledged"] for door in doors) == 100)
        assert all(door.snapshot()["received"] > 0 for door in doors)
        assert sorted(numbers(pipeline)) == list(range(1, 101))


class TestFaults:
    async def test_a_broker_that_vanishes_is_waited_for(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        door = await open_door()
        await broker.kill()
        await eventually(lambda: not door.connected("lamp-1"))
        await asyncio.sleep(1.0)
        await broker.start()
        await asyncio.wait_for(door.up(), 60)
        device = await lamp(broker)
        await device.ask(reading(1, payload=b"1"))
        await pipeline.took(1)

    async def test_messages_that_wait_for_vidik_survive_a_kill_of_the_broker(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        door = await open_door()
        await door.stop()
        device = await lamp(broker)
        for number in range(1, 501):
            assert isinstance(await device.ask(reading(number, payload=b"%d" % number)), packets.Puback)
        await asyncio.sleep(0.2)  # the last change is written at the end of the broker's turn
        await broker.kill()
        await broker.start()
        await open_door()
        await pipeline.took(500)
        assert sorted(set(numbers(pipeline))) == list(range(1, 501))

    async def test_an_acknowledgement_never_crosses_to_the_next_connection(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        # After the kill without a saved session the broker counts its packet identifiers from 1 again: an old
        # acknowledgement would confirm a reading that is not stored.
        broker.changed("persistence", "false")
        await broker.kill()
        await broker.start()
        pipeline.automatic = False
        door = await open_door()
        device = await lamp(broker)
        await device.ask(reading(1, payload=b"1"))
        await pipeline.took(1)
        await broker.kill()
        await broker.start()
        await asyncio.wait_for(door.up(), 60)
        device = await lamp(broker)
        await device.ask(reading(1, payload=b"2"))
        await pipeline.took(2)
        pipeline.waiting[0](Outcome.ACCEPTED)
        await asyncio.sleep(0.1)
        assert door.snapshot()["acknowledged"] == 0
        pipeline.waiting[1](Outcome.ACCEPTED)
        await eventually(lambda: door.snapshot()["acknowledged"] == 1)

    async def test_a_broker_that_does_not_let_us_in_is_asked_again_without_naming_the_password(
        self, broker: Mosquitto, pipeline: MemoryPipeline, capsys: pytest.CaptureFixture[str]
    ) -> None:
        options = parse_broker_url(f"mqtt://vidik:hunter2@127.0.0.1:{broker.port}")
        door = BrokerDoor(pipeline, dataclasses.replace(options, first_pause=0.05, longest_pause=0.05))
        await door.start()
        await asyncio.sleep(0.6)
        await door.stop()
        said = capsys.readouterr().out
        assert said.count("mqtt broker away") >= 2
        assert "not authorized" in said
        assert "hunter2" not in said


class TestCommands:
    async def test_a_command_goes_to_whoever_listens(self, broker: Mosquitto, open_door: OpenDoor) -> None:
        door = await open_door()
        device = await lamp(broker)
        assert await device.ask(packets.Subscribe(1, [("devices/lamp-1/commands", 1)])) == packets.Suback(1, b"\x01")
        assert await door.deliver_command("lamp-1", b"on") is True
        command = await device.receive()
        assert isinstance(command, packets.Publish)
        assert (command.topic, command.payload) == ("devices/lamp-1/commands", b"on")

    async def test_a_command_for_nobody_is_not_delivered(self, open_door: OpenDoor) -> None:
        door = await open_door()
        assert await door.deliver_command("lamp-1", b"on") is False


class TestShippedRights:
    async def test_a_device_writes_its_own_readings_only(
        self, broker: Mosquitto, open_door: OpenDoor, pipeline: MemoryPipeline
    ) -> None:
        await open_door()
        intruder = await lamp(broker)
        assert await intruder.ask(reading(1, "lamp-2")) == packets.Puback(1, Reason.NOT_AUTHORIZED)
        device = await lamp(broker)
        assert await device.ask(reading(1, payload=b"1")) == packets.Puback(1)
        await pipeline.took(1)
        assert [message.device_id for message in pipeline.messages] == ["lamp-1"]

    async def test_a_device_hears_its_own_commands_only(self, broker: Mosquitto, open_door: OpenDoor) -> None:
        door = await open_door()
        curious = await lamp(broker, "lamp-2")
        await curious.ask(packets.Subscribe(1, [("devices/lamp-1/commands", 1), ("devices/+/readings", 1)]))
        device = await lamp(broker)
        await device.ask(packets.Subscribe(1, [("devices/lamp-1/commands", 1)]))
        assert await door.deliver_command("lamp-1", b"on") is True
        assert await curious.silent()

    async def test_nobody_comes_in_without_a_login(self, broker: Mosquitto) -> None:
        client = await RawClient.open(broker.port, VERSION_311)
        assert await client.ask(packets.Connect("x", VERSION_311)) == packets.Connack(False, 5)
