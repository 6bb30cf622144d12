"""Programs that others have written drive a whole Vidik: filip (RWTH Aachen), ngsildclient (Orange), schemathesis.

Each runs as a program of its own in an environment of its own (tests/clients) and says what it saw.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.context.subscriptions.receiver import Receiver, receiving
from tests.family import RunningVidik, running, wait_for
from tests.memory import quick_folder

ROOT = Path(__file__).parents[2]
Conversation = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def python() -> str:
    """The Python of the clients' environment, which is made here when `make test` has not made it."""
    made = subprocess.run([ROOT / "scripts" / "bootstrap", "clients"], capture_output=True, text=True, check=False)
    if made.returncode and re.search(r"error sending request|Failed to fetch|dns error", made.stderr):
        pytest.skip(f"the clients cannot be fetched without a network: {made.stderr.strip()[-300:]}")
    assert made.returncode == 0, made.stderr
    return str(ROOT / ".cache" / "clients" / "bin" / "python")


@pytest.fixture(scope="module")
def city() -> Iterator[RunningVidik]:
    folder = quick_folder("vidik-clients-")
    with running(folder / "data", VIDIK_ALLOW_PRIVATE_ENDPOINTS="true") as vidik:
        yield vidik
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def talk(python: str, city: RunningVidik, receiver: Receiver) -> Conversation:
    """Run one of the clients' programs and return what it has seen."""

    def run(program: str) -> dict[str, Any]:
        words = [python, str(ROOT / "tests" / "clients" / program), city.base_url, city.token(), receiver.uri]
        done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        seen = json.loads(done.stdout.splitlines()[-1])
        assert isinstance(seen, dict)
        return seen

    return run


def told(receiver: Receiver, attribute: str) -> list[tuple[str, float]]:
    """Which entity was told with which number, in the order of the notifications."""
    return [(one["id"][-1], one[attribute]["value"]) for sent in list(receiver.received) for one in sent.data]


def test_filip(talk: Conversation, receiver: Receiver) -> None:
    seen = talk("with_filip.py")

    first, second, third = (f"urn:ngsi-ld:Substation:{number}" for number in (1, 2, 3))
    assert seen == {
        "location": f"/ngsi-ld/v1/entities/{first}",
        "all": {first: 10, second: 20, third: 30},
        "found": {second: 20, third: 30},
        "subscription": seen["subscription"],
        "subscriptions": [seen["subscription"]],
        "patched": {first: 60},
        "replaced": {"id": first, "type": "Substation", "power": 70},
        "asked": "power>90",
        "left": {first: 70, second: 100},
    }
    wait_for("the notification that the changed subscription asks for", lambda: ("2", 100) in told(receiver, "power"))
    assert told(receiver, "power") == [("1", 60), ("1", 70), ("2", 100)]
    assert {one.body["subscriptionId"] for one in receiver.received} == {seen["subscription"]}


def test_schemathesis_finds_no_failure_of_ours(python: str, city: RunningVidik, tmp_path: Path) -> None:
    program = Path(python).with_name("schemathesis")
    words = [program, "run", ROOT / "tests" / "clients" / "ngsi-ld.yaml", "--url", f"{city.base_url}/ngsi-ld/v1"]
    words += ["--header", f"Authorization: Bearer {city.token()}", "--checks", "not_a_server_error"]
    words += ["--phases", "fuzzing", "--max-examples", "5", "--generation-deterministic", "--no-color"]

    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)

    assert done.returncode == 0, done.stdout
    assert "a request failed" not in city.output


def test_ngsildclient(talk: Conversation, receiver: Receiver) -> None:
    seen = talk("with_ngsildclient.py")

    first, second, third = (f"urn:ngsi-ld:Hydrant:{number}" for number in (1, 2, 3))
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
    measured = "2026-01-01T06:00:00Z"
    assert seen == {
        "created": True,
        "exists": True,
        "batch": 2,
        "all": {first: 3, second: 4, third: 5},
        "found": {second: 4, third: 5},
        "count": 3,
        "subscription": seen["subscription"],
        "subscriptions": [seen["subscription"]],
        "stays": True,
        "updated": True,
        "batch update": 2,
        "one": {
            "id": first,
            "type": "Hydrant",
            "pressure": {"type": "Property", "value": 1.5, "unitCode": "BAR", "observedAt": measured},
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [21.9, 43.32]}},
            "refZone": {"type": "Relationship", "object": "urn:ngsi-ld:Zone:1"},
            "@context": core,
        },
        "history": {
            "id": second,
            "type": "Hydrant",
            "pressure": {"type": "Property", "values": [[4, measured], [4.5, "2026-01-01T07:00:00Z"]]},
            "@context": core,
        },
        "types": ["Hydrant"],
        "deleted": True,
        "left": {first: 1.5, second: 4.5},
    }
    wait_for("the notification of the low pressure", lambda: told(receiver, "pressure"))
    assert told(receiver, "pressure") == [("1", 1.5)]
