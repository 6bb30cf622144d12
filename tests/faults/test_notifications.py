"""kill -9 of a process under load, while notifications are owed: none is lost, and none comes out of order."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.context.subscriptions.receiver import Receiver, receiving
from tests.family import RunningVidik, running, wait_for


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
    moments = [start + seconds * (place + 1) / 4 for place in range(len(kills))]
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
