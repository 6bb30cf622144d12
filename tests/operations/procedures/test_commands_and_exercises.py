"""Commands go by the rules of the person's door; an exercise touches nothing outside; names and notes end in time."""

from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
import yaml
from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.operations.duty.calling import connect, gateway
from tests.operations.factories import a_target, store
from tests.operations.procedures.doing import (
    PEOPLE,
    Ask,
    a_definition,
    a_step,
    act,
    again,
    an_incident,
    branches,
    published,
    stands,
    started,
    words,
)

from vidik.kernel.clock import now
from vidik.kernel.identity import Principal
from vidik.kernel.identity.roles import Grant
from vidik.operations.duty import roster
from vidik.operations.duty.sending import send_due
from vidik.operations.procedures import retention

LAMP = "urn:ngsi-ld:Streetlight:nis:l1"
BRIGHTER = {"entity": LAMP, "command": "setLevel", "parameters": {"level": 100}}
WRITES_ONLY = Principal(
    "token",
    "4",
    "vera",
    "Вера",
    None,
    frozenset({"supervisor"}),
    "city",
    frozenset({Grant("supervisor", None)}),
    frozenset({"procedures.manage"}),
)
OF_LIGHTING = Principal(
    "token",
    "3",
    "svetlana",
    "Светлана",
    "lighting",
    frozenset({"supervisor"}),
    "city",
    frozenset({Grant("supervisor", "lighting")}),
)


@pytest.fixture
async def lamp(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    """A street light of the lighting company, a supervisor of that company, a token that only writes procedures."""
    monkeypatch.setitem(PEOPLE, "svetlana", OF_LIGHTING)
    monkeypatch.setitem(PEOPLE, "vera", WRITES_ONLY)
    services = app.state.services
    await store(services.database, a_target(LAMP, "Streetlight", name="Светиљка 1"), {"power": 0.1})
    async with services.database.transaction("city") as connection:
        await connection.execute(
            "INSERT INTO device (device_id, entity_id, name, organisation, origin)"
            " VALUES ('lamp-1', %s, 'Светиљка 1', 'lighting', 'real')",
            [LAMP],
        )


async def commands(application: Starlette) -> list[dict[str, Any]]:
    return await rows(application.state.services, "SELECT name, parameters, created_by, reason FROM command")


@pytest.mark.usefixtures("lamp")
class TestCommand:
    async def test_waits_for_a_person_and_goes_by_their_right(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask, a_step("brighter", "command", do=BRIGHTER, role="operations", next="x"), a_step("x"))
        assert (run["current"], run["acts"], await commands(app)) == ("brighter", ["confirm", "skip"], [])
        run = await act(ask, run, "confirm")
        number = (await again(ask, run))["incident"]["number"]
        assert await commands(app) == [
            {
                "name": "setLevel",
                "parameters": {"level": 100},
                "created_by": "token:1",
                "reason": f"procedure drill, incident {number}",
            }
        ]
        assert run["path"][0]["result"]["command"]["device"] == "lamp-1"
        records = await rows(
            app.state.services,
            "SELECT actor, action FROM platform.audit_record WHERE action IN ('device.command', 'procedure.step')"
            " ORDER BY position",
        )
        assert records == [
            {"actor": "token:1", "action": "procedure.step"},
            {"actor": "token:1", "action": "device.command"},
        ]

    async def test_whoever_may_not_command_the_device_cannot_confirm(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask, a_step("brighter", "command", do=BRIGHTER, role="operations"))
        incident = run["incident"]["id"]
        version = (await ask("GET", f"/incidents/{incident}")).json()["version"]
        given = await ask(
            "POST", f"/incidents/{incident}/roles", {"role": "operations", "person": "crew"}, version=version
        )
        assert given.status_code == 200, given.text
        refused = await ask("POST", f"/procedure-runs/{run['id']}/steps/brighter/confirm", {}, who="crew", version=1)
        assert refused.status_code == 403
        assert (await commands(app), stands(await again(ask, run))) == ([], {"brighter": "current"})

    async def test_confirmed_by_whoever_published_it_happens_at_once(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask, a_step("brighter", "command", do={**BRIGHTER, "confirmed": True}))
        assert run["state"] == "ended"
        assert (await commands(app))[0]["created_by"] == "system:procedures"

    async def test_only_who_may_command_the_device_confirms_it_for_all(self, app: Starlette, ask: Ask) -> None:
        definition = a_definition(a_step("brighter", "command", do={**BRIGHTER, "confirmed": True}))
        refused = await ask("POST", "/procedures", {"definition": definition}, who="svetlana")
        assert (refused.status_code, refused.json()["code"]) == (403, "whole-city")
        draft = await ask("POST", "/procedures", {"definition": definition}, who="vera")
        assert draft.status_code == 201, draft.text
        version = draft.json()["version"]
        refused = await ask("POST", "/procedures/drill/publish", {}, who="vera", version=version)
        assert (refused.status_code, refused.json()["field"]) == (403, "steps.0.do.confirmed")
        assert (await ask("POST", "/procedures/drill/publish", {}, version=version)).status_code == 200

    async def test_a_device_that_is_gone_is_a_reason_and_no_fault(self, app: Starlette, ask: Ask) -> None:
        run = await started(ask, a_step("brighter", "command", do=BRIGHTER))
        async with app.state.services.database.transaction("city") as connection:
            await connection.execute("UPDATE device SET enabled = false")
        run = await act(ask, run, "confirm")
        assert (run["steps"][0]["state"], run["steps"][0]["problem"]["code"]) == ("failed", "unknown-device")
        run = await act(ask, run, "skip", reason="искључена")
        assert run["state"] == "ended"

    async def test_a_condition_looks_at_the_city(self, app: Starlette, ask: Ask) -> None:
        fact = [{"fact": "attribute", "entity": LAMP, "attribute": "power", "at_most": 1}]
        steps = [
            a_step("dark", "condition", branches=[*branches("unlit", unlit=fact), *branches("lit")]),
            a_step("lit"),
            a_step("unlit"),
        ]
        run = await started(ask, *steps)
        assert run["current"] == "unlit"
        assert run["path"][0]["result"] == {"facts": {"attributes": {LAMP: {"power": 0.1}}}}


@pytest.mark.usefixtures("lamp")
async def test_an_exercise_is_marked_and_commands_nothing(app: Starlette, ask: Ask) -> None:
    steps = [
        a_step("brighter", "command", do={**BRIGHTER, "confirmed": True}, next="tell"),
        a_step("tell", "notify", do={"people": ["ana"], "text": words("x")}, next="crew"),
        a_step("crew", "task", do={}, next="look"),
        a_step("look"),
    ]
    await published(ask, a_definition(*steps))
    incident = await an_incident(ask)
    async with app.state.services.database.transaction("city") as connection:
        await connection.execute("UPDATE incident SET exercise_id = 7")
    run = (await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})).json()
    assert (run["exercise"], run["current"]) == (True, "look")
    assert run["path"][0]["result"] == {"left-out": "exercise"}
    assert await commands(app) == []
    marked = await rows(app.state.services, "SELECT n.exercise_id, t.exercise FROM notice n CROSS JOIN task t")
    assert marked == [{"exercise_id": 7, "exercise": True}]


