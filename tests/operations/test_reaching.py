"""Who sees and does what, at every door: desks limited to an organisation, to an area, and to both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import httpx
import orjson
import pytest
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb
from starlette.applications import Starlette
from tests.operations.requests.outside import a_request

from vidik.app.modules import installed_modules
from vidik.console.live import LiveCity
from vidik.context.jsonld import names as names_of
from vidik.intake import deadletters
from vidik.kernel.clock import now_microseconds
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.operations.procedures.jobs import settle_packaged

Desks = dict[str, httpx.AsyncClient]
GRANTS = {
    "toplana": [Grant("supervisor", "toplana")],
    "medijana": [Grant("supervisor", None, "medijana")],
    "toplana-medijana": [Grant("supervisor", "toplana", "medijana")],
    "watching": [Grant("auditor"), Grant("supervisor", "parking")],
    "city": [Grant("supervisor")],
}
MEDIJANA = {
    "type": "Polygon",
    "coordinates": [[[21.9, 43.3], [21.95, 43.3], [21.95, 43.33], [21.9, 43.33], [21.9, 43.3]]],
}
INSIDE, OUTSIDE = [21.92, 43.31], [21.80, 43.31]
# Of each organisation, or of none; inside the area, or outside.
THINGS = {
    "heat-in": ("toplana", INSIDE),
    "heat-out": ("toplana", OUTSIDE),
    "lot-in": ("parking", INSIDE),
    "lot-out": ("parking", OUTSIDE),
    "free-in": (None, INSIDE),
    "free-out": (None, OUTSIDE),
    "nowhere": (None, None),
}
SEEN = {
    "toplana": {"heat-in", "heat-out"},
    "medijana": {"heat-in", "lot-in", "free-in"},
    "toplana-medijana": {"heat-in"},
    "watching": set(THINGS),
    "city": set(THINGS),
}
ACTED = SEEN | {"watching": {"lot-in", "lot-out"}}
LIMITED = ["toplana", "medijana", "toplana-medijana"]


def id_of(thing: str) -> str:
    return f"urn:ngsi-ld:Thing:nis:{thing}"


def a_person(login: str) -> Principal:
    grants = frozenset(GRANTS[login])
    organisation = login.partition("-")[0] if "toplana" in login else None
    return Principal(
        "token", login, login, login.capitalize(), organisation, frozenset(one.role for one in grants), "city", grants
    )


@pytest.fixture
async def desks(app: Starlette, services: Services) -> AsyncIterator[Desks]:
    people = {login: a_person(login) for login in GRANTS}
    authenticator(app.state.services).sources.append(lambda _, secret: people.get(secret))
    async with services.database.transaction("city") as connection:
        await connection.execute(
            "INSERT INTO area (code, name, shape, changed_by, changed_at) VALUES ('medijana', 'М', %s, 'x', now())",
            [Jsonb(MEDIJANA)],
        )
        for thing, (organisation, spot) in THINGS.items():
            if spot is not None:
                await connection.execute(
                    "INSERT INTO entity (id, kind, document, place, created_at, modified_at)"
                    " VALUES (%s, 0, '{}', box(point(%s, %s), point(%s, %s)), now(), now())",
                    [id_of(thing), *spot, *spot],
                )
            await connection.execute(
                "INSERT INTO device (device_id, entity_id, name, organisation, origin) VALUES (%s, %s, %s, %s, 'real')",
                [thing, id_of(thing), thing, organisation],
            )
    async with AsyncExitStack() as stack:
        yield {
            login: await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://vidik.test",
                    headers={"Authorization": f"Bearer {login}"},
                )
            )
            for login in GRANTS
        }


@pytest.fixture
async def alarms(desks: Desks, signal: Callable[..., Any]) -> dict[str, str]:
    """The number of an open alarm at each thing."""
    await signal("pressure", *(id_of(thing) for thing in THINGS))
    items = (await desks["city"].get("/api/alarms")).json()["items"]
    return {item["entity_id"].rpartition(":")[2]: item["id"] for item in items}


async def ok(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def names(items: list[dict[str, Any]]) -> set[str]:
    return {item["entity_id"].rpartition(":")[2] for item in items}


class TestAlarms:
    @pytest.mark.parametrize("login", GRANTS)
    async def test_lists_counts_groups_feed_and_pages_hold_what_one_sees_and_nothing_else(self, desks, alarms, login):
        desk, seen = desks[login], SEEN[login]
        listed = await ok(await desk.get("/api/alarms"))
        feed = (await ok(await desk.get("/api/console/feed")))["items"]
        groups = (await ok(await desk.get("/api/alarm-groups")))["items"]
        found = (await ok(await desk.get("/api/console/search?q=return")))["items"]
        read = {thing: (await desk.get(f"/api/alarms/{number}")).status_code for thing, number in alarms.items()}
        told = {thing: (await desk.get(f"/api/alarms/{number}/events")).status_code for thing, number in alarms.items()}

        assert names(listed["items"]) == seen
        assert sum(listed["counts"].values()) == listed["lists"]["open"] == len(seen)
        assert names([item for item in feed if item["kind"] == "alarm_raised"]) == seen
        assert {item["id"] for item in found if item["kind"] == "alarm"} == {alarms[thing] for thing in seen}
        assert {thing for thing, status in read.items() if status == 200} == seen
        assert set(read.values()) <= {200, 404}
        assert read == told
        assert {number for group in groups for number in group["open_alarms"]} == {alarms[thing] for thing in seen}
        for group in groups:
            members = await ok(await desk.get(f"/api/alarm-groups/{group['id']}/alarms"))
            assert names(members["items"]) == seen

    @pytest.mark.parametrize("login", GRANTS)
    async def test_acts_reach_what_one_may_do_and_say_whose_the_rest_is(self, desks, alarms, login):
        desk = desks[login]
        shelf = {"reason": "x", "until": "2026-01-01T00:00:00Z"}
        answers = {thing: await desk.post(f"/api/alarms/{one}/shelve", json=shelf) for thing, one in alarms.items()}
        acknowledged = {thing: await desk.post(f"/api/alarms/{one}/acknowledge") for thing, one in alarms.items()}

        assert {thing for thing, answer in acknowledged.items() if answer.status_code == 200} == ACTED[login]
        for thing in set(THINGS) - ACTED[login]:
            expected = 403 if thing in SEEN[login] else 404
            assert (answers[thing].status_code, acknowledged[thing].status_code) == (expected, expected)
        # What may be done is refused for what was asked (the end has passed), not for whose it is.
        assert {answers[thing].status_code for thing in ACTED[login]} == {400}
        if login == "watching":
            refused = acknowledged["heat-in"].json()
            assert (refused["code"], refused["values"]) == (
                "out-of-reach",
                {"organisations": "toplana", "areas": "medijana"},
            )

    async def test_a_group_is_acknowledged_as_far_as_one_reaches(self, desks, alarms):
        (group,) = (await ok(await desks["toplana-medijana"].get("/api/alarm-groups")))["items"]

        done = await ok(await desks["toplana-medijana"].post(f"/api/alarm-groups/{group['id']}/acknowledge"))

        assert done == {"alarms": 1}
        waiting = await ok(await desks["city"].get("/api/alarms?state=unacknowledged"))
        assert names(waiting["items"]) == set(THINGS) - {"heat-in"}

    async def test_maintenance_is_placed_seen_and_ended_where_one_reaches_and_of_a_rule_by_the_city(
        self, desks, alarms
    ):
        hold = {"kind": "out_of_service", "reason": "радови"}
        own = await desks["toplana"].post("/api/alarm-holds", json=hold | {"entity_id": id_of("heat-out")})
        beyond = await desks["toplana"].post("/api/alarm-holds", json=hold | {"entity_id": id_of("lot-in")})
        everywhere = await desks["toplana"].post("/api/alarm-holds", json=hold | {"rule": "heating_return_high"})
        other = await desks["medijana"].post(f"/api/alarm-holds/{own.json()['id']}/end")

        assert [answer.status_code for answer in (own, beyond, everywhere, other)] == [201, 403, 403, 404]
        assert (await ok(await desks["medijana"].get("/api/alarm-holds")))["items"] == []
        assert len((await ok(await desks["toplana"].get("/api/alarm-holds")))["items"]) == 1
        assert (await desks["toplana"].post(f"/api/alarm-holds/{own.json()['id']}/end")).status_code == 200

    async def test_an_area_drawn_anew_places_what_stands_open_anew_and_a_device_takes_its_alarms_along(
        self, desks, alarms, services
    ):
        wide = {"type": "Polygon", "coordinates": [[[21, 43], [22, 43], [22, 44], [21, 44], [21, 43]]]}
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE area SET shape = %s", [Jsonb(wide)])
            await connection.execute("UPDATE device SET organisation = 'toplana' WHERE device_id = 'lot-out'")

        of_area = await ok(await desks["medijana"].get("/api/alarms"))
        of_both = await ok(await desks["toplana-medijana"].get("/api/alarms"))

        assert names(of_area["items"]) == set(THINGS) - {"nowhere"}
        assert names(of_both["items"]) == {"heat-in", "heat-out", "lot-out"}


def told(client: Any) -> list[tuple[str, Any]]:
    """The events that wait for a browser, by name and data."""
    lines = [line for line in client.take().decode().split("\n") if line]
    return [
        (name.removeprefix("event: "), orjson.loads(data.removeprefix("data: ")))
        for name, data in zip(lines[::3], lines[2::3], strict=True)
    ]


class TestStream:
    async def test_carries_to_each_what_they_see(self, desks, alarms, live: LiveCity, app: Starlette):
        with Followers(live) as clients:
            for number in alarms.values():
                await ok(await desks["city"].post(f"/api/alarms/{number}/acknowledge"))
            opened = await an_incident_of_each(desks["city"])
            await clients.until("city", lambda events: len(works(events, "incident")) >= len(opened))

            for login in GRANTS:
                events = clients.of(login)
                told_of = names([data["alarm"] for name, data in events if name == "alarm"])
                assert told_of == SEEN[login]
                assert names([data for name, data in events if name == "feed"]) == SEEN[login]
                assert {work["data"]["title"] for work in works(events, "incident")} == SEEN[login]

    async def test_says_that_a_thing_has_gone_to_who_sees_it_no_more(self, desks, live: LiveCity):
        with Followers(live) as clients:
            opened = await an_incident_of_each(desks["city"])
            await clients.until("city", lambda events: len(works(events, "incident")) == len(THINGS))
            version = (await desks["city"].get(f"/api/incidents/{opened['heat-in']}")).headers["etag"]
            place = {"type": "Point", "coordinates": OUTSIDE}
            await ok(
                await desks["city"].patch(
                    f"/api/incidents/{opened['heat-in']}", json={"place": place}, headers={"If-Match": version}
                )
            )
            await clients.until("city", lambda events: len(works(events, "incident")) > len(THINGS))

            for login in ("medijana", "toplana-medijana"):
                *_, last = works(clients.of(login), "incident")
                assert (last["subject"], last["data"]) == (opened["heat-in"], None)
            assert works(clients.of("toplana"), "incident")[-1]["data"]["areas"] == []


class Followers:
    """A follower of the live city for each person, and what each was told."""

    def __init__(self, live: LiveCity) -> None:
        self._live = live
        self._events: dict[str, list[tuple[str, Any]]] = {login: [] for login in GRANTS}

    def __enter__(self) -> "Followers":
        self._stack = ExitStack()
        self._clients = {
            login: self._stack.enter_context(self._live.hub.joined(None, a_person(login))) for login in GRANTS
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, login: str) -> list[tuple[str, Any]]:
        self._events[login] += told(self._clients[login])
        return self._events[login]

    async def until(self, login: str, true: Callable[[list[tuple[str, Any]]], bool]) -> None:
        async with asyncio.timeout(60):
            while not true(self.of(login)):  # noqa: ASYNC110 (the city tells nobody in particular)
                await asyncio.sleep(0.02)


def works(events: list[tuple[str, Any]], topic: str) -> list[dict[str, Any]]:
    return [data for name, data in events if name == "work" and data["topic"] == topic]


async def an_incident_of_each(desk: httpx.AsyncClient) -> dict[str, str]:
    """An incident named like each thing, where it is and concerning whom it belongs to; the id of each."""
    opened = {}
    for thing, (organisation, spot) in THINGS.items():
        body = {
            "type": "other",
            "title": thing,
            "organisations": [organisation] if organisation else [],
            "place": {"type": "Point", "coordinates": spot} if spot else None,
        }
        opened[thing] = (await ok(await desk.post("/api/incidents", json=body)))["id"]
    return opened


class TestIncidents:
    @pytest.mark.parametrize("login", GRANTS)
    async def test_lists_counts_and_pages_hold_what_one_sees_and_acts_what_one_may(self, desks, login):
        desk, opened = desks[login], await an_incident_of_each(desks["city"])
        listed = await ok(await desk.get("/api/incidents"))
        first_page = await ok(await desk.get("/api/incidents?limit=1"))
        figures = await ok(await desk.get("/api/incidents/figures"))
        paths = ("", "/alarms", "/entries", "/procedures")
        read = {
            thing: {(await desk.get(f"/api/incidents/{number}{path}")).status_code for path in paths}
            for thing, number in opened.items()
        }
        noted = {
            thing: (await desk.post(f"/api/incidents/{number}/entries", json={"text": "x"})).status_code
            for thing, number in opened.items()
        }

        assert {item["title"] for item in listed["items"]} == SEEN[login]
        assert len(first_page["items"]) == 1  # the page is filled from what one sees: filtered before it is cut
        assert listed["counts"]["open"] == figures["opened"] == len(SEEN[login])
        assert {thing: {200 if thing in SEEN[login] else 404} for thing in THINGS} == read
        assert noted == {
            thing: 201 if thing in ACTED[login] else 403 if thing in SEEN[login] else 404 for thing in THINGS
        }

    async def test_what_one_opens_belongs_to_ones_organisation_and_must_lie_where_one_may(self, desks):
        place = {"type": "Point", "coordinates": INSIDE}
        opening = {"type": "other", "title": "Квар"}
        own = await ok(await desks["toplana"].post("/api/incidents", json=opening))
        both = await ok(await desks["toplana-medijana"].post("/api/incidents", json=opening | {"place": place}))
        lost = await desks["toplana-medijana"].post("/api/incidents", json=opening)
        others = await desks["toplana"].post("/api/incidents", json=opening | {"organisations": ["parking"]})

        assert (own["organisations"], own["areas"]) == (["toplana"], [])
        assert (both["organisations"], both["areas"]) == (["toplana"], ["medijana"])
        assert [(one.status_code, one.json()["code"]) for one in (lost, others)] == [(403, "out-of-reach")] * 2

    async def test_an_alarm_brings_its_organisation_and_only_who_sees_it_hangs_it_on_something(self, desks, alarms):
        opened = await an_incident_of_each(desks["city"])
        link = {"kind": "alarm", "target": alarms["heat-out"]}
        unseen = await desks["medijana"].post(f"/api/incidents/{opened['lot-in']}/links", json=link)
        hung = await ok(await desks["city"].post(f"/api/incidents/{opened['lot-in']}/links", json=link))

        assert unseen.status_code == 404
        assert hung["organisations"] == ["parking", "toplana"]
        of_toplana = await ok(await desks["toplana"].get(f"/api/incidents/{opened['lot-in']}/alarms"))
        of_area = await ok(await desks["medijana"].get(f"/api/incidents/{opened['lot-in']}/alarms"))
        assert (names(of_toplana["items"]), of_toplana["total"]) == ({"heat-out"}, 1)
        assert (of_area["items"], of_area["total"]) == ([], 1)

    async def test_people_ask_another_service_in_and_it_sees_the_incident_from_then_on(self, desks):
        opened = await an_incident_of_each(desks["city"])
        incident = f"/api/incidents/{opened['lot-out']}"
        version = (await desks["city"].get(incident)).headers["etag"]
        before = await desks["toplana"].get(incident)
        await ok(
            await desks["city"].patch(
                incident, json={"organisations": ["parking", "toplana"]}, headers={"If-Match": version}
            )
        )

        assert before.status_code == 404
        assert (await ok(await desks["toplana"].get(incident)))["organisations"] == ["parking", "toplana"]

    async def test_nobody_merges_into_what_they_do_not_see(self, desks):
        opened = await an_incident_of_each(desks["city"])
        version = (await desks["toplana"].get(f"/api/incidents/{opened['heat-in']}")).headers["etag"]

        refused = await desks["toplana"].post(
            f"/api/incidents/{opened['heat-in']}/merge",
            json={"into": int(opened["lot-in"])},
            headers={"If-Match": version},
        )

        assert refused.status_code == 404

    async def test_who_was_given_a_role_in_it_reaches_it_wherever_it_lies(self, desks, services):
        opened = await an_incident_of_each(desks["city"])
        async with services.database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO incident_role (incident, role, person, person_name, begins_at)"
                " VALUES (%s, 'operations', 'toplana', 'Toplana', now())",
                [int(opened["nowhere"])],
            )

        listed = await ok(await desks["toplana"].get("/api/incidents"))
        noted = await desks["toplana"].post(f"/api/incidents/{opened['nowhere']}/entries", json={"text": "x"})

        assert {item["title"] for item in listed["items"]} == SEEN["toplana"] | {"nowhere"}
        assert noted.status_code == 201


class TestTasksAndProcedures:
    @pytest.mark.parametrize("login", GRANTS)
    async def test_lists_counts_and_pages_hold_what_one_sees_and_acts_what_one_may(self, desks, login, services):
        await settle_packaged(services, "city")
        desk, incidents = desks[login], await an_incident_of_each(desks["city"])
        tasks = {}
        for thing, incident in incidents.items():
            opening = {"title": thing, "incident": int(incident)}
            tasks[thing] = (await ok(await desks["city"].post("/api/tasks", json=opening)))["id"]
            await ok(
                await desks["city"].post(f"/api/incidents/{incident}/procedures", json={"procedure": "heating_burst"})
            )
        listed = await ok(await desk.get("/api/tasks"))
        runs = (await ok(await desk.get("/api/procedure-runs")))["items"]
        every = {run["incident"]["title"]: run["id"] for run in await all_runs(desks["city"])}
        read = {thing: (await desk.get(f"/api/tasks/{number}")).status_code for thing, number in tasks.items()}
        ran = {thing: (await desk.get(f"/api/procedure-runs/{number}")).status_code for thing, number in every.items()}
        stopped = {
            thing: (
                await desk.post(
                    f"/api/procedure-runs/{number}/stop", json={"reason": "x"}, headers={"If-Match": '"99"'}
                )
            ).status_code
            for thing, number in every.items()
        }
        changed = {
            thing: (
                await desk.patch(f"/api/tasks/{number}", json={"title": "x"}, headers={"If-Match": '"1"'})
            ).status_code
            for thing, number in tasks.items()
        }

        # The procedure opens a task in each incident, too.
        ours = [item for item in listed["items"] if item["id"] in tasks.values()]
        assert {item["title"] for item in ours} == SEEN[login]
        assert listed["counts"].get("open", 0) == len(listed["items"]) == 2 * len(SEEN[login])
        assert {run["incident"]["title"] for run in runs} == SEEN[login]
        assert read == ran == {thing: 200 if thing in SEEN[login] else 404 for thing in THINGS}
        beyond = {thing: 403 if thing in SEEN[login] else 404 for thing in THINGS}
        assert changed == {thing: 200 if thing in ACTED[login] else beyond[thing] for thing in THINGS}
        assert stopped == {thing: 412 if thing in ACTED[login] else beyond[thing] for thing in THINGS}

    async def test_a_task_belongs_to_its_crew_and_opener_and_its_incident_to_the_crew_that_goes_there(self, desks):
        crew = {"name": "Топлана 1", "organisation": "toplana"}
        number = (await ok(await desks["toplana"].post("/api/crews", json=crew)))["id"]
        incident = (await ok(await desks["city"].post("/api/incidents", json={"type": "other", "title": "Квар"})))["id"]
        sent = {"title": "Провери", "crew": number, "incident": int(incident)}

        refused = await desks["medijana"].post("/api/tasks", json={"title": "Провери", "crew": number})
        own = await ok(await desks["toplana"].post("/api/tasks", json={"title": "Наше"}))
        task = await ok(await desks["city"].post("/api/tasks", json=sent))

        assert refused.status_code == 403
        assert own["organisations"] == task["organisations"] == ["toplana"]
        assert (await ok(await desks["toplana"].get(f"/api/incidents/{incident}")))["organisations"] == ["toplana"]


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


async def all_runs(desk: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list((await ok(await desk.get("/api/procedure-runs")))["items"])


def test_every_door_that_names_one_thing_of_work_asks_whether_it_is_reached():
    asked = {"alarm_id", "group_id", "incident_id", "run_id", "task"}
    routers = [router for module in installed_modules() for router in module.api_routers()]
    doors = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    naming = [(door, name) for door in doors for name in asked & set(door.param_convertors)]

    unasked = [
        door.path
        for door, name in naming
        if not any(getattr(one.call, "reaches", None) == name for one in door.dependant.dependencies)
    ]

    assert len(naming) > 25
    # A photo's door asks once the picture is read: a slow phone must not hold a connection.
    assert unasked == ["/tasks/{task}/photos"]
