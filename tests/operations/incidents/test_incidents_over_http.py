"""Incidents over HTTP: opened, led, changed by two at once, merged, split, closed; hostile text; who may."""

import asyncio
from importlib.resources import files
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
import yaml
from tests.console.conftest import SUBSTATION
from tests.operations.conftest import Signals, entities, rows
from tests.operations.factories import store

from vidik.kernel.clock import now
from vidik.kernel.identity import repository as accounts
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.operations.incidents import forgetting
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import VIDIK

PLACE = {"type": "Point", "coordinates": [21.9, 43.32]}


class Desk:
    """One operator's way to the API: the answer's JSON, or an assertion with what was answered instead."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def ask(self, method: str, path: str, status: int = 200, version: Any = None, **body: Any) -> Any:
        headers = {"If-Match": f'"{version}"'} if version is not None else {}
        answer = await self.http.request(
            method, f"/api/incidents{path}", json=body if method != "GET" else None, headers=headers
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    async def open(self, title: str = "Пуче топловод у Чаиру", **said: Any) -> dict[str, Any]:
        return dict(await self.ask("POST", "", 201, **{"type": "heating_outage", "title": title, **said}))


@pytest.fixture
def desk(client: httpx.AsyncClient) -> Desk:
    return Desk(client)


@pytest.fixture
async def alarms(services: Services, signal: Signals) -> list[dict[str, str]]:
    """Links to three open alarms."""
    await signal("pressure", *entities(3))
    return [{"kind": "alarm", "target": str(row["id"])} for row in await rows(services, "SELECT id FROM alarm")]


class TestOpening:
    async def test_with_place_alarm_and_asset(self, desk: Desk, alarms: list[Any], services: Services) -> None:
        await store(services.database, SUBSTATION, {"power": 1.0})
        asset = {"kind": "asset", "target": SUBSTATION.entity_id}
        incident = await desk.open(place=PLACE, links=[alarms[0], asset])
        assert incident["number"].endswith("-0001")
        assert (incident["state"], incident["severity"], incident["version"]) == ("open", "moderate", 1)
        assert [(link["kind"], link["name"]) for link in incident["links"]] == [
            ("alarm", None),
            ("asset", "Подстаница Чаир"),
        ]
        assert incident["alarms"] == {"total": 1, "open": 1, "unacknowledged": 1, "priority": "high"}
        (entry,) = incident["entries"]
        assert (entry["kind"], entry["person"]) == ("opened", "Милица Петровић")
        assert len((await desk.ask("GET", f"/{incident['id']}/alarms"))["items"]) == 1
        assert await desk.ask("GET", f"/{incident['id']}") == incident

    async def test_without_a_title_it_is_called_by_its_type(self, desk: Desk) -> None:
        opened = await desk.ask("POST", "", 201, type="water_burst")
        assert (opened["titles"]["en"], opened["title"]) == (opened["title"], opened["titles"]["en"])
        assert opened["titles"]["sr-Latn"] == "Pucanje vodovodne cevi"
        refused = await desk.ask("POST", "", 422, type="other")
        assert (refused["field"], refused["code"]) == ("title", "title-missing")

    async def test_the_same_client_id_opens_one(self, desk: Desk) -> None:
        client_id = str(uuid4())
        found = await asyncio.gather(*(desk.open(client_id=client_id) for _ in range(4)))
        assert {incident["id"] for incident in found} == {found[0]["id"]}
        assert (await desk.open())["number"].endswith("-0002")

    @pytest.mark.parametrize(
        ("origins", "also", "found"),
        [
            (["simulated", "simulated"], False, "simulated"),
            (["simulated", "exercise"], False, "simulated"),
            (["recorded", "recorded"], False, "recorded"),
            (["simulated", "real"], False, "real"),
            (["simulated", "simulated"], True, "real"),
        ],
    )
    async def test_of_simulated_alarms_alone_it_is_simulated_whoever_opens_it(
        self, desk: Desk, alarms: list[Any], services: Services, origins: list[str], also: bool, found: str
    ) -> None:
        async with services.database.transaction("city") as connection:
            for link, origin in zip(alarms[:2], origins, strict=True):
                query = "UPDATE alarm SET origin = %s WHERE id = %s"
                await connection.execute(query, [origin, int(link["target"])])
        await store(services.database, SUBSTATION, {"power": 1.0})
        asset = [{"kind": "asset", "target": SUBSTATION.entity_id}] if also else []
        assert (await desk.open(links=[*alarms[:2], *asset]))["origin"] == found
        assert (await desk.open())["origin"] == "real"

    async def test_an_alarm_that_has_an_incident_leads_there(self, desk: Desk, alarms: list[Any]) -> None:
        first = await desk.open(links=[alarms[0]])
        refused = await desk.ask("POST", "", 409, type="fire", title="Исто", links=[alarms[0]])
        assert (refused["code"], refused["values"]["incident"]) == ("already-linked", first["id"])
        assert len((await desk.ask("GET", ""))["items"]) == 1

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"title": "   "}, "title"),
            ({"title": "ж" * 201}, "title"),
            ({"title": "a\u0000b"}, "title"),
            ({"title": "\u0007"}, "title"),
            ({"type": "dragon"}, "type"),
            ({"severity": "awful"}, "severity"),
            ({"place": {"type": "Point", "coordinates": [200, 43]}}, "place.coordinates.0"),
            ({"area": {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [1, 2], [3, 3]]]}}, "area.coordinates.0"),
            ({"links": [{"kind": "alarm", "target": "17; DROP TABLE alarm"}]}, "links"),
            ({"links": [{"kind": "alarm", "target": "9" * 30}]}, "links"),
            ({"client_id": "none"}, "client_id"),
            ({"state": "closed"}, "state"),
        ],
    )
    async def test_nonsense_is_refused_by_its_place(self, desk: Desk, said: dict[str, Any], field: str) -> None:
        answer = await desk.http.post("/api/incidents", json={"type": "fire", "title": "Пожар", **said})
        assert answer.status_code in (404, 422), answer.text
        assert answer.json()["field"] == field

    async def test_hostile_text_is_text(self, desk: Desk) -> None:
        hostile = "<img src=x onerror=alert(1)>'; DROP TABLE incident; -- %_\\ ‮abc"
        await desk.open(hostile)
        (found,) = (await desk.http.get("/api/incidents", params={"q": "%_\\"})).json()["items"]
        assert found["title"] == hostile


class TestTwoAtOnce:
    async def test_the_second_is_shown_what_the_first_did(self, desk: Desk) -> None:
        incident = await desk.open()
        await desk.ask("PATCH", f"/{incident['id']}", version=1, severity="severe")
        refused = await desk.ask("PATCH", f"/{incident['id']}", 412, version=1, title="Друго")
        assert (refused["code"], refused["values"]["changed_by"]) == ("changed-meanwhile", "Милица Петровић")
        assert (refused["current"]["severity"], refused["current"]["version"]) == ("severe", 2)
        await desk.ask("PATCH", f"/{incident['id']}", 428, title="Друго")

    async def test_of_ten_that_close_one_does(self, desk: Desk) -> None:
        incident = await desk.open()
        done = [
            desk.http.post(
                f"/api/incidents/{incident['id']}/close",
                json={"cause": f"цев {number}", "lesson": "мењати"},
                headers={"If-Match": '"1"'},
            )
            for number in range(10)
        ]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*done))
        assert statuses == [200] + [412] * 9
        assert (await desk.ask("GET", f"/{incident['id']}"))["version"] == 2


class TestLife:
    async def test_contained_closed_and_opened_again(self, desk: Desk) -> None:
        path = f"/{(await desk.open())['id']}"
        await desk.ask("POST", f"{path}/contain", version=1, note="вентил затворен")
        await desk.ask("POST", f"{path}/entries", 201, text="Станари обавештени", at="2026-01-15T10:00:00Z")
        await desk.ask("POST", f"{path}/close", 422, version=2, cause=" ", lesson="мењати")
        closed = await desk.ask("POST", f"{path}/close", version=2, cause="стара цев", lesson="мењати")
        assert (closed["state"], closed["cause"], closed["closed_by"]) == ("closed", "стара цев", "Милица Петровић")
        refused = await desk.ask("POST", f"{path}/contain", 409, version=3)
        assert refused["values"]["state"] == "closed"
        assert (await desk.ask("GET", "?state=open"))["items"] == []
        again = await desk.ask("POST", f"{path}/reopen", version=3, reason="опет цури")
        assert [entry["kind"] for entry in again["entries"]] == ["reopened", "closed", "note", "contained", "opened"]
        assert again["entries"][2]["at"] == "2026-01-15T10:00:00Z"

    async def test_the_timeline_cannot_be_changed(self, desk: Desk, services: Services) -> None:
        await desk.open()
        for statement in ("UPDATE incident_entry SET kind = 'note'", "DELETE FROM incident_entry"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                async with services.database.transaction("city") as connection:
                    await connection.execute(statement)

    async def test_merged_and_split_again(self, desk: Desk, alarms: list[Any]) -> None:
        one, other = await desk.open("Један", links=alarms[:1]), await desk.open("Други", links=alarms[1:])
        merged = await desk.ask("POST", f"/{one['id']}/merge", version=1, into=int(other["id"]), into_version=1)
        assert (merged["id"], merged["alarms"]["total"]) == (other["id"], 3)
        gone = await desk.ask("GET", f"/{one['id']}")
        assert (gone["state"], gone["merged_into"]["number"], gone["links"]) == ("merged", other["number"], [])
        lines = (await desk.ask("GET", f"/{other['id']}/entries?after=0"))["items"]
        assert [line["incident"] for line in lines] == [one["id"], other["id"], one["id"], other["id"]]
        await desk.ask("POST", f"/{one['id']}/entries", 201, text="стигло касно")
        assert (await desk.ask("GET", f"/{other['id']}"))["entries"][0]["data"] == {"text": "стигло касно"}
        said = {"title": "Ипак посебно", "links": alarms[:1], "client_id": str(uuid4())}
        new = await desk.ask("POST", f"/{other['id']}/split", 201, version=2, **said)
        assert await desk.ask("POST", f"/{other['id']}/split", 201, version=2, **said) == new
        assert (new["split_from"]["id"], new["alarms"]["total"]) == (other["id"], 1)
        assert (await desk.ask("GET", f"/{other['id']}"))["alarms"]["total"] == 2
        await desk.ask("POST", f"/{new['id']}/merge", 409, version=1, into=int(new["id"]))

    async def test_links_come_and_go(self, desk: Desk, alarms: list[Any]) -> None:
        path = f"/{(await desk.open())['id']}"
        await desk.ask("POST", f"{path}/links", 201, **alarms[0])
        twice = await desk.ask("POST", f"{path}/links", 201, **alarms[0])
        assert twice["version"] == 2
        await desk.ask("DELETE", f"{path}/links/alarm/{alarms[0]['target']}")
        await desk.ask("DELETE", f"{path}/links/alarm/{alarms[0]['target']}", 404)
        await desk.ask("POST", f"{path}/links", 404, kind="asset", target="urn:nothing")

    async def test_roles_are_given_and_handed_over(self, desk: Desk, services: Services) -> None:
        async with services.database.transaction("city") as connection:
            for login, name in (("ana", "Ана"), ("boban", "Бобан")):
                account = {"tenant": "city", "login": login, "name": name, "organisation": None}
                number = await accounts.insert_account(
                    connection, {**account, "password_hash": "x", "password_initial": False, "ends_at": None}
                )
                assert number is not None
                await accounts.replace_roles(connection, number, [Grant("dispatcher")])
        assert {one["login"] for one in (await desk.ask("GET", "/people"))["items"]} >= {"ana", "boban"}
        path = f"/{(await desk.open())['id']}"
        await desk.ask("POST", f"{path}/roles", version=1, role="command", person="ana")
        after = await desk.ask("POST", f"{path}/handover", version=2, role="command", to="boban", note="чека се багер")
        assert [(role["role"], role["name"]) for role in after["roles"]] == [("command", "Бобан")]
        assert after["entries"][0]["data"] == {
            "role": "command",
            "from": "Ана",
            "to": "Бобан",
            "note": "чека се багер",
        }
        await desk.ask("POST", f"{path}/roles", 422, version=3, role="planning", person="nobody")


class TestFigures:
    async def test_count_the_last_days_of_real_work(self, desk: Desk, services: Services) -> None:
        await desk.open("Траје")
        path = f"/{(await desk.open('Готов'))['id']}"
        await desk.ask("POST", f"{path}/close", version=1, cause="цев", lesson="мењати")
        await desk.open("Вежба")
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE incident SET exercise_id = 1 WHERE title = 'Вежба'")
            await connection.execute("UPDATE incident SET opened_at = opened_at - interval '30 minutes'")
        figures = await desk.ask("GET", "/figures")
        assert (figures["opened"], figures["closed"], figures["opened_by_themselves"]) == (2, 1, 0)
        assert 30 <= figures["median_minutes_to_close"] < 31
        assert figures["median_minutes_to_contain"] is None


class TestTelling:
    async def test_every_desk_and_the_audit_record_hear_of_it(self, desk: Desk, services: Services) -> None:
        incident = await desk.open()
        await desk.ask("PATCH", f"/{incident['id']}", version=1, title="Пуче цев")
        told = await rows(services, "SELECT topic, data FROM work_event ORDER BY id")
        assert [(one["topic"], one["data"]["title"]) for one in told] == [
            ("incident", "Пуче топловод у Чаиру"),
            ("incident", "Пуче цев"),
        ]
        actions = await rows(services, "SELECT action FROM platform.audit_record ORDER BY position")
        assert [row["action"] for row in actions] == ["incident.open", "incident.change"]


class TestForgetting:
    async def test_every_column_has_its_purpose_ground_and_end_or_is_not_personal(self, services: Services) -> None:
        register = yaml.safe_load(files("vidik.operations.incidents").joinpath("personal_data.yaml").read_text("utf-8"))
        columns: dict[str, set[str]] = {name: set() for name in register}
        for row in await rows(
            services,
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND (table_name LIKE 'incident%' OR table_name = 'work_event')",
        ):
            columns[row["table_name"]].add(row["column_name"])
        assert {name: set(one["personal"]) | set(one["not_personal"]) for name, one in register.items()} == columns
        for one in register.values():
            assert all(set(field) == {"purpose", "legal_basis", "retention"} for field in one["personal"].values())

    async def test_takes_people_out_of_what_ended_long_ago(self, desk: Desk, services: Services) -> None:
        path = f"/{(await desk.open(summary='звала Ана, 064 123'))['id']}"
        await desk.ask("POST", f"{path}/entries", 201, text="Ана каже")
        await desk.ask("PATCH", path, version=1, summary="звала Ана, 063 321", address="код Ане")
        await desk.ask("POST", f"{path}/close", version=2, cause="цев", lesson="мењати")
        await desk.ask("POST", f"{path}/reopen", version=3, reason="Ана зове опет")
        await desk.ask("POST", f"{path}/close", version=4, cause="цев", lesson="мењати")
        async with services.database.transaction("city") as connection:
            called = {"title": "Ана Јовић", "channels": ["sms"]}
            await incidents.add_entry(connection, int(path[1:]), "notice.sent", called, VIDIK)
        running = await desk.open("Још траје")
        async with services.database.transaction("city") as connection:
            await forgetting.forget(connection, now())
        after = await desk.ask("GET", path)
        assert (after["summary"], after["opened_by"], after["cause"]) == ("", forgetting.NOBODY, "цев")
        assert {entry["person"] for entry in after["entries"]} == {forgetting.NOBODY, "Vidik"}
        assert "Ан" not in str(after["entries"])
        assert await desk.ask("GET", f"/{running['id']}") == running
        stands = "SELECT xmin::text, ctid::text FROM {} ORDER BY id"
        before = [await rows(services, stands.format(table)) for table in ("incident", "incident_entry")]
        async with services.database.transaction("city") as connection:
            await forgetting.forget(connection, now())
        # What was forgotten is not written again each day.
        assert [await rows(services, stands.format(table)) for table in ("incident", "incident_entry")] == before
