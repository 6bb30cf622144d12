"""The built-in door with the clients that devices really use: paho, gmqtt, mosquitto_pub and mosquitto_sub."""

import asyncio
import threading

import gmqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode
from tests.intake.mqtt.fakes import SECRET, MemoryPipeline, eventually

from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.ports import Outcome

TOPIC = "devices/lamp-1/readings"
PATIENCE_SECONDS = 10
both_versions = pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])


async def mosquitto(program: str, port: int, *arguments: str) -> tuple[int, str]:
    """Run mosquitto_pub or mosquitto_sub; returns (exit code, everything it said)."""
    process = await asyncio.create_subprocess_exec(
        program,
        *("-h", "127.0.0.1", "-p", str(port), "-i", "lamp-1", "-u", "lamp-1", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


class TestMosquittoPub:
    @both_versions
    async def test_it_publishes(self, pipeline: MemoryPipeline, port: int, version: str) -> None:
        code, said = await mosquitto(
            "mosquitto_pub", port, "-P", SECRET, "-V", version, "-q", "1", "-t", TOPIC, "-m", "21.5"
        )
        assert (code, said) == (0, "")
        assert [message.payload for message in pipeline.messages] == [b"21.5"]

    async def test_many_lines_arrive_once_and_in_order(self, pipeline: MemoryPipeline, port: int) -> None:
        process = await asyncio.create_subprocess_exec(
            "mosquitto_pub",
            *("-h", "127.0.0.1", "-p", str(port), "-u", "lamp-1", "-P", SECRET, "-q", "1", "-t", TOPIC, "-l"),
            stdin=asyncio.subprocess.PIPE,
        )
        await process.communicate("\n".join(str(number) for number in range(3000)).encode())
        assert process.returncode == 0
        assert [int(message.payload) for message in pipeline.messages] == list(range(3000))

    @both_versions
    async def test_a_wrong_password_is_an_error_for_it(self, port: int, version: str) -> None:
        code, said = await mosquitto(
            "mosquitto_pub", port, "-P", "wrong", "-V", version, "-q", "1", "-t", TOPIC, "-m", "1"
        )
        assert code != 0
        assert "refused" in said.lower() or "not authorized" in said.lower() or "bad user" in said.lower()

    async def test_a_refused_reading_is_a_warning_for_it(self, port: int) -> None:
        _, said = await mosquitto(
            "mosquitto_pub", port, "-P", SECRET, "-V", "mqttv5", "-q", "1", "-t", "devices/lamp-2/readings", "-m", "1"
        )
        assert "Not authorized" in said


class TestMosquittoSub:
    @both_versions
    async def test_it_receives_a_command(self, listener: Listener, port: int, version: str) -> None:
        arguments = ("-P", SECRET, "-V", version, "-q", "1", "-t", "devices/lamp-1/commands", "-C", "1")
        receiving = asyncio.create_task(mosquitto("mosquitto_sub", port, *arguments))
        await eventually(lambda: listener.connected("lamp-1"))
        assert await listener.deliver_command("lamp-1", b'{"dim":40}') is True
        assert await receiving == (0, '{"dim":40}\n')


class Paho:
    """A paho client in its own thread, as devices run it."""

    def __init__(self, port: int, version: MQTTProtocolVersion) -> None:
        self.acknowledged: list[int] = []
        self.refused: list[int] = []
        self.commands: list[bytes] = []
        self.connected = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="lamp-1", protocol=version)
        self.client.username_pw_set("lamp-1", SECRET)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        self.client.on_message = lambda _client, _data, message: self.commands.append(message.payload)
        self.client.connect("127.0.0.1", port, keepalive=20)
        self.client.loop_start()

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe("devices/lamp-1/commands", qos=1)
        self.connected.set()

    def _on_publish(self, _client: object, _data: object, number: int, reason: ReasonCode, _properties: object) -> None:
        (self.refused if reason.is_failure else self.acknowledged).append(number)

    async def close(self) -> None:
        """Say goodbye and wait for the thread."""
        await asyncio.to_thread(self.client.disconnect)
        await asyncio.to_thread(self.client.loop_stop)


@pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])
class TestPaho:
    async def test_it_publishes_and_is_commanded(
        self, listener: Listener, pipeline: MemoryPipeline, port: int, version: MQTTProtocolVersion
    ) -> None:
        device = await asyncio.to_thread(Paho, port, version)
        await eventually(lambda: listener.connected("lamp-1"), PATIENCE_SECONDS)
        for number in range(200):
            device.client.publish(TOPIC, str(number), qos=1)
        await eventually(lambda: len(device.acknowledged) == 200, PATIENCE_SECONDS)
        assert [int(message.payload) for message in pipeline.messages] == list(range(200))
        assert await listener.deliver_command("lamp-1", b"on") is True
        assert device.commands == [b"on"]
        await device.close()

    async def test_what_is_not_stored_it_brings_again(
        self, listener: Listener, pipeline: MemoryPipeline, port: int, version: MQTTProtocolVersion
    ) -> None:
        pipeline.automatic = False
        device = await asyncio.to_thread(Paho, port, version)
        await eventually(lambda: listener.connected("lamp-1"), PATIENCE_SECONDS)
        for number in range(5):
            device.client.publish(TOPIC, str(number), qos=1)
        await pipeline.took(5)
        assert device.acknowledged == []
        pipeline.commit(Outcome.FAILED)
        pipeline.automatic = True
        await eventually(lambda: len(device.acknowledged) == 5, PATIENCE_SECONDS)
        assert sorted(int(message.payload) for message in pipeline.messages[-5:]) == list(range(5))
        await device.close()


class TestGmqtt:
    @pytest.mark.parametrize("version", [4, 5])
    async def test_it_publishes_and_is_commanded(
        self, listener: Listener, pipeline: MemoryPipeline, port: int, version: int
    ) -> None:
        commands: list[bytes] = []
        client = gmqtt.Client("lamp-1")
        client.set_auth_credentials("lamp-1", SECRET)
        client.on_message = lambda _client, _topic, payload, _qos, _properties: commands.append(payload)
        await client.connect("127.0.0.1", port, version=version)
        client.subscribe("devices/lamp-1/commands", qos=1)
        for number in range(100):
            client.publish(TOPIC, str(number), qos=1)
        await pipeline.took(100)
        await eventually(lambda: listener.connected("lamp-1"), PATIENCE_SECONDS)
        assert await listener.deliver_command("lamp-1", b"on") is True
        assert commands == [b"on"]
        assert sorted(int(message.payload) for message in pipeline.messages) == list(range(100))
        await client.disconnect()
