"""kill -9 of a process under load, while notifications are owed: none is lost, and none comes out of order."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import paho.mqtt.client as paho
import pytest
from tests.broker import mosquitto
from tests.context.subscriptions.receiver import Receiver, receiving
from tests.family import RunningVidik, free_port, running, wait_for


@pytest.fixture(scope="module")
def city() -> Iterator[RunningVidik]:
    folder = Path(tempfile.mkdtemp(prefix="vidik-faults-"))
    folder.chmod(0o755)
    with running(folder / "data", VIDIK_ALLOW_PRIVATE_ENDPOINTS="true") as family:
        yield family
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


PACE_SECONDS = 0.01
"""So that fewer states wait than are kept one by one (1,000), however long the one that tells them is away."""
AT_LEAST = 50


def written(client: httpx.Client, entity_id: str, seconds: float, kills: list[Callable[[], None]]) -> list[int]:
    """PATCH a growing number, kill meanwhile, and return the numbers that were answered: AT_LEAST so many."""
    answered, number, start = [], 0, time.monotonic()
    moments = [start + seconds * (place + 1) / (len(kills) + 2) for place in range(len(kills))]
    while time.monotonic() < start + seconds or len(answered) < AT_LEAST:
        if moments and time.monotonic() > moments[0]:
            moments.pop(0)
            kills.pop(0)()
        number += 1
        try:
            response = client.patch(f"/ngsi-ld/v1/entities/{entity_id}/attrs", json={"level": number})
        except httpx.HTTPError:
            time.sleep(0.2)
            continue
        if response.status_code == 204:
            answered.append(number)
        time.sleep(PACE_SECONDS)
    return answered


@pytest.mark.parametrize(("victim", "times"), [("worker", 2), ("web", 1), ("database", 1)])
def test_a_killed_process_loses_no_notification(
    city: RunningVidik, receiver: Receiver, victim: str, times: int
) -> None:
    entity = {"id": f"urn:ngsi-ld:Counter:{victim}", "type": "Counter", "level": 0}
    city.wait_ready()  # the one that the test before this killed may still be on its way back
    with city.client() as client:
        assert client.post("/ngsi-ld/v1/entities", json=entity).status_code == 201
        subscription = {
            "type": "Subscription",
            "entities": [{"type": "Counter", "id": entity["id"]}],
            "notification": {"format": "keyValues", "endpoint": {"uri": receiver.uri}},
        }
        assert client.post("/ngsi-ld/v1/subscriptions", json=subscription).status_code == 201

        answered = written(client, entity["id"], 8, [lambda: city.kill(victim)] * times)

    def told() -> list[int]:
        return [state["level"] for one in list(receiver.received) for state in one.data]

    wait_for("the last state to be told", lambda: answered[-1] in told(), 90)
    levels = told()
    firsts = list(dict.fromkeys(levels))
    assert set(answered) <= set(levels)
    assert firsts == sorted(firsts)


@dataclass
class KeepingBroker:
    """Mosquitto that remembers over a stop what it has taken, and a client that hears all of it."""

    folder: Path
    port: int = field(default_factory=free_port)
    heard: dict[str, list[int]] = field(default_factory=dict)
    """Per topic the levels that came, in their order."""
    process: subprocess.Popen[bytes] | None = None
    client: paho.Client = field(
        default_factory=lambda: paho.Client(paho.CallbackAPIVersion.VERSION2, "listener", clean_session=False)
    )

    def start(self) -> None:
        self.folder.chmod(0o777)
        lines = (f"listener {self.port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0")
        lines += ("persistence true", f"persistence_location {self.folder}/", "log_dest none", "")
        (self.folder / "mosquitto.conf").write_text("\n".join(lines))
        self.process = mosquitto(self.folder / "mosquitto.conf")

    def listen(self) -> None:
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=2)
        self.client.on_message = lambda _client, _data, message: self._hear(message)
        self.client.reconnect_delay_set(1, 1)
        wait_for("Mosquitto", lambda: self.client.connect("127.0.0.1", self.port) == 0)
        self.client.loop_start()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def _hear(self, message: paho.MQTTMessage) -> None:
        levels = [state["level"] for state in json.loads(message.payload)["body"]["data"]]
        self.heard.setdefault(message.topic, []).extend(levels)


@pytest.fixture
def broker() -> Iterator[KeepingBroker]:
    folder = Path(tempfile.mkdtemp(prefix="vidik-mosquitto-"))
    broker = KeepingBroker(folder)
    broker.start()
    broker.listen()
    yield broker
    broker.client.disconnect()
    broker.client.loop_stop()
    broker.stop()
    shutil.rmtree(folder)


def test_with_everybody_going_in_turn_nobody_misses_a_notification(
    city: RunningVidik, receiver: Receiver, broker: KeepingBroker
) -> None:
    entity = {"id": "urn:ngsi-ld:Counter:all", "type": "Counter", "level": 0}
    asked = count(1)
    # One of nine connections ends when the notification was read, and one of nine notifications finds no time.
    receiver.answer = lambda _: {0: 0, 4: 503}.get(next(asked) % 9, 204)
    receiver.headers = ("Retry-After: 1",)
    endpoints: dict[str, dict[str, object]] = {"http": {"uri": receiver.uri}}
    for quality in ("1", "2"):
        info = [{"key": "MQTT-QoS", "value": quality}]
        endpoints[quality] = {"uri": f"mqtt://127.0.0.1:{broker.port}/{quality}", "notifierInfo": info}

    def end_the_family() -> None:
        city.kill_all()
        city.start()

    def end_the_broker() -> None:
        broker.stop()
        time.sleep(1)
        broker.start()

    city.wait_ready()
    with city.client() as client:
        assert client.post("/ngsi-ld/v1/entities", json=entity).status_code == 201
        for name, endpoint in endpoints.items():
            body = {"id": f"urn:ngsi-ld:Subscription:{name}", "type": "Subscription"}
            body |= {"entities": [{"type": "Counter", "id": entity["id"]}]}
            body |= {"notification": {"format": "keyValues", "endpoint": endpoint}}
            assert client.post("/ngsi-ld/v1/subscriptions", json=body).status_code == 201

        kills = [lambda: city.kill("database"), end_the_broker, end_the_family, lambda: city.kill("database")]
        answered = written(client, entity["id"], 10, kills)
        city.wait_ready()

        def told(name: str) -> list[int]:
            if name != "http":
                return list(broker.heard.get(name, ()))
            return [state["level"] for one in list(receiver.received) for state in one.data]

        for name in endpoints:
            wait_for(f"all of it to be told to {name}", lambda name=name: set(answered) <= set(told(name)), 120)
            firsts = list(dict.fromkeys(told(name)))
            assert firsts == sorted(firsts)
            shown = wait_for(
                "its counters",
                lambda name=name: (
                    (one := client.get(f"/ngsi-ld/v1/subscriptions/urn:ngsi-ld:Subscription:{name}").json())[
                        "notification"
                    ]["status"]
                    == "ok"
                    and one["notification"]
                ),
            )
            assert shown["timesSent"] > shown.get("timesFailed", 0)
            assert "timesMerged" not in shown
