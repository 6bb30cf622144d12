"""The city's own broker, with the configuration that we ship: killed, gone for a minute, and back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.broker import Broker
from tests.family import free_port, running, wait_for
from tests.faults.load import CountingDevice

GONE_SECONDS = 60


@pytest.fixture
def broker(data_folder: Path) -> Iterator[Broker]:
    broker = Broker(data_folder.parent / "broker", free_port())
    broker.prepare()
    broker.start()
    yield broker
    broker.kill()


def test_what_the_broker_acknowledged_arrives_though_it_is_killed_and_gone_for_a_minute(
    data_folder: Path, broker: Broker
) -> None:
    with running(data_folder, VIDIK_MQTT_URL=broker.url) as vidik:
        vidik.add_device("counter")
        with CountingDevice(broker.port, "counter", "secret", rate=150) as device:
            wait_for("readings in history", lambda: len(vidik.stored_numbers("counter")) > 300, 90)
            broker.kill()
            acknowledged_before = device.acknowledged
            time.sleep(GONE_SECONDS)
            broker.start()
            wait_for(
                "acknowledgements by the broker", lambda: len(device.acknowledged) > len(acknowledged_before) + 200
            )
            vidik.kill("intake")
            device.stop_sending()
            wait_for("every message to be acknowledged", device.all_acknowledged, 90)
            wait_for("all of it in history", lambda: len(vidik.stored_numbers("counter")) >= device.sent, 90)

        assert vidik.stored_numbers("counter") == list(range(device.sent))
