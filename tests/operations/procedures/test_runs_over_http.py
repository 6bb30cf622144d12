"""Runs over HTTP and a real database: led by people, by Vidik and by the clock; two at once; roles; closing."""

import asyncio
from datetime import timedelta

from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.operations.procedures.doing import (
    Ask,
    a_definition,
    a_step,
    act,
    again,
    an_incident,
    branches,
    clock_strikes,
    published,
    stands,
    started,
    timeline,
    words,
)

from vidik.kernel.clock import now


class TestStart:
    async def test_leads_from_step_to_step_to_the_end(self, ask: Ask) -> None:
        run = await started(ask)
        assert (run["current"], run["acts"], stands(run)) == (
            "first",
            ["done", "skip"],
            {"first": "current", "second": "waiting"},
        )
        run = await act(ask, run, "done", note="затворено")
        run = await act(ask, run, "done")
        assert (run["state"], run["current"], run["ended_by"]) == ("ended", None, "Милица Петровић")
        assert [one["note"] for one in run["path"]] == ["затворено", ""]
        assert await timeline(ask, run) == ["started", "step.done", "step.done", "ended"]

    async def test_goes_by_the_version_it_was_started_with(self, ask: Ask) -> None:
        run = await started(ask)
        draft = (
            await ask("PUT", "/procedures/drill/draft", {"definition": a_definition(a_step("other"))}, version=0)
        ).json()
        await ask("POST", "/procedures/drill/publish", {}, version=draft["version"])
        assert stands(await again(ask, run)) == {"first": "current", "second": "waiting"}

    async def test_the_same_client_starts_once(self, ask: Ask) -> None:
        await published(ask, a_definition())
        incident = await an_incident(ask)
        body = {"procedure": "drill", "client_id": "0b1f7a06-8d5b-4c0f-9a53-3d8f1c1f0001"}
        first = await ask("POST", f"/incidents/{incident}/procedures", body)
        second = await ask("POST", f"/incidents/{incident}/procedures", body)
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["id"] == second.json()["id"]
        twice = await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})
        assert (twice.status_code, twice.json()["code"], twice.json()["values"]["run"]) == (
            409,
            "already-running",
            first.json()["id"],
        )

    async def test_two_who_start_at_once_start_one(self, ask: Ask) -> None:
        await published(ask, a_definition())
        path = f"/incidents/{await an_incident(ask)}/procedures"
        people = ("dispatcher", "ana", "dispatcher", "ana")
        answers = await asyncio.gather(*(ask("POST", path, {"procedure": "drill"}, who=who) for who in people))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        assert len((await ask("GET", path)).json()["runs"]) == 1

    async def test_an_incident_suggests_what_is_meant_for_it(self, ask: Ask) -> None:
        await published(ask, a_definition(code="for_floods", incident_types=["flood"]))
        await published(ask, a_definition(code="also_for_fires"))
        await published(ask, a_definition(code="fire", incident_types=[]))
        found = (await ask("GET", f"/incidents/{await an_incident(ask)}/procedures")).json()
        assert [(one["code"], one["suggested"]) for one in found["items"]] == [
            ("fire", True),
            ("also_for_fires", True),
            ("for_floods", False),
        ]


