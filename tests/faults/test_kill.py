"""kill -9 of each process of the family under load: every acknowledged reading is there afterwards, once."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.family import RunningVidik, wait_for
from tests.faults.load import CountingDevice

pytestmark = pytest.mark.timeout(240)


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
