"""Requests from the door that writes them to the desk and back: read, linked, refused, gathered, answered."""

from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb
from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.operations.requests.outside import HERE, Outside, Worker, a_request

from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.operations.requests.settling import Settling

REPORTER = {
    "first_name": "Јелена",
    "last_name": "Јовановић",
    "email": "jelena@example.rs",
    "phone": "+381601234567",
    "account_id": "urn:ngsi-ld:Person:jelena",
    "device_id": "urn:ngsi-ld:Device:jelena",
}


IN_AREA, OF_ONE = Grant("dispatcher", None, "centar"), Grant("dispatcher", "Медијана")
ODD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"description": "<script>1</script>\u0007{x}%s"}, {"description": "<script>1</script>{x}%s"}),
    ({"description": "в" * 90_000}, {"description": "в" * 3999 + "…"}),
    ({"description": 7, "address_string": ["x"]}, {"description": "7", "address": ""}),
    ({"place": None}, {"place": None, "alike": [], "suggested": []}),
    ({"place": None, "location": {"type": "LineString", "coordinates": [HERE, [21.9, 43.3]]}}, {"place": None}),
    ({"service_code": "no-such-code"}, {"title": None, "type": "technical_fault"}),
    ({"service_code": None}, {"service_code": "", "type": "technical_fault"}),
    ({"service_code": 17}, {"service_code": "17"}),
    ({"media_url": "javascript:alert(1)"}, {"media_url": None}),
    ({"requested_datetime": "yesterday"}, {"state": "new"}),
    ({"requested_datetime": "2999-01-01T00:00:00Z"}, {"state": "new"}),
    ({"requested_datetime": "0001-01-01T00:00:00+14:00"}, {"state": "new"}),
    ({"status": {"nested": "nonsense"}}, {"state": "new"}),
    ({"status": "closed"}, {"state": "withdrawn"}),
    ({"address_string": None, "address": {"streetAddress": "Кеј 3"}}, {"address": "Кеј 3"}),
]
"""What somebody may send, and what of it is shown."""


