"""Whose devices are, alarms of exercises, and incidents on which citizens' requests hang."""

import pytest
from psycopg.types.json import Jsonb
from tests.operations.reaching.desks import ACTED, GRANTS, INSIDE, LIMITED, OUTSIDE, SEEN, THINGS, id_of, ok
from tests.operations.requests.outside import a_request

from vidik.context.jsonld import names as names_of
from vidik.intake import deadletters
from vidik.kernel.clock import now_microseconds
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant


class TestDevices:
    @pytest.mark.parametrize("login", GRANTS)
    async def test_lists_pages_commands_and_refused_messages_are_those_where_ones_assets_are(
        self, desks, services, login
    ):
        desk, sent = desks[login], {}
        async with services.database.transaction("city") as connection:
            await deadletters.store(connection, [a_letter(thing) for thing in (*THINGS, "unknown")])
        listed = await ok(await desk.get("/api/devices"))
        letters = (await ok(await desk.get("/api/dead-letters")))["items"]
        read = {thing: (await desk.get(f"/api/devices/{thing}")).status_code for thing in THINGS}
        commands = {thing: (await desk.get(f"/api/devices/{thing}/commands")).status_code for thing in THINGS}
        for thing in THINGS:
            sent[thing] = (await desk.post(f"/api/devices/{thing}/commands", json={"name": "dim"})).status_code
        everywhere = {"unknown"} if SEEN[login] == set(THINGS) else set()
        feed = (await ok(await desk.get("/api/console/feed")))["items"]

        assert {item["device_id"] for item in listed["items"]} == SEEN[login]
        assert sum(listed["counts"].values()) == len(SEEN[login])
        assert {item["device_id"] for item in letters if item["device_id"] != "unknown"} == (
            set(THINGS) if login == "watching" else SEEN[login]
        )
        assert {item["device_id"] for item in feed if item["kind"] == "dead_letter"} == SEEN[login] | everywhere
        assert read == commands == {thing: 200 if thing in SEEN[login] else 404 for thing in THINGS}
        assert sent == {
            thing: 202 if thing in ACTED[login] else 403 if thing in SEEN[login] else 404 for thing in THINGS
        }

    async def test_refused_messages_are_opened_and_closed_where_one_reaches(self, desks, services):
        async with services.database.transaction("city") as connection:
            await deadletters.store(connection, [a_letter("heat-in"), a_letter("lot-out"), a_letter("unknown")])
        numbers = {
            item["device_id"]: item["id"] for item in (await ok(await desks["city"].get("/api/dead-letters")))["items"]
        }
        desk = desks["toplana-medijana"]
        discarded = await ok(
            await desk.post("/api/dead-letters/discard", json={"ids": list(numbers.values()), "reason": "x"})
        )

        assert discarded == {"discarded": 1}
        assert (await desk.get(f"/api/dead-letters/{numbers['heat-in']}/payload")).status_code == 200
        assert (await desk.get(f"/api/dead-letters/{numbers['lot-out']}/payload")).status_code == 404
        still = (await ok(await desks["city"].get("/api/dead-letters")))["items"]
        assert {item["device_id"] for item in still} == {"lot-out", "unknown"}

    @pytest.mark.parametrize(
        ("device", "status"),
        [
            ({"device_id": "new", "place": INSIDE, "organisation": "toplana"}, 201),
            ({"device_id": "new", "entity_id": "urn:ngsi-ld:Thing:nis:heat-in", "organisation": "toplana"}, 201),
            ({"device_id": "new", "place": OUTSIDE, "organisation": "toplana"}, 403),
            ({"device_id": "new", "organisation": "toplana"}, 403),
            ({"device_id": "new", "place": INSIDE, "organisation": "parking"}, 403),
            # An asset that others feed: whoever brought its values would have its alarms.
            ({"device_id": "new", "entity_id": "urn:ngsi-ld:Thing:nis:lot-in", "organisation": "toplana"}, 403),
            ({"device_id": "new", "place": INSIDE, "organisation": "toplana", "gateway_id": "lot-in"}, 400),
            ({"device_id": "new", "place": INSIDE, "organisation": "toplana", "gateway_id": "heat-in"}, 201),
            ({"device_id": "lot-in", "place": INSIDE, "organisation": "toplana"}, 403),
            ({"device_id": "heat-out", "place": INSIDE, "organisation": "toplana"}, 403),
        ],
    )
    async def test_one_registers_and_changes_devices_where_one_manages_them(self, app, desks, device, status):
        grant = Grant("utility_manager", "toplana", "medijana")
        manager = Principal("token", "7", "m", "M", "toplana", frozenset({grant.role}), "city", frozenset({grant}))
        authenticator(app.state.services).sources.append(lambda _, secret: manager if secret == "m" else None)

        answer = await desks["city"].post(
            "/api/devices?existing=update", json={"name": "x"} | device, headers={"Authorization": "Bearer m"}
        )

        assert answer.status_code == status, answer.text


