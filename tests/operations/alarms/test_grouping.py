"""One cause, one group: by example, for any storm, and through the database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st
from tests.operations.factories import a_target
from tests.operations.following import Follow

from vidik.context.jsonld import names
from vidik.context.store.readings import EntityReading, ReadingWriter
from vidik.kernel.clock import to_microseconds
from vidik.kernel.services import Services
from vidik.operations.alarms.consumer import AlarmConsumer
from vidik.operations.alarms.grouping import AT_LEAST, WITHIN, Candidate, Group, Subject, gather

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
CABINET = "urn:ngsi-ld:StreetlightControlCabinet:nis:9"


def a_candidate(number: int, seconds: float = 0, service: str = "lighting", **fields: Any) -> Candidate:
    related = frozenset(fields.pop("related", ()))
    return Candidate(number, service, related, NOW + timedelta(seconds=seconds), **fields)


def gathered(*fresh: Candidate, near: tuple[Candidate, ...] = (), groups: tuple[Group, ...] = ()) -> list[Any]:
    return [(group.subject.name, sorted(group.joining)) for group in gather(fresh, near, groups)]


class TestGather:
    def test_two_hundred_in_ten_seconds_are_one_group(self) -> None:
        storm = [a_candidate(number, number / 20) for number in range(200)]
        ((name, joining),) = gathered(*storm)
        assert (name, len(joining)) == ("lighting", 200)

    def test_a_few_are_themselves(self) -> None:
        assert gathered(*(a_candidate(number) for number in range(AT_LEAST - 1))) == []

    def test_those_that_came_before_are_taken_in(self) -> None:
        near = tuple(a_candidate(number) for number in range(AT_LEAST - 1))
        ((_, joining),) = gathered(a_candidate(99, 5), near=near)
        assert joining == [0, 1, 2, 3, 99]

    def test_a_late_one_joins(self) -> None:
        assert gathered(a_candidate(1, 80), groups=(self.a_group(),)) == [("lighting", [1])]

    def test_a_very_late_one_does_not(self) -> None:
        assert gathered(a_candidate(1, 200), groups=(self.a_group(),)) == []

    def a_group(self) -> Group:
        return Group(Subject("service", "lighting", "lighting"), NOW, NOW + timedelta(seconds=30), id=7)

    def test_what_hangs_on_the_same_is_nearer_than_the_service(self) -> None:
        lamps = [a_candidate(number, related=(CABINET,)) for number in range(6)]
        others = [a_candidate(number) for number in range(10, 16)]
        assert sorted(gathered(*lamps, *others)) == [("lighting", [10, 11, 12, 13, 14, 15]), (CABINET, [*range(6)])]

    def test_services_do_not_mix(self) -> None:
        storm = [a_candidate(number, service="air" if number % 2 else "water") for number in range(8)]
        assert gathered(*storm) == []

    def test_a_rule_may_stand_alone(self) -> None:
        assert gathered(*(a_candidate(number, by=None) for number in range(20))) == []

    @given(st.lists(st.tuples(st.floats(0, 600), st.sampled_from(["air", "water"])), max_size=60, unique=True))
    def test_nobody_is_in_two_groups_and_no_group_is_small(self, storm: list[tuple[float, str]]) -> None:
        fresh = [a_candidate(number, seconds, service) for number, (seconds, service) in enumerate(storm)]
        groups = gather(fresh, [], [])
        members = [number for group in groups for number in group.joining]
        assert len(members) == len(set(members))
        for group in groups:
            assert len(group.joining) >= AT_LEAST
            times = sorted(fresh[number].observed_at for number in group.joining)
            assert all(later - earlier <= WITHIN for earlier, later in pairwise(times))


class TestStorm:
    async def test_of_two_hundred_alarms_is_one_group_and_one_acknowledgement(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Follow,
    ) -> None:
        pressure = names.expand_attribute("pressure")
        begin = datetime.now(UTC) - timedelta(minutes=30)
        readings = []
        for minutes in (0, 6):
            for number in range(200):
                target = a_target(f"urn:ngsi-ld:WaterConsumptionObserved:nis:{number}", "WaterConsumptionObserved")
                moment = begin + timedelta(minutes=minutes, seconds=number / 20)
                readings.append(EntityReading(target, to_microseconds(moment), {pressure: 1.0}))
        for part in range(0, 400, 50):
            async with services.database.transaction("city") as connection:
                await ReadingWriter().write(connection, readings[part : part + 50])
        await follow(AlarmConsumer())
        assert (await client.get("/api/alarms")).json()["counts"]["high"] == 200
        (group,) = (await client.get("/api/alarm-groups")).json()["items"]
        assert (group["alarms"], group["open"], group["unacknowledged"]) == (200, 200, 200)
        assert (group["subject_name"], group["priority"]) == ("water", "high")
        assert group["message"]["sr-Latn"].startswith("Pritisak 1 bar")
        answer = await client.post(f"/api/alarm-groups/{group['id']}/acknowledge", json={"note": "хаварија"})
        assert answer.json() == {"alarms": 200}
        (group,) = (await client.get("/api/alarm-groups")).json()["items"]
        assert group["unacknowledged"] == 0
        members = (await client.get(f"/api/alarm-groups/{group['id']}/alarms")).json()["items"]
        assert {member["state"] for member in members} == {"acknowledged"}
        assert {member["group"] for member in members} == {group["id"]}
        assert (await client.get("/api/alarm-groups/4711/alarms")).status_code == 404

    async def test_of_full_containers_does_not_take_in_a_burning_one(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Follow,
    ) -> None:
        begin = datetime.now(UTC) - timedelta(hours=7)
        readings = []
        for hour in range(7):
            for number in range(8):
                target = a_target(f"urn:ngsi-ld:WasteContainer:nis:{number}", "WasteContainer")
                moment = begin + timedelta(hours=hour, seconds=number)
                said = {names.expand_attribute("fillingLevel"): 0.99}
                if number == 4 and hour == 6:
                    said[names.expand_attribute("temperature")] = 80.0
                readings.append(EntityReading(target, to_microseconds(moment), said))
        async with services.database.transaction("city") as connection:
            await ReadingWriter().write(connection, readings)
        await follow(AlarmConsumer())
        (group,) = (await client.get("/api/alarm-groups")).json()["items"]
        assert (group["alarms"], group["priority"]) == (8, "low")
        (fire,) = (item for item in (await client.get("/api/alarms")).json()["items"] if item["priority"] == "critical")
        assert (fire["rule"], fire["group"]) == ("container_fire", None)