class Desk:
    """An operator's way to requests and incidents: the answer's JSON, or an assertion with what was answered."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str = "", status: int = 200, **query: Any) -> Any:
        answer = await self.http.get(f"/api/requests{path}", params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def one(self, request: str) -> dict[str, Any]:
        return dict(await self.get(f"/{request}"))

    async def decide(self, deed: str, request: str, status: int = 200, version: Any = None, **said: Any) -> Any:
        seen = version if version is not None else (await self.one(request))["version"]
        body = {"request": request, "reason": "Није наш посао.", **said}
        answer = await self.http.post(f"/api/requests/{deed}", json=body, headers={"If-Match": f'"{seen}"'})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def open(self, *requests: str, status: int = 201, **said: Any) -> Any:
        links = [{"kind": "request", "target": one} for one in requests]
        body = {"type": "water_burst", "title": "Пукла цев", "opened_from": "request", "links": links, **said}
        answer = await self.http.post("/api/incidents", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def act(self, incident: str, deed: str, **body: Any) -> Any:
        seen = (await self.http.get(f"/api/incidents/{incident}")).json()["version"]
        answer = await self.http.post(f"/api/incidents/{incident}/{deed}", json=body, headers={"If-Match": f'"{seen}"'})
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def desk(client: httpx.AsyncClient) -> Desk:
    return Desk(client)


class TestReading:
    async def test_a_request_is_read_as_it_was_sent_without_who_sent_it(
        self, desk: Desk, outside: Outside, worker: Worker, services: Services
    ) -> None:
        (request,) = await outside.send(a_request(1, media_url="https://example.rs/1.jpg", **REPORTER))
        await worker()
        view = await desk.one(request)
        assert (view["state"], view["service_code"], view["service"], view["type"]) == (
            "new", "water_leak", "water", "water_burst",
        )  # fmt: skip
        assert view["title"]["sr-Latn"] == "Voda na ulici"
        assert (view["description"], view["address"]) == ("Вода тече низ улицу.", "Обреновићева 1")
        assert view["place"] == {"type": "Point", "coordinates": HERE}
        assert view["media_url"] == "https://example.rs/1.jpg"
        page = await desk.get()
        assert ([one["id"] for one in page["items"]], page["counts"]["new"]) == ([request], 1)
        kept = await rows(services, "SELECT data::text FROM work_event UNION SELECT r::text FROM citizen_request r")
        everything = str(view) + str(page) + str(kept)
        assert not [said for said in REPORTER.values() if said in everything]
        assert "Вода тече" not in str(kept)

    async def test_whatever_is_sent_is_shown_as_far_as_it_makes_sense(
        self, desk: Desk, outside: Outside, worker: Worker
    ) -> None:
        sent = await outside.send(
            *(a_request(number, **{"service_code": "smoke", **said}) for number, (said, _) in enumerate(ODD))
        )
        await worker()
        for request, (said, expected) in zip(sent, ODD, strict=True):
            view = await desk.one(request)
            assert {name: view[name] for name in expected} == expected, said
            assert view["requested_at"] <= view["seen_at"]

    async def test_one_that_is_deleted_is_forgotten(
        self, desk: Desk, outside: Outside, worker: Worker, services: Services
    ) -> None:
        (request,) = await outside.send(a_request(1))
        await worker()
        await outside.delete(request)
        await worker()
        await desk.get(f"/{request}", status=404)
        assert await rows(services, "SELECT 1 FROM citizen_request") == []

    async def test_one_that_was_there_before_anybody_followed_is_met(
        self, desk: Desk, outside: Outside, services: Services
    ) -> None:
        (request,) = await outside.send(a_request(1))
        await Settling().run(services, "city")
        assert (await desk.one(request))["state"] == "new"


class TestOneIncident:
    async def test_requests_of_one_thing_are_one_incident_which_answers_all(
        self, desk: Desk, outside: Outside, worker: Worker
    ) -> None:
        first, second = await outside.send(a_request(1), a_request(2, [21.8965, 43.3212]))
        await worker()
        view = await desk.one(first)
        assert [(one["request"]["id"], one["metres"]) for one in view["alike"]] == [(second, 66)]
        incident = await desk.open(first)
        await worker()
        assert (await desk.one(first))["incident"]["number"] == incident["number"]
        assert (await outside.read(first))["incidentNumber"] == incident["number"]
        # Without a place there is nothing near to the other: give the incident one.
        await desk.http.patch(
            f"/api/incidents/{incident['id']}",
            json={"place": {"type": "Point", "coordinates": HERE}},
            headers={"If-Match": '"1"'},
        )
        proposed = (await desk.one(second))["suggested"]
        assert [(one["incident"]["id"], one["metres"]) for one in proposed] == [(incident["id"], 66)]
        answer = await desk.http.post(
            f"/api/incidents/{incident['id']}/links", json={"kind": "request", "target": second}
        )
        assert [link["name"] for link in answer.json()["links"]] == ["Обреновићева", "Обреновићева"]
        await desk.open(second, status=409)
        await worker()
        for request in (first, second):
            said = await outside.read(request, "sr-Latn")
            assert (said["status"], said["requestState"]) == ("open", "in_work")
            assert said["status_notes"] == f"Na prijavi se radi, broj {incident['number']}."

        await desk.act(incident["id"], "close", cause="Стара цев", lesson="Заменити")
        await worker()
        told = [await outside.read(request) for request in (first, second)]
        assert [(one["status"], one["requestState"]) for one in told] == [("closed", "done")] * 2
        assert "Стара" not in str(told)  # what the city says of itself is not for everybody
        await desk.act(incident["id"], "reopen", reason="Опет цури")
        await worker()
        assert [(await outside.read(one))["status"] for one in (first, second)] == ["open", "open"]

    async def test_merge_and_split_carry_on_to_requests(self, desk: Desk, outside: Outside, worker: Worker) -> None:
        first, second = await outside.send(a_request(1), a_request(2))
        await worker()
        one, other = await desk.open(first), await desk.open(second)
        await worker()
        await desk.act(one["id"], "merge", into=int(other["id"]), into_version=other["version"])
        await worker()
        assert [(await outside.read(sent))["incidentNumber"] for sent in (first, second)] == [other["number"]] * 2
        links = [{"kind": "request", "target": first}]
        split = await desk.act(other["id"], "split", title="Друга цев", links=links)
        await worker()
        assert (await outside.read(first))["incidentNumber"] == split["number"]
        await desk.http.delete(f"/api/incidents/{split['id']}/links/request/{first}")
        await worker()
        said = await outside.read(first)
        assert (said["requestState"], said["status"]) == ("new", "open")

    async def test_a_link_to_nothing_or_from_an_exercise_is_refused(
        self, desk: Desk, outside: Outside, worker: Worker
    ) -> None:
        real, *_ = await outside.send(
            a_request(1),
            a_request(2, id="urn:ngsi-ld:Exercise:7:caller", type="Exerciseservice_requests"),
        )
        await worker()
        await desk.open("urn:ngsi-ld:service_requests:nis:none", status=404)
        exercise = await desk.open("urn:ngsi-ld:Exercise:7:caller")
        assert exercise["exercise"]
        answer = await desk.http.post(
            f"/api/incidents/{exercise['id']}/links", json={"kind": "request", "target": real}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "link-exercise")
        await worker()
        said = await outside.read("urn:ngsi-ld:Exercise:7:caller")
        assert said["status_notes"].startswith("EXERCISE")
        counts = (await desk.get())["counts"]
        assert (counts["new"], counts["in_work"]) == (1, 0)  # exercises do not count


class TestDeciding:
    async def test_refused_with_a_reason_and_taken_back(
        self, desk: Desk, outside: Outside, worker: Worker, services: Services
    ) -> None:
        (request,) = await outside.send(a_request(1))
        await worker()
        view = await desk.decide("refuse", request)
        assert (view["state"], view["decision"]["reason"]) == ("refused", "Није наш посао.")
        await worker()
        said = await outside.read(request)
        assert (said["status"], said["status_notes"]) == ("closed", "Not accepted: Није наш посао.")
        await desk.decide("forward", request, to="Наисус", status=409)
        await desk.decide("take-back", request, version=1, status=412)
        await desk.decide("take-back", request)
        await worker()
        assert (await desk.one(request))["state"] == "new"
        assert (await outside.read(request))["status"] == "open"
        audited = await rows(services, "SELECT action, subject FROM platform.audit_record ORDER BY position")
        assert [(one["action"], one["subject"]) for one in audited if one["action"] == "request.decide"] == [
            ("request.decide", f"request:{request}")
        ] * 2

    async def test_forwarded_stays_open_for_the_citizen(self, desk: Desk, outside: Outside, worker: Worker) -> None:
        (request,) = await outside.send(a_request(1))
        await worker()
        await desk.decide("forward", request, to="Путеви Србије", reason="Магистрални пут.")
        await worker()
        said = await outside.read(request)
        assert (said["status"], said["agency_responsible"]) == ("open", "Путеви Србије")
        assert said["status_notes"] == "Forwarded to Путеви Србије: Магистрални пут."

    async def test_what_the_desk_decided_is_told_again_to_a_sender_who_writes_over_it(
        self, desk: Desk, outside: Outside, worker: Worker
    ) -> None:
        (request,) = await outside.send(a_request(1))
        await worker()
        await desk.decide("refuse", request)
        await worker()
        answer = await outside.http.post(
            "/ngsi-ld/v1/entityOperations/upsert?options=replace", json=[a_request(1, description="Још тече")]
        )
        assert answer.status_code == 204, answer.text
        await worker()
        await worker()
        said = await outside.read(request)
        assert (said["status"], said["requestState"]) == ("closed", "refused")
        assert (await desk.one(request))["description"] == "Још тече"

    async def test_one_in_work_is_not_refused(self, desk: Desk, outside: Outside, worker: Worker) -> None:
        (request,) = await outside.send(a_request(1))
        await worker()
        await desk.open(request)
        await desk.decide("refuse", request, status=409)


class TestRules:
    async def test_three_nearby_are_one_alarm_one_incident_and_the_fourth_joins(
        self, desk: Desk, outside: Outside, worker: Worker, services: Services
    ) -> None:
        await outside.send(a_request(1, minutes=30), a_request(2, [21.8968, 43.3213], minutes=20))
        await worker()
        assert await rows(services, "SELECT 1 FROM alarm") == []
        far = (await outside.send(a_request(9, [21.95, 43.33])))[0]
        await outside.send(a_request(3, [21.8951, 43.3202], minutes=10, service_code="no_water"))
        await worker()
        (alarm,) = await rows(services, "SELECT id, rule, entity_id, origin, value, cleared_at FROM alarm")
        assert (alarm["rule"], alarm["entity_id"][-2:], alarm["origin"], alarm["value"], alarm["cleared_at"]) == (
            "requests_water", ":1", "simulated", 3, None,
        )  # fmt: skip
        await outside.send(a_request(4, minutes=1))
        await worker()
        found = (await desk.http.get("/api/incidents")).json()["items"]
        assert [(one["type"], one["opened_from"], one["origin"]) for one in found] == [
            ("water_burst", "rule", "simulated")
        ]
        targets = sorted(link["target"][-2:] for link in found[0]["links"] if link["kind"] == "request")
        assert targets == [":1", ":2", ":3", ":4"]
        assert (await desk.one(far))["state"] == "new"

        # One that a person took off stays off.
        await desk.http.delete(f"/api/incidents/{found[0]['id']}/links/request/urn:ngsi-ld:service_requests:nis:4")
        await worker()
        assert (await desk.one("urn:ngsi-ld:service_requests:nis:4"))["state"] == "new"
        await desk.decide("refuse", "urn:ngsi-ld:service_requests:nis:4")
        await desk.act(found[0]["id"], "close", cause="Цев", lesson="Заменити")
        await worker()
        (alarm,) = await rows(services, "SELECT cleared_at FROM alarm")
        assert alarm["cleared_at"] is not None

    async def test_they_join_the_incident_that_runs_already(self, desk: Desk, outside: Outside, worker: Worker) -> None:
        place = {"type": "Point", "coordinates": [21.8962, 43.3211]}
        running = await desk.open(place=place)
        await outside.send(a_request(1, minutes=9), a_request(2, minutes=8), a_request(3, minutes=7))
        await worker()
        found = (await desk.http.get("/api/incidents")).json()["items"]
        assert [one["id"] for one in found] == [running["id"]]
        assert sorted(link["kind"] for link in found[0]["links"]) == ["alarm", "request", "request", "request"]

    async def test_tried_against_what_came_and_refused_when_it_would_flood(
        self, desk: Desk, outside: Outside, worker: Worker
    ) -> None:
        places = [[21.80 + 0.01 * (number % 12), 43.30 + 0.01 * (number // 12)] for number in range(24)]
        await outside.send(*(a_request(number, place, number + 1) for number, place in enumerate(places)))
        await worker()
        rule = {
            "kind": "requests", "service": "water", "priority": "low", "code": "every_leak",
            "service_codes": ["water_leak"], "title": {"en": "A leak", "sr": "Цурење"},
            "message": {"en": "A leak.", "sr": "Цурење."},
        }  # fmt: skip
        tried = (await desk.http.post("/api/rules/dry-run", json={"rule": rule})).json()["result"]
        assert (tried["calls"], tried["readings"], tried["would_flood"]) == (24, 24, True)
        body = {name: value for name, value in rule.items() if name != "code"}
        refused = await desk.http.put("/api/rules/every_leak", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "rule-would-flood")
        wide = await desk.http.put("/api/rules/every_leak", json={**body, "at_least": 20, "radius_m": 20_000})
        assert wide.status_code == 200, wide.text

    @pytest.mark.parametrize(
        "wrong",
        [{"service_codes": []}, {"at_least": 0}, {"radius_m": 0}, {"within": "0s"}, {"within": "40d"},
         {"entity_types": ["HeatSubstation"]}, {"hold": "5m"}],
    )  # fmt: skip
    async def test_a_rule_that_does_not_hold_together_is_refused(self, desk: Desk, wrong: dict[str, Any]) -> None:
        answer = await desk.http.put("/api/rules/requests_water", json=wrong)
        assert answer.status_code == 400, answer.text


class TestDoors:
    async def test_whoever_may_not_is_not_told(self, desk: Desk, outside: Outside, worker: Worker) -> None:
        (request,) = await outside.send(a_request(1))
        await worker()
        for path in ("/api/requests", f"/api/requests/{request}", "/api/requests/services"):
            assert (await outside.http.get(path)).status_code == 403

    async def test_another_system_opens_an_incident_by_its_token(self, desk: Desk) -> None:
        answer = await desk.http.post("/api/incidents", json={"type": "fire", "title": "Дојава центра 112"})
        assert (answer.status_code, answer.json()["opened_from"]) == (201, "system")


class TestReach:
    async def test_who_acts_in_one_area_or_organisation_sees_what_is_theirs(
        self, desk: Desk, outside: Outside, worker: Worker, app: Starlette, services: Services
    ) -> None:
        people = {
            login: Principal("person", login, login, login, None, frozenset(), "city", frozenset({grant}))
            for login, grant in (("area", IN_AREA), ("organisation", OF_ONE))
        }
        authenticator(app.state.services).sources.append(lambda _user, secret: people.get(secret))
        near, far = await outside.send(
            a_request(1), a_request(2, [21.80, 43.31], service_code="waste", agency_responsible="Медијана")
        )
        await worker()
        ring = [[21.88, 43.31], [21.91, 43.31], [21.91, 43.33], [21.88, 43.33], [21.88, 43.31]]
        async with services.database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO area (code, name, shape, changed_by, changed_at)"
                " VALUES ('centar', 'Центар', %s, 'x', now())",
                [Jsonb({"type": "Polygon", "coordinates": [ring]})],
            )
        for login, seen, unseen in (("area", near, far), ("organisation", far, near)):
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://vidik.test",
                headers={"Authorization": f"Bearer {login}"},
            ) as http:
                theirs = Desk(http)
                page = await theirs.get()
                assert ([one["id"] for one in page["items"]], page["counts"]["new"]) == ([seen], 1)
                await theirs.get(f"/{unseen}", status=404)
                await theirs.decide("refuse", unseen, version=1, status=404)
                await theirs.open(unseen, status=404)
                assert (await theirs.decide("refuse", seen))["state"] == "refused"
