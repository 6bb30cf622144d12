"""Dead letters: kept whatever was sent, shown, replayed, discarded, limited."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidik.intake import deadletters
from vidik.intake.deadletters import Letter, Refusal, jobs
from vidik.intake.devices import DeviceDirectory
from vidik.intake.message import Outcome
from vidik.kernel import audit
from vidik.kernel.clock import now_microseconds

BIN = {"device_id": "bin-1", "profile": "demo-waste-container", "name": "Bin 1"}


def letter(**changes: object) -> Letter:
    values = {
        "device_id": "bin-1",
        "principal_id": "bin-1",
        "door": "mqtt",
        "topic": "devices/bin-1/readings",
        "received_at": now_microseconds(),
        "reason": "this device is not registered",
        "payload": json.dumps({"t": time.time(), "fill": 50}).encode(),
    }
    return Letter(**(values | changes))


async def keep(services, *letters: Letter) -> None:
    async with services.database.transaction("city") as connection:
        await deadletters.store(connection, letters)


async def open_ids(client) -> list[int]:
    return [item["id"] for item in (await client.get("/api/dead-letters")).json()["items"]]


class TestStore:
    @settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=st.text(st.characters(), max_size=50), payload=st.binary(max_size=300))
    async def test_keeps_whatever_a_device_sent(self, connection, text, payload):
        refused = letter(
            device_id=text,
            topic=text,
            field=text,
            value=text,
            reason=text,
            payload=payload,
            others=[Refusal(text, text, text)],
        )

        await deadletters.store(connection, [refused])

    async def test_cuts_what_is_too_large_and_says_so(self, services, administrator):
        await keep(services, letter(payload=b"x" * 300_000))

        (item,) = (await administrator.get("/api/dead-letters")).json()["items"]
        whole = await administrator.get(f"/api/dead-letters/{item['id']}/payload")

        assert item["size"] == 300_000
        assert len(item["payload"]) == 4096
        assert len(whole.content) == 262_144
        assert whole.headers["x-content-type-options"] == "nosniff"

    async def test_a_flood_of_reasons_does_not_become_a_flood_of_metrics(self):
        deadletters.count([letter(reason=f"reason {number}") for number in range(1000)])

        from vidik.intake.deadletters.letters import _known_reasons

        assert len(_known_reasons) <= 64


class TestList:
    async def test_shows_text_as_text_and_bytes_as_base64(self, services, administrator):
        await keep(services, letter(payload="škola".encode()), letter(payload=b"\xff\x00"))

        binary, text = (await administrator.get("/api/dead-letters")).json()["items"]

        assert (text["payload"], text["payload_encoding"]) == ("škola", "text")
        assert (binary["payload"], binary["payload_encoding"]) == ("/wA=", "base64")

    async def test_filters_counts_and_pages(self, services, administrator):
        await keep(
            services,
            letter(reason="a"),
            letter(reason="a"),
            letter(reason="b", device_id="bin-2"),
        )

        everything = (await administrator.get("/api/dead-letters", params={"limit": 2})).json()
        rest = (await administrator.get("/api/dead-letters", params={"before": everything["next"]})).json()
        one = (await administrator.get("/api/dead-letters", params={"device_id": "bin-2"})).json()
        reason = (await administrator.get("/api/dead-letters", params={"reason": "b"})).json()

        assert [(one["reason"], one["count"]) for one in everything["counts_by_reason"]] == [("a", 2), ("b", 1)]
        assert len(everything["items"]) == 2
        assert len(rest["items"]) == 1
        assert [item["device_id"] for item in one["items"]] == ["bin-2"]
        assert len(reason["items"]) == 1
        assert len(reason["counts_by_reason"]) == 2

    async def test_counts_a_reason_once_whatever_the_value_was(self, services, administrator):
        await keep(
            services,
            letter(reason="-39.9 is outside the plausible range 0 to 1"),
            letter(reason="1.5e+06 is outside the plausible range 0 to 1"),
            letter(reason="this device is not registered"),
        )

        counts = (await administrator.get("/api/dead-letters")).json()["counts_by_reason"]
        outside = await administrator.get("/api/dead-letters", params={"reason": counts[0]["reason"]})

        assert [(one["reason"], one["reason_code"], one["count"]) for one in counts] == [
            ("… is outside the plausible range 0 to 1", "outside-range", 2),
            ("this device is not registered", "device-unknown", 1),
        ]
        assert len(outside.json()["items"]) == 2

    async def test_needs_the_permission(self, client):
        assert (await client("crew").get("/api/dead-letters")).status_code == 403


class TestReplay:
    async def test_brings_in_what_was_refused_once_the_device_is_registered(self, services, administrator, client):
        await keep(services, letter(), letter(payload=b"still broken"))
        await administrator.post("/api/devices", json=BIN)
        await services.get(DeviceDirectory).refresh()

        answer = await client("supervisor").post("/api/dead-letters/replay", json={"filter": {}})

        assert answer.json() == {"replayed": 2, "accepted": 1, "rejected": 1, "cut": 0}
        async with services.database.transaction("city") as connection:
            rows = await (await connection.execute("SELECT number FROM observation")).fetchall()
        assert 0.5 in [row["number"] for row in rows]
        (again,) = (await administrator.get("/api/dead-letters")).json()["items"]
        assert again["door"] == "replay"
        assert again["payload"] == "still broken"
        closed = (await administrator.get("/api/dead-letters", params={"state": "replayed"})).json()["items"]
        assert all(item["replayed_at"] for item in closed)
        async with services.database.platform() as connection:
            (record, *_) = await audit.newest(connection, "city", before=None, limit=1)
        assert record["action"] == "deadletter.replay"

    async def test_stays_open_when_it_could_not_be_stored(self, services, administrator, pipeline, monkeypatch):
        await keep(services, letter())
        monkeypatch.setattr(pipeline, "offer", lambda message, done: done(Outcome.FAILED))
        ids = await open_ids(administrator)

        answer = await administrator.post("/api/dead-letters/replay", json={"ids": ids})

        assert answer.status_code == 503
        assert await open_ids(administrator) == ids

    async def test_leaves_what_was_cut(self, services, administrator):
        await keep(services, letter(payload=b"x" * 300_000))
        ids = await open_ids(administrator)

        answer = await administrator.post("/api/dead-letters/replay", json={"ids": ids})

        assert answer.json() == {"replayed": 0, "accepted": 0, "rejected": 0, "cut": 1}
        assert await open_ids(administrator) == ids

    @pytest.mark.parametrize("body", [{}, {"ids": [1], "filter": {}}, {"ids": []}])
    async def test_wants_to_know_which(self, administrator, body):
        answer = await administrator.post("/api/dead-letters/replay", json=body)

        assert answer.status_code in (400, 422)

    async def test_needs_the_permission(self, client):
        answer = await client("dispatcher").post("/api/dead-letters/replay", json={"filter": {}})

        assert answer.status_code == 403


class TestDiscard:
    async def test_closes_with_a_name_and_a_reason(self, services, administrator):
        await keep(services, letter())
        ids = await open_ids(administrator)

        answer = await administrator.post("/api/dead-letters/discard", json={"ids": ids, "reason": "a test device"})
        again = await administrator.post("/api/dead-letters/discard", json={"ids": ids, "reason": "twice"})

        assert answer.json() == {"discarded": 1}
        assert again.json() == {"discarded": 0}
        (item,) = (await administrator.get("/api/dead-letters", params={"state": "discarded"})).json()["items"]
        assert item["note"] == "a test device"
        assert item["decided_by"].startswith("person:")


class TestLimits:
    async def test_keeps_the_newest_of_each_device_and_nothing_old(self, services, administrator, monkeypatch):
        monkeypatch.setattr(jobs, "NEWEST_PER_DEVICE", 3)
        month = 31 * 86400 * 1_000_000
        await keep(
            services,
            letter(device_id="old", received_at=now_microseconds() - month),
            *(letter(device_id="noisy", value=str(number)) for number in range(10)),
            letter(device_id="quiet"),
        )

        await jobs.limit_dead_letters(services, "city")

        items = (await administrator.get("/api/dead-letters")).json()["items"]
        assert [(item["device_id"], item["value"]) for item in items] == [
            ("quiet", None),
            ("noisy", "9"),
            ("noisy", "8"),
            ("noisy", "7"),
        ]

    async def test_keeps_no_more_bytes_than_allowed(self, services, administrator, monkeypatch):
        monkeypatch.setattr(jobs, "KEPT_BYTES", 2500)
        await keep(services, *(letter(payload=b"x" * 1000, value=str(number)) for number in range(5)))

        await jobs.limit_dead_letters(services, "city")

        items = (await administrator.get("/api/dead-letters")).json()["items"]
        assert [item["value"] for item in items] == ["4", "3"]