def a_letter(device: str) -> deadletters.Letter:
    return deadletters.Letter(device, device, "mqtt", "x", now_microseconds(), "is no number", b"x")


class TestExercises:
    async def test_alarms_of_twins_belong_where_the_assets_do_and_say_that_they_are_an_exercise(
        self, desks, services, signal
    ):
        twins = {thing: f"urn:ngsi-ld:Exercise:1:{thing}" for thing in ("heat-in", "lot-out")}
        async with services.database.transaction("city") as connection:
            for thing, twin in twins.items():
                spot = THINGS[thing][1]
                document = {names_of.expand_attribute("twinOf"): {"type": "Property", "value": id_of(thing)}}
                await connection.execute(
                    "INSERT INTO entity (id, kind, document, place, created_at, modified_at)"
                    " VALUES (%s, 0, %s, box(point(%s, %s), point(%s, %s)), now(), now())",
                    [twin, Jsonb(document), *spot, *spot],
                )
        await signal("pressure", *twins.values())

        for login in GRANTS:
            seen = (await ok(await desks[login].get("/api/alarms")))["items"]
            assert {item["entity_id"] for item in seen} == {twins[thing] for thing in SEEN[login] & set(twins)}
            assert {item["origin"] for item in seen} <= {"exercise"}

        # Given to others in the middle of an exercise: its twin's alarm goes with it, the other one's stays.
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE alarm SET exercise_id = 1")
            await connection.execute("UPDATE device SET organisation = 'toplana' WHERE device_id = 'lot-out'")
            cursor = await connection.execute("SELECT entity_id, organisations FROM alarm")
            belonging = {row["entity_id"]: row["organisations"] for row in await cursor.fetchall()}
        assert belonging == {twins["heat-in"]: ["toplana"], twins["lot-out"]: ["toplana"]}


class TestRequests:
    async def test_an_incident_is_theirs_to_whom_a_request_that_hangs_on_it_is(self, desks, outside, worker):
        (request,) = await outside.send(a_request(1, INSIDE, agency_responsible="toplana"))
        await worker()
        link = {"kind": "request", "target": request}
        opening = {"type": "other", "title": "Вода"}
        opened = await ok(await desks["city"].post("/api/incidents", json=opening))
        before = [(await desks[login].get(f"/api/incidents/{opened['id']}")).status_code for login in LIMITED]
        hung = await ok(await desks["city"].post(f"/api/incidents/{opened['id']}/links", json=link))
        after = [(await desks[login].get(f"/api/incidents/{opened['id']}")).status_code for login in LIMITED]
        await outside.patch(request, agency_responsible="parking")
        await worker()
        later = await ok(await desks["city"].get(f"/api/incidents/{opened['id']}"))
        await ok(await desks["city"].delete(f"/api/incidents/{opened['id']}/links/request/{request}"))
        off = await ok(await desks["city"].get(f"/api/incidents/{opened['id']}"))

        assert (before, after) == ([404, 404, 404], [200, 200, 200])
        assert (hung["organisations"], hung["areas"]) == (["toplana"], ["medijana"])
        assert later["organisations"] == ["parking", "toplana"]
        # It lay where its request did; whom it concerned it goes on to concern until a person says otherwise.
        assert (off["organisations"], off["areas"]) == (["parking", "toplana"], [])

    async def test_an_incident_with_a_place_lies_there_whatever_hangs_on_it(self, desks, outside, worker):
        (request,) = await outside.send(a_request(1, INSIDE))
        await worker()
        place = {"type": "Point", "coordinates": OUTSIDE}
        links = [{"kind": "request", "target": request}]

        opened = await ok(
            await desks["city"].post(
                "/api/incidents", json={"type": "other", "title": "Вода", "place": place, "links": links}
            )
        )

        assert opened["areas"] == []
