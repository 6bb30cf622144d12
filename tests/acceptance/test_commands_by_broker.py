"""Commands down to a device through the city's own broker: a whole Vidik, a real Mosquitto, a device with paho."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.broker import Broker
from tests.family import RunningVidik, free_port, running, wait_for
from tests.memory import quick_folder

DEVICE = "pump"


class ListeningDevice:
    """A device that listens for its commands at the broker and answers with a reading."""

    def __init__(self, port: int) -> None:
        self.commands: list[dict[str, Any]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(DEVICE, "secret")
        self._client.on_connect = lambda client, *_: client.subscribe(f"devices/{DEVICE}/commands", qos=1)
        self._client.on_message = self._obey
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _obey(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        command = json.loads(message.payload)
        self.commands.append(command)
        reading = {"t": int(time.time() * 1000), "n": 1, "p": command["parameters"]["power"]}
        client.publish(f"devices/{DEVICE}/readings", json.dumps(reading), qos=1)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    folder = quick_folder("vidik-commands-")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def broker(place: Path) -> Iterator[Broker]:
    broker = Broker(place / "broker", free_port(), (DEVICE,))
    broker.prepare()
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(scope="module")
def vidik(place: Path, broker: Broker) -> Iterator[RunningVidik]:
    with running(place / "data", VIDIK_MQTT_URL=broker.url) as started:
        started.add_device(DEVICE)
        yield started


@pytest.fixture
def client(vidik: RunningVidik) -> Iterator[httpx.Client]:
    with vidik.client() as signed_in:
        yield signed_in


@pytest.fixture
def device(broker: Broker) -> Iterator[ListeningDevice]:
    device = ListeningDevice(broker.port)
    yield device
    device.leave()


def send(client: httpx.Client, power: float) -> str:
    answer = client.post(f"/api/devices/{DEVICE}/commands", json={"name": "set", "parameters": {"power": power}})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def command(client: httpx.Client, number: str) -> dict[str, Any]:
    items = client.get(f"/api/devices/{DEVICE}/commands").json()["items"]
    found: dict[str, Any] = next(item for item in items if item["id"] == number)
    return found


def wait_delivered(client: httpx.Client, number: str) -> dict[str, Any]:
    wait_for("the broker's acknowledgement", lambda: command(client, number)["state"] == "delivered")
    return command(client, number)


def test_a_device_hears_its_command_and_answers_with_a_reading(client: httpx.Client, device: ListeningDevice) -> None:
    number = send(client, 40.0)

    delivered = wait_delivered(client, number)

    wait_for("the command at the device", lambda: [one["id"] for one in device.commands] == [number])
    assert delivered["taken_by"] == "broker"
    entity = f"/api/console/assets/urn:ngsi-ld:HeatSubstation:nis:{DEVICE}"

    def shown(name: str) -> Any:
        return {one["name"]: one["value"] for one in client.get(entity).json().get("attributes", [])}.get(name)

    wait_for("the effect in the readings", lambda: shown("power") == 40.0)
    send(client, 40.0)  # the entity shows commands from its first reading on
    wait_for("the command beside it", lambda: (shown("command") or {}).get("state") == "delivered")
    seen = wait_for("its health", lambda: client.get(f"/api/devices/{DEVICE}").json()["door"])
    assert seen == "broker"


def test_a_command_waits_for_a_device_that_is_away(client: httpx.Client, broker: Broker) -> None:
    number = send(client, 50.0)
    wait_for("a first attempt", lambda: command(client, number)["attempts"] >= 1)
    waiting = wait_for("it to wait", lambda: command(client, number)["failure"] and command(client, number))
    assert waiting["state"] in ("pending", "sent")

    device = ListeningDevice(broker.port)
    wait_delivered(client, number)
    wait_for("the command at the device", lambda: [one["id"] for one in device.commands] == [number])
    device.leave()


def test_a_command_waits_for_a_broker_that_is_away(client: httpx.Client, broker: Broker) -> None:
    broker.kill()
    time.sleep(1)
    number = send(client, 60.0)
    time.sleep(2)
    assert command(client, number)["state"] == "pending"

    broker.start()
    time.sleep(1)
    device = ListeningDevice(broker.port)
    wait_delivered(client, number)
    wait_for("the command at the device", lambda: number in [one["id"] for one in device.commands])
    device.leave()
