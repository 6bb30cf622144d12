"""Calling for help over a real database: once each, through kills; what is taken, hidden or over calls nobody."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.operations.duty.calling import a_plan, acknowledge, an_alarm, asked, tick

from vidik.kernel.database import Database
from vidik.operations.duty.escalating import escalate
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import VIDIK, Act, Opening

NIGHT = datetime(2026, 11, 22, 1, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return NIGHT + timedelta(minutes=count)


async def killed_tick(database: Database, at: datetime) -> None:
    async with database.transaction("city") as connection:
        await escalate(connection, "city", at)
        raise ConnectionError("killed before the commit")


async def a_group(database: Database, size: int) -> list[int]:
    """Alarms of one group; their numbers."""
    numbers = [await an_alarm(database, NIGHT, f"urn:s{number}") for number in range(size)]
    async with database.transaction("city") as connection:
        await connection.execute(
            """
            WITH made AS (INSERT INTO alarm_group (kind, subject, service, opened_at, newest_at)
                          VALUES ('service', 'heating', 'heating', now(), now()) RETURNING id)
            UPDATE alarm SET alarm_group = made.id FROM made
            """
        )
    return numbers


class TestEscalate:
    async def test_asks_the_next_person_until_somebody_acknowledges(self, database: Database) -> None:
        await a_plan(database, NIGHT)
        alarm = await an_alarm(database, NIGHT)
        await tick(database, minutes(1.9))
        assert await asked(database) == []
        await tick(database, minutes(2))
        assert await asked(database) == [("ana", "sms", "due")]
        await tick(database, minutes(6.9))
        assert len(await asked(database)) == 1
        await tick(database, minutes(7))
        await acknowledge(database, alarm, minutes(8))
        await tick(database, minutes(20))
        # What had not left yet does not leave any more.
        assert await asked(database) == [("ana", "sms", "given_up"), ("bora", "sms", "given_up")]
        async with database.session("city") as connection:
            row = await (await connection.execute("SELECT state, ended_by FROM escalation")).fetchone()
        assert row == {"state": "acknowledged", "ended_by": "Милица Петровић"}

    async def test_goes_through_its_rounds_and_says_when_nobody_is_left(self, database: Database) -> None:
        await a_plan(database, NIGHT)
        await an_alarm(database, NIGHT)
        for minute in range(40):
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana", "bora", "ana", "bora"]
        async with database.session("city") as connection:
            row = await (await connection.execute("SELECT state FROM escalation")).fetchone()
        assert row == {"state": "exhausted"}

    async def test_asks_once_however_often_it_is_killed(self, database: Database) -> None:
        await a_plan(database, NIGHT)
        await an_alarm(database, NIGHT)
        for minute in range(40):
            with pytest.raises(ConnectionError):
                await killed_tick(database, minutes(minute))
            await tick(database, minutes(minute))
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana", "bora", "ana", "bora"]

    @pytest.mark.parametrize(
        "happened",
        [
            "cleared_at = raised_at, returned_at = raised_at, state = 'normal'",
            "hidden_by = 'shelved', state = 'shelved'",
            "returned_at = raised_at, cleared_at = raised_at, state = 'returned_unacknowledged'",
        ],
    )
    async def test_what_is_hidden_or_over_calls_nobody(self, database: Database, happened: str) -> None:
        await a_plan(database, NIGHT)
        await an_alarm(database, NIGHT, "urn:s01")
        await tick(database, minutes(2))
        await an_alarm(database, minutes(3), "urn:s02")
        async with database.transaction("city") as connection:
            await connection.execute(f"UPDATE alarm SET {happened}")
        for minute in range(3, 30):
            await tick(database, minutes(minute))
        assert await asked(database) == [("ana", "sms", "given_up")]

    async def test_one_group_calls_once(self, database: Database) -> None:
        await a_plan(database, NIGHT)
        await a_group(database, 20)
        for minute in range(5):
            await tick(database, minutes(minute))
        assert await asked(database) == [("ana", "sms", "due")]

    async def test_a_group_that_was_taken_over_does_not_call_for_its_other_alarms(self, database: Database) -> None:
        await a_plan(database, NIGHT)
        first, *_ = await a_group(database, 20)
        await tick(database, minutes(2))
        await acknowledge(database, first, minutes(3))
        for minute in range(3, 30):
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana"]
        # What came to the group later is news.
        later = await an_alarm(database, minutes(30), "urn:later")
        async with database.transaction("city") as connection:
            await connection.execute(
                "UPDATE alarm SET alarm_group = (SELECT alarm_group FROM alarm WHERE id = %s) WHERE id = %s",
                [first, later],
            )
        await tick(database, minutes(32))
        assert [login for login, _, _ in await asked(database)] == ["ana", "ana"]

    async def test_a_group_for_which_nobody_is_left_does_not_begin_again_with_its_next_alarm(
        self, database: Database
    ) -> None:
        await a_plan(database, NIGHT)
        await a_group(database, 20)
        for minute in range(60):
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana", "bora", "ana", "bora"]

    async def test_a_clock_that_is_set_back_asks_nobody_twice_and_forgets_nobody(self, database: Database) -> None:
        await a_plan(database, NIGHT)
        await an_alarm(database, NIGHT)
        await tick(database, minutes(2))
        for minute in range(-60, 7):
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana"]
        await tick(database, minutes(7))
        assert [login for login, _, _ in await asked(database)] == ["ana", "bora"]

    async def test_a_clock_that_jumps_a_day_asks_the_next_person_not_all_at_once(self, database: Database) -> None:
        await a_plan(database, NIGHT)
        await an_alarm(database, NIGHT)
        await tick(database, minutes(2))
        day = 24 * 60
        for minute in (day, day + 0.1, day + 4.9):
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana", "bora"]
        await tick(database, minutes(day + 5))
        assert [login for login, _, _ in await asked(database)] == ["ana", "bora", "ana"]

    async def test_calls_for_nothing_that_was_there_before_the_plan(self, database: Database) -> None:
        await an_alarm(database, minutes(-5))
        await a_plan(database, NIGHT)
        await an_alarm(database, NIGHT, "urn:s02", "low")
        await tick(database, minutes(30))
        assert await asked(database) == []

    async def test_an_incident_that_nobody_leads_calls(self, database: Database) -> None:
        await a_plan(database, NIGHT, severities=["extreme"])
        async with database.transaction("city") as connection:
            await connection.execute(
                """
                INSERT INTO incident (number, type, severity, state, title, opened_at, opened_by, opened_from,
                                      changed_by, changed_at)
                VALUES ('2026-0001', 'flood', 'extreme', 'open', 'Поплава', %s, 'Видик', 'alarm', 'Видик', %s)
                """,
                [NIGHT, NIGHT],
            )
        await tick(database, minutes(2))
        assert [login for login, _, _ in await asked(database)] == ["ana"]
        async with database.session("city") as connection:
            entry = await (await connection.execute("SELECT kind, data FROM incident_entry")).fetchone()
        assert entry is not None
        assert (entry["kind"], entry["data"]["title"]) == ("notice.sent", "ana")
        async with database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO incident_role (incident, role, person, person_name, begins_at)"
                " SELECT id, 'command', 'ceca', 'Цеца', opened_at FROM incident"
            )
        await tick(database, minutes(30))
        assert [login for login, _, _ in await asked(database)] == ["ana"]

    async def test_an_incident_that_is_opened_again_calls_anew(self, database: Database) -> None:
        await a_plan(database, NIGHT, severities=["extreme"])
        async with database.transaction("city") as connection:
            opening = Opening("flood", "extreme", "Поплава")
            number = (await incidents.open_incident(connection, opening, VIDIK, NIGHT)).id
        for minute in (2, 3):
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana"]
        for moment, step in (
            (minutes(4), lambda one, act: incidents.core.close(one, "вода", "насип", act)),
            (minutes(10), lambda one, act: incidents.core.reopen(one, {"reason": "опет"}, act)),
        ):
            async with database.transaction("city") as connection:
                act = Act(VIDIK, moment)
                await incidents.write(connection, step(await incidents.get(connection, number), act), act)
            await tick(database, moment)
        assert [login for login, _, _ in await asked(database)] == ["ana"]
        for minute in (12, 13):
            await tick(database, minutes(minute))
        assert [login for login, _, _ in await asked(database)] == ["ana", "ana"]


async def test_two_workers_ask_once(database: Database) -> None:
    await a_plan(database, NIGHT)
    for number in range(5):
        await an_alarm(database, NIGHT, f"urn:s{number}")
    await asyncio.gather(*(tick(database, minutes(2)) for _ in range(6)))
    found: list[Any] = await asked(database)
    assert found == [("ana", "sms", "due")] * 5
