"""Whose tasks and crews: what a desk of one public utility sees and may decide, and what it may not."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.operations.tasks.test_tasks_over_http import a_photo

from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant

Client = httpx.AsyncClient
FORTRESS = {"type": "Point", "coordinates": [21.8958, 43.3255]}


@pytest.fixture
async def toplana(app: Starlette) -> AsyncIterator[Client]:
    """The desk of the heating utility: dispatcher and supervisor there, nothing elsewhere."""
    grants = frozenset({Grant("dispatcher", "toplana"), Grant("supervisor", "toplana")})
    roles = frozenset(grant.role for grant in grants)
    vesna = Principal("token", "3", "vesna", "Весна Ранчић", "toplana", roles, "city", grants)
    authenticator(app.state.services).sources.append(lambda _, secret: vesna if secret == "vesna" else None)
    headers = {"Authorization": "Bearer vesna"}
    async with Client(transport=httpx.ASGITransport(app), base_url="http://vidik.test", headers=headers) as browser:
        yield browser


async def ok(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def crew_on_duty(client: Client, name: str, organisation: str | None) -> int:
    crew = await ok(await client.post("/api/crews", json={"name": name, "organisation": organisation}))
    await ok(await client.post(f"/api/crews/{crew['id']}/duty", json={"on_duty": True}))
    place = {
        "place": FORTRESS,
        "accuracy_metres": 10,
        "at": (await ok(await client.get("/api/tasks/mine")))["server_time"],
    }
    assert (await client.post(f"/api/crews/{crew['id']}/position", json=place)).status_code == 204
    return int(crew["id"])


async def task_of(client: Client, crew: int | None, **more: Any) -> dict[str, Any]:
    return await ok(await client.post("/api/tasks", json={"title": "Провери", "crew": crew, **more}))


async def decide(client: Client, task: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
    headers = {"If-Match": f'"{task["version"]}"'}
    return await client.post(f"/api/tasks/{task['id']}/{verb}", json=body, headers=headers)


async def seen_by_both(client: Client, crew: int | None) -> dict[str, Any]:
    """A task in an incident that concerns the heating utility, too."""
    opening = {"type": "other", "title": "Квар", "organisations": ["toplana"]}
    incident = await ok(await client.post("/api/incidents", json=opening))
    return await task_of(client, crew, incident=int(incident["id"]))


class TestActing:
    async def test_a_desk_decides_about_its_own_crews_tasks_and_about_those_of_its_incidents_that_nobody_has(
        self, client, toplana
    ):
        own = await crew_on_duty(client, "Топлана 1", "toplana")
        held, free, citys = await task_of(client, own), await seen_by_both(client, None), await task_of(client, None)

        assert (held["organisation"], held["organisations"]) == ("toplana", ["toplana"])
        assert (free["organisation"], free["organisations"]) == (None, ["toplana"])
        assert (await decide(toplana, held, "withdraw", note="x")).status_code == 200
        assert (await decide(toplana, free, "assign", crew=own)).status_code == 200
        assert (await decide(toplana, citys, "assign", crew=own)).status_code == 404

    @pytest.mark.parametrize(
        ("verb", "body"),
        [("withdraw", {"note": "x"}), ("cancel", {"note": "x"}), ("close", {"result": "done", "note": "x"})],
    )
    async def test_a_desk_does_not_decide_about_a_task_that_another_organisations_crew_has(
        self, client, toplana, verb, body
    ):
        parking = await crew_on_duty(client, "Паркинг 1", "parking")
        task, unseen = await seen_by_both(client, parking), await task_of(client, parking)

        refused = await decide(toplana, task, verb, **body)

        assert (await decide(toplana, unseen, verb, **body)).status_code == 404

        assert (refused.status_code, refused.json()["code"]) == (403, "task-of-organisation")
        assert refused.json()["values"] == {"organisation": "parking"}
        assert (await ok(await client.get(f"/api/tasks/{task['id']}")))["version"] == task["version"]

    async def test_a_desk_neither_takes_nor_changes_nor_sends_what_is_another_organisations(self, client, toplana):
        own = await crew_on_duty(client, "Топлана 1", "toplana")
        other = await crew_on_duty(client, "Паркинг 1", "parking")
        task, free = await seen_by_both(client, other), await seen_by_both(client, None)
        headers = {"If-Match": f'"{task["version"]}"'}

        answers = [
            await decide(toplana, task, "assign", crew=own),
            await toplana.patch(f"/api/tasks/{task['id']}", json={"title": "Друго"}, headers=headers),
            await toplana.post(f"/api/tasks/{task['id']}/photos", content=a_photo()),
            await decide(toplana, free, "assign", crew=other),
            await toplana.post(f"/api/crews/{other}/duty", json={"on_duty": False}),
            await toplana.patch(f"/api/crews/{other}", json={"name": "x"}, headers={"If-Match": '"1"'}),
        ]

        assert [answer.status_code for answer in answers] == [403] * 6
        assert (await decide(client, task, "withdraw", note="x")).status_code == 200  # the city's own desk may

    async def test_a_task_that_came_back_is_again_everybodys_who_sees_its_incident(self, client, toplana):
        task = await seen_by_both(client, await crew_on_duty(client, "Паркинг 1", "parking"))
        back = await ok(await decide(client, task, "withdraw", note="x"))

        assert back["organisation"] is None
        assert (await decide(toplana, back, "cancel", note="x")).status_code == 200


class TestSeeing:
    async def test_tasks_crews_and_incidents_can_be_listed_of_one_organisation(self, client):
        heating = await crew_on_duty(client, "Топлана 1", "toplana")
        parking = await crew_on_duty(client, "Паркинг 1", "parking")
        opening = {"type": "other", "title": "Квар"}
        incidents = [(await ok(await client.post("/api/incidents", json=opening)))["id"] for _ in range(2)]
        mine = await task_of(client, heating, incident=int(incidents[0]))
        await task_of(client, parking, incident=int(incidents[1]))
        await task_of(client, None)

        tasks = await ok(await client.get("/api/tasks?organisation=toplana"))
        crews = await ok(await client.get("/api/crews?organisation=toplana"))
        found = await ok(await client.get("/api/incidents?organisation=toplana"))

        assert [task["id"] for task in tasks["items"]] == [mine["id"]]
        assert [crew["id"] for crew in crews["items"]] == [heating]
        assert [incident["id"] for incident in found["items"]] == incidents[:1]

    async def test_where_a_crew_is_sees_only_who_may_send_it(self, client, toplana):
        own = await crew_on_duty(client, "Топлана 1", "toplana")
        other = await crew_on_duty(client, "Паркинг 1", "parking")

        seen = {crew["id"]: crew["position"] for crew in (await ok(await toplana.get("/api/crews")))["items"]}

        assert seen[own] is not None
        assert seen[other] is None
        assert (await ok(await toplana.get(f"/api/crews/{other}")))["position"] is None
        assert (await ok(await client.get(f"/api/crews/{other}")))["position"] is not None

    async def test_only_crews_that_one_may_send_are_suggested(self, client, toplana):
        own = await crew_on_duty(client, "Топлана 1", "toplana")
        await crew_on_duty(client, "Паркинг 1", "parking")

        suggested = await ok(await toplana.post("/api/tasks/suggest", json={}))

        assert [one["crew"]["id"] for one in suggested["items"]] == [own]


async def test_people_of_the_citys_provider_lead_incidents_and_are_on_duty_as_others_are(client, services):
    async with services.database.platform() as connection:
        row = await (
            await connection.execute(
                "INSERT INTO platform.account (tenant, login, name) VALUES ('city', 'ana', 'Ана Анић') RETURNING id"
            )
        ).fetchone()
        await connection.execute(
            "INSERT INTO platform.account_link (tenant, issuer, subject, account)"
            " VALUES ('city', 'https://a.test', 's-1', %s)",
            [row["id"]],
        )
        await connection.execute(
            "INSERT INTO platform.account_role (account, role) VALUES (%s, 'dispatcher')", [row["id"]]
        )

    for door in ("/api/incidents/people", "/api/duty/people"):
        assert "ana" in {person["login"] for person in (await ok(await client.get(door)))["items"]}
