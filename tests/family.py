"""A whole Vidik as a person starts it: `vidik up` in a process of its own, for acceptance and fault tests."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from vidik.kernel.embedded import database_url
from vidik.kernel.settings import Settings

METER_PROFILE = """
name: test-meter
version: 1
title: Meter of the tests
service: heating
format: json
entity: {type: HeatSubstation, id: "urn:ngsi-ld:HeatSubstation:{city}:{device_id}"}
expected_interval_seconds: 600
time: {path: t, format: unix_ms}
attributes:
  - {name: energyTotal, path: n, unit: MWH, minimum: 0, maximum: 1000000000}
  - {name: power, path: p, unit: KWT, minimum: 0, maximum: 5000}
"""
COUNTED = "energyTotal"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Return the first true answer of a condition; fails with a sentence when it takes too long.

    A condition that cannot be asked yet (no connection, a member that is not there) does not hold yet.
    """
    deadline = time.monotonic() + seconds
    error: Exception | None = None
    while time.monotonic() < deadline:
        try:
            answer = condition()
        except (httpx.HTTPError, psycopg.Error, OSError, LookupError, StopIteration) as failure:
            error, answer = failure, None
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what} (last error: {error!r})")


@dataclass
class RunningVidik:
    """A running family: where its doors are, and how to sign in."""

    data: Path
    port: int
    mqtt_port: int
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What `vidik up` has said so far."""
        return (self.data.parent / f"{self.data.name}.out").read_text()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vidik.cli", *arguments]

    def full_environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("VIDIK_")},
            "VIDIK_DATA": str(self.data),
            "VIDIK_PORT": str(self.port),
            "VIDIK_MQTT_PORT": str(self.mqtt_port),
            "VIDIK_ARGON2_MEMORY_KIB": "64",
            **self.environment,
        }

    def start(self) -> None:
        with (self.data.parent / f"{self.data.name}.out").open("ab") as out:
            self.process = subprocess.Popen(
                self.command("up", *self.arguments), env=self.full_environment(), stdout=out, stderr=subprocess.STDOUT
            )
        self.wait_ready()

    def wait_ready(self, seconds: float = 90) -> None:
        def ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"vidik up ended:\n{self.output}"
            return httpx.get(f"{self.base_url}/health/ready", timeout=2).status_code == 200

        wait_for("a ready Vidik", ready, seconds)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def pid(self, name: str) -> int:
        return int((self.data / "run" / f"{name}.pid").read_text())

    def kill(self, name: str) -> None:
        """kill -9 one process of the family."""
        os.kill(self.pid(name), signal.SIGKILL)

    def kill_all(self) -> None:
        """kill -9 the whole family, as when the machine's power goes."""
        assert self.process is not None
        children = [self.pid(name) for name in ("web", "worker", "intake", "database")]
        self.process.kill()
        self.process.wait()
        for child in children:
            os.kill(child, signal.SIGKILL)

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A signed-in HTTP client."""
        login, password = self.login()
        with httpx.Client(base_url=self.base_url, headers={"Origin": self.base_url}, timeout=30) as client:
            response = client.post("/api/session", json={"login": login, "password": password})
            assert response.status_code == 204, response.text
            yield client

    def login(self) -> tuple[str, str]:
        """Login and password that were made for this installation."""
        lines = (self.data / "first-login.txt").read_text().splitlines()
        known = dict(line.split(": ", 1) for line in lines if ": " in line)
        return known["login"], known["password"]

    def token(self, *permissions: str) -> str:
        """A token for another system, with these permissions; without any it may read and write the context."""
        asked = [word for one in permissions or ("context.read", "context.write") for word in ("--permission", one)]
        made = subprocess.run(
            self.command("token", "add", "peer", *asked),
            env={**self.full_environment(), "COLUMNS": "240"},
            check=True,
            capture_output=True,
            text=True,
        )
        found = re.search(r"vdk_[\w-]+", made.stdout)
        assert found is not None, made.stdout
        return found.group()

    def add_profile(self, text: str = METER_PROFILE) -> None:
        folder = self.data / "profiles"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "test-meter.yaml").write_text(text)

    def add_device(self, device_id: str, **fields: Any) -> str:
        """Register a device and return its secret."""
        body = {"device_id": device_id, "profile": "test-meter", "with_secret": True, **fields}
        with self.client() as client:
            response = client.post("/api/devices", json=body)
            assert response.status_code in (200, 201), response.text
            answer = response.json()
        return find_secret(answer)

    def connect(self) -> "psycopg.Connection[Any]":
        url = database_url(Settings(data=self.data))
        return psycopg.connect(url, options="-c search_path=tenant_city,platform,public", autocommit=True)

    def stored_numbers(self, device_id: str) -> list[int]:
        """The counted numbers of a device in history, ordered by time."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT number FROM observation JOIN series USING (series) JOIN entity ON entity.key = series.entity"
                " WHERE entity.id LIKE %s AND attribute LIKE %s ORDER BY observation.observed_at",
                [f"%:{device_id}", f"%{COUNTED}"],
            ).fetchall()
        return [int(number) for (number,) in rows]


def find_secret(answer: Any) -> str:
    """The secret in the answer of a registration."""
    if isinstance(answer, dict):
        if isinstance(answer.get("secret"), str):
            return str(answer["secret"])
        return next(secret for value in answer.values() if (secret := find_secret(value)))
    if isinstance(answer, list):
        return next((secret for value in answer if (secret := find_secret(value))), "")
    return ""


@contextmanager
def running(data: Path, *arguments: str, **environment: str) -> Iterator[RunningVidik]:
    """A running family in a data folder; stopped at the end."""
    vidik = RunningVidik(data, free_port(), free_port(), environment, arguments)
    vidik.add_profile()
    vidik.start()
    try:
        yield vidik
    finally:
        vidik.stop()
