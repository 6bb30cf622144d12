"""What comes twice at once, because a line fell or a button was pressed twice: done once, on record once, no fault."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.operations.conftest import rows

from vidik.kernel.clock import iso, now
from vidik.kernel.services import Services

WORDS = {"event": "Поплава", "headline": "Поплава", "description": "Вода расте.", "area": "Медијана"}


def in_hours(hours: float) -> str:
    return iso(now() + timedelta(hours=hours))


BODIES: dict[str, dict[str, Any]] = {
    "/incidents": {"type": "flood", "title": "Поплава"},
    "/tasks": {"title": "Затворити вентил"},
    "/duty/shifts": {"desk": "Центар", "login": "dispatcher", "begins_at": in_hours(1), "ends_at": in_hours(9)},
    "/duty/log": {"desk": "Центар", "text": "Прозвано."},
    "/duty/handovers": {"desk": "Центар", "begins_at": in_hours(-8), "ends_at": in_hours(-1)},
    "/warnings": {
        "content": {
            "category": "Met",
            "urgency": "Immediate",
            "severity": "Severe",
            "certainty": "Observed",
            "expires": in_hours(6),
            "sr": WORDS,
        }
    },
}


@pytest.mark.parametrize("door", BODIES)
async def test_is_done_once(client: httpx.AsyncClient, services: Services, door: str) -> None:
    async with services.database.platform() as connection:
        await connection.execute(
            "INSERT INTO platform.account (tenant, login, name, password_hash)"
            " VALUES ('city', 'dispatcher', 'Милица Петровић', 'x')"
        )
    body = BODIES[door] | {"client_id": str(uuid4())}
    answers = await asyncio.gather(*(client.post(f"/api{door}", json=body) for _ in range(6)))
    later = await client.post(f"/api{door}", json=body)
    assert {answer.status_code for answer in (*answers, later)} <= {200, 201}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in (*answers, later)}) == 1
    written = await rows(services, "SELECT action FROM platform.audit_record")
    assert len(written) == 1, written
    told = await rows(services, "SELECT topic, subject FROM work_event")
    assert len(told) == 1, told


async def test_of_two_who_make_a_plan_at_once_the_second_sees_the_first(
    client: httpx.AsyncClient, services: Services
) -> None:
    plan = {"title": "Ноћ", "priorities": ["critical"], "steps": [{"desk": "Центар", "channels": ["web-push"]}]}
    bodies = [{"plan": plan | {"title": title}} for title in ("Ноћ", "Викенд", "Празник")]
    answers = await asyncio.gather(*(client.put("/api/duty/plans/night", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    (kept,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert await rows(services, "SELECT definition ->> 'title' AS title, version FROM on_call_plan") == [
        {"title": kept["definition"]["title"], "version": 1}
    ]


async def test_of_two_crews_that_take_one_name_at_once_one_has_it(
    client: httpx.AsyncClient, services: Services
) -> None:
    made = [(await client.post("/api/crews", json={"name": name})).json() for name in ("Прва", "Друга")]
    answers = await asyncio.gather(
        *(
            client.patch(f"/api/crews/{one['id']}", json={"name": "Водовод 1"}, headers={"If-Match": '"1"'})
            for one in made
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refused,) = (answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["code"], refused["field"]) == ("crew-name-taken", "name")
    names = [row["name"] for row in await rows(services, "SELECT name FROM crew ORDER BY id")]
    assert sorted(names) != sorted({"Прва", "Друга"})
    assert len(set(names)) == 2
