"""What a handover says of procedures: which step, since when, what it waits for; of exercises nothing."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.operations.procedures.doing import (
    Ask,
    a_definition,
    a_step,
    act,
    an_incident,
    branches,
    published,
    started,
)

from vidik.kernel.clock import iso, now
from vidik.operations.duty import report
from vidik.operations.duty.facts import gather


async def facts_of(application: Starlette) -> dict[str, Any]:
    moment = now()
    async with application.state.services.database.session("city") as connection:
        return await gather(connection, moment - timedelta(hours=8), moment + timedelta(minutes=1))


def page_of(facts: dict[str, Any], language: str) -> str:
    moment = iso(now())
    content = {"desk": "Центар", "begins_at": moment, "ends_at": moment, "note": "", "facts": facts}
    signed = {"hash": "0" * 64, "incoming": None, "signed_at": None}
    return report.page(content | {"outgoing": "Ана", "drawn_up_at": moment}, signed, language)


async def test_says_at_which_step_a_procedure_stands(app: Starlette, ask: Ask) -> None:
    steps = [a_step("look", next="pause"), a_step("pause", "wait", minutes=30, next="ask"), a_step("ask", "question")]
    steps[2]["branches"] = branches(None, None)
    run = await started(ask, *steps)
    (one,) = (await facts_of(app))["procedures"]
    assert (one["number"], one["step"]["en"], one["since"]) == (
        run["incident"]["number"],
        "look",
        run["steps"][0]["since"],
    )
    assert "<td>look ć</td>" in page_of(await facts_of(app), "sr-Latn")
    assert "<td>a person</td>" in page_of(await facts_of(app), "en")
    run = await act(ask, run, "done")
    assert "<td>do " in page_of(await facts_of(app), "sr-Latn")
    run = await act(ask, run, "skip", reason="одмах")
    assert "<td>одговор</td>" in page_of(await facts_of(app), "sr-Cyrl")
    await act(ask, run, "choose", branch=0)
    assert (await facts_of(app))["procedures"] == []


@pytest.mark.parametrize("room", ["incidents", "procedures", "tasks"])
async def test_exercises_are_none_of_it(app: Starlette, ask: Ask, room: str) -> None:
    await published(ask, a_definition(a_step("crew", "task", do={}, next="look"), a_step("look")))
    incident = await an_incident(ask)
    async with app.state.services.database.transaction("city") as connection:
        await connection.execute("UPDATE incident SET exercise_id = 7")
    await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})
    assert (await facts_of(app))[room] == []
