"""One stream, many browsers: shared frames, bounded memory, no value lost to a slow one for ever."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.console.hub import HEARTBEAT, Ask, Client, Frame, Hub, changes_frame, event, gone_frame
from vidik.console.work_frames import WorkFrames
from vidik.kernel.errors import Unavailable
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import Belonging
from vidik.kernel.identity.roles import Grant


def a_frame(position: int, **values: Any) -> Frame:
    changes = [
        {"id": entity_id, "state": "normal", "attributes": {"power": value}} for entity_id, value in values.items()
    ]
    return changes_frame(position, "2026-01-15T10:00:00Z", changes)


def events(payload: bytes) -> list[tuple[str, Any]]:
    found = []
    for block in payload.split(b"\n\n"):
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line and block[:1] != b":")
        if b"event" in fields:
            found.append((fields[b"event"].decode(), orjson.loads(fields[b"data"])))
    return found


def latest_values(found: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        change["id"]: change["attributes"]["power"]
        for name, data in found
        if name == "changes"
        for change in data["changes"]
    }


def a_person(*grants: Grant) -> Principal:
    roles = frozenset(grant.role for grant in grants)
    return Principal("token", "1", "ana", "Ana", None, roles, "city", frozenset(grants))


class TestClient:
    def test_gets_only_what_its_person_may_see(self) -> None:
        hub = Hub()
        crew, citizen = a_person(Grant("crew")), a_person(Grant("citizen"))
        hub.publish(Frame(1, event("work", {"topic": "incident"}, 1), permission="incidents.read"))
        with hub.joined(0, crew) as one, hub.joined(0, citizen) as other:
            hub.publish(Frame(2, event("work", {"topic": "notice"}, 2), permission="duty.read"))
            assert events(one.take()) == [("work", {"topic": "incident"})]
            assert events(other.take()) == []

    def test_gets_what_its_person_reaches_and_hears_of_what_goes_out_of_sight(self) -> None:
        hub = Hub()
        heating, district = a_person(Grant("dispatcher", "toplana")), a_person(Grant("dispatcher", None, "medijana"))
        mine, elsewhere = Belonging.to("toplana", ["medijana"]), Belonging.to("parking", ["pantelej"])
        with hub.joined(None, heating) as one, hub.joined(None, district) as other, hub.joined(None) as city:
            for whose, was in ((mine, None), (elsewhere, mine), (Belonging(), None)):
                gone = {"gone_for": was, "gone_payload": event("work", {"data": None}, 1)} if was else {}
                payload = event("work", {"data": sorted(whose.areas)}, 1)
                hub.publish(Frame(1, payload, permission="incidents.read", belonging=whose, **gone))
            assert events(one.take()) == [("work", {"data": ["medijana"]}), ("work", {"data": None})]
            assert events(other.take()) == [("work", {"data": ["medijana"]}), ("work", {"data": None})]
            assert [data["data"] for _, data in events(city.take())] == [["medijana"], ["pantelej"], []]

    def test_what_was_true_of_a_moment_is_not_told_to_who_comes_back(self) -> None:
        hub, frames = Hub(), WorkFrames()
        where = {"topic": "crew", "subject": "3", "data": {"position": {}, "whose": {"organisations": [], "areas": []}}}
        dispatcher, crew = a_person(Grant("dispatcher")), a_person(Grant("crew"))
        with hub.joined(None, dispatcher) as one, hub.joined(None, crew) as other:
            hub.publish(frames.of_presence(where, 1))
            assert [(name, data["data"]) for name, data in events(one.take())] == [("presence", {"position": {}})]
            assert events(other.take()) == []
        with hub.joined(0, dispatcher) as again:
            assert events(again.take()) == []

    def test_gets_frames_as_they_come(self) -> None:
        client = Client()
        client.offer(a_frame(1, s01=1))
        client.offer(a_frame(2, s01=2))
        assert [data["position"] for _, data in events(client.take())] == [1, 2]

    def test_a_slow_one_gets_the_newest_of_each_asset(self) -> None:
        client = Client()
        for position in range(1, 1001):
            client.offer(a_frame(position, **{f"s{position % 3}": position}))
        found = events(client.take())
        assert len(found) < 20
        assert latest_values(found) == {"s0": 999, "s1": 1000, "s2": 998}
        assert found[-1][1]["position"] == 1000

    def test_a_slow_one_keeps_every_alarm(self) -> None:
        client = Client()
        for position in range(1, 101):
            client.offer(a_frame(position, s01=position))
            client.offer(Frame(position, event("alarm", {"alarm": {"id": str(position)}}, position)))
        alarms = [data["alarm"]["id"] for name, data in events(client.take()) if name == "alarm"]
        assert alarms == [str(position) for position in range(1, 101)]

    def test_one_that_is_behind_hears_nothing_more_of_what_was_deleted(self) -> None:
        client = Client()
        for position in range(1, 40):
            client.offer(a_frame(position, s01=position, s02=position))
        client.offer(gone_frame(40, ["s01"]))
        told = events(client.take())
        assert ("gone", {"ids": ["s01"]}) in told
        assert [change["id"] for change in told[-1][1]["changes"]] == ["s02"]

    def test_one_that_never_reads_is_told_to_start_over(self) -> None:
        client = Client()
        for position in range(1, 1001):
            client.offer(Frame(position, event("alarm", {}, position)))
        assert events(client.take()) == [("reset", {})]
        client.offer(a_frame(1001, s01=1))
        assert latest_values(events(client.take())) == {"s01": 1}

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=200))
    def test_whatever_its_pace_it_ends_with_what_is_true(self, story: list[tuple[str, bool]]) -> None:
        client, seen, truth = Client(), {}, {}
        for position, (entity_id, reads) in enumerate(story, start=1):
            client.offer(a_frame(position, **{entity_id: position}))
            truth[entity_id] = position
            if reads:
                seen |= latest_values(events(client.take()))
        seen |= latest_values(events(client.take()))
        assert seen == truth


async def somebody() -> Principal:
    return a_person(Grant("dispatcher"))


async def following(hub: Hub, client: Client, ask: Ask) -> AsyncGenerator[bytes, None]:
    stream = hub.follow(client, ask, heartbeat_seconds=60, at_most_every=0)
    assert (await anext(stream)).startswith(b"retry:")
    async for part in stream:
        yield part


class TestChangedReach:
    SECRET = Frame(
        1, event("work", {"of": "toplana"}, 1), permission="incidents.read", belonging=Belonging.to("toplana")
    )

    async def test_nothing_goes_out_to_who_has_lost_a_role_not_even_what_waited(self) -> None:
        hub = Hub()

        async def ask() -> Principal:
            hub.publish(self.SECRET)  # and what comes while it is looked at
            return a_person(Grant("dispatcher", "parking"))

        with hub.joined(None, a_person(Grant("dispatcher", "toplana"))) as client:
            hub.publish(self.SECRET)
            hub.doubt()
            stream = following(hub, client, ask)
            assert events(await anext(stream)) == [("reset", {})]
            hub.publish(self.SECRET)
            assert client.take() == b""
            await stream.aclose()

    async def test_a_stream_ends_for_who_is_nobody_any_more(self) -> None:
        hub = Hub()

        async def ask() -> None:
            return None

        with hub.joined(None, a_person(Grant("dispatcher", "toplana"))) as client:
            hub.publish(self.SECRET)
            hub.doubt()
            assert [part async for part in following(hub, client, ask)] == []

    async def test_nothing_goes_out_while_nobody_can_say_who_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vidik.console.hub._ASKED_AGAIN_SECONDS", 0)
        hub, answers = Hub(), ["no", "no", "yes"]

        async def ask() -> Principal:
            if answers.pop(0) == "no":
                raise Unavailable("the database rests")
            return a_person(Grant("dispatcher", "toplana"))

        with hub.joined(None, a_person(Grant("dispatcher", "toplana"))) as client:
            hub.publish(self.SECRET)
            hub.doubt()
            stream = following(hub, client, ask)
            assert events(await anext(stream)) == [("work", {"of": "toplana"})]
            assert answers == []
            await stream.aclose()

    async def test_who_sees_not_everything_starts_over_when_things_change_hands_and_nobody_is_told_what_was(
        self,
    ) -> None:
        hub = Hub()
        limited, city = a_person(Grant("dispatcher", "toplana")), a_person(Grant("dispatcher"))
        with hub.joined(None, limited) as one, hub.joined(None, city) as other:
            hub.publish(self.SECRET)
            hub.start_over(1)
            assert events(one.take()) == [("reset", {})]
            assert events(other.take()) == [("work", {"of": "toplana"})]
        for again in (0, 1):
            with hub.joined(again, limited) as client:
                assert events(client.take()) == [("reset", {})]


class TestHub:
    def test_who_comes_back_gets_what_was_missed(self) -> None:
        hub = Hub()
        hub.begin(10)
        for position in (11, 12, 13):
            hub.publish(a_frame(position, s01=position))
        with hub.joined(12) as client:
            assert [data["position"] for _, data in events(client.take())] == [12, 13]

    def test_who_was_away_too_long_starts_over(self) -> None:
        hub = Hub()
        hub.begin(10)
        with hub.joined(9) as client:
            assert events(client.take()) == [("reset", {})]

    def test_what_is_kept_for_those_who_come_back_is_bounded(self) -> None:
        hub = Hub()
        hub.begin(0)
        for position in range(1, 200):
            hub.publish(Frame(position, b"x" * 100_000))
        assert sum(len(frame.payload) for frame in hub._recent) <= 8 * 1024 * 1024
        with hub.joined(1) as client:
            assert events(client.take()) == [("reset", {})]

    def test_who_leaves_is_forgotten(self) -> None:
        hub = Hub()
        with hub.joined(None):
            assert len(hub) == 1
        assert len(hub) == 0

    async def test_a_quiet_stream_breathes(self) -> None:
        hub = Hub()
        with hub.joined(None) as client:
            stream = hub.follow(client, somebody, heartbeat_seconds=0.01, at_most_every=0)
            assert (await anext(stream)).startswith(b"retry:")
            assert await anext(stream) == HEARTBEAT
            await stream.aclose()  # type: ignore[attr-defined]  # a generator, which only promises to be iterated

    async def test_a_process_that_stops_ends_every_stream(self) -> None:
        hub = Hub()
        with hub.joined(None) as client:
            stream = hub.follow(client, somebody, heartbeat_seconds=10, at_most_every=0)
            await anext(stream)
            asyncio.get_running_loop().call_soon(hub.close)
            assert [part async for part in stream] == []
