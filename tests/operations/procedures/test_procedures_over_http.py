"""Procedures over HTTP: drafts that may be half finished, versions that stand, trials without effect; no nonsense."""

from typing import Any

import psycopg
import pytest
from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.operations.procedures.doing import (
    HOSTILE,
    Ask,
    a_definition,
    a_step,
    act,
    an_incident,
    branches,
    published,
    started,
    words,
)

from vidik.operations.procedures import jobs, service
from vidik.operations.procedures.packaged_procedures import packaged_procedures

DEEP: Any = 1
for _ in range(200):
    DEEP = [DEEP]
KEPT = (
    "SELECT (SELECT count(*) FROM procedure_draft) AS drafts, (SELECT count(*) FROM procedure_version) AS versions,"
    " (SELECT count(*) FROM procedure_run) AS runs, (SELECT count(*) FROM procedure_visit) AS visits"
)


class TestDraft:
    async def test_may_be_half_finished_and_says_so(self, ask: Ask) -> None:
        half = a_definition(a_step("first", next="nowhere"))
        made = await ask("POST", "/procedures", {"definition": half})
        assert (made.status_code, [one["code"] for one in made.json()["problems"]]) == (201, ["unknown-next"])
        version = made.json()["version"]
        refused = await ask("POST", "/procedures/drill/publish", {}, version=version)
        assert (refused.status_code, refused.json()["code"]) == (422, "procedure-problems")
        assert refused.json()["problems"][0]["field"] == "steps.0.next"
        mended = await ask("PUT", "/procedures/drill/draft", {"definition": a_definition()}, version=version)
        assert mended.json()["problems"] == []
        done = await ask("POST", "/procedures/drill/publish", {"note": "прва"}, version=mended.json()["version"])
        assert (done.status_code, done.json()["version"], done.json()["note"]) == (200, 1, "прва")

    async def test_two_who_write_at_once_see_each_other(self, ask: Ask) -> None:
        await published(ask, a_definition())
        opened = (await ask("GET", "/procedures/drill/draft")).json()
        assert (opened["version"], opened["based_on"], opened["definition"]["code"]) == (0, 1, "drill")
        first = await ask("PUT", "/procedures/drill/draft", {"definition": a_definition(a_step("x"))}, version=0)
        second = await ask("PUT", "/procedures/drill/draft", {"definition": a_definition()}, version=0)
        assert (first.status_code, second.status_code) == (200, 412)
        assert second.json()["current"]["definition"]["steps"][0]["id"] == "x"
        # Thrown away and written anew it is another draft, though both were new.
        gone = await ask("DELETE", "/procedures/drill/draft", version=first.json()["version"])
        assert gone.status_code == 204
        await ask("PUT", "/procedures/drill/draft", {"definition": a_definition()}, version=0)
        late = await ask(
            "PUT", "/procedures/drill/draft", {"definition": a_definition()}, version=first.json()["version"]
        )
        assert late.status_code == 412

    async def test_only_supervisors_write(self, ask: Ask) -> None:
        for who in ("ana", "reader", "crew"):
            refused = await ask("POST", "/procedures", {"definition": a_definition()}, who=who)
            assert refused.status_code == 403
        assert (await ask("GET", "/procedures", who="reader")).status_code == 200

    async def test_a_code_is_given_once(self, ask: Ask) -> None:
        await published(ask, a_definition())
        twice = await ask("POST", "/procedures", {"definition": a_definition()})
        assert (twice.status_code, twice.json()["code"]) == (409, "procedure-exists")
        other = a_definition(code="another")
        renamed = await ask("PUT", "/procedures/drill/draft", {"definition": other}, version=0)
        assert (renamed.status_code, renamed.json()["field"]) == (422, "definition.code")


