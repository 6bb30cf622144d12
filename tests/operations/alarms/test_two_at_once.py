"""Two who act on alarms at once: one of them is first, the other is told, and neither waits for the other for ever."""

import asyncio
from typing import Any

import httpx
import pytest
from psycopg import AsyncConnection
from tests.operations.conftest import rows
from tests.operations.duty.calling import an_alarm
from tests.operations.factories import minutes_ago
from tests.web import DISPATCHER

from vidik.kernel.services import Services
from vidik.operations.alarms import holds_repository, repository
from vidik.operations.rules.signals import AlarmKey

ENTITIES = ["urn:s01", "urn:s02", "urn:s03"]


@pytest.fixture
async def group(services: Services) -> int:
    """A group of three alarms that ask for a person; its number."""
    for entity in ENTITIES:
        await an_alarm(services.database, minutes_ago(5), entity)
    async with services.database.transaction("city") as connection:
        cursor = await connection.execute(
            """
            WITH made AS (INSERT INTO alarm_group (kind, subject, service, opened_at, newest_at)
                          VALUES ('service', 'heating', 'heating', now(), now()) RETURNING id)
            UPDATE alarm SET alarm_group = made.id FROM made RETURNING alarm_group
            """
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row["alarm_group"])


async def somebody_waits(services: Services) -> None:
    """Wait until a session waits for a lock of another."""
    async with asyncio.timeout(60):
        while not await rows(  # noqa: ASYNC110  (PostgreSQL tells nobody that somebody waits)
            services, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.02)


async def test_of_two_operators_one_has_acknowledged_and_the_other_is_told_who(
    client: httpx.AsyncClient, services: Services
) -> None:
    number = await an_alarm(services.database, minutes_ago(5))
    answers = await asyncio.gather(*(client.post(f"/api/alarms/{number}/acknowledge") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {one["code"] for one in refused} == {"already-acknowledged"}
    assert {one["values"]["person"] for one in refused} == {DISPATCHER.name}
    events = await rows(services, "SELECT transition FROM alarm_event ORDER BY id")
    assert [event["transition"] for event in events] == ["raised", "acknowledged"]
    records = await rows(services, "SELECT 1 FROM platform.audit_record WHERE action = 'alarm.acknowledge'")
    assert len(records) == 1


async def test_of_two_who_shelve_one_has_done_it(client: httpx.AsyncClient, services: Services) -> None:
    number = await an_alarm(services.database, minutes_ago(5))
    body = {"reason": "Радови", "until": minutes_ago(-60).isoformat()}
    answers = await asyncio.gather(*(client.post(f"/api/alarms/{number}/shelve", json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await rows(services, "SELECT count(*) AS holds FROM alarm_hold") == [{"holds": 1}]


async def test_a_group_is_acknowledged_while_the_worker_moves_its_alarms(
    client: httpx.AsyncClient, services: Services, group: int
) -> None:
    async with services.database.transaction("city") as worker:
        await repository.lock_alarms(worker)
        await repository.latest_alarms(worker, [AlarmKey("return_high", ENTITIES[-1], "")])
        operator = asyncio.create_task(client.post(f"/api/alarm-groups/{group}/acknowledge"))
        await somebody_waits(services)
        # Had the operator locked the first rows already, the two would now wait for each other.
        assert len(await holds_repository.hideable_alarms(worker)) == 3
    answer = await operator
    assert (answer.status_code, answer.json()) == (200, {"alarms": 3})


async def test_two_who_acknowledge_a_group_do_it_once(
    client: httpx.AsyncClient, services: Services, group: int
) -> None:
    answers = await asyncio.gather(*(client.post(f"/api/alarm-groups/{group}/acknowledge") for _ in range(3)))
    assert sorted(answer.json()["alarms"] for answer in answers) == [0, 0, 3]
    events = await rows(services, "SELECT transition FROM alarm_event WHERE transition = 'acknowledged'")
    assert len(events) == 3


async def test_a_group_is_acknowledged_in_one_statement(
    client: httpx.AsyncClient, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # While the group is written the worker waits: a way to the database for each alarm would be seconds of a storm.
    said: list[str] = []
    execute = AsyncConnection.execute

    async def heard(self: AsyncConnection[Any], query: Any, *rest: Any, **options: Any) -> Any:
        said.append(str(query).strip())
        return await execute(self, query, *rest, **options)

    monkeypatch.setattr(AsyncConnection, "execute", heard)
    answer = await client.post(f"/api/alarm-groups/{group}/acknowledge")
    assert answer.json() == {"alarms": 3}
    assert len([query for query in said if query.startswith("UPDATE alarm\n")]) == 1
