"""Who sees and does what of work, at every door: desks limited to an organisation, to an area, and to both."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import orjson
import pytest
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb
from starlette.applications import Starlette
from tests.operations.reaching.desks import (
    ACTED,
    GRANTS,
    INSIDE,
    OUTSIDE,
    SEEN,
    THINGS,
    a_person,
    id_of,
    names,
    ok,
)

from vidik.app.modules import installed_modules
from vidik.console.live import LiveCity
from vidik.operations.procedures.jobs import settle_packaged


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
