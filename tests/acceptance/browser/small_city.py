"""A city of fifteen assets, fed through the public door for readings."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.family import RunningVidik

SUBSTATION = "test-substation"
SUBSTATION_NAME = "Подстаница Његошева"
CONTAINERS = 12
MINUTE = 60


def container(number: int) -> str:
    return f"test-container-{number:02d}"


def container_name(number: int) -> str:
    return f"Контејнер {number}, Ђердапска"


def entity_id(device_id: str) -> str:
    kind = "HeatSubstation" if device_id == SUBSTATION else "WasteContainer"
    return f"urn:ngsi-ld:{kind}:nis:{device_id}"


@dataclass
class SmallCity:
    """The running Vidik and the secrets of its devices."""

    vidik: RunningVidik
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return self.vidik.base_url

    def build(self) -> None:
        """Register the devices and send the readings of the last three hours."""
        devices = [self._device(SUBSTATION, "demo-heat-substation", SUBSTATION_NAME, 21.8958, 43.3209)]
        for number in range(1, CONTAINERS + 1):
            place = (21.8958 + number * 0.002, 43.3209 - number * 0.001)
            devices.append(self._device(container(number), "demo-waste-container", container_name(number), *place))
        with self.vidik.client() as client:
            answer = client.post("/api/devices", json=devices)
            assert answer.status_code == 201, answer.text
            self.secrets = {one["device_id"]: one["secret"] for one in answer.json()["items"]}
        now = int(time.time())
        past = [substation_reading(now - minute * MINUTE, minute) for minute in range(180, 0, -2)]
        self.send(SUBSTATION, past)
        for number in range(1, CONTAINERS + 1):
            self.send(container(number), container_reading(now - 5))

    def _device(self, device_id: str, profile: str, name: str, longitude: float, latitude: float) -> dict[str, Any]:
        return {
            "device_id": device_id,
            "profile": profile,
            "name": name,
            "place": [longitude, latitude],
            "origin": "simulated",
            "organisation": "city",
            "with_secret": True,
        }

    def send(self, device_id: str, message: Any, *, expect: int = 204) -> None:
        """Send one message as the device itself."""
        answer = httpx.post(
            f"{self.base_url}/api/intake/{device_id}",
            content=json.dumps(message),
            headers={"Authorization": f"Bearer {self.secrets[device_id]}"},
            timeout=30,
        )
        assert answer.status_code == expect, answer.text

    def burn(self, number: int) -> None:
        """A container reports fire: a critical alarm."""
        self.send(container(number), container_reading(int(time.time()), celsius=88.0))

    def send_fault(self) -> None:
        """The substation reports what its sensor says when it fails: a dead letter."""
        self.send(SUBSTATION, {"t": int(time.time()), "amb": -39.9, "sup2": 47.0}, expect=422)


def substation_reading(at: int, minute: int) -> dict[str, Any]:
    return {"t": at, "amb": 4.0, "ref": 48.0, "sup2": 47 + minute % 3, "ret1": 38.0, "kw": 140 + minute % 5}


def container_reading(at: int, celsius: float = 9.0) -> dict[str, Any]:
    return {"t": at, "fill": 42, "temp": celsius, "bat": 0.9}
