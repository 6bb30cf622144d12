"""kill -9 of each process of the family under load: every acknowledged reading is there afterwards, once."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.family import RunningVidik, wait_for
from tests.faults.load import CountingDevice

STORM_RULE = {
    "kind": "threshold",
    "service": "heating",
    "priority": "high",
    "entity_types": ["HeatSubstation"],
    "title": {"en": "Power too high", "sr": "Превисока снага"},
    "message": {"en": "{value} {unit}.", "sr": "{value} {unit}."},
    "attribute": "power",
    "above": 4000,
    "clear": 3000,
    "confirm_flood": True,
}


def settle(vidik: RunningVidik, device: CountingDevice) -> list[int]:
    """Stop sending, let every message be acknowledged, and return what history holds."""
    device.stop_sending()
    wait_for("every message to be acknowledged", device.all_acknowledged, 90)
    return vidik.stored_numbers(device.device_id)


@pytest.mark.parametrize("victim", ["intake", "database"])
def test_readings_acknowledged_over_mqtt_survive(vidik: RunningVidik, victim: str) -> None:
    device_id = f"kill-{victim}"
    secret = vidik.add_device(device_id)
    with CountingDevice(vidik.mqtt_port, device_id, secret) as device:
        wait_for("the first hundred", lambda: len(device.acknowledged) > 100)
        for _ in range(2):
            before = len(device.acknowledged)
            vidik.kill(victim)
            wait_for("readings after the kill", lambda seen=before: len(device.acknowledged) > seen + 200, 90)
        stored = settle(vidik, device)

    assert stored == sorted(device.acknowledged)
    assert len(stored) == device.sent
    assert "started again" in vidik.output or "starting it again" in vidik.output


def test_readings_pushed_over_http_survive_a_killed_web_process(vidik: RunningVidik) -> None:
    secret = vidik.add_device("kill-web")
    start_ms = int(time.time() * 1000)

    def push(number: int) -> int | None:
        """The number, when Vidik said that it is on disk."""
        try:
            response = httpx.post(
                f"{vidik.base_url}/api/intake/kill-web",
                content=f'{{"t":{start_ms + number},"n":{number},"p":2}}',
                headers={"Authorization": f"Bearer {secret}"},
                timeout=30,
            )
        except httpx.HTTPError:
            return None
        return number if response.status_code == 204 else None

    def push_through_the_kill(number: int) -> int | None:
        if number == 150:
            vidik.kill("web")
        time.sleep(0.02)
        return push(number)

    wait_for("the device to be known to the web process", lambda: push(0) == 0)
    with ThreadPoolExecutor(4) as pool:
        answers = [answer for answer in pool.map(push_through_the_kill, range(1, 400)) if answer is not None]
    vidik.wait_ready()
    after = wait_for("a push after the restart", lambda: push(400))

    stored = vidik.stored_numbers("kill-web")
    assert {*answers, after} <= set(stored)
    assert len(stored) == len(set(stored))
    assert len(answers) > 100


def test_a_killed_worker_neither_loses_nor_doubles_an_alarm(vidik: RunningVidik) -> None:
    secret = vidik.add_device("kill-worker", expected_interval_seconds=5)
    with CountingDevice(vidik.mqtt_port, "kill-worker", secret) as device:
        wait_for("the first readings", lambda: len(device.acknowledged) > 50)
        device.stop_sending()

    def open_alarms() -> list[dict[str, object]]:
        with vidik.client() as client:
            items = client.get("/api/alarms", params={"state": "open", "limit": 500}).json()["items"]
        return [alarm for alarm in items if str(alarm["entity_id"]).endswith(":kill-worker")]

    for _ in range(3):
        time.sleep(4)
        vidik.kill("worker")
    wait_for("the alarm of the silent device", open_alarms, 90)
    vidik.kill("worker")
    time.sleep(6)

    assert len(open_alarms()) == 1


def kill_when_there(vidik: RunningVidik, name: str) -> None:
    """kill -9 a process that may just be on its way up again."""

    def kill() -> bool:
        vidik.kill(name)
        return True

    wait_for(f"the {name} to kill", kill)


def test_killed_amid_a_storm_the_worker_opens_one_incident_for_one_cause(vidik: RunningVidik) -> None:
    devices = [f"storm-{number:02d}" for number in range(12)]
    with vidik.client() as client:
        client.put("/api/rules/storm_power", json=STORM_RULE).raise_for_status()
        body = [{"device_id": device, "profile": "test-meter", "with_secret": True} for device in devices]
        secrets = [one["secret"] for one in client.post("/api/devices", json=body).raise_for_status().json()["items"]]

    def push(device: str, secret: str, power: int) -> bool:
        body = f'{{"t":{int(time.time() * 1000)},"n":1,"p":{power}}}'
        headers = {"Authorization": f"Bearer {secret}"}
        answer = httpx.post(f"{vidik.base_url}/api/intake/{device}", content=body, headers=headers, timeout=30)
        return answer.status_code == 204

    for place, (device, secret) in enumerate(zip(devices, secrets, strict=True)):
        wait_for("the push", lambda device=device, secret=secret: push(device, secret, 4500))
        if place in (4, 6, 11):
            kill_when_there(vidik, "worker")

    def standing() -> tuple[int, ...]:
        with vidik.connect() as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM alarm WHERE rule = 'storm_power'),"
                " (SELECT count(*) FROM alarm_event e JOIN alarm a ON a.id = e.alarm"
                "   WHERE a.rule = 'storm_power' AND e.transition = 'raised'),"
                " (SELECT count(*) FROM incident), (SELECT count(*) FROM incident_entry WHERE kind = 'opened'),"
                " (SELECT count(*) FROM incident_link WHERE unlinked_at IS NULL)"
            ).fetchone()
        assert row is not None
        return tuple(row)

    wait_for("one incident of twelve alarms", lambda: standing() == (12, 12, 1, 1, 1), 90)
    kill_when_there(vidik, "worker")
    kill_when_there(vidik, "web")
    vidik.wait_ready()
    for device, secret in zip(devices, secrets, strict=True):
        assert push(device, secret, 4600)
    time.sleep(4)
    assert standing() == (12, 12, 1, 1, 1)
    with vidik.client() as client:
        (incident,) = client.get("/api/incidents").json()["items"]
    assert incident["type"] == "heating_outage"
    assert incident["alarms"]["open"] >= 12  # a silent device of the same service may have joined
