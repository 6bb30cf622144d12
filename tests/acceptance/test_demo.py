"""The demo city and the recordings, from outside to the dispatcher's alarm, on a whole Vidik."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.family import RunningVidik, running, wait_for
from tests.memory import quick_folder


@pytest.fixture(scope="module")
def vidik(shared_data: Path) -> Iterator[RunningVidik]:
    """A small city with the real recordings."""
    folder = quick_folder("vidik-demo-")
    city = {"VIDIK_DEMO_SCALE": "0.03", "VIDIK_RECORDINGS": str(shared_data)}
    try:
        with running(folder / "data", "--demo", **city) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client(vidik: RunningVidik) -> Iterator[httpx.Client]:
    with vidik.client() as signed_in:
        yield signed_in


def test_every_asset_is_on_the_map_and_says_where_it_is_from(client: httpx.Client) -> None:
    def assets() -> list[dict[str, object]]:
        found: list[dict[str, object]] = client.get("/api/console/assets").json()["assets"]
        return found if all(asset["observed_at"] for asset in found) and len(found) > 70 else []

    found = wait_for("a city that has reported", assets, 120)

    assert Counter(asset["origin"] for asset in found)["recorded"] == 13
    assert {asset["origin"] for asset in found} == {"simulated", "recorded"}
    assert {asset["service"] for asset in found} == {
        "heating",
        "lighting",
        "parking",
        "air",
        "water",
        "waste",
        "traffic",
        "cameras",
    }
    assert all(asset["place"] for asset in found)


def test_the_past_day_is_there(client: httpx.Client) -> None:
    address = "/api/console/assets/urn:ngsi-ld:WaterConsumptionObserved:nis:water-z01/history?attributes=flow"

    def values() -> list[float]:
        series = client.get(address).json()["series"]
        times = series[0]["times"] if series else []
        return times if times and times[-1] - times[0] > 20 * 3_600 else []

    assert len(wait_for("a day of history", values, 60)) > 100


def test_a_real_event_in_a_recording_raises_a_heating_alarm(client: httpx.Client) -> None:
    def alarms() -> list[dict[str, object]]:
        found = client.get("/api/alarms?state=all&limit=200").json()["items"]
        return [alarm for alarm in found if alarm["origin"] == "recorded" and alarm["service"] == "heating"]

    first = wait_for("a heating alarm from the recordings", alarms, 120)[-1]

    assert first["rule"] == "heating_supply_below_curve"
    assert first["entity_id"] == "urn:ngsi-ld:HeatSubstation:nis:heat-l8"
    assert first["entity_name"] == "Подстаница Л8 (снимак)"
    assert str(first["observed_at"]).startswith("2024-01-05T")


def test_a_broken_sensor_is_in_the_dead_letters(client: httpx.Client) -> None:
    def letters() -> list[dict[str, object]]:
        found: list[dict[str, object]] = client.get("/api/dead-letters?limit=100").json()["items"]
        return [letter for letter in found if letter["field"] == "outdoorTemperature"]

    assert "-39.9" in str(wait_for("the sensor of the opening act", letters, 200)[0]["reason"])


def test_a_dimmed_street_answers_in_its_readings(client: httpx.Client) -> None:
    command = {"name": "dim", "parameters": {"level": 0.3, "minutes": 5}}

    answer = client.post("/api/devices/nis-light-c01/commands", json=command)

    assert answer.status_code == 202

    def delivered() -> bool:
        items = client.get("/api/devices/nis-light-c01/commands").json()["items"]
        return any(item["state"] == "delivered" for item in items)

    wait_for("the cabinet's acknowledgement", delivered)


def test_replay_by_the_command_line(vidik: RunningVidik, client: httpx.Client, shared_data: Path) -> None:
    secret = client.post("/api/devices/nis-heat-l12/secret").json()["secret"]
    command = vidik.command(
        "replay", str(shared_data / "nis-heating" / "scada_L12.csv.gz"), "--profile", "nis-heat-scada",
        "--device", "nis-heat-l12", "--speed", "0", "--from", "2022-12-01", "--to", "2022-12-08",
    )  # fmt: skip

    done = subprocess.run(
        command,
        env=vidik.full_environment() | {"VIDIK_DEVICE_SECRET": secret, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "168 messages are on disk" in done.stderr
    history = client.get(
        "/api/console/assets/urn:ngsi-ld:HeatSubstation:nis:heat-l12/history"
        "?attributes=returnTemperaturePrimary&from=2022-12-01T00:00:00Z&to=2022-12-09T00:00:00Z"
    ).json()
    assert len(history["series"][0]["times"]) > 100


def test_a_restart_goes_on(vidik: RunningVidik, client: httpx.Client) -> None:
    before = client.get("/api/devices?limit=1").json()["counts"]
    stopped = vidik.stop()
    place = (vidik.data / "demo" / "recordings.json").read_text()
    vidik.start()

    with vidik.client() as again:
        after = again.get("/api/devices?limit=1").json()["counts"]

    assert stopped == 0
    assert sum(after.values()) == sum(before.values())
    assert place != "{}"
    wait_for(
        "the recording to go on",
        lambda: (vidik.data / "demo" / "recordings.json").read_text() != place,
        60,
    )
    assert (vidik.data / "demo" / "credentials.json").stat().st_mode & 0o077 == 0
