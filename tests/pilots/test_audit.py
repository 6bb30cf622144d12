"""Who did what with a pilot, and when, stands in the audit record: every writing door is walked through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from tests.pilots.conftest import METERS, PEOPLE, a_draft, a_specification, finished, given_meters, signed

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Database
from vidik.pilots import MODULE
from vidik.pilots.outcome import Finding
from vidik.pilots.plans import watching

Door = tuple[str, str]
STEP = Finding("step", "warning", "Use fell by 30 %.", "building", date(2025, 3, 1), date(2025, 3, 31))
SAVES_NOTHING = {("POST", "/pilots/candidates/rank"): "A question that nobody else sees the answer of."}


@dataclass(frozen=True)
class City:
    """What a door may need before somebody goes through it."""

    app: Starlette
    client: httpx.AsyncClient
    database: Database

    async def draft(self) -> str:
        await given_meters(self.client)
        return f"/plans/{(await a_draft(self.client))['id']}"

    async def frozen(self) -> str:
        await given_meters(self.client)
        return f"/plans/{(await signed(self.client, await a_draft(self.client)))['id']}"

    async def watched(self) -> str:
        plan = await self.frozen()
        await finished(self.app, self.client, f"/api/pilots{plan}/watch")
        return plan

    async def asked(self) -> str:
        plan = await self.watched()
        async with self.database.transaction("city") as connection:
            await watching.ask_about_events(connection, int(plan.rpartition("/")[2]), [STEP], now())
        (event,) = (await self.client.get(f"/api/pilots{plan}/watch")).json()["events"]
        return f"{plan}/events/{event['id']}"


async def nothing(_: City) -> str:
    return ""


async def seen(city: City, plan: str) -> dict[str, Any]:
    hash_ = (await city.client.get(f"/api/pilots{plan}")).json()["draft_hash"]
    return {"hash": hash_, "statement": "Сагласна сам."}


Before = Callable[[City], Awaitable[str]]
WALKED: dict[Door, tuple[Before, str, Any, str]] = {
    ("PUT", "/pilots/candidates"): (nothing, "/candidates", {"budget": 9e7, "reason": "Ребаланс."}, "pilot.assume"),
    ("POST", "/pilots/files"): (nothing, "/files?name=meters.csv", METERS, "pilot.file"),
    ("POST", "/pilots/plans"): (nothing, "/plans", {"specification": {"title": "Идеја"}}, "pilot.draft"),
    ("PUT", "/pilots/plans/{plan}"): (City.draft, "", {"specification": a_specification(title="Друго")},
                                      "pilot.change"),
    ("DELETE", "/pilots/plans/{plan}"): (City.draft, "", None, "pilot.discard"),
    ("POST", "/pilots/plans/{plan}/power"): (City.draft, "/power", None, "pilot.power"),
    ("POST", "/pilots/plans/{plan}/freeze"): (City.draft, "/freeze", seen, "pilot.freeze"),
    ("POST", "/pilots/plans/{plan}/amendments"): (City.frozen, "/amendments",
                                                  {"changes": {"fund": "EBRD"}, "reason": "Платио је други."},
                                                  "pilot.amend"),
    ("POST", "/pilots/plans/{plan}/watch"): (City.frozen, "/watch", None, "pilot.watch"),
    ("POST", "/pilots/plans/{plan}/events/{event}/answer"): (City.asked, "/answer",
                                                             {"answer": "routine", "note": "Распуст."},
                                                             "pilot.answer"),
    ("POST", "/pilots/plans/{plan}/verdict"): (City.watched, "/verdict",
                                               {"decision": "scale_up", "note": "Све школе."}, "pilot.decide"),
}  # fmt: skip


def writing_doors() -> set[Door]:
    """Every method and path of pilots that may change something."""
    return {
        (method, route.path)
        for router in MODULE.api_routers()
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods - {"GET", "HEAD", "OPTIONS"}
    }


async def record_of(database: Database) -> list[dict[str, Any]]:
    async with database.transaction("city") as connection:
        return [orjson.loads(line)["record"] async for line in audit.export(connection, "city")]


@pytest.fixture
async def city(app: Starlette, client: httpx.AsyncClient, database: Database) -> City:
    return City(app, client, database)


def test_every_writing_door_is_walked_through() -> None:
    assert writing_doors() == WALKED.keys() | SAVES_NOTHING.keys()


@pytest.mark.parametrize("door", WALKED, ids=lambda door: " ".join(door))
async def test_who_goes_through_stands_in_the_record(city: City, door: Door) -> None:
    before, way, body, action = WALKED[door]
    place = await before(city)
    sent = await body(city, place) if callable(body) else body
    known = len(await record_of(city.database))
    what = {"content": sent} if isinstance(sent, bytes) else {"json": sent} if sent is not None else {}

    answer = await city.client.request(door[0], f"/api/pilots{place}{way}", **what)

    assert answer.is_success, answer.text
    written = (await record_of(city.database))[known:]
    record = next(one for one in written if one["action"] == action)
    assert (record["actor"], record["login"]) == (PEOPLE["manager"].actor, PEOPLE["manager"].login)
    assert record["subject"].startswith(("pilot:", "file:"))
    assert now() - datetime.fromisoformat(record["recorded_at"]) < timedelta(minutes=5)
    if isinstance(sent, dict) and "reason" in sent:
        assert record["reason"] == sent["reason"]


async def test_who_may_not_act_leaves_no_action(city: City) -> None:
    place = await city.draft()
    known = len(await record_of(city.database))

    answer = await city.client.delete(f"/api/pilots{place}", headers={"Authorization": "Bearer reader"})

    assert answer.status_code == 403
    assert "pilot.discard" not in {one["action"] for one in (await record_of(city.database))[known:]}
