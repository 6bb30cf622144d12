"""Incidents that alarms open by themselves: one for one cause, whoever is killed and whoever was quicker."""

import asyncio
from typing import Any

import pytest
from tests.operations.conftest import RULES, Signals, entities, rows

from vidik.kernel.clock import now
from vidik.kernel.errors import Conflict
from vidik.kernel.services import Services
from vidik.operations.incidents import jobs, repository, service
from vidik.operations.incidents.incident import Actor, Link, Opening

ANA = Actor("Ана", "person:1")


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rules of these tests stand."""

    async def standing(*_: Any) -> dict[str, Any]:
        return {code: type("Standing", (), {"rule": rule}) for code, rule in RULES.items()}

    monkeypatch.setattr(jobs, "standing_rules", standing)


async def look(services: Services) -> list[dict[str, Any]]:
    await jobs.open_by_alarms(services, "city")
    return await rows(services, "SELECT * FROM incident ORDER BY id")


async def kinds(services: Services) -> list[str]:
    return [row["kind"] for row in await rows(services, "SELECT kind FROM incident_entry ORDER BY id")]


async def open_by_hand(services: Services, *links: Link) -> int:
    async with services.database.transaction("city") as connection:
        opening = Opening("heating_outage", "moderate", "Хладно у Чаиру", links=links)
        return (await service.open_incident(connection, opening, ANA)).id


async def close(services: Services, incident_id: int) -> None:
    async with services.database.transaction("city") as connection:
        incident = await service.get(connection, incident_id)
        await service.take_step(
            connection,
            incident_id,
            incident.version,
            ANA,
            lambda one, act: service.core.close(one, "цев", "мењати", act),
        )


class TestGroups:
    async def test_many_alarms_of_one_cause_are_one_incident_that_later_ones_join(
        self, services: Services, signal: Signals
    ) -> None:
        for begin in range(0, 200, 20):
            await signal("pressure", *entities(20, begin))
            found = await look(services)
        assert [(one["type"], one["severity"], one["opened_from"]) for one in found] == [
            ("heating_outage", "moderate", "alarm-group")
        ]
        assert found[0]["titles"]["sr-Latn"] == "Prekid grejanja"
        assert await kinds(services) == ["opened"] + ["alarms.joined"] * 9
        async with services.database.transaction("city") as connection:
            counts = await service.repository.alarm_counts(connection, [found[0]["id"]])
        assert counts[found[0]["id"]] == {"total": 200, "open": 200, "unacknowledged": 200, "priority": "high"}

    async def test_too_few_open_nothing(self, services: Services, signal: Signals) -> None:
        await signal("pressure", *entities(4))
        assert await look(services) == []

    async def test_a_group_joins_the_incident_of_the_person_who_was_quicker(
        self, services: Services, signal: Signals
    ) -> None:
        await signal("pressure", *entities(1))
        (alarm,) = await rows(services, "SELECT id FROM alarm")
        await open_by_hand(services, Link("alarm", str(alarm["id"])))
        await signal("pressure", *entities(9, 1))
        assert len(await look(services)) == 1
        assert await kinds(services) == ["opened", "linked", "alarms.joined"]

    async def test_says_when_the_last_alarm_is_over(self, services: Services, signal: Signals) -> None:
        await signal("pressure", *entities(6))
        await look(services)
        await signal("pressure", *entities(6), kind="cleared")
        (incident,) = await look(services)
        assert incident["state"] == "open"
        assert await kinds(services) == ["opened", "alarms.over"]


class TestRules:
    async def test_open_an_incident_for_one_alarm(self, services: Services, signal: Signals) -> None:
        await signal("burning", "urn:ngsi-ld:WasteContainer:nis:c1")
        (incident,) = await look(services)
        assert (incident["type"], incident["opened_from"], incident["title"]) == ("fire", "rule", "Fire: c1")
        assert await look(services) == [incident]

    async def test_an_alarm_that_comes_back_opens_its_closed_incident_again(
        self, services: Services, signal: Signals
    ) -> None:
        await signal("burning", "urn:ngsi-ld:WasteContainer:nis:c1")
        (incident,) = await look(services)
        await signal("burning", "urn:ngsi-ld:WasteContainer:nis:c1", kind="cleared")
        await close(services, incident["id"])
        assert (await look(services))[0]["state"] == "closed"
        await signal("burning", "urn:ngsi-ld:WasteContainer:nis:c1")
        (again,) = await look(services)
        assert (again["state"], again["version"]) == ("open", 3)


class TestFaults:
    async def test_killed_before_its_commit_the_worker_opens_it_once(
        self, services: Services, signal: Signals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await signal("pressure", *entities(20))
        record = jobs.audit.record

        async def killed(*_: Any, **__: Any) -> None:
            raise ConnectionError("the worker is killed")

        monkeypatch.setattr(jobs.audit, "record", killed)
        with pytest.raises(ConnectionError):
            await look(services)
        monkeypatch.setattr(jobs.audit, "record", record)
        assert await rows(services, "SELECT id FROM incident") == []
        assert [one["number"][-5:] for one in await look(services)] == ["-0001"]

    async def test_two_workers_and_a_person_at_once_make_one(self, services: Services, signal: Signals) -> None:
        await signal("pressure", *entities(20))
        (group,) = await rows(services, "SELECT id FROM alarm_group")
        by_hand = open_by_hand(services, Link("alarm-group", str(group["id"])))
        await asyncio.gather(look(services), look(services), by_hand, return_exceptions=True)
        found = await look(services)
        links = await rows(services, "SELECT incident FROM incident_link WHERE unlinked_at IS NULL")
        assert (len(found), links) == (1, [{"incident": found[0]["id"]}])

    async def test_who_splits_and_who_opens_at_once_do_not_wait_for_one_another(
        self, services: Services, signal: Signals
    ) -> None:
        await signal("pressure", *entities(20))
        (group,) = await rows(services, "SELECT id FROM alarm_group")
        link = Link("alarm-group", str(group["id"]))
        first = await open_by_hand(services, link)

        async def split() -> int:
            async with services.database.transaction("city") as connection:
                opening = Opening("heating_outage", "moderate", "Одвојено")
                return (await service.split(connection, first, 1, frozenset({link}), opening, ANA)).id

        async with services.database.transaction("city") as connection:
            # Half way through opening another one for the same alarms: the number is taken, the link is not yet.
            await repository.lock_numbers(connection, now())
            splitting = asyncio.create_task(split())
            await until_it_waits_for_a_lock(services)
            opening = Opening("heating_outage", "moderate", "Хладно", links=(link,))
            with pytest.raises(Conflict):
                await service.open_incident(connection, opening, ANA)
        assert await asyncio.wait_for(splitting, 60) > first


async def until_it_waits_for_a_lock(services: Services) -> None:
    for _ in range(3000):
        found = await rows(
            services,
            "SELECT count(*) AS n FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        if found[0]["n"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits")
