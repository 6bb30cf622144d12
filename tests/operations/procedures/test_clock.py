"""The clock's part of runs: waits and overdue steps, once each, through kills, pauses and workers at the same time."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.operations.procedures.doing import (
    Ask,
    a_step,
    act,
    again,
    clock_strikes,
    stands,
    started,
    timeline,
    words,
)

from vidik.kernel.clock import now
from vidik.operations.procedures import jobs, running

TELL = {"people": ["ana"], "text": words("Вода расте")}
PAUSE = a_step("pause", "wait", minutes=30, next="tell")
AFTER = [
    a_step("tell", "notify", do=TELL, next="crew"),
    a_step("crew", "task", do={}, next="look"),
    a_step("look", minutes=5),
]


def due(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["due_at"])


async def effects(application: Starlette) -> list[dict[str, Any]]:
    """How many messages, tasks, and lines of the timeline there are."""
    return await rows(
        application.state.services,
        "SELECT (SELECT count(*) FROM notice) AS notices, (SELECT count(*) FROM task) AS tasks,"
        " (SELECT count(*) FROM incident_entry WHERE kind = 'procedure.step.done') AS done,"
        " (SELECT count(*) FROM incident_entry WHERE kind = 'procedure.step.overdue') AS overdue",
    )


async def test_a_wait_ends_when_its_time_is_up_and_not_before(app: Starlette, ask: Ask) -> None:
    run = await started(ask, PAUSE, *AFTER)
    assert due(run) - now() < timedelta(minutes=30)
    await clock_strikes(app, due(run) - timedelta(seconds=1))
    assert stands(await again(ask, run))["pause"] == "current"
    await clock_strikes(app, due(run))
    after = await again(ask, run)
    assert stands(after) == {"pause": "done", "tell": "done", "crew": "done", "look": "current"}
    assert due(after) == due(run) + timedelta(minutes=5)


async def test_once_however_often_it_strikes_or_is_killed(
    app: Starlette,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = await started(ask, PAUSE, *AFTER)
    with monkeypatch.context() as killing:
        fire = running.fire

        async def killed(*arguments: Any) -> None:
            await fire(*arguments)
            raise ConnectionError("killed before the commit")

        killing.setattr(jobs.running, "fire", killed)
        for _ in range(3):
            await clock_strikes(app, due(run))
        assert await effects(app) == [{"notices": 0, "tasks": 0, "done": 0, "overdue": 0}]
    for _ in range(3):
        await clock_strikes(app, due(run))
    assert await effects(app) == [{"notices": 1, "tasks": 1, "done": 3, "overdue": 0}]
    assert await timeline(ask, run) == ["started", "step.done", "step.done", "step.done"]


async def test_once_though_many_workers_look_at_the_same_time(app: Starlette, ask: Ask) -> None:
    run = await started(ask, PAUSE, *AFTER)
    await asyncio.gather(*(clock_strikes(app, due(run)) for _ in range(6)))
    assert await effects(app) == [{"notices": 1, "tasks": 1, "done": 3, "overdue": 0}]


async def test_overdue_is_said_once_and_refuses_nobody(app: Starlette, ask: Ask) -> None:
    run = await started(ask, a_step("look", minutes=5, next="x"), a_step("x"))
    for minutes in (0, 1, 60):
        await clock_strikes(app, due(run) + timedelta(minutes=minutes))
    late = await again(ask, run)
    assert (late["overdue"], late["current"], late["version"]) == (True, "look", run["version"] + 1)
    assert await timeline(ask, run) == ["started", "step.overdue"]
    # The person had the page open since before.
    assert (await act(ask, run, "done"))["current"] == "x"


async def test_after_an_outage_what_is_due_happens_at_once_and_in_order(app: Starlette, ask: Ask) -> None:
    run = await started(ask, PAUSE, a_step("tell", "wait", minutes=10, next="look"), a_step("look"))
    much_later = due(run) + timedelta(hours=3)
    await clock_strikes(app, much_later)
    after = await again(ask, run)
    # The second wait begins when the first was seen to end: nobody could have acted before.
    assert (after["current"], due(after)) == ("tell", much_later + timedelta(minutes=10))


async def test_one_run_that_cannot_move_holds_up_no_other(
    app: Starlette,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = await started(ask, PAUSE, *AFTER)
    other = await ask("POST", "/incidents", {"type": "fire", "title": "други"})
    second = (await ask("POST", f"/incidents/{other.json()['id']}/procedures", {"procedure": "drill"})).json()
    fire = running.fire

    async def broken(connection: Any, settings: Any, tenant: str, number: int, moment: datetime) -> None:
        if str(number) == run["id"]:
            raise LookupError("this one is broken")
        await fire(connection, settings, tenant, number, moment)

    monkeypatch.setattr(jobs.running, "fire", broken)
    await clock_strikes(app, due(second))
    assert (await again(ask, run))["current"] == "pause"
    assert (await again(ask, second))["current"] == "look"


async def test_a_wait_may_be_left_out(app: Starlette, ask: Ask) -> None:
    run = await started(ask, PAUSE, *AFTER)
    after = await act(ask, run, "skip", reason="вода је већ ту")
    assert after["current"] == "look"
    await clock_strikes(app, due(run))
    assert (await effects(app))[0]["notices"] == 1


async def test_the_clock_and_a_person_at_once_leave_a_wait_once(app: Starlette, ask: Ask) -> None:
    run = await started(ask, PAUSE, *AFTER)
    path = f"/procedure-runs/{run['id']}/steps/pause/skip"
    _, answer, _ = await asyncio.gather(
        clock_strikes(app, due(run)),
        ask("POST", path, {"reason": "одмах"}, version=run["version"]),
        clock_strikes(app, due(run)),
    )
    assert answer.status_code in (200, 412)
    after = await again(ask, run)
    assert [one["step"] for one in after["path"]] == ["pause", "tell", "crew", "look"]
    assert (await effects(app))[0] | {"done": 0} == {"notices": 1, "tasks": 1, "done": 0, "overdue": 0}
