"""Reading a plan's data takes seconds: it comes before the locks, and what changed meanwhile is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date
from typing import Any

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from tests.pilots.conftest import BASELINE, a_draft, a_specification, finished, given_meters, signed

from vidik.kernel.clock import now
from vidik.kernel.database import Database
from vidik.pilots.ledger import verdict
from vidik.pilots.outcome import Finding
from vidik.pilots.plans import data, repository, watching

STATEMENT = "Сагласна сам."
DECISION = {"decision": "scale_up", "note": "Идемо даље."}
EARLIER = BASELINE | {"first": "2024-01-08"}

Meanwhile = Callable[[Callable[[], Coroutine[None, None, None]]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Lets something happen once while data are read for the first time from now."""

    def meanwhile(happens: Callable[[], Coroutine[None, None, None]]) -> None:
        read, waiting = data.read_data, [happens]

        async def watched(*given: Any) -> data.Data:
            if waiting:
                await asyncio.create_task(waiting.pop()())  # somebody else, with a connection of their own
            return await read(*given)

        monkeypatch.setattr(data, "read_data", watched)

    return meanwhile


def lock_everything(url: str) -> None:
    """Lock plans and freezing as who signs does; raises where somebody has them."""
    with psycopg.connect(url, options="-c search_path=tenant_city,platform,public") as connection:
        connection.execute("SET lock_timeout = '1ms'")
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [repository._FREEZING])
        connection.execute("SELECT FROM pilot_plan FOR UPDATE")


@pytest.fixture
def others_lock(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read or packed while everybody else could lock everything."""
    free: list[str] = []
    read, pack = data.read_data, verdict.build_extract

    async def reads(*given: Any) -> data.Data:
        await asyncio.to_thread(lock_everything, database.url)
        free.append("read")
        return await read(*given)

    def packs(*given: Any) -> Any:
        lock_everything(database.url)
        free.append("packed")
        return pack(*given)

    monkeypatch.setattr(data, "read_data", reads)
    monkeypatch.setattr(verdict, "build_extract", packs)
    return free


async def freeze(client: httpx.AsyncClient, plan: dict[str, Any]) -> httpx.Response:
    body = {"hash": plan["draft_hash"], "statement": STATEMENT}
    return await client.post(f"/api/pilots/plans/{plan['id']}/freeze", json=body)


async def amend(client: httpx.AsyncClient, plan: dict[str, Any], **changes: Any) -> httpx.Response:
    body = {"changes": changes, "reason": "Одлука"}
    return await client.post(f"/api/pilots/plans/{plan['id']}/amendments", json=body)


class TestNobodyWaits:
    async def test_while_a_plan_is_signed_and_amended(self, client: httpx.AsyncClient, others_lock: list[str]) -> None:
        await given_meters(client)
        plan = await a_draft(client)
        assert (await freeze(client, plan)).status_code == 200
        others_lock.clear()

        answer = await amend(client, plan, baseline=EARLIER)

        assert answer.status_code == 200, answer.text
        assert others_lock == ["read", "read"]  # for the digests, and for what was replaced

    async def test_while_a_verdict_is_packed(
        self, app: Starlette, client: httpx.AsyncClient, others_lock: list[str]
    ) -> None:
        await given_meters(client)
        plan = await signed(client, await a_draft(client))

        job = await finished(app, client, f"/api/pilots/plans/{plan['id']}/verdict", DECISION)

        assert job["state"] == "done", job
        assert others_lock[-1] == "packed"


class TestWhatComesMeanwhile:
    async def test_another_text_is_not_signed(self, client: httpx.AsyncClient, meanwhile: Meanwhile) -> None:
        await given_meters(client)
        plan = await a_draft(client)

        async def change() -> None:
            body = {"specification": a_specification(expected=0.3)}
            assert (await client.put(f"/api/pilots/plans/{plan['id']}", json=body)).status_code == 200

        meanwhile(change)

        answer = await freeze(client, plan)

        assert (answer.status_code, answer.json()["code"]) == (409, "hash-changed")

    async def test_a_plan_of_the_same_units_is_found(self, client: httpx.AsyncClient, meanwhile: Meanwhile) -> None:
        await given_meters(client)
        first, second = await a_draft(client), await a_draft(client, title="Исто још једном")

        async def sign_the_other() -> None:
            await signed(client, second)

        meanwhile(sign_the_other)

        answer = await freeze(client, first)

        assert (answer.status_code, answer.json()["code"]) == (409, "overlapping-pilots")

    async def test_an_amendment_comes_first_in_the_chain(self, client: httpx.AsyncClient, meanwhile: Meanwhile) -> None:
        await given_meters(client)
        plan = await signed(client, await a_draft(client))

        async def amend_first() -> None:
            assert (await amend(client, plan, fund="EU")).status_code == 200

        meanwhile(amend_first)

        answer = await amend(client, plan, baseline=EARLIER)

        assert answer.status_code == 200, answer.text
        first, second = answer.json()["amendments"]
        assert second["previous"] == first["hash"]
        assert (answer.json()["effective"]["fund"], answer.json()["effective"]["baseline"]) == ("EU", EARLIER)


async def test_who_answers_and_who_amends_take_the_locks_in_one_order(
    client: httpx.AsyncClient, database: Database
) -> None:
    await given_meters(client)
    plan = await signed(client, await a_draft(client))
    step = Finding("step", "warning", "Use fell by 30 %.", "building", date(2025, 3, 1), date(2025, 3, 31))
    async with database.transaction("city") as connection:
        await watching.ask_about_events(connection, plan["id"], [step], now())
        (event,) = await repository.events_of(connection, plan["id"])
    body = {"answer": "excluded", "note": "Радови на мрежи."}
    async with database.transaction("city") as amending:
        await repository.lock_freezing(amending)
        answering = asyncio.create_task(
            client.post(f"/api/pilots/plans/{plan['id']}/events/{event['id']}/answer", json=body)
        )
        async with asyncio.timeout(60), database.session("city") as looking:
            waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            while not await (await looking.execute(waits)).fetchall():  # noqa: ASYNC110  the database tells nobody
                await asyncio.sleep(0.02)
        # Had the answer the plan already, the two would now wait for each other.
        await repository.lock_plan(amending, plan["id"])
    assert (await answering).status_code == 200