class TestVersions:
    async def test_what_was_published_stands(self, app: Starlette, ask: Ask) -> None:
        await published(ask, a_definition())
        draft = await ask("PUT", "/procedures/drill/draft", {"definition": a_definition(a_step("x"))}, version=0)
        await ask("POST", "/procedures/drill/publish", {}, version=draft.json()["version"])
        found = (await ask("GET", "/procedures/drill/versions")).json()["items"]
        assert [(one["version"], one["state"]) for one in found] == [(2, "published"), (1, "replaced")]
        first = (await ask("GET", "/procedures/drill/versions/1")).json()
        assert [step["id"] for step in first["definition"]["steps"]] == ["first", "second"]
        for statement in ("UPDATE procedure_version SET definition = '{}'", "DELETE FROM procedure_version"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                async with app.state.services.database.transaction("city") as connection:
                    await connection.execute(statement)

    async def test_what_is_withdrawn_begins_no_more(self, ask: Ask) -> None:
        await published(ask, a_definition())
        assert (await ask("POST", "/procedures/drill/withdraw", {"reason": "x"}, version=7)).status_code == 412
        gone = await ask("POST", "/procedures/drill/withdraw", {"reason": "застарео"}, version=1)
        assert (gone.json()["state"], gone.json()["reason"]) == ("withdrawn", "застарео")
        refused = await ask("POST", f"/incidents/{await an_incident(ask)}/procedures", {"procedure": "drill"})
        assert (refused.status_code, refused.json()["code"]) == (409, "procedure-withdrawn")

    async def test_packaged_ones_are_published_once_and_a_citys_own_stays(
        self,
        app: Starlette,
        ask: Ask,
    ) -> None:
        async def settle() -> list[str]:
            async with app.state.services.database.transaction("city") as connection:
                return await service.settle_packaged(connection)

        await jobs.settle_packaged(app.state.services, "city")
        assert await settle() == []
        records = await rows(
            app.state.services, "SELECT actor FROM platform.audit_record WHERE action = 'procedure.publish'"
        )
        assert records == [{"actor": "system:procedures"}] * len(packaged_procedures())
        listed = {one["code"]: one for one in (await ask("GET", "/procedures")).json()["items"]}
        assert (listed["flood"]["source"], listed["flood"]["published_by"]) == ("package", "Vidik")
        draft = (await ask("GET", "/procedures/flood/draft")).json()
        assert draft["problems"] == []
        own = await ask("PUT", "/procedures/flood/draft", {"definition": draft["definition"]}, version=0)
        await ask("POST", "/procedures/flood/publish", {}, version=own.json()["version"])
        await ask("POST", "/procedures/fire/withdraw", {"reason": "x"}, version=1)
        assert await settle() == []
        # The package's own text has changed since.
        async with app.state.services.database.transaction("city") as connection:
            await connection.execute("ALTER TABLE procedure_version DISABLE TRIGGER USER")
            await connection.execute("UPDATE procedure_version SET definition = jsonb_set(definition, '{steps}', '[]')")
            await connection.execute("ALTER TABLE procedure_version ENABLE TRIGGER USER")
        assert set(await settle()) == set(packaged_procedures()) - {"flood", "fire"}
        versions = (await ask("GET", "/procedures/blackout/versions")).json()["items"]
        assert [one["state"] for one in versions] == ["published", "replaced"]


class TestTry:
    async def test_walks_without_any_effect(self, app: Starlette, ask: Ask) -> None:
        severe = [{"fact": "severity", "at_least": "severe"}]
        definition = a_definition(
            a_step("ask_first", "question", branches=branches("how_bad", None)),
            a_step("how_bad", "condition", branches=branches("crew", None, crew=severe)),
            a_step("crew", "task", do={"skill": "pumps"}, next="pause"),
            a_step("pause", "wait", minutes=20),
        )
        path = "/procedures/drill/try"
        asked = (await ask("POST", path, {"definition": definition}, who="reader")).json()
        assert asked["needs"] == {"step": "ask_first", "kind": "question", "acts": ["choose"], "branches": 2}
        answers = [{"step": "ask_first", "act": "choose", "branch": 0}]
        found = (
            await ask("POST", path, {"definition": definition, "answers": answers, "facts": {"severity": "extreme"}})
        ).json()
        assert [(one["step"], one["outcome"]) for one in found["path"]] == [
            ("ask_first", "chosen"),
            ("how_bad", "decided"),
            ("crew", "would-open"),
            ("pause", "waited"),
        ]
        assert (found["ended"], found["after_minutes"], found["path"][2]["effect"]["skill"]) == (True, 20, "pumps")
        assert await rows(app.state.services, KEPT) == [{"drafts": 0, "versions": 0, "runs": 0, "visits": 0}]
        assert await rows(app.state.services, "SELECT id FROM task") == []

    async def test_refuses_what_does_not_fit(self, ask: Ask) -> None:
        await published(ask, a_definition())
        path = "/procedures/drill/try"
        wrong = await ask("POST", path, {"answers": [{"step": "second", "act": "done"}]})
        assert (wrong.status_code, wrong.json()["code"], wrong.json()["field"]) == (422, "try-answer", "answers.0")
        unfinished = await ask("POST", path, {"definition": a_definition(a_step("a", next="b"))})
        assert unfinished.json()["code"] == "procedure-problems"
        assert (await ask("POST", "/procedures/nobodys/try", {})).status_code == 404


NO_DEFINITIONS: list[Any] = [
    {},
    {"code": "drill"},
    a_definition() | {"code": "Drill"},
    a_definition() | {"code": "nul\x00"},
    a_definition() | {"unknown": 1},
    a_definition() | {"title": "text"},
    a_definition() | {"title": {"en": "x", "sr": "\ud800"}},
    a_definition() | {"title": {"en": "x" * 201, "sr": "x"}},
    a_definition() | {"title": {"en": "x", "sr": "x", "de": "x"}},
    a_definition() | {"incident_types": ["x"] * 51},
    a_definition() | {"steps": [a_step("s")] * 101},
    a_definition() | {"steps": [DEEP]},
    a_definition(a_step("S")),
    a_definition(a_step("a", "dance")),
    a_definition(a_step("a", minutes=0)),
    a_definition(a_step("a", minutes=10**20)),
    a_definition(a_step("a", minutes=1.5)),
    a_definition(a_step("a", role="king")),
    a_definition(a_step("a", text=words("x" * 2001))),
    a_definition(a_step("a", "question", branches=branches(*[None] * 21))),
    a_definition(a_step("a", "condition", branches=[{"label": words("x"), "when": [{"fact": "moon"}]}])),
    a_definition(
        a_step("a", "condition", branches=[{"label": words("x"), "when": [{"fact": "hour", "from": 24, "until": 1}]}])
    ),
    a_definition(
        a_step(
            "a", "condition", branches=[{"label": words("x"), "when": [{"fact": "alarms", "at_least": float("nan")}]}]
        )
    ),
    a_definition(a_step("a", "notify", do={"people": ["ana"], "text": words("\x00")})),
    a_definition(a_step("a", "command", do={"entity": "urn:x", "command": "rm -rf"})),
    a_definition(a_step("a", "command", do={"entity": "urn:x", "command": "x", "parameters": DEEP})),
    a_definition(a_step("a", "command", do={"entity": "urn:x", "command": "x", "parameters": {"x": "\ud800"}})),
    a_definition(a_step("a", "task", do={"priority": "urgent"})),
]


class TestBadInput:
    async def test_what_is_no_definition_is_refused_with_its_place(self, app: Starlette, ask: Ask) -> None:
        broken = []
        for content in NO_DEFINITIONS:
            answers = [
                await ask("POST", "/procedures", {"definition": content}),
                await ask("PUT", "/procedures/drill/draft", {"definition": content}, version=0),
                await ask("POST", "/procedures/drill/try", {"definition": content}),
            ]
            broken += [
                (str(content)[:90], answer.status_code, answer.text[:90])
                for answer in answers
                if answer.status_code != 422 or not answer.json()["detail"] or "field" not in answer.json()
            ]
            checked = await ask("POST", "/procedures/check", {"definition": content})
            if checked.status_code not in (200, 422) or (checked.status_code == 200 and not checked.json()["problems"]):
                broken.append((str(content)[:90], checked.status_code, checked.text[:90]))
        assert broken == []
        assert await rows(app.state.services, KEPT) == [{"drafts": 0, "versions": 0, "runs": 0, "visits": 0}]

    async def test_anything_may_be_checked(self, ask: Ask) -> None:
        for content in (None, 17, "text", [], [1], True):
            answer = await ask("POST", "/procedures/check", {"definition": content})
            assert answer.status_code == 200
            assert answer.json()["problems"][0]["code"] == "shape"
        placed = await ask(
            "POST", "/procedures/check", {"definition": a_definition(a_step("a", "task", do={"kind": 1}))}
        )
        assert placed.json()["problems"][0]["field"] == "steps.0.do.kind"

    async def test_nonsense_at_the_doors_of_runs(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask)
        incident = run["incident"]["id"]
        before = await rows(app.state.services, KEPT)
        bodies = [[], "text", 17, {"unknown": 1}, {"note": 1}, {"note": "x" * 2001}, {"branch": "1"}, {"branch": -1}]
        bodies += [{"reason": DEEP}, {"note": "nul \x00"}, {"procedure": "../x"}, {"procedure": 1}, {"client_id": "x"}]
        doors = [f"/incidents/{incident}/procedures", f"/procedure-runs/{run['id']}/stop"]
        doors += [f"/procedure-runs/{run['id']}/steps/first/{verb}" for verb in ("done", "skip", "choose", "confirm")]
        broken = []
        for path in doors:
            for body in bodies:
                answer = await ask("POST", path, body, version=run["version"])
                if not 400 <= answer.status_code < 500 or not answer.json()["detail"]:
                    broken.append((path, str(body)[:60], answer.status_code))
        huge = "9" * 30
        for path in (
            f"/procedure-runs/{huge}",
            "/procedure-runs/nul%00",
            f"/incidents/{huge}/procedures",
            "/incidents/-1/procedures",
        ):
            answer = await ask("GET", path)
            if not 400 <= answer.status_code < 500:
                broken.append((path, "", answer.status_code))
        for path in ("/procedure-runs?state=asleep", "/procedure-runs?limit=0", f"/procedure-runs?incident={huge}"):
            answer = await ask("GET", path)
            if answer.status_code != 422:
                broken.append((path, "", answer.status_code))
        for path in ("/procedures/nul%00/draft", "/procedures/%ed%a0%80/versions", "/procedures/x/versions/0"):
            answer = await ask("GET", path)
            if not 400 <= answer.status_code < 500:
                broken.append((path, "", answer.status_code))
        assert broken == []
        assert await rows(app.state.services, KEPT) == before

    async def test_hostile_text_is_text(self, app: Starlette, ask: Ask) -> None:
        hostile = {"en": HOSTILE[:200], "sr": HOSTILE[:200]}
        steps = [
            {**a_step("tell", "notify", do={"people": ["ana"], "text": hostile}, next="crew"), "title": hostile},
            {**a_step("crew", "task", do={"title": hostile}, next="look"), "title": hostile, "text": hostile},
            {**a_step("look"), "title": hostile},
        ]
        await published(ask, a_definition(*steps, title=hostile, purpose=hostile))
        incident = await an_incident(ask, title=HOSTILE[:200])
        run = (await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})).json()
        assert run["current"] == "look"
        run = await act(ask, run, "done", note=HOSTILE)
        assert run["path"][2]["note"] == HOSTILE
        assert [step["title"] for step in run["steps"]] == [hostile] * 3
        (task,) = await rows(app.state.services, "SELECT title FROM task")
        assert task["title"] == HOSTILE[:200]
        (notice,) = await rows(app.state.services, "SELECT facts->'text'->>'en' AS text FROM notice")
        assert notice["text"] == HOSTILE[:200]
