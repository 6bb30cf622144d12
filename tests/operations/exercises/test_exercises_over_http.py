"""Exercises over HTTP: led by those who may, over the version that was seen; who is exercised sees nothing ahead."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from starlette.applications import Starlette
from tests.console.conftest import until_seen
from tests.operations.conftest import Signals, entities, rows
from tests.operations.following import Follow
from tests.web import DISPATCHER

from vidik.console.live import LiveCity
from vidik.kernel.database import Connection
from vidik.kernel.identity import authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.operations.alarms.consumer import AlarmConsumer
from vidik.operations.exercises import jobs

REGISTER = Path(__file__).parents[3] / "src/vidik/operations/exercises/personal_data.yaml"
MASS = {"scenario": "mass_event"}


async def ask(
    http: httpx.AsyncClient, method: str, path: str, status: int = 200, version: Any = None, body: Any = None
) -> Any:
    headers = {"If-Match": f'"{version}"'} if version is not None else {}
    answer = await http.request(method, f"/api{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def start(http: httpx.AsyncClient, status: int = 201, **said: Any) -> Any:
    return await ask(http, "POST", "/exercises", status, body=MASS | said)


@pytest.fixture
def trainee(app: Starlette) -> httpx.AsyncClient:
    """A dispatcher, who does not lead exercises."""
    only = replace(DISPATCHER, roles=frozenset({"dispatcher"}), grants=frozenset({Grant("dispatcher")}))
    services: Services = app.state.services
    authenticator(services).sources.append(lambda _user, secret: only if secret == "trainee" else None)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://vidik.test",
        headers={"Authorization": "Bearer trainee"},
    )


class TestLeading:
    async def test_from_start_to_stop(self, client: httpx.AsyncClient, services: Services) -> None:
        exercise = await start(client, speed=10)
        assert (exercise["state"], exercise["speed"], exercise["version"]) == ("running", 10, 1)
        path = f"/exercises/{exercise['id']}"
        paused = await ask(client, "POST", f"{path}/pause", version=1)
        assert paused["state"] == "paused"
        assert (await ask(client, "POST", f"{path}/resume", version=2))["state"] == "running"
        stopped = await ask(client, "POST", f"{path}/stop", version=3, body={"note": "Доста за данас."})
        assert (stopped["state"], stopped["note"]) == ("stopped", "Доста за данас.")
        assert stopped["score"]["totals"]["targets"] == 8
        found = await rows(services, "SELECT action FROM platform.audit_record WHERE action LIKE 'exercise%'")
        assert sorted(row["action"].partition(".")[2] for row in found) == ["pause", "resume", "start", "stop"]

    async def test_over_another_version_changes_nothing(self, client: httpx.AsyncClient) -> None:
        exercise = await start(client)
        problem = await ask(client, "POST", f"/exercises/{exercise['id']}/pause", 412, version=7)
        assert problem["current"]["state"] == "running"
        await ask(client, "POST", f"/exercises/{exercise['id']}/pause", 428)

    async def test_of_two_starts_at_once_one_is_played(self, client: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(client.post("/api/exercises", json=MASS) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]

    async def test_a_start_that_is_repeated_returns_the_first(self, client: httpx.AsyncClient) -> None:
        client_id = str(uuid4())
        first = await start(client, client_id=client_id)
        assert (await start(client, 200, client_id=client_id))["id"] == first["id"]

    async def test_two_who_pause_at_once_are_told(self, client: httpx.AsyncClient) -> None:
        exercise = await start(client)
        path, headers = f"/api/exercises/{exercise['id']}/pause", {"If-Match": '"1"'}
        answers = await asyncio.gather(*(client.post(path, headers=headers) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]

    async def test_the_desks_are_told_without_what_is_to_come(
        self, client: httpx.AsyncClient, services: Services
    ) -> None:
        await start(client)
        (told,) = await rows(services, "SELECT data FROM work_event WHERE topic = 'exercise'")
        assert told["data"]["events"] == []
        await jobs.play_on(services, "city")
        *_, told = await rows(services, "SELECT data FROM work_event WHERE topic = 'exercise' ORDER BY id")
        assert [event["id"] for event in told["data"]["events"]] == ["begins"]


class TestWhoIsExercised:
    async def test_sees_that_it_is_played_but_not_what_comes(
        self, client: httpx.AsyncClient, trainee: httpx.AsyncClient
    ) -> None:
        exercise = await start(client)
        seen = await ask(trainee, "GET", f"/exercises/{exercise['id']}")
        assert (seen["events"], seen["score"]) == ([], None)
        assert [one["id"] for one in (await ask(trainee, "GET", "/exercises?which=playing"))["items"]] == [seen["id"]]
        leading = await ask(client, "GET", f"/exercises/{exercise['id']}")
        assert len(leading["events"]) == 10
        assert leading["score"]["totals"]["waiting"] == 8

    async def test_may_not_lead(self, client: httpx.AsyncClient, trainee: httpx.AsyncClient) -> None:
        await ask(trainee, "GET", "/exercise-scenarios", 403)
        await start(trainee, 403)
        exercise = await start(client)
        for verb in ("pause", "resume", "stop"):
            await ask(trainee, "POST", f"/exercises/{exercise['id']}/{verb}", 403, version=1, body={})

    async def test_opens_an_incident_in_the_exercise(
        self, client: httpx.AsyncClient, trainee: httpx.AsyncClient
    ) -> None:
        exercise = await start(client)
        body = {"type": "flood", "title": "Вода у подвожњаку"}
        incident = await ask(trainee, "POST", f"/exercises/{exercise['id']}/incidents", 201, body=body)
        assert (incident["exercise"], incident["exercise_id"]) == (True, exercise["id"])
        scored = (await ask(client, "GET", f"/exercises/{exercise['id']}"))["score"]
        assert {one["what"] for one in scored["targets"]} >= {"command_taken", "warning_released"}
        await ask(client, "POST", f"/exercises/{exercise['id']}/stop", version=1, body={})
        await ask(trainee, "POST", f"/exercises/{exercise['id']}/incidents", 409, body=body)


class TestMixing:
    async def test_an_incident_for_an_alarm_of_an_exercise_belongs_to_it_and_takes_no_real_one(
        self,
        client: httpx.AsyncClient,
        services: Services,
        follow: Follow,
        signal: Signals,
    ) -> None:
        await signal("pressure", *entities(1))
        exercise = await start(client, scenario="air_pollution_episode", speed=60)
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE exercise SET counted_at = counted_at - interval '40 s'")
        await jobs.play_on(services, "city")
        await follow(AlarmConsumer())
        found = await rows(services, "SELECT id, exercise_id FROM alarm ORDER BY id")
        real = {"kind": "alarm", "target": str(found[0]["id"])}
        played = {"kind": "alarm", "target": str(next(row["id"] for row in found if row["exercise_id"]))}
        body = {"type": "air_pollution", "title": "Дим"}
        mixed = await ask(client, "POST", "/incidents", 409, body=body | {"links": [real, played]})
        assert mixed["code"] == "link-exercise"
        incident = await ask(client, "POST", "/incidents", 201, body=body | {"links": [played]})
        assert incident["exercise_id"] == exercise["id"]
        await ask(client, "POST", f"/incidents/{incident['id']}/links", 409, body=real)
        listed = await ask(client, "GET", f"/incidents/{incident['id']}/alarms")
        assert [alarm["exercise"] for alarm in listed["items"]] == [True]


NUMBERS = ["0", "-1", "99999999999999999999", "x", "1;drop", "%00"]


STARTS: list[Any] = [
    [], 17, "text", {}, {"scenario": 1}, {"scenario": "nul\x00"}, {"scenario": "../secret"},
    {"scenario": "x" * 100_000}, MASS | {"speed": 0}, MASS | {"speed": 61}, MASS | {"speed": "fast"},
    MASS | {"speed": None}, MASS | {"client_id": "x"}, MASS | {"unknown": 1},
]  # fmt: skip


class TestBadInput:
    async def test_at_the_start_is_refused(self, client: httpx.AsyncClient) -> None:
        for body in STARTS:
            await ask(client, "POST", "/exercises", 422, body=body)

    async def test_of_an_unknown_scenario(self, client: httpx.AsyncClient) -> None:
        await start(client, 404, scenario="invasion")

    async def test_at_every_other_door(self, client: httpx.AsyncClient) -> None:
        exercise = await start(client)
        path = f"/exercises/{exercise['id']}"
        for body in ([], {"note": 1}, {"note": "nul \x00"}, {"note": "x" * 4_001}, {"unknown": 1}):
            await ask(client, "POST", f"{path}/stop", 422, version=1, body=body)
        for body in ([], {}, {"type": "other"}, {"type": "no_such", "title": "x"}):
            await ask(client, "POST", f"{path}/incidents", 422, body=body)
        for query in ("limit=0", "limit=9999", "which=future", "before=x"):
            await ask(client, "GET", f"/exercises?{query}", 422)
        for number in NUMBERS:
            answer = await client.get(f"/api/exercises/{number}")
            assert answer.status_code in (404, 422), number
        assert (await ask(client, "GET", path))["version"] == 1


async def test_every_column_is_in_the_register(connection: Connection) -> None:
    register = yaml.safe_load(REGISTER.read_text("utf-8"))
    for table, described in register.items():
        cursor = await connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = %s",
            [table],
        )
        columns = {row["column_name"] for row in await cursor.fetchall()}
        assert columns == set(described["personal"]) | set(described["not_personal"]), table
        for entry in described["personal"].values():
            assert set(entry) == {"purpose", "legal_basis", "retention"}


class TestConsole:
    async def test_shows_twins_marked_and_counts_them_in_no_vital_sign(
        self, client: httpx.AsyncClient, services: Services, live: LiveCity
    ) -> None:
        exercise = await start(client)
        await jobs.play_on(services, "city")
        twin = f"urn:ngsi-ld:Exercise:{exercise['id']}:fortress_parking"
        await until_seen(live, twin)
        page = await ask(client, "GET", f"/console/assets/{twin}")
        assert (page["origin"], page["service"], page["name"]) == ("exercise", "parking", "ВЕЖБА · Паркинг код Тврђаве")
        vitals = {one["service"]: one for one in (await ask(client, "GET", "/console/vitals"))["items"]}
        assert (vitals["parking"]["assets"], vitals["parking"]["value"]) == (0, None)
