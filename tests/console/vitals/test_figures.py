"""Figures of the work at some moments: what stood then, who answered in time, and for whom it counts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from vidik.console.vitals import figures
from vidik.console.vitals.sign import Work
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Place, Reach
from vidik.kernel.services import Services

TOPLANA = Reach(frozenset({Place("toplana")}))
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> datetime:
    """A time to count from."""
    return now().replace(microsecond=0)


async def put(connection: Connection, table: str, **values: Any) -> int:
    """Write a row and return its number."""
    columns = ", ".join(values)
    cursor = await connection.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
        [Jsonb(value) if isinstance(value, dict) else value for value in values.values()],
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row["id"])


async def an_alarm(
    connection: Connection,
    raised: datetime,
    *,
    cleared: datetime | None = None,
    acknowledged: datetime | None = None,
    **more: Any,
) -> None:
    """An alarm with the events of its life."""
    state = {
        (True, True): "normal",
        (True, False): "returned_unacknowledged",
        (False, True): "acknowledged",
        (False, False): "unacknowledged",
    }[(cleared is not None, acknowledged is not None)]
    values = {
        "rule": "x",
        "entity_id": f"urn:x:{uuid4()}",
        "entity_name": "x",
        "service": "heating",
        "origin": "real",
        "priority": "high",
        "state": state,
        "message": {},
        "observed_at": raised,
        "raised_at": raised,
        "last_seen_at": raised,
        "count": 1,
        "cleared_at": cleared,
        "returned_at": cleared,
        "acknowledged_at": acknowledged,
    }
    number = await put(connection, "alarm", **values | more)
    # The belonging is worked out as it is written; here it is given.
    await connection.execute(
        "UPDATE alarm SET organisations = %s WHERE id = %s", [more.get("organisations", []), number]
    )
    for moment, transition in ((raised, "raised"), (acknowledged, "acknowledged"), (cleared, "cleared")):
        if moment is not None:
            await put(connection, "alarm_event", at=moment, alarm=number, transition=transition)


async def measured(
    connection: Connection, when: list[datetime], reach: Reach = EVERYWHERE, **source: Any
) -> list[float | None]:
    found = await figures.at_moments(connection, Work.model_validate({"kind": "work", **source}), when, reach)
    return [one.value for one in found]


class TestAlarms:
    async def test_those_that_stood_then_are_counted_by_age_and_reach(self, services: Services, at: datetime) -> None:
        async with services.database.transaction("city") as connection:
            await an_alarm(connection, at - 30 * HOUR, organisations=["toplana"])
            await an_alarm(connection, at - 5 * HOUR, cleared=at - 2 * HOUR)
            await an_alarm(connection, at - 3 * HOUR, hidden_by="shelved", state="shelved")
            await an_alarm(connection, at - 3 * HOUR, exercise_id=1)
            when = [at - 31 * HOUR, at - 4 * HOUR, at]

            assert await measured(connection, when, figure="alarms_open") == [0, 2, 1]
            assert await measured(connection, when, figure="alarms_standing", over="24h") == [0, 1, 1]
            assert await measured(connection, when, TOPLANA, figure="alarms_open") == [0, 1, 1]

    async def test_calls_are_shared_by_those_on_shift(self, services: Services, at: datetime) -> None:
        async with services.database.transaction("city") as connection:
            for minutes in (5, 15, 25, 35, 45, 55, 65):
                await an_alarm(connection, at - timedelta(minutes=minutes))
            for login in ("ana", "bora"):
                await put(
                    connection, "shift", desk="x", login=login, person=login, begins_at=at - HOUR / 2,
                    ends_at=at + HOUR, changed_by="x", changed_at=at,
                )  # fmt: skip

            found = await measured(connection, [at - HOUR, at], figure="alarms_per_operator", over="1h")

        assert found == [pytest.approx(1 / 6), pytest.approx(0.5)]

    async def test_what_was_over_before_anybody_had_to_act_is_left_out(self, services: Services, at: datetime) -> None:
        minutes = timedelta(minutes=1)
        async with services.database.transaction("city") as connection:
            await an_alarm(connection, at - 60 * minutes, acknowledged=at - 55 * minutes)
            await an_alarm(connection, at - 50 * minutes, acknowledged=at - 30 * minutes)
            await an_alarm(connection, at - 40 * minutes, cleared=at - 38 * minutes)
            await an_alarm(connection, at - 30 * minutes)
            await an_alarm(connection, at - 5 * minutes)
            source = {"figure": "acknowledged_in_time", "within": "10m", "over": "24h"}

            assert await measured(connection, [at - 70 * minutes, at - 45 * minutes, at], **source) == [
                None,
                100,
                pytest.approx(100 / 3),
            ]


class TestWork:
    async def test_incidents_are_late_until_they_are_contained(self, services: Services, at: datetime) -> None:
        async with services.database.transaction("city") as connection:
            for number, contained in (("1", None), ("2", at - HOUR)):
                await put(
                    connection, "incident", number=number, type="flood", severity="minor", title="x",
                    state="contained" if contained else "open", opened_at=at - 6 * HOUR, opened_by="x",
                    opened_from="person", contained_at=contained, changed_at=at, changed_by="x",
                )  # fmt: skip
            when = [at - 3 * HOUR, at - 90 * timedelta(minutes=1), at]

            assert await measured(connection, when, figure="incidents_over_target", within="4h") == [0, 2, 1]
            assert await measured(connection, when, figure="incidents_open") == [2, 2, 2]

    async def test_requests_are_judged_when_their_time_is_up(self, services: Services, at: datetime) -> None:
        async with services.database.transaction("city") as connection:
            for name, days, decided in (("a", 9, 1), ("b", 8, 5), ("c", 7, None), ("d", 1, None)):
                seen = at - timedelta(days=days)
                await connection.execute(
                    "INSERT INTO citizen_request (entity_id, seen_at, requested_at, service_code, status, decision,"
                    " decided_at, changed_at, changed_by) VALUES (%s, %s, %s, 'x', 'open', %s, %s, %s, 'x')",
                    [name, seen, seen, decided and "refused", decided and seen + timedelta(days=decided), at],
                )

            found = await measured(connection, [at], figure="requests_in_time", within="3d", over="30d")

        assert found == [pytest.approx(100 / 3)]

    async def test_time_to_arrive_is_the_median_of_arrivals(self, services: Services, at: datetime) -> None:
        async with services.database.transaction("city") as connection:
            for minutes, ago in ((10, 2), (20, 3), (60, 4)):
                arrived = at - ago * HOUR
                await put(
                    connection, "task", kind="x", title="x", priority="high", round=1, decision="assigned",
                    decided_at=arrived - timedelta(minutes=minutes), acts={"arrive": [arrived.isoformat(), "k"]},
                    state="arrived", opened_at=arrived, opened_by="x", changed_by="x", changed_at=arrived,
                )  # fmt: skip
            when = [at - 5 * HOUR, at - 3 * HOUR, at]

            assert await measured(connection, when, figure="minutes_to_arrive", over="24h") == [None, 40, 20]

    async def test_crews_are_counted_when_they_were_on_duty_for_whom_they_are(
        self, services: Services, at: datetime
    ) -> None:
        when = [at - 4 * HOUR, at - 2 * HOUR, at]
        async with services.database.transaction("city") as connection:
            assert await measured(connection, when, figure="crews_on_duty") == [None, None, 0]
            for name, organisation, hours in (("А", "toplana", 3), ("Б", "parking", 3), ("В", None, 1)):
                await put(
                    connection, "crew", name=name, organisation=organisation, on_duty_since=at - hours * HOUR,
                    changed_by="x", changed_at=at,
                )  # fmt: skip
            await put(connection, "crew", name="Г", organisation="toplana", changed_by="x", changed_at=at)

            assert await measured(connection, when, figure="crews_on_duty") == [None, 2, 3]
            assert await measured(connection, when, TOPLANA, figure="crews_on_duty") == [None, 1, 1]

    @pytest.mark.parametrize("change", ["on_duty_since = NULL", "in_use = false"])
    async def test_a_crew_that_is_off_duty_or_gone_stays_in_the_past(
        self, services: Services, at: datetime, change: str
    ) -> None:
        async with services.database.transaction("city") as connection:
            await put(connection, "crew", name="А", on_duty_since=at - 2 * HOUR, changed_by="x", changed_at=at)
        async with services.database.transaction("city") as connection:
            await connection.execute(f"UPDATE crew SET {change}")
            after = now() + timedelta(seconds=1)
            assert await measured(connection, [at - HOUR, after], figure="crews_on_duty") == [1, 0]
            await connection.execute("UPDATE crew SET in_use = true, on_duty_since = %s", [at - 2 * HOUR])
            assert await measured(connection, [at - HOUR, after], figure="crews_on_duty") == [1, 1]
