"""What the demo city sends through the public doors, and what it does when they are closed."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from vidik.demo import door as door_module
from vidik.demo.assets import City
from vidik.demo.behaviour import Behaviour
from vidik.demo.door import Door, DoorClosed
from vidik.demo.meters import Meters
from vidik.demo.past import write_past_day
from vidik.demo.register import Credentials, make_known
from vidik.demo.world import World

NOW = 1_795_000_000


class Vidik:
    """Answers as Vidik does and remembers what it was asked."""

    def __init__(self) -> None:
        self.devices: dict[str, dict[str, Any]] = {}
        self.entities: dict[str, dict[str, Any]] = {}
        self.pushed: dict[str, list[Any]] = {}
        self.logins: set[str] = set()
        self.busy = 0
        self.strangers = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.busy:
            self.busy -= 1
            return httpx.Response(503)
        path, method = request.url.path, request.method
        if path.startswith("/api/intake/") and self.strangers:
            self.strangers -= 1
            return httpx.Response(401, text="a stranger")
        if path.startswith("/api/intake/"):
            self.logins.add(request.headers["authorization"])
            self.pushed[path.removeprefix("/api/intake/")] = json.loads(request.content)
            return httpx.Response(204)
        if request.headers.get("authorization") != "Bearer token":
            return httpx.Response(401, text="who are you?")
        if method == "GET" and path.startswith("/api/devices/"):
            return httpx.Response(200 if path.removeprefix("/api/devices/") in self.devices else 404)
        if path == "/api/devices":
            return self._register(json.loads(request.content))
        if path == "/ngsi-ld/v1/entityOperations/upsert":
            assert "city.jsonld" in request.headers["link"]
            self.entities |= {entity["id"]: entity for entity in json.loads(request.content)}
            return httpx.Response(201, json=[])
        return httpx.Response(404, text=path)

    def _register(self, devices: list[dict[str, Any]]) -> httpx.Response:
        assert len(devices) <= 1000
        for device in devices:
            gateway = device.get("gateway_id")
            assert gateway is None or gateway in self.devices or any(one["device_id"] == gateway for one in devices)
            self.devices[device["device_id"]] = device
        items = [
            {"device_id": one["device_id"]} | ({"secret": f"s-{one['device_id']}"} if one["with_secret"] else {})
            for one in devices
        ]
        return httpx.Response(201, json={"items": items})


@pytest.fixture
def vidik(monkeypatch: pytest.MonkeyPatch) -> Vidik:
    monkeypatch.setattr(door_module, "_PAUSE_SECONDS", 0.01)
    return Vidik()


def door_to(vidik: Vidik, token: str = "token") -> Door:
    return Door("http://vidik", token, transport=httpx.MockTransport(vidik))


async def test_registers_everything_once(vidik: Vidik, city: City, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    async with door_to(vidik) as door:
        first = await make_known(door, city, Credentials(file))
        second = await make_known(door, city, Credentials(file))

    assert (first, second) == (True, False)
    assert len(vidik.devices) == len(city.assets) + len(city.gateways)
    assert len(vidik.entities) == len(city.assets)
    assert Credentials(file).secrets.keys() == {asset.gateway_id for asset in city.assets}
    assert file.stat().st_mode & 0o077 == 0
    assert all(device["origin"] == "simulated" for device in vidik.devices.values())


async def test_registers_again_when_vidik_has_forgotten(vidik: Vidik, small_city: City, tmp_path: Path) -> None:
    async with door_to(vidik) as door:
        await make_known(door, small_city, Credentials(tmp_path / "c"))
        vidik.devices.clear()

        assert await make_known(door, small_city, Credentials(tmp_path / "c"))


async def test_asks_for_new_secrets_when_its_own_are_lost(vidik: Vidik, small_city: City, tmp_path: Path) -> None:
    async with door_to(vidik) as door:
        await make_known(door, small_city, Credentials(tmp_path / "c"))
        (tmp_path / "c").write_text("broken")
        credentials = Credentials(tmp_path / "c")
        new = await make_known(door, small_city, credentials)

    assert not new
    assert credentials.secrets.keys() == {asset.gateway_id for asset in small_city.assets}


async def test_writes_the_past_day_with_each_gateways_credential(vidik: Vidik, small_city: City) -> None:
    behaviour = Behaviour(small_city, World.of(small_city, 7, Meters()))
    secrets = {asset.gateway_id: "s" for asset in small_city.assets}
    told: list[int] = []
    async with door_to(vidik) as door:
        for gateway_id, assets in small_city.behind_gateways().items():
            await write_past_day(door, secrets[gateway_id], assets, behaviour, NOW, lambda: told.append(1))

    assert vidik.pushed.keys() == {asset.device_id for asset in small_city.assets}
    assert len(told) == len(small_city.assets)
    assert len(vidik.logins) == len(secrets)
    for records in vidik.pushed.values():
        times = [record["t"] for record in records]
        assert times == sorted(times)
        assert times[0] >= NOW - 86_400
        assert times[-1] < NOW


async def test_waits_while_vidik_is_busy(vidik: Vidik) -> None:
    vidik.busy = 3
    async with door_to(vidik) as door:
        assert not await door.knows_device("d")


async def test_waits_until_a_new_credential_is_known(vidik: Vidik) -> None:
    vidik.strangers = 3
    async with door_to(vidik) as door:
        await door.push("gateway", "s", "d", b"[]")

    assert vidik.pushed == {"d": []}


async def test_gives_up_on_a_credential_that_stays_unknown(vidik: Vidik) -> None:
    vidik.strangers = 1_000
    async with door_to(vidik) as door:
        with pytest.raises(DoorClosed, match="a stranger"):
            await door.push("gateway", "s", "d", b"[]")


async def test_says_what_vidik_refused(vidik: Vidik) -> None:
    async with door_to(vidik, token="other") as door:
        with pytest.raises(DoorClosed, match="401: who are you"):
            await door.knows_device("d")
