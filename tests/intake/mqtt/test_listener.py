"""What the built-in door does, packet by packet."""

import asyncio

import pytest
from tests.intake.mqtt.fakes import MemoryDirectory, MemoryPipeline, OpenListener, RawClient, eventually, reading

from vidik.intake.mqtt import codec, packets
from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.ports import Outcome
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, Reason

both_versions = pytest.mark.parametrize("version", [VERSION_311, VERSION_5])


class TestLogin:
    @both_versions
    async def test_a_device_with_its_secret_comes_in(self, port: int, version: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", version)
        assert isinstance(client.connack, packets.Connack)
        assert (client.connack.reason, client.connack.session_present) == (0, False)

    async def test_mqtt_5_learns_the_limits(self, port: int) -> None:
        client = await RawClient.log_in(
            port, "lamp-1", client_id="", keep_alive=0, properties={"session_expiry_interval": 60}
        )
        assert isinstance(client.connack, packets.Connack)
        assert client.connack.properties == {
            "receive_maximum": 1024,
            "maximum_qos": 1,
            "maximum_packet_size": 256 * 1024 + 1024,
            "wildcard_subscription_available": 0,
            "subscription_identifier_available": 0,
            "shared_subscription_available": 0,
            "session_expiry_interval": 0,
            "server_keep_alive": 3600,
            "assigned_client_identifier": client.connack.properties["assigned_client_identifier"],
        }
        assert client.connack.properties["assigned_client_identifier"].startswith("lamp-1-")

    @pytest.mark.parametrize(
        "fields",
        [
            {"password": b"wrong"},
            {"username": "nobody"},
            {"username": None, "password": None},
            {"password": b"\xff"},
        ],
    )
    @pytest.mark.parametrize(("version", "reason"), [(VERSION_311, 4), (VERSION_5, 0x86)])
    async def test_anybody_else_stays_out(
        self, port: int, fields: dict[str, object], version: int, reason: int
    ) -> None:
        client = await RawClient.log_in(port, "lamp-1", version, **fields)
        assert client.connack == packets.Connack(False, reason)
        assert await client.receive() is None

    async def test_guessing_is_slowed_down_even_for_the_right_password(self, port: int) -> None:
        for _ in range(5):
            await RawClient.log_in(port, "lamp-1", password=b"guess")
        client = await RawClient.log_in(port, "lamp-1")
        assert client.connack == packets.Connack(False, Reason.CONNECTION_RATE_EXCEEDED)

    async def test_a_neighbour_is_not_punished_for_it(self, port: int) -> None:
        for _ in range(5):
            await RawClient.log_in(port, "lamp-1", password=b"guess")
        client = await RawClient.log_in(port, "lamp-2")
        assert isinstance(client.connack, packets.Connack)
        assert client.connack.reason == 0

    async def test_an_unknown_authentication_method_is_refused(self, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", properties={"authentication_method": "SCRAM"})
        assert client.connack == packets.Connack(False, Reason.BAD_AUTHENTICATION_METHOD)

    async def test_a_second_connection_with_the_same_name_takes_over(self, port: int) -> None:
        first = await RawClient.log_in(port, "lamp-1")
        second = await RawClient.log_in(port, "lamp-1")
        assert await first.receive() == packets.Disconnect(Reason.SESSION_TAKEN_OVER)
        assert await second.ask(reading(1)) == packets.Puback(1)

    async def test_another_login_cannot_take_over_by_using_the_name(self, port: int) -> None:
        victim = await RawClient.log_in(port, "lamp-1")
        await RawClient.log_in(port, "lamp-2", client_id="lamp-1")
        assert await victim.ask(reading(1)) == packets.Puback(1)

    async def test_a_login_that_is_withdrawn_is_disconnected(self, listener: Listener, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        assert listener.disconnect("lamp-1") == 1
        assert await client.receive() == packets.Disconnect(Reason.ADMINISTRATIVE_ACTION)

    async def test_connections_of_one_login_are_bounded(self, open_listener: OpenListener) -> None:
        listener = await open_listener(connections_per_login=1)
        await RawClient.log_in(listener.port or 0, "lamp-1")
        second = await RawClient.log_in(listener.port or 0, "lamp-1", client_id="other")
        assert second.connack == packets.Connack(False, Reason.QUOTA_EXCEEDED)


class TestAcknowledging:
    @both_versions
    async def test_nothing_is_acknowledged_before_the_commit(
        self, pipeline: MemoryPipeline, port: int, version: int
    ) -> None:
        pipeline.automatic = False
        client = await RawClient.log_in(port, "lamp-1", version)
        client.send(reading(1, payload=b"21.5"))
        (message,) = await pipeline.took(1)
        assert await client.silent()
        pipeline.commit()
        assert await client.receive() == packets.Puback(1)
        assert (message.principal_id, message.device_id, message.payload, message.door, message.topic) == (
            "lamp-1",
            "lamp-1",
            b"21.5",
            "mqtt",
            "devices/lamp-1/readings",
        )

    async def test_acknowledgements_leave_in_the_order_of_arrival(self, pipeline: MemoryPipeline, port: int) -> None:
        pipeline.automatic = False
        client = await RawClient.log_in(port, "lamp-1")
        client.send(*(reading(number) for number in (5, 3, 9, 1)))
        await pipeline.took(4)
        for place in (3, 1, 2):
            pipeline.waiting[place](Outcome.ACCEPTED)
        assert await client.silent()
        pipeline.waiting[0](Outcome.ACCEPTED)
        assert [await client.receive() for _ in range(4)] == [packets.Puback(number) for number in (5, 3, 9, 1)]

    async def test_a_refusal_does_not_overtake_a_commit(self, pipeline: MemoryPipeline, port: int) -> None:
        pipeline.automatic = False
        client = await RawClient.log_in(port, "lamp-1")
        client.send(reading(1), reading(2, "lamp-2"), reading(3))
        await pipeline.took(2)
        assert await client.silent()
        pipeline.commit()
        assert [await client.receive() for _ in range(3)] == [
            packets.Puback(1),
            packets.Puback(2, Reason.NOT_AUTHORIZED),
            packets.Puback(3),
        ]

    @pytest.mark.parametrize(("version", "reason"), [(VERSION_311, 0), (VERSION_5, Reason.PAYLOAD_FORMAT_INVALID)])
    async def test_a_dead_letter_is_acknowledged_because_it_is_kept(
        self, pipeline: MemoryPipeline, port: int, version: int, reason: int
    ) -> None:
        pipeline.outcome = Outcome.REJECTED
        client = await RawClient.log_in(port, "lamp-1", version)
        assert await client.ask(reading(1)) == packets.Puback(1, reason)

    async def test_what_could_not_be_stored_is_not_acknowledged_and_the_client_is_sent_away(
        self, pipeline: MemoryPipeline, port: int
    ) -> None:
        pipeline.automatic = False
        client = await RawClient.log_in(port, "lamp-1")
        client.send(reading(1), reading(2), reading(3))
        await pipeline.took(3)
        pipeline.waiting[0](Outcome.ACCEPTED)
        pipeline.waiting[1](Outcome.FAILED)
        pipeline.waiting[2](Outcome.ACCEPTED)
        assert await client.receive() == packets.Puback(1)
        assert await client.receive() == packets.Disconnect(Reason.SERVER_BUSY)
        assert await client.receive() is None

    async def test_a_commit_after_the_connection_is_gone_disturbs_nobody(
        self, listener: Listener, pipeline: MemoryPipeline, port: int
    ) -> None:
        pipeline.automatic = False
        client = await RawClient.log_in(port, "lamp-1")
        client.send(reading(1))
        await pipeline.took(1)
        client.drop()
        await eventually(lambda: listener.snapshot()["connections"] == 0)
        again = await RawClient.log_in(port, "lamp-1")
        pipeline.commit()
        assert await again.silent()
        assert listener.snapshot()["unacknowledged"] == 0

    async def test_qos_0_is_taken_without_an_answer(self, pipeline: MemoryPipeline, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        client.send(reading(0, qos=0))
        await pipeline.took(1)
        assert await client.silent()

    @both_versions
    async def test_bytes_may_arrive_one_by_one(self, pipeline: MemoryPipeline, port: int, version: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", version)
        for byte in codec.encode(reading(1, payload=b"x" * 200), version):
            client.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await client.receive() == packets.Puback(1)
        assert pipeline.messages[0].payload == b"x" * 200


class TestWhoMayWriteWhat:
    async def test_a_gateway_writes_for_the_devices_behind_it(self, pipeline: MemoryPipeline, port: int) -> None:
        gateway = await RawClient.log_in(port, "gateway-1")
        assert await gateway.ask(reading(1, "meter-1")) == packets.Puback(1)
        assert (pipeline.messages[0].principal_id, pipeline.messages[0].device_id) == ("gateway-1", "meter-1")

    async def test_a_device_does_not_write_for_another(self, pipeline: MemoryPipeline, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        assert await client.ask(reading(1, "lamp-2")) == packets.Puback(1, Reason.NOT_AUTHORIZED)
        assert pipeline.messages == []

    async def test_mqtt_3_has_no_word_for_no_and_is_disconnected(self, pipeline: MemoryPipeline, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", VERSION_311)
        assert await client.ask(reading(1, "lamp-2")) is None
        assert pipeline.messages == []

    async def test_qos_0_for_another_device_is_dropped_and_counted(
        self, listener: Listener, pipeline: MemoryPipeline, port: int
    ) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        client.send(reading(0, "lamp-2", qos=0), reading(1))
        assert await client.receive() == packets.Puback(1)
        assert [message.device_id for message in pipeline.messages] == ["lamp-1"]
        assert listener.snapshot()["not_authorized"] == 1

    async def test_a_device_that_nobody_knows_goes_to_the_dead_letters(
        self, pipeline: MemoryPipeline, port: int
    ) -> None:
        pipeline.outcome = Outcome.REJECTED
        gateway = await RawClient.log_in(port, "gateway-1")
        assert await gateway.ask(reading(1, "meter-9")) == packets.Puback(1, Reason.PAYLOAD_FORMAT_INVALID)
        assert pipeline.messages[0].device_id == "meter-9"

    async def test_a_topic_that_is_none_of_ours_is_refused(self, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        answer = await client.ask(packets.Publish("weather/today", b"sun", qos=1, packet_id=1))
        assert answer == packets.Puback(1, Reason.TOPIC_NAME_INVALID)

    async def test_a_device_that_is_withdrawn_while_connected_may_write_no_more(
        self, directory: MemoryDirectory, port: int
    ) -> None:
        gateway = await RawClient.log_in(port, "gateway-1")
        assert await gateway.ask(reading(1, "meter-1")) == packets.Puback(1)
        directory.behind["gateway-1"].clear()
        assert await gateway.ask(reading(2, "meter-1")) == packets.Puback(2, Reason.NOT_AUTHORIZED)


class TestProtocol:
    @both_versions
    async def test_a_ping_is_answered(self, port: int, version: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", version)
        assert await client.ask(packets.Pingreq()) == packets.Pingresp()

    async def test_qos_2_is_refused_politely(self, pipeline: MemoryPipeline, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        assert await client.ask(reading(1, qos=2)) == packets.Disconnect(Reason.QOS_NOT_SUPPORTED)
        assert pipeline.messages == []

    async def test_qos_2_in_3_1_1_is_hung_up_on(self, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", VERSION_311)
        assert await client.ask(reading(1, qos=2)) is None

    async def test_a_topic_alias_is_refused(self, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        packet = packets.Publish("devices/lamp-1/readings", b"", qos=1, packet_id=1, properties={"topic_alias": 1})
        assert await client.ask(packet) == packets.Disconnect(Reason.TOPIC_ALIAS_INVALID)

    async def test_a_second_connect_is_refused(self, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        assert await client.ask(packets.Connect("lamp-1")) == packets.Disconnect(Reason.PROTOCOL_ERROR)

    async def test_a_packet_before_the_connect_is_hung_up_on(self, port: int) -> None:
        client = await RawClient.open(port)
        assert await client.ask(packets.Pingreq()) is None

    async def test_mqtt_3_1_is_told_that_it_is_too_old(self, port: int) -> None:
        client = await RawClient.open(port, VERSION_311)
        client.write(bytes.fromhex("10 0e 00 06 4d 51 49 73 64 70 03 02 00 3c 00 00"))
        assert await client.receive() == packets.Connack(False, 1)

    async def test_garbage_is_hung_up_on_and_counted(self, listener: Listener, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        client.write(b"\x00" * 64)
        assert await client.receive() == packets.Disconnect(Reason.PROTOCOL_ERROR)
        assert listener.snapshot()["protocol_errors"] == 1

    async def test_an_http_request_is_hung_up_on(self, port: int) -> None:
        client = await RawClient.open(port)
        client.write(b"GET / HTTP/1.1\r\nHost: vidik\r\n\r\n")
        assert await client.receive() is None


class TestWill:
    WILL = packets.Will("devices/lamp-1/readings", b'{"powerState":"off"}', qos=1)

    async def test_a_device_that_drops_leaves_its_will(self, pipeline: MemoryPipeline, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", will=self.WILL)
        client.drop()
        (message,) = await pipeline.took(1)
        assert (message.device_id, message.payload) == ("lamp-1", self.WILL.payload)

    async def test_a_device_that_says_goodbye_leaves_none(
        self, listener: Listener, pipeline: MemoryPipeline, port: int
    ) -> None:
        client = await RawClient.log_in(port, "lamp-1", will=self.WILL)
        client.send(packets.Disconnect())
        await eventually(lambda: listener.snapshot()["connections"] == 0)
        assert pipeline.messages == []

    @pytest.mark.parametrize(
        ("will", "reason"),
        [
            (packets.Will("devices/lamp-2/readings", b""), Reason.NOT_AUTHORIZED),
            (packets.Will("tele/lamp-1/LWT", b"Offline"), Reason.TOPIC_NAME_INVALID),
            (packets.Will("devices/lamp-1/readings", b"", qos=2), Reason.QOS_NOT_SUPPORTED),
            (packets.Will("devices/lamp-1/readings", b"x" * 5000), Reason.PACKET_TOO_LARGE),
        ],
    )
    async def test_a_will_that_could_not_be_kept_is_refused_at_once(
        self, port: int, will: packets.Will, reason: Reason
    ) -> None:
        client = await RawClient.log_in(port, "lamp-1", will=will)
        assert client.connack == packets.Connack(False, reason)
