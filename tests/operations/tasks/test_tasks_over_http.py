"""Tasks and crews over HTTP: opened, suggested, given, worked on by phones that come late, photos, positions."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.principals import a_principal
from tests.web import DISPATCHER

from vidik.kernel import audit
from vidik.kernel.identity import authenticator
from vidik.kernel.services import Services
from vidik.operations.tasks import jobs

FORTRESS = {"type": "Point", "coordinates": [21.8958, 43.3255]}
DUVANISTE = {"type": "Point", "coordinates": [21.9420, 43.3190]}
Client = httpx.AsyncClient


def ago(**how: float) -> str:
    return (datetime.now(UTC) - timedelta(**how)).isoformat()


@pytest.fixture
async def phone(app: Starlette, services: Services) -> AsyncIterator[Client]:
    """The phone of Jovan, who belongs to the crews that the tests put him into."""
    async with services.database.platform() as connection:
        await connection.execute(
            "INSERT INTO platform.account (tenant, login, name, password_initial, enabled)"
            " VALUES ('city', 'jovan', 'Јован Илић', false, true)"
        )
    jovan = a_principal("jovan", "crew", kind="token", id="2", name="Јован Илић")
    authenticator(app.state.services).sources.append(lambda _, secret: jovan if secret == "jovan" else None)
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": "Bearer jovan"}
    async with Client(transport=transport, base_url="http://vidik.test", headers=headers) as browser:
        yield browser


async def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return dict(answer.json()) if answer.content else {}


async def make_crew(client: Client, name: str, **more: Any) -> dict[str, Any]:
    crew = await ok(await client.post("/api/crews", json={"name": name, **more}), 201)
    return await ok(await client.post(f"/api/crews/{crew['id']}/duty", json={"on_duty": True}))


async def open_task(client: Client, **more: Any) -> dict[str, Any]:
    body = {"title": "Процуривање у Обреновићевој", "place": FORTRESS, "skill": "water", **more}
    return await ok(await client.post("/api/tasks", json=body), 201)


async def decide(client: Client, task: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
    headers = {"If-Match": f'"{task["version"]}"'}
    return await client.post(f"/api/tasks/{task['id']}/{verb}", json=body, headers=headers)


def change(task: dict[str, Any], act: str, at: str, **more: Any) -> dict[str, Any]:
    return {"client_id": str(uuid4()), "task": task["id"], "round": task["round"], "act": act, "at": at, **more}


async def sync(phone: Client, crew: dict[str, Any], *changes: dict[str, Any]) -> dict[str, Any]:
    body = {"crew": crew["id"], "client_time": ago(), "changes": list(changes)}
    return await ok(await phone.post("/api/tasks/sync", json=body))


def a_photo(kind: str = "JPEG", size: tuple[int, int] = (320, 200)) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Telefon d.o.o."
    exif.get_ifd(0x8825)[2] = (IFDRational(43), IFDRational(19), IFDRational(12))
    made = io.BytesIO()
    Image.new("RGB", size, (90, 120, 150)).save(made, kind, exif=exif)
    return made.getvalue()


class TestTheDesk:
    async def test_opens_a_task_once_and_tells_the_desks(self, client: Client, services: Services) -> None:
        client_id = str(uuid4())
        first = await open_task(client, client_id=client_id)
        again = await client.post("/api/tasks", json={"title": "Друго", "client_id": client_id})

        assert again.status_code == 200
        assert again.json() == first
        assert first["number"] == f"T-{first['id']}"
        told = await rows(services, "SELECT topic, subject, data FROM work_event")
        assert [(one["topic"], one["subject"], one["data"]["state"]) for one in told] == [
            ("task", str(first["id"]), "open")
        ]

    async def test_lists_with_an_incident_the_tasks_of_those_that_became_part_of_it(self, client: Client) -> None:
        opening = {"type": "water_burst", "title": "Пуче цев"}
        part, whole = [await ok(await client.post("/api/incidents", json=opening), 201) for _ in range(2)]
        task = await open_task(client, incident=int(part["id"]))
        merging = {"into": int(whole["id"]), "into_version": whole["version"]}
        merged = await client.post(
            f"/api/incidents/{part['id']}/merge", json=merging, headers={"If-Match": f'"{part["version"]}"'}
        )
        assert merged.status_code == 200, merged.text
        for incident in (part, whole):
            listed = await ok(await client.get(f"/api/tasks?incident={incident['id']}"))
            assert [one["id"] for one in listed["items"]] == [task["id"]]

    async def test_two_dispatchers_at_once_do_not_overrun_each_other(self, client: Client) -> None:
        first, second = await make_crew(client, "Водовод 1"), await make_crew(client, "Водовод 2")
        task = await open_task(client)

        given = await ok(await decide(client, task, "assign", crew=first["id"]))
        late = await decide(client, task, "assign", crew=second["id"])

        assert given["state"] == "assigned"
        assert late.status_code == 412
        assert late.json()["current"]["crew"]["name"] == "Водовод 1"
        assert DISPATCHER.name in late.json()["detail"]

    async def test_every_decision_is_in_the_history_and_the_audit_record(
        self,
        client: Client,
        services: Services,
    ) -> None:
        crew = await make_crew(client, "Водовод 1")
        task = await open_task(client, crew=crew["id"])
        task = await ok(await decide(client, task, "withdraw", note="хитније у Чаиру"))
        task = await ok(await decide(client, task, "assign", crew=crew["id"]))
        task = await ok(await decide(client, task, "close", result="done", note="јавили телефоном"))
        task = await ok(await decide(client, task, "reopen", note="опет цури"))

        found = await ok(await client.get(f"/api/tasks/{task['id']}"))
        assert [event["kind"] for event in found["events"]] == [
            "created", "assigned", "withdrawn", "assigned", "closed", "reopened",
        ]  # fmt: skip
        assert (found["state"], found["crew"], found["result_note"]) == ("open", None, "")
        async with services.database.transaction("city") as connection:
            assert await audit.verify(connection) is None
            actions = [one["action"] for one in await audit.newest(connection, "city", before=None, limit=9)]
        assert actions[:4] == ["task.reopen", "task.close", "task.assign", "task.withdraw"]

    async def test_hostile_text_is_data_and_nonsense_is_refused(self, client: Client) -> None:
        hostile = "'; DROP TABLE task; -- <script>alert(1)</script>"
        task = await open_task(client, title=hostile)
        assert task["title"] == hostile
        found = await ok(await client.get("/api/tasks", params={"q": "DROP TABLE"}))
        assert [one["id"] for one in found["items"]] == [task["id"]]

        for body in (
            {"title": ""},
            {"title": "a\0b"},
            {"title": "x", "place": {"type": "Point", "coordinates": [200, 43]}},
            {"title": "x", "skill": "магија"},
            {"title": "x", "incident": 2**70},
            {"title": "x", "unknown": 1},
        ):
            assert (await client.post("/api/tasks", json=body)).status_code == 422, body
        assert (await client.post("/api/tasks", json={"title": "x", "incident": 4711})).status_code == 404
        assert (await client.post("/api/tasks", json={"title": "x", "crew": 4711})).status_code == 404


class TestTheSuggestion:
    async def test_says_who_and_why(self, client: Client) -> None:
        near = await make_crew(client, "Водовод 1", skills=["water"], depot=FORTRESS)
        await make_crew(client, "Водовод 2", skills=["water"], depot=DUVANISTE)
        await make_crew(client, "Расвета 1", skills=["electric"], depot=FORTRESS)
        await ok(await client.post("/api/crews", json={"name": "Водовод 3", "skills": ["water"]}), 201)

        found = await ok(await client.post("/api/tasks/suggest", json={"skill": "water", "place": FORTRESS}))

        assert [one["crew"]["name"] for one in found["items"]] == ["Водовод 1", "Водовод 2", "Водовод 3", "Расвета 1"]
        first, second, third, last = found["items"]
        assert found["network"] == "streets"
        assert first["minutes"] < 1 < 4 < second["minutes"] < 20
        assert (first["suitable"], third["suitable"], last["suitable"]) == (True, False, False)
        assert {reason["kind"]: reason["good"] for reason in last["reasons"]}["skill"] is False
        for _ in range(3):
            await open_task(client, crew=near["id"])
        found = await ok(await client.post("/api/tasks/suggest", json={"skill": "water", "place": FORTRESS}))
        assert [one["crew"]["name"] for one in found["items"]][:2] == ["Водовод 2", "Водовод 1"]


class TestThePhone:
    async def test_a_task_goes_from_accepted_to_done_with_a_photo(self, client: Client, phone: Client) -> None:
        crew = await make_crew(client, "Водовод 1", members=["jovan"])
        task = await open_task(client, crew=crew["id"])
        mine = await ok(await phone.get("/api/tasks/mine"))
        assert [one["id"] for one in mine["tasks"]] == [task["id"]]

        url = f"/api/tasks/{task['id']}/photos?crew={crew['id']}"
        photo = await ok(await phone.post(url, content=a_photo()), 201)
        assert (await ok(await phone.post(url, content=a_photo()), 201))["sha256"] == photo["sha256"]
        done = change(task, "done", ago(minutes=1), note="вентил замењен", photos=[photo["sha256"]])
        answer = await sync(
            phone, crew, done, change(task, "accept", ago(minutes=30)), change(task, "arrive", ago(minutes=10))
        )

        assert [one["result"] for one in answer["outcomes"]] == ["accepted"] * 3
        found = await ok(await client.get(f"/api/tasks/{task['id']}"))
        assert (found["state"], found["result_note"]) == ("done", "вентил замењен")
        assert found["accepted_at"] <= found["arrived_at"] <= found["ended_at"]
        picture = await client.get(found["pictures"][0]["href"])
        assert picture.headers["content-type"] == "image/jpeg"
        assert not dict(Image.open(io.BytesIO(picture.content)).getexif())
        assert b"Telefon" not in picture.content
        again = await sync(phone, crew, done)
        assert (again["outcomes"][0]["result"], again["outcomes"][0]["was"]) == ("known", "accepted")

    async def test_after_two_days_old_changes_are_kept_and_shown_but_do_not_count(
        self,
        client: Client,
        phone: Client,
    ) -> None:
        crew, others = await make_crew(client, "Водовод 1", members=["jovan"]), await make_crew(client, "Водовод 2")
        task = await open_task(client, crew=crew["id"])
        now = await ok(await decide(client, task, "assign", crew=others["id"]))

        old = [change(task, "accept", ago(days=2)), change(task, "done", ago(days=2), note="готово")]
        answer = await sync(phone, crew, *old)
        again = await sync(phone, crew, *old)

        assert [(one["result"], one["reason"]) for one in answer["outcomes"]] == [("refused", "another-crew")] * 2
        assert [(one["was"], one["reason"]) for one in again["outcomes"]] == [("refused", "another-crew")] * 2
        assert [(one["act"], one["crew_name"]) for one in again["refused"]] == [
            ("done", "Водовод 2"),
            ("accept", "Водовод 2"),
        ]
        found = await ok(await client.get(f"/api/tasks/{task['id']}"))
        assert (found["state"], found["version"]) == ("assigned", now["version"])
        late = [(one["kind"], one["refused"], one["late"]) for one in found["events"][-2:]]
        assert late == [("accept", "another-crew", False), ("done", "another-crew", False)] or late == [
            ("accept", "another-crew", True),
            ("done", "another-crew", True),
        ]

    async def test_nobody_works_for_a_crew_that_is_not_theirs(self, client: Client, phone: Client) -> None:
        crew = await make_crew(client, "Водовод 1")
        task = await open_task(client, crew=crew["id"])
        body = {"crew": crew["id"], "client_time": ago(), "changes": [change(task, "done", ago())]}

        assert (await phone.post("/api/tasks/sync", json=body)).status_code == 403
        assert (await phone.get("/api/crews")).status_code == 403
        assert (await phone.post("/api/tasks", json={"title": "x"})).status_code == 403
        assert (await decide(phone, task, "cancel", note="x")).status_code == 403
        assert (await client.get(f"/api/tasks/{task['id']}")).json()["state"] == "assigned"

    async def test_a_file_that_is_no_photo_is_refused(self, client: Client) -> None:
        task = await open_task(client)
        url = f"/api/tasks/{task['id']}/photos"

        for content in (b"", b"%PDF-1.7 ...", b"<svg onload=alert(1)>", a_photo()[:500]):
            assert (await client.post(url, content=content)).status_code == 422
        assert (await client.post(url, content=b"\xff" * (12 * 1024 * 1024 + 1))).status_code == 413
        assert (await client.get(f"{url}/{'0' * 64}")).status_code == 404
        assert (await client.get(f"{url}/..%2f..%2fsecret")).status_code == 404


class TestPositions:
    async def test_are_taken_on_duty_only_and_forgotten(
        self,
        client: Client,
        phone: Client,
        services: Services,
    ) -> None:
        crew = await make_crew(client, "Водовод 1", members=["jovan"])
        url = f"/api/crews/{crew['id']}"
        here = {"place": FORTRESS, "accuracy_metres": 8, "at": ago()}

        assert (await phone.post(f"{url}/position", json=here)).status_code == 204
        assert (await client.get(url)).json()["position"]["place"] == FORTRESS
        before = {**here, "at": ago(hours=3)}
        assert (await phone.post(f"{url}/position", json=before)).json()["code"] == "off-duty"
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await ok(await phone.post(f"{url}/duty", json={"on_duty": True, "until": until}))
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE crew SET on_duty_until = now() - interval '1 second'")
        await jobs.end_duties(services, "city")
        off = await ok(await client.get(url))

        assert (off["on_duty"], off["position"]) == (False, None)
        assert (await phone.post(f"{url}/position", json=here)).status_code == 409
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE crew_position SET at = at - interval '25 hours'")
        await jobs.forget_positions(services, "city")
        assert await rows(services, "SELECT * FROM crew_position") == []
        told = await rows(services, "SELECT data FROM work_event WHERE topic = 'crew'")
        assert all("position" not in one["data"] for one in told)


class TestPersonalData:
    async def test_every_column_is_described(self, services: Services) -> None:
        from pathlib import Path

        import yaml

        import vidik.operations.tasks

        file = Path(vidik.operations.tasks.__file__).with_name("personal_data.yaml")
        described = yaml.safe_load(file.read_text())
        columns = await rows(
            services,
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND (table_name ~ '^(crew|task)(_.*)?$')",
        )

        there = {(one["table_name"], one["column_name"]) for one in columns}
        said = {
            (table, column)
            for table, parts in described.items()
            for column in [*parts["personal"], *parts["not_personal"]]
        }
        assert there == said
