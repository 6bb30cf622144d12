"""Ten operators at once, each with a stream: nobody's work is lost or done twice, and each sees that of all others."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx
from starlette.applications import Starlette
from tests.console.browsing import Browser, browsing
from tests.operations.conftest import rows
from tests.operations.duty.calling import an_alarm
from tests.operations.factories import minutes_ago
from tests.web import DISPATCHER

from vidik.kernel.identity import authenticator
from vidik.kernel.services import Services

PEOPLE = [f"Оператер {number}" for number in range(1, 11)]


def secret_of(person: str) -> str:
    return f"operator-{PEOPLE.index(person)}"


async def seen(browser: Browser, sees: Any) -> None:
    """Wait until a stream has brought what is looked for."""
    async with asyncio.timeout(60), browser.arrived:
        await browser.arrived.wait_for(lambda: sees([data for name, _, data in browser.events if name == "work"]))


def of_incident(told: list[Any], number: str) -> list[Any]:
    return [one["data"] for one in told if one["topic"] == "incident" and one["subject"] == number]


def notes_in(told: list[Any], number: str) -> set[str]:
    entries = [entry for view in of_incident(told, number) for entry in view["entries"]]
    return {entry["person"] for entry in entries if entry["kind"] == "note"}


async def test_see_each_others_work_and_lose_none_of_it(app: Starlette, address: str) -> None:
    services: Services = app.state.services
    people = {
        secret_of(person): replace(DISPATCHER, id=str(number), login=secret_of(person), name=person)
        for number, person in enumerate(PEOPLE)
    }
    authenticator(services).sources.append(lambda _user, secret: people.get(secret))
    alarm = await an_alarm(services.database, minutes_ago(1))
    async with AsyncExitStack() as stack:
        bearer = [{"Authorization": f"Bearer {secret}"} for secret in people]
        streams = [await stack.enter_async_context(browsing(address, **headers)) for headers in bearer]
        desks = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=address, headers=headers, timeout=60))
            for headers in bearer
        ]
        opening = {"type": "flood", "title": "Поплава на Нишави"}
        shared = (await desks[0].post("/api/incidents", json=opening)).json()["id"]

        # One alarm, one incident's summary: of ten hands one is first, the others are told whose it was.
        taken = await asyncio.gather(*(desk.post(f"/api/alarms/{alarm}/acknowledge") for desk in desks))
        assert sorted(answer.status_code for answer in taken) == [200] + [409] * 9
        changed = await asyncio.gather(
            *(
                desk.patch(f"/api/incidents/{shared}", json={"summary": person}, headers={"If-Match": '"1"'})
                for desk, person in zip(desks, PEOPLE, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in changed) == [200] + [412] * 9
        (summary,) = {answer.json()["summary"] for answer in changed if answer.status_code == 200}
        others = [answer.json() for answer in changed if answer.status_code == 412]
        assert {(other["current"]["summary"], other["values"]["changed_by"]) for other in others} == {
            (summary, summary)
        }

        # Everybody writes a line into the same incident, opens one of their own and a task, at the same moment.
        async def work(desk: httpx.AsyncClient, person: str) -> None:
            answers = await asyncio.gather(
                desk.post(f"/api/incidents/{shared}/entries", json={"text": f"Јавио {person}"}),
                desk.post("/api/incidents", json={"type": "fire", "title": person}),
                desk.post("/api/tasks", json={"title": person, "incident": int(shared)}),
            )
            assert [answer.status_code for answer in answers] == [201, 201, 201], [one.text for one in answers]

        await asyncio.gather(*(work(desk, person) for desk, person in zip(desks, PEOPLE, strict=True)))
        everybody = set(PEOPLE)
        for stream in streams:
            await seen(stream, lambda told: notes_in(told, shared) == everybody)
            await seen(stream, lambda told: {one["data"]["title"] for one in told} >= everybody)
            await seen(
                stream, lambda told: {one["data"]["title"] for one in told if one["topic"] == "task"} == everybody
            )
            # The same event once on each stream, and nobody sees another state than the others.
            work_of = [data for name, _, data in stream.events if name == "work"]
            assert len({one["id"] for one in work_of}) == len(work_of)
            assert {view["summary"] for view in of_incident(work_of, shared)} == {"", summary}
    numbers = [row["number"] for row in await rows(services, "SELECT number FROM incident ORDER BY id")]
    assert len(numbers) == len(set(numbers)) == 11