# apprise loads what the standard library has deprecated; nothing of ours uses it.
@pytest.mark.filterwarnings("ignore:.*imghdr:DeprecationWarning")
async def test_a_message_leaves_once_and_says_that_it_is_an_exercise(app: Starlette, ask: Ask) -> None:
    services = app.state.services
    with gateway() as provider:
        connect(services.settings, provider)
        async with services.database.transaction("city") as connection:
            await roster.write_contact(connection, "ana", "sr-Latn", {"sms": "+381601"}, "Милица", now())
        deed = {"people": ["ana"], "channels": ["sms"], "text": {"en": "The water rises", "sr": "Вода расте"}}
        await published(ask, a_definition(a_step("tell", "notify", do=deed)))
        incident = await an_incident(ask)
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE incident SET exercise_id = 7")
        await ask("POST", f"/incidents/{incident}/procedures", {"procedure": "drill"})
        provider.down = True
        await send_due(services, "city", now())
        provider.down = False
        for minutes in (5, 30, 60):
            await send_due(services, "city", now() + timedelta(minutes=minutes))
    (message,) = provider.taken.values()
    assert len(provider.attempts) == 2
    assert message["title"].startswith("VEŽBA: Incident ")
    assert message["title"].endswith("Požar u kontejneru")
    assert message["message"].splitlines()[0] == "Voda raste"


class TestPersonalData:
    async def test_every_column_is_in_the_register(self, app: Starlette) -> None:
        register = yaml.safe_load(
            files("vidik.operations.procedures").joinpath("personal_data.yaml").read_text("utf-8")
        )
        found = await rows(
            app.state.services,
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name LIKE 'procedure%'",
        )
        written = {
            (table, name) for table, said in register.items() for name in (*said["personal"], *said["not_personal"])
        }
        assert {(row["table_name"], row["column_name"]) for row in found} == written
        for said in register.values():
            for entry in said["personal"].values():
                assert set(entry) == {"purpose", "legal_basis", "retention"}

    async def test_is_forgotten_in_time_and_not_before(self, app: Starlette, ask: Ask) -> None:
        run = await started(
            ask, a_step("tell", "notify", do={"people": ["ana"], "text": words("x")}, next="look"), a_step("look")
        )
        run = await act(ask, run, "done", note="Пера из другог улаза")
        for moment, person in (
            (now(), "Милица Петровић"),
            (now() + retention.KEPT + timedelta(days=1), retention.NOBODY),
        ):
            async with app.state.services.database.transaction("city") as connection:
                await retention.forget(connection, moment)
            found = await again(ask, run)
            assert (found["started_by"], found["ended_by"], found["path"][1]["by"]) == (person,) * 3
        assert [one["note"] for one in found["path"]] == ["", ""]
        assert "Ана" not in str(found)
        assert found["path"][1]["ended_at"] == run["path"][1]["ended_at"]
