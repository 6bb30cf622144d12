"""kill -9 while a snapshot is being filled: it is said to have failed, and nothing of it is shown before or after."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.family import RunningVidik, wait_for

SNAPSHOT = "urn:ngsi-ld:Snapshot:killed"
BODY = {
    "id": SNAPSHOT,
    "type": "Snapshot",
    "snapshotQueries": [{"type": "Query", "entities": [{"type": "Bench"}]}],
}
BENCHES = 500
Kill = Callable[[RunningVidik], None]


def kill_the_web_process(vidik: RunningVidik) -> None:
    vidik.kill("web")


def kill_the_whole_family(vidik: RunningVidik) -> None:
    vidik.kill_all()
    vidik.start()


@pytest.fixture
def memory(vidik: RunningVidik) -> Iterator[httpx.Client]:
    """The city's memory, with benches, where the last step of filling a snapshot takes a while."""
    with vidik.connect() as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION slowly() RETURNS boolean LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(3); RETURN true; END'"
        )
    address = f"{vidik.base_url}/ngsi-ld/v1"
    headers = {"Authorization": f"Bearer {vidik.token()}"}
    with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
        benches = [
            {"id": f"urn:x:{n}", "type": "Bench", "seats": {"type": "Property", "value": n}} for n in range(BENCHES)
        ]
        assert client.post("/entityOperations/upsert", json=benches).status_code in (201, 204)
        yield client


def is_copied(vidik: RunningVidik) -> bool:
    """Whether the benches are in the snapshot's tables, in a transaction that is still open."""
    with vidik.connect() as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone()
    return row is not None and row[0] > 0


@pytest.mark.parametrize("kill", [kill_the_web_process, kill_the_whole_family])
def test_killed_amid_filling_it_has_failed_and_holds_nothing(
    vidik: RunningVidik, memory: httpx.Client, kill: Kill
) -> None:
    with vidik.connect() as connection:
        # What is copied last into the tables of a snapshot, which have the checks of the city's own.
        connection.execute("ALTER TABLE kind ADD CONSTRAINT slow CHECK (slowly()) NOT VALID")
    assert memory.post("/snapshots", json=BODY).status_code == 201
    wait_for("the snapshot to be filled", lambda: is_copied(vidik))
    kill(vidik)
    vidik.wait_ready()
    with vidik.connect() as connection:
        connection.execute("ALTER TABLE kind DROP CONSTRAINT slow")

    inside = {"NGSILD-Snapshot": SNAPSHOT}
    told = wait_for("an answer", lambda: memory.get(f"/snapshots/{SNAPSHOT}")).json()
    assert told["snapshotStatus"] == "preparing"
    refused = memory.get("/entities", params={"type": "Bench"}, headers=inside)
    assert (refused.status_code, "prepared" in refused.text) == (409, True)

    with vidik.connect() as connection:  # so long ago that nobody fills it any more
        connection.execute("UPDATE snapshot SET created_at = created_at - interval '3 minutes'")
    told = wait_for(
        "the failure to be told",
        lambda: (one := memory.get(f"/snapshots/{SNAPSHOT}").json())["snapshotStatus"] != "preparing" and one,
    )
    assert told["snapshotStatus"] == "failure"
    (detail,) = told["snapshotQueriesDetails"]
    assert (detail["resultStatus"], detail["problemDetails"]["title"]) == ("failure", "The snapshot was not filled")
    assert memory.get("/entities", params={"type": "Bench"}, headers=inside).json() == []

    assert memory.delete(f"/snapshots/{SNAPSHOT}").status_code == 204
    assert memory.post("/snapshots", json=BODY).status_code == 201
    wait_for(
        "the same snapshot, whole",
        lambda: memory.get(f"/snapshots/{SNAPSHOT}").json()["snapshotStatus"] == "success",
    )
    asked = {"type": "Bench", "limit": 1, "count": "true"}
    whole = memory.get("/entities", params=asked, headers=inside)
    assert whole.headers["NGSILD-Results-Count"] == str(BENCHES)
    assert memory.delete(f"/snapshots/{SNAPSHOT}").status_code == 204
