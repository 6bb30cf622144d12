"""The city's own broker, with the configuration that we ship: killed, gone for a minute, and back."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.family import free_port, running, wait_for
from tests.faults.load import CountingDevice

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto"
GONE_SECONDS = 60


@dataclass
class Broker:
    """Mosquitto with the shipped configuration; only the paths and the port are the test's."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        self.folder.mkdir(parents=True)
        passwords = self.folder / "passwd"
        passwords.touch()
        for login in ("vidik", "counter"):
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), login, "secret"], check=True, capture_output=True)
        passwords.chmod(0o644)
        shutil.copy(SHIPPED / "vidik.acl", self.folder / "acl")
        (self.folder / "acl").chmod(0o644)
        text = (SHIPPED / "vidik.conf").read_text()
        text = text.replace("/etc/mosquitto/vidik.passwd", str(passwords))
        text = text.replace("/etc/mosquitto/vidik.acl", str(self.folder / "acl"))
        text = re.sub(r"^listener \d+.*$", f"listener {self.port} 127.0.0.1", text, count=1, flags=re.MULTILINE)
        text = re.sub(r"^persistence_location .*$", f"persistence_location {self.folder}/", text, flags=re.MULTILINE)
        text = re.sub(r"^log_dest .*$", f"log_dest file {self.folder}/log", text, flags=re.MULTILINE)
        text = re.sub(r"^user .*$", "", text, flags=re.MULTILINE)
        (self.folder / "mosquitto.conf").write_text(text)
        self.folder.chmod(0o777)

    def trust_everybody(self) -> None:
        """Let any login publish for any device, for measurements that have thousands of devices."""
        with (self.folder / "acl").open("a") as acl:
            acl.write("\nuser vidik\ntopic readwrite #\n")
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        self.process = subprocess.Popen(["mosquitto", "-c", str(self.folder / "mosquitto.conf")])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def broker(data_folder: Path) -> Iterator[Broker]:
    broker = Broker(data_folder.parent / "broker", free_port())
    broker.prepare()
    broker.start()
    yield broker
    broker.kill()


@pytest.mark.timeout(300)
def test_what_the_broker_acknowledged_arrives_though_it_is_killed_and_gone_for_a_minute(
    data_folder: Path, broker: Broker
) -> None:
    url = f"mqtt://vidik:secret@127.0.0.1:{broker.port}"
    with running(data_folder, VIDIK_MQTT_URL=url) as vidik:
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