class TestAct:
    async def test_a_person_chooses_and_the_other_branch_stays_white(self, ask: Ask) -> None:
        question = a_step("big", "question", branches=branches("close", "look"))
        run = await started(ask, question, a_step("close"), a_step("look"))
        answer = await ask("POST", f"/procedure-runs/{run['id']}/steps/big/choose", {}, version=1)
        assert (answer.status_code, answer.json()["code"]) == (422, "branch-missing")
        run = await act(ask, run, "choose", branch=1)
        assert stands(run) == {"big": "done", "close": "waiting", "look": "current"}

    async def test_what_is_left_out_needs_a_reason(self, ask: Ask) -> None:
        run = await started(ask, a_step("first", next="second"), a_step("second", optional=True))
        path = f"/procedure-runs/{run['id']}/steps/first/skip"
        refused = await ask("POST", path, {}, version=run["version"])
        assert (refused.status_code, refused.json()["code"]) == (422, "reason-missing")
        run = await act(ask, run, "skip", reason="нема воде")
        run = await act(ask, run, "skip")
        assert run["state"] == "ended"
        assert run["path"][0]["note"] == "нема воде"

    async def test_two_at_once_see_each_other(self, ask: Ask) -> None:
        run = await started(ask)
        await act(ask, run, "done", who="ana")
        late = await ask("POST", f"/procedure-runs/{run['id']}/steps/first/done", {}, version=run["version"])
        assert late.status_code == 412
        assert late.json()["current"]["current"] == "second"
        assert late.json()["values"]["changed_by"] == "Ана Јовић"

    async def test_who_has_not_looked_is_asked_to(self, ask: Ask) -> None:
        run = await started(ask)
        path = f"/procedure-runs/{run['id']}/steps/first/done"
        assert (await ask("POST", path, {})).status_code == 428
        assert (await ask("POST", path, {}, version=99)).status_code == 412
        assert (await ask("POST", f"/procedure-runs/{run['id']}/steps/nowhere/done", {}, version=1)).status_code == 404

    async def test_a_step_of_anothers_role_asks_for_a_word(self, ask: Ask) -> None:
        run = await started(ask, a_step("first", role="operations"))
        incident = run["incident"]["id"]
        path = f"/procedure-runs/{run['id']}/steps/first/done"
        assert (await ask("POST", path, {}, who="crew", version=1)).status_code == 403
        version = (await ask("GET", f"/incidents/{incident}")).json()["version"]
        given = await ask(
            "POST", f"/incidents/{incident}/roles", {"role": "operations", "person": "ana"}, version=version
        )
        assert given.status_code == 200, given.text
        refused = await ask("POST", path, {}, version=1)
        assert (refused.status_code, refused.json()["code"]) == (422, "note-missing")
        assert (await again(ask, run))["held_by"] == {"login": "ana", "name": "Ана Јовић"}
        assert (await ask("POST", path, {"note": "Ана је на терену"}, version=1)).status_code == 200

    async def test_who_holds_the_role_does_its_steps_and_no_others(self, ask: Ask) -> None:
        run = await started(ask, a_step("first", role="operations", next="second"), a_step("second", role="command"))
        incident = run["incident"]["id"]
        version = (await ask("GET", f"/incidents/{incident}")).json()["version"]
        body = {"role": "operations", "person": "crew"}
        assert (await ask("POST", f"/incidents/{incident}/roles", body, version=version)).status_code == 200
        run = await act(ask, run, "done", who="crew")
        assert run["path"][0]["by"] == "Екипа"
        path = f"/procedure-runs/{run['id']}/steps/second/done"
        assert (await ask("POST", path, {}, who="crew", version=run["version"])).status_code == 403

    async def test_whoever_stops_it_says_why(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask)
        path = f"/procedure-runs/{run['id']}/stop"
        assert (await ask("POST", path, {"reason": " "}, version=1)).status_code == 422
        stopped = (await ask("POST", path, {"reason": "лажна дојава"}, version=1)).json()
        assert (stopped["state"], stopped["reason"], stopped["acts"], stopped["current"]) == (
            "stopped",
            "лажна дојава",
            [],
            None,
        )
        assert await timeline(ask, run) == ["started", "ended"]
        late = await ask("POST", f"/procedure-runs/{run['id']}/steps/first/done", {}, version=1)
        assert (late.status_code, late.json()["current"]["state"]) == (412, "stopped")
        told = await rows(app.state.services, "SELECT data FROM work_event WHERE topic = 'procedure-run' ORDER BY id")
        assert [event["data"]["version"] for event in told] == [1, 2]
        assert told[-1]["data"] == stopped

    async def test_a_closed_incident_ends_its_runs(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask, a_step("pause", "wait", minutes=5, next="after"), a_step("after"))
        incident = run["incident"]["id"]
        version = (await ask("GET", f"/incidents/{incident}")).json()["version"]
        closed = await ask("POST", f"/incidents/{incident}/close", {"cause": "жар", "lesson": "песак"}, version=version)
        assert closed.status_code == 200
        refused = await ask("POST", f"/procedure-runs/{run['id']}/steps/pause/skip", {"reason": "x"}, version=1)
        assert (refused.status_code, refused.json()["code"]) == (409, "incident-state")
        await clock_strikes(app, now() + timedelta(minutes=6))
        run = await again(ask, run)
        assert (run["state"], run["reason"], run["ended_by"]) == ("stopped", "incident-closed", "Vidik")
        assert stands(run) == {"pause": "stopped", "after": "waiting"}


