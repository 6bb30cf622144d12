"""Commands on their way down: to the device itself, delivered when it says so."""

import asyncio

import pytest
from tests.intake.mqtt.fakes import RawClient, eventually, reading

from vidik.intake.mqtt import packets
from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, Reason

COMMANDS = "devices/lamp-1/commands"


async def subscribed(port: int, name: str = "lamp-1", topic: str = COMMANDS, version: int = VERSION_5) -> RawClient:
    client = await RawClient.log_in(port, name, version)
    assert await client.ask(packets.Subscribe(1, [(topic, 1)])) == packets.Suback(1, b"\x01")
    return client


class TestSubscribing:
    async def test_a_device_that_subscribes_is_reported_once_it_can_be_reached(
        self, listener: Listener, port: int, reached: list[str]
    ) -> None:
        assert not listener.connected("lamp-1")
        await subscribed(port)
        assert listener.connected("lamp-1")
        assert reached == ["lamp-1"]

    async def test_subscribing_twice_is_reported_once(self, port: int, reached: list[str]) -> None:
        client = await subscribed(port)
        assert await client.ask(packets.Subscribe(2, [(COMMANDS, 1)])) == packets.Suback(2, b"\x01")
        assert reached == ["lamp-1"]

    @pytest.mark.parametrize(
        ("topic", "qos", "reason"),
        [
            ("devices/lamp-2/commands", 1, Reason.NOT_AUTHORIZED),
            ("devices/lamp-1/readings", 1, Reason.NOT_AUTHORIZED),
            ("devices/+/commands", 1, Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
            ("#", 1, Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
            ("$share/a/devices/lamp-1/commands", 1, Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED),
            (COMMANDS, 0, Reason.IMPLEMENTATION_SPECIFIC),
        ],
    )
    async def test_nothing_else_can_be_subscribed_to(self, port: int, topic: str, qos: int, reason: Reason) -> None:
        five = await RawClient.log_in(port, "lamp-1")
        assert await five.ask(packets.Subscribe(1, [(topic, qos)])) == packets.Suback(1, bytes([reason]))
        three = await RawClient.log_in(port, "lamp-1", VERSION_311)
        assert await three.ask(packets.Subscribe(1, [(topic, qos)])) == packets.Suback(1, b"\x80")

    async def test_a_gateway_hears_the_commands_of_its_devices(self, listener: Listener, port: int) -> None:
        await subscribed(port, "gateway-1", "devices/meter-1/commands")
        assert listener.connected("meter-1")

    async def test_who_unsubscribes_is_out_of_reach(self, listener: Listener, port: int) -> None:
        client = await subscribed(port)
        answer = await client.ask(packets.Unsubscribe(2, [COMMANDS, "devices/lamp-2/commands"]))
        assert answer == packets.Unsuback(2, bytes([0, Reason.NO_SUBSCRIPTION_EXISTED]))
        assert not listener.connected("lamp-1")

    async def test_who_is_gone_is_out_of_reach(self, listener: Listener, port: int) -> None:
        client = await subscribed(port)
        client.drop()
        await eventually(lambda: not listener.connected("lamp-1"))


class TestDelivering:
    @pytest.mark.parametrize("version", [VERSION_311, VERSION_5])
    async def test_a_command_is_delivered_when_the_device_acknowledges_it(
        self, listener: Listener, port: int, version: int
    ) -> None:
        client = await subscribed(port, version=version)
        delivery = asyncio.create_task(listener.deliver_command("lamp-1", b'{"dim":40}'))
        command = await client.receive()
        assert command == packets.Publish(COMMANDS, b'{"dim":40}', qos=1, packet_id=1)
        assert not delivery.done()
        client.send(packets.Puback(1))
        assert await delivery is True
        assert listener.snapshot()["commands_acknowledged"] == 1

    async def test_a_device_may_refuse_a_command(self, listener: Listener, port: int) -> None:
        client = await subscribed(port)
        delivery = asyncio.create_task(listener.deliver_command("lamp-1", b"{}"))
        await client.receive()
        client.send(packets.Puback(1, Reason.IMPLEMENTATION_SPECIFIC))
        assert await delivery is False

    async def test_a_device_that_does_not_answer_has_not_got_it(self, listener: Listener, port: int) -> None:
        await subscribed(port)
        assert await listener.deliver_command("lamp-1", b"{}", within_seconds=0.1) is False

    async def test_a_device_that_goes_away_has_not_got_it(self, listener: Listener, port: int) -> None:
        client = await subscribed(port)
        delivery = asyncio.create_task(listener.deliver_command("lamp-1", b"{}"))
        await client.receive()
        client.drop()
        assert await delivery is False

    async def test_a_device_that_is_not_there_has_not_got_it(self, listener: Listener) -> None:
        assert await listener.deliver_command("lamp-1", b"{}") is False

    async def test_commands_under_way_are_bounded_by_what_the_device_takes(self, listener: Listener, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", properties={"receive_maximum": 2})
        await client.ask(packets.Subscribe(1, [(COMMANDS, 1)]))
        first = [asyncio.create_task(listener.deliver_command("lamp-1", b"{}", within_seconds=1)) for _ in range(2)]
        await client.receive()
        assert await listener.deliver_command("lamp-1", b"{}") is False
        client.send(packets.Puback(1), packets.Puback(2))
        assert await asyncio.gather(*first) == [True, True]

    async def test_a_command_larger_than_the_device_takes_is_not_sent(self, listener: Listener, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", properties={"maximum_packet_size": 100})
        await client.ask(packets.Subscribe(1, [(COMMANDS, 1)]))
        assert await listener.deliver_command("lamp-1", b"x" * 100) is False
        assert await client.ask(reading(1)) == packets.Puback(1)
