"""Notifications over MQTT to a real Mosquitto (ETSI GS CIM 009, clause 7.2)."""

import asyncio
import json
import queue
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from tests.broker import mosquitto
from tests.context.subscriptions.conftest import City
from tests.context.subscriptions.test_delivery import shown
from tests.family import free_port, wait_for

TOPIC = "city/buildings"


@dataclass
class Listener:
    """Mosquitto, and a client that hears everything on the topic."""

    port: int
    folder: Path
    messages: "queue.Queue[paho.MQTTMessage]" = field(default_factory=queue.Queue)
    process: subprocess.Popen[bytes] | None = None
    client: paho.Client = field(default_factory=lambda: paho.Client(paho.CallbackAPIVersion.VERSION2))

    def start(self) -> None:
        passwords = self.folder / "passwords"
        passwords.touch()
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), "vidik", "p@ss"], check=True, capture_output=True)
        passwords.chmod(0o644)
        self.folder.chmod(0o755)
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npassword_file {passwords}\n"
        )
        self.process = mosquitto(self.folder / "mosquitto.conf")
        self.client.on_message = lambda _client, _data, message: self.messages.put(message)
        wait_for("Mosquitto", lambda: self.client.connect("127.0.0.1", self.port) == 0)
        self.client.loop_start()
        self.client.subscribe(TOPIC, qos=2)

    def stop(self) -> None:
        assert self.process is not None
        self.client.disconnect()
        self.client.loop_stop()
        self.process.kill()
        self.process.wait()

    async def next(self) -> paho.MQTTMessage:
        return await asyncio.to_thread(self.messages.get, timeout=30)


@pytest.fixture
def listener() -> Iterator[Listener]:
    # Not pytest's own folder: Mosquitto started by root reads as another user.
    listener = Listener(free_port(), Path(tempfile.mkdtemp(prefix="vidik-mosquitto-")))
    listener.start()
    yield listener
    listener.stop()
    shutil.rmtree(listener.folder)


def notifier(**info: str) -> list[dict[str, str]]:
    return [{"key": key.replace("_", "-"), "value": value} for key, value in info.items()]


@pytest.mark.parametrize("qos", ["0", "1", "2"])
@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0"])
async def test_every_quality_and_version(city: City, listener: Listener, qos: str, version: str) -> None:
    endpoint: dict[str, Any] = {
        "uri": f"mqtt://127.0.0.1:{listener.port}/{TOPIC}",
        "notifierInfo": notifier(MQTT_QoS=qos, MQTT_Version=version),
        "receiverInfo": [{"key": "X-Key", "value": "1"}],
    }
    subscription_id = await city.subscribe(notification={"endpoint": endpoint})

    entity_id = await city.create(level=1)
    await city.change(entity_id, level=2)

    messages = [await listener.next(), await listener.next()]
    assert [message.qos for message in messages] == [int(qos)] * 2
    told = [json.loads(message.payload) for message in messages]
    assert [one["body"]["data"][0]["level"]["value"] for one in told] == [1, 2]
    assert told[0]["body"]["subscriptionId"] == subscription_id
    assert told[0]["metadata"]["Content-Type"] == "application/json"
    assert told[0]["metadata"]["X-Key"] == "1"
    assert "Link" in told[0]["metadata"]


async def test_a_login_is_used(city: City, listener: Listener) -> None:
    uri = f"mqtt://vidik:p%40ss@127.0.0.1:{listener.port}/{TOPIC}"
    await city.subscribe(notification={"endpoint": {"uri": uri}})

    await city.create(level=1)

    assert (await listener.next()).topic == TOPIC


async def test_a_wrong_login_is_a_failure(city: City, listener: Listener) -> None:
    uri = f"mqtt://vidik:wrong@127.0.0.1:{listener.port}/{TOPIC}"
    subscription_id = await city.subscribe(notification={"endpoint": {"uri": uri}})

    await city.create(level=1)

    await shown(city, subscription_id, status="failed")


async def test_a_broker_that_was_away_gets_what_is_owed(city: City, listener: Listener) -> None:
    uri = f"mqtt://127.0.0.1:{listener.port}/{TOPIC}"
    info = notifier(MQTT_QoS="1")
    await city.subscribe(notification={"endpoint": {"uri": uri, "notifierInfo": info}})
    entity_id = await city.create(level=1)
    await listener.next()
    listener.stop()
    await city.change(entity_id, level=2)
    await asyncio.sleep(0.5)
    listener.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    listener.start()

    told = json.loads((await listener.next()).payload)
    assert told["body"]["data"][0]["level"]["value"] == 2