class TestMerged:
    async def test_a_run_goes_where_its_incident_went(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask)
        other = await an_incident(ask, title="Већи пожар")
        body = {"into": other, "into_version": 1}
        version = (await ask("GET", f"/incidents/{run['incident']['id']}")).json()["version"]
        merged = await ask("POST", f"/incidents/{run['incident']['id']}/merge", body, version=version)
        assert merged.status_code == 200, merged.text
        (found,) = (await ask("GET", f"/incidents/{other}/procedures")).json()["runs"]
        assert (found["id"], found["incident"]["title"]) == (run["id"], "Већи пожар")
        run = await act(ask, run, "skip", reason="није потребно", note="види белешку")
        assert run["path"][0]["note"] == "није потребно\nвиди белешку"
        assert "step.skipped" in await timeline(ask, {"incident": {"id": other}})
        version = (await ask("GET", f"/incidents/{other}")).json()["version"]
        await ask("POST", f"/incidents/{other}/close", {"cause": "жар", "lesson": "песак"}, version=version)
        await clock_strikes(app, now())
        assert (await again(ask, run))["reason"] == "incident-closed"


class TestByItself:
    async def test_a_condition_chooses_by_what_is_known(self, ask: Ask) -> None:
        severe = [{"fact": "severity", "at_least": "severe"}]
        condition = a_step("how_bad", "condition", branches=branches("alert", "calm", alert=severe))
        run = await started(ask, condition, a_step("alert"), a_step("calm"), severity="extreme")
        assert run["current"] == "alert"
        assert run["path"][0]["result"] == {"facts": {"severity": "extreme"}}
        assert run["path"][0]["by"] == "Vidik"

    async def test_opens_a_task_of_the_incident(self, app: Starlette, ask: Ask) -> None:
        deed = {"title": words("Затвори вентил"), "kind": "repair", "skill": "heating", "priority": "high"}
        run = await started(ask, a_step("send", "task", do=deed, next="wait_for_it"), a_step("wait_for_it"))
        task = run["path"][0]["result"]["task"]
        found = (await ask("GET", f"/tasks/{task['id']}")).json()
        assert (found["title"], found["skill"], str(found["incident"])) == (
            "Затвори вентил ћ",
            "heating",
            run["incident"]["id"],
        )
        assert (found["titles"]["en"], found["titles"]["sr-Latn"]) == ("Затвори вентил", "Zatvori ventil ć")
        records = await rows(app.state.services, "SELECT content FROM platform.audit_record WHERE action = 'task.open'")
        assert len(records) == 1
        # What a person types anew is theirs, in the script they typed it in.
        edited = await ask("PATCH", f"/tasks/{task['id']}", {"title": "Затвори оба"}, version=found["version"])
        assert (edited.json()["title"], edited.json()["titles"]) == ("Затвори оба", None)

    async def test_tells_people_by_a_row_that_is_sent(self, app: Starlette, ask: Ask) -> None:
        deed = {"people": ["ana", "gone"], "text": words("Вода расте")}
        await published(
            ask, a_definition(a_step("tell", "notify", do={**deed, "people": ["ana"]}, next="x"), a_step("x"))
        )
        incident = await an_incident(ask)
        run = (await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})).json()
        (told,) = run["path"][0]["result"]["notices"]
        assert (told["person"], told["channel"]) == ("Ана Јовић", "web-push")
        kept = await rows(app.state.services, "SELECT login, state, facts->'text'->>'sr-Cyrl' AS text FROM notice")
        assert kept == [{"login": "ana", "state": "due", "text": "Вода расте ћ"}]

    async def test_what_does_not_work_waits_for_a_person(self, ask: Ask) -> None:
        deed = {"roles": ["planning"], "text": words("x")}
        run = await started(ask, a_step("tell", "notify", do=deed, next="x"), a_step("x"))
        assert (run["current"], run["acts"]) == ("tell", ["confirm", "skip"])
        assert run["steps"][0]["problem"]["code"] == "nobody-to-tell"
        again_failed = await act(ask, run, "confirm")
        assert again_failed["current"] == "tell"
        incident = run["incident"]["id"]
        version = (await ask("GET", f"/incidents/{incident}")).json()["version"]
        await ask("POST", f"/incidents/{incident}/roles", {"role": "planning", "person": "ana"}, version=version)
        assert (await act(ask, again_failed, "confirm"))["current"] == "x"

    async def test_an_optional_step_that_does_not_work_is_passed_over(self, ask: Ask) -> None:
        deed = {"roles": ["planning"], "text": words("x")}
        run = await started(ask, a_step("tell", "notify", do=deed, optional=True, next="x"), a_step("x"))
        assert stands(run) == {"tell": "skipped", "x": "current"}
