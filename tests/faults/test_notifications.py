"""kill -9 of the worker under load: no notification is lost, and none comes out of order."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.context.subscriptions.receiver import Receiver, receiving
from tests.family import RunningVidik, running, wait_for

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def city(data_folder: Path) -> Iterator[RunningVidik]:
    with running(data_folder, VIDIK_ALLOW_PRIVATE_ENDPOINTS="true") as family:
        yield family


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def written(
    vidik: RunningVidik, client: httpx.Client, entity: dict[str, Any], seconds: float, victim: str
) -> list[int]:
    """PATCH a growing number, kill a process twice meanwhile, and return the numbers that were answered."""
    answered, number, end = [], 0, time.monotonic() + seconds
    kills = [time.monotonic() + seconds / 4, time.monotonic() + seconds / 2]
    while time.monotonic() < end:
        if kills and time.monotonic() > kills[0]:
            kills.pop(0)
            vidik.kill(victim)
        number += 1
        try:
            response = client.patch(f"/ngsi-ld/v1/entities/{entity['id']}/attrs", json={"level": number})
        except httpx.HTTPError:
            time.sleep(0.2)
            continue
        if response.status_code == 204:
            answered.append(number)
    return answered


@pytest.mark.parametrize("victim", ["worker"])
def test_a_killed_process_loses_no_notification(city: RunningVidik, receiver: Receiver, victim: str) -> None:
    entity = {"id": f"urn:ngsi-ld:Counter:{victim}", "type": "Counter", "level": 0}
    with city.client() as client:
        assert client.post("/ngsi-ld/v1/entities", json=entity).status_code == 201
        subscription = {
            "type": "Subscription",
            "entities": [{"type": "Counter", "id": entity["id"]}],
            "notification": {"format": "keyValues", "endpoint": {"uri": receiver.uri}},
        }
        assert client.post("/ngsi-ld/v1/subscriptions", json=subscription).status_code == 201

        answered = written(city, client, entity, 12, victim)

    def told() -> list[int]:
        return [state["level"] for one in list(receiver.received) for state in one.data]

    wait_for("the last state to be told", lambda: answered[-1] in told(), 90)
    levels = told()
    firsts = list(dict.fromkeys(levels))
    assert set(answered) <= set(levels)
    assert firsts == sorted(firsts)
    assert len(answered) > 100
