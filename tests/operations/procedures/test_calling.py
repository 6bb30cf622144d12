"""A message of a procedure is asked about until somebody takes it over, by duty's own escalation."""

from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.operations.duty.calling import a_plan, asked, tick
from tests.operations.procedures.doing import (
    Ask,
    a_step,
    act,
    started,
    timeline,
    words,
)

from vidik.kernel.clock import now

LOOK = a_step("look")


def tell(**fields: Any) -> dict[str, Any]:
    return a_step("tell", "notify", do={"plan": "night", "text": words("Вода расте"), **fields}, next="look")


async def strikes(app: Starlette, since: datetime, *minutes: float) -> list[str]:
    """Who was asked so far, in order, after what the worker does at some minutes."""
    for minute in minutes:
        await tick(app.state.services.database, since + timedelta(minutes=minute))
    return [login for login, _, _ in await asked(app.state.services.database)]


async def test_the_next_is_asked_until_somebody_takes_it_over(app: Starlette, ask: Ask) -> None:
    await a_plan(app.state.services.database, now(), priorities=[])
    run = await started(ask, tell(), LOOK)
    assert (run["current"], run["path"][0]["result"]["call"]["plan"]) == ("look", "night")
    begun = now()
    assert await strikes(app, begun) == ["ana"]
    assert await strikes(app, begun, 1, 4.9) == ["ana"]
    assert await strikes(app, begun, 5.1, 5.2) == ["ana", "bora"]
    (call,) = (await ask("GET", "/duty/now")).json()["escalations"]
    assert (call["cause"], call["state"], call["facts"]["text"]["sr-Cyrl"]) == ("procedure", "waiting", "Вода расте ћ")
    taken = await ask("POST", f"/duty/escalations/{call['id']}/take", who="ana")
    assert taken.status_code == 200, taken.text
    assert await strikes(app, begun, 20, 60) == ["ana", "bora"]
    incident = run["incident"]["id"]
    lines = (await ask("GET", f"/incidents/{incident}/entries?after=0&kind=notice")).json()["items"]
    assert [(one["kind"], one["data"]["title"]) for one in lines] == [
        ("notice.sent", "Ана Јовић"),
        ("notice.escalated", "bora"),
        ("notice.acknowledged", "Ана Јовић"),
    ]


async def test_the_plan_waits_for_the_answer_of_who_was_told(app: Starlette, ask: Ask) -> None:
    await a_plan(app.state.services.database, now(), priorities=[])
    await started(ask, tell(people=["dispatcher"], answer_minutes=3), LOOK)
    begun = now()
    assert await strikes(app, begun, 0, 2.9) == ["dispatcher"]
    assert await strikes(app, begun, 3.1, 3.2) == ["dispatcher", "ana"]
    (call,) = (await ask("GET", "/duty/now")).json()["escalations"]
    await ask("POST", f"/duty/escalations/{call['id']}/take")
    # Not sent yet, and not needed any more; whoever was told by name is answered with the rest.
    assert {state for _, _, state in await asked(app.state.services.database)} == {"given_up"}


async def test_who_stops_the_run_or_closes_the_incident_calls_it_off(app: Starlette, ask: Ask) -> None:
    await a_plan(app.state.services.database, now(), priorities=[])
    run = await started(ask, tell(), LOOK)
    stopped = await ask("POST", f"/procedure-runs/{run['id']}/stop", {"reason": "лажно"}, version=run["version"])
    assert stopped.status_code == 200, stopped.text
    incident = run["incident"]["id"]
    second = (await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})).json()
    await act(ask, second, "done")
    version = (await ask("GET", f"/incidents/{incident}")).json()["version"]
    closed = await ask("POST", f"/incidents/{incident}/close", {"cause": "лажно", "lesson": "ништа"}, version=version)
    assert closed.status_code == 200, closed.text
    assert await strikes(app, now(), 0, 20) == ["ana", "ana"]
    calls = await rows(app.state.services, "SELECT state FROM escalation ORDER BY id")
    assert [one["state"] for one in calls] == ["over", "over"]
    assert (await timeline(ask, run))[-1] == "ended"


async def test_a_plan_that_is_switched_off_is_none(app: Starlette, ask: Ask) -> None:
    await a_plan(app.state.services.database, now(), priorities=[])
    async with app.state.services.database.transaction("city") as connection:
        await connection.execute("UPDATE on_call_plan SET enabled = false")
    run = await started(ask, tell(), LOOK)
    assert (run["current"], run["steps"][0]["problem"]["code"]) == ("tell", "unknown-plan")
