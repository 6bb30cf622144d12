"""The player over a real database: each event once, whoever is killed; nothing real is touched; nothing is left."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.operations.conftest import rows
from tests.operations.duty.calling import a_plan, tick
from tests.operations.exercises.test_scenarios import SMALL, changed
from tests.operations.factories import a_target, minutes_ago, store
from tests.operations.following import Follow

from vidik.kernel.clock import now
from vidik.kernel.identity import system_principal
from vidik.kernel.services import Services
from vidik.operations.alarms import performance_repository
from vidik.operations.alarms.consumer import AlarmConsumer
from vidik.operations.duty import facts as duty_facts
from vidik.operations.duty.phrases import say
from vidik.operations.exercises import clearing, jobs, playing, service
from vidik.operations.exercises.scenario import Scenario, packaged_scenarios
from vidik.operations.incidents import jobs as incident_jobs
from vidik.operations.requests.settling import Settling
from vidik.operations.tasks import service as tasks

CONTAINER = a_target(
    "urn:ngsi-ld:WasteContainer:nis:c1",
    "WasteContainer",
    name="Контејнер 17",
    location={"type": "Point", "coordinates": [21.9001, 43.3201]},
)
BEGIN = datetime.now(UTC) - timedelta(hours=2)
CALL = {
    "id": "call", "at": 2, "title": {"en": "A call", "sr": "Позив"}, "do": "call",
    "caller": {"en": "A passer-by", "sr": "Пролазник"}, "text": {"en": "Fire!", "sr": "Гори!"},
}  # fmt: skip
REQUEST = {
    "id": "cellar", "at": 2, "title": {"en": "A cellar", "sr": "Подрум"}, "do": "request", "service_code": "flooding",
    "text": {"en": "Water!", "sr": "Вода!"}, "place": [21.9, 43.32],
}  # fmt: skip


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


async def begin(services: Services, **fields: Any) -> int:
    async with services.database.transaction("city") as connection:
        scenario = Scenario.model_validate(changed(**fields))
        row, _ = await service.start(connection, scenario, 1, "Милица", BEGIN, None)
    return int(row["id"])


async def alarms(services: Services) -> list[dict[str, Any]]:
    return await rows(services, "SELECT * FROM alarm ORDER BY id")


class TestPlaying:
    async def test_fires_what_is_due_and_not_before(self, services: Services) -> None:
        await begin(services, events=[*SMALL["events"], CALL])
        assert await playing.play(services, "city", at(0.5)) == 1
        assert await playing.play(services, "city", at(1)) == 1
        assert await playing.play(services, "city", at(1.9)) == 0
        assert await playing.play(services, "city", at(2)) == 1

    async def test_two_players_at_once_fire_each_event_once(self, services: Services) -> None:
        await begin(services, events=[*SMALL["events"], CALL])
        fired = await asyncio.gather(*(playing.play(services, "city", at(3)) for _ in range(4)))
        assert sorted(fired) == [0, 0, 0, 3]
        observed = await rows(services, "SELECT count(*) AS n FROM observation")
        assert observed == [{"n": 2}]

    async def test_a_player_that_is_killed_has_done_nothing_and_the_next_does_all(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await begin(services)

        async def killed(*_: Any) -> None:
            raise ConnectionError("the worker is killed before its commit")

        with monkeypatch.context() as patch:
            patch.setattr(playing.ReadingWriter, "write", killed)
            with pytest.raises(ConnectionError):
                await playing.play(services, "city", at(1))
        assert await rows(services, "SELECT id FROM entity") == []
        assert await playing.play(services, "city", at(1)) == 2

    async def test_what_fell_due_while_nobody_played_comes_in_order(self, services: Services, follow: Follow) -> None:
        await begin(services)
        await playing.play(services, "city", at(9))
        await follow(AlarmConsumer())
        assert [alarm["rule"] for alarm in await alarms(services)] == ["container_fire"]

    async def test_citizens_report_by_the_door_of_all_and_their_requests_go_with_the_exercise(
        self, services: Services
    ) -> None:
        exercise = await begin(services, events=[*SMALL["events"], REQUEST])
        await playing.play(services, "city", at(3))
        await Settling().run(services, "city")
        (request,) = await rows(services, "SELECT entity_id, exercise_id, service_code FROM citizen_request")
        assert request == {
            "entity_id": f"urn:ngsi-ld:Exercise:{exercise}:request-cellar",
            "exercise_id": exercise,
            "service_code": "flooding",
        }
        (told,) = await rows(services, "SELECT data FROM work_event WHERE topic = 'request'")
        assert told["data"]["exercise"]
        await playing.end_what_is_over(services, "city", at(11))
        await clearing.clear(services, "city", at(11))
        assert await rows(services, "SELECT id FROM entity WHERE id LIKE '%request-cellar'") == []

    async def test_ends_by_itself_with_a_score(self, services: Services) -> None:
        exercise = await begin(services, events=[*SMALL["events"], CALL])
        await playing.play(services, "city", at(1))
        await playing.end_what_is_over(services, "city", at(11))
        assert (await rows(services, "SELECT state FROM exercise"))[0]["state"] == "running"  # not all is fired
        await playing.play(services, "city", at(11))
        await playing.end_what_is_over(services, "city", at(11))
        (row,) = await rows(services, "SELECT id, state, score FROM exercise")
        assert (row["id"], row["state"], row["score"]["totals"]["missed"]) == (exercise, "ended", 1)
        (record,) = await rows(services, "SELECT action FROM platform.audit_record WHERE action LIKE 'exercise%'")
        assert record["action"] == "exercise.end"


class TestNothingRealIsTouched:
    async def test_the_asset_keeps_its_values_and_alarms_are_those_of_the_twin(
        self, services: Services, follow: Follow
    ) -> None:
        await store(services.database, CONTAINER, {"temperature": 18.0}, minutes_ago(200))
        before = await rows(services, "SELECT document, modified_at FROM entity")
        exercise = await begin(services)
        await playing.play(services, "city", at(1))
        await follow(AlarmConsumer())
        twin, real = await rows(services, "SELECT * FROM entity ORDER BY id")
        assert [{"document": real["document"], "modified_at": real["modified_at"]}] == before
        assert twin["id"] == f"urn:ngsi-ld:Exercise:{exercise}:one"
        (alarm,) = await alarms(services)
        assert (alarm["entity_id"], alarm["exercise_id"], alarm["origin"]) == (twin["id"], exercise, "exercise")
        assert alarm["entity_name"] == "ВЕЖБА · Контејнер 17"
        assert alarm["unit"] == "°C"

    async def test_no_query_or_subscription_for_the_type_meets_a_twin(self, services: Services) -> None:
        await begin(services)
        await playing.play(services, "city", at(1))
        (kind,) = await rows(services, "SELECT types FROM entity JOIN kind USING (kind)")
        assert [one.rpartition("/")[2] for one in kind["types"]] == ["ExerciseWasteContainer"]

    async def test_what_follows_is_marked_and_counts_nowhere(self, services: Services, follow: Follow) -> None:
        exercise = await begin(services)
        await playing.play(services, "city", at(1))
        await follow(AlarmConsumer())
        await incident_jobs.open_by_alarms(services, "city")
        (incident,) = await rows(services, "SELECT type, exercise_id, origin FROM incident")
        assert incident == {"type": "fire", "exercise_id": exercise, "origin": "simulated"}
        long_ago, soon = now() - timedelta(days=1), now() + timedelta(days=1)
        async with services.database.transaction("city") as connection:
            assert await performance_repository.calls_between(connection, long_ago, soon) == []
            assert await performance_repository.standing_at(connection, soon) == []
            handed_over = await duty_facts.gather(connection, long_ago, soon)
        assert handed_over["alarms"]["counts"]["critical"] == 0
        assert handed_over["alarms"]["standing"] == []
        assert handed_over["incidents"] == []

    async def test_whoever_is_called_is_told_that_it_is_an_exercise(self, services: Services, follow: Follow) -> None:
        await a_plan(services.database, minutes_ago(600))
        exercise = await begin(services)
        await playing.play(services, "city", at(1))
        await follow(AlarmConsumer())
        await tick(services.database, now() + timedelta(minutes=5))
        (notice,) = await rows(services, "SELECT exercise_id, facts FROM notice")
        assert notice["exercise_id"] == exercise
        assert say(notice["facts"], "en", asked=True, exercise=True, address=None).title.startswith("EXERCISE")

    async def test_a_rule_put_aside_for_real_work_still_speaks_in_an_exercise(
        self, services: Services, follow: Follow
    ) -> None:
        async with services.database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO alarm_hold (kind, rule, begins_at, until, reason, placed_by, placed_at) VALUES"
                " ('out_of_service', 'container_fire', %s, NULL, 'радови', 'Ана', %s)",
                [minutes_ago(600), minutes_ago(600)],
            )
        await begin(services)
        await playing.play(services, "city", at(1))
        await follow(AlarmConsumer())
        assert [alarm["hidden_by"] for alarm in await alarms(services)] == [None]


class TestTheEnd:
    async def test_nothing_of_an_exercise_stands_open(self, services: Services, follow: Follow) -> None:
        exercise = await begin(services, events=[*SMALL["events"], INCIDENT])
        consumer = AlarmConsumer()
        await playing.play(services, "city", at(3))
        await follow(consumer)
        async with services.database.transaction("city") as connection:
            (incident,) = await (await connection.execute("SELECT id FROM incident")).fetchall()
            facts = dict.fromkeys(("place", "skill", "asset", "due_at", "client_id"))
            opening = {"title": "Гасити", "kind": "secure", "instructions": "", "address": "", "priority": "high"}
            principal = system_principal("test", "city", frozenset({"tasks.manage"}))
            task, _ = await tasks.open_task(
                connection, facts | opening | {"incident": incident["id"], "origin": "real"}, principal
            )
            assert task["exercise"]
            await service.stop(connection, exercise, 1, "Милица", "доста", now())
        assert [await clearing.clear(services, "city", now()) for _ in range(2)] == [True, False]
        await follow(consumer)
        assert await rows(services, "SELECT id FROM entity") == []
        assert [alarm["cleared_at"] is None for alarm in await alarms(services)] == [False]
        assert await rows(services, "SELECT state FROM incident") == [{"state": "closed"}]
        assert await rows(services, "SELECT state FROM task") == [{"state": "cancelled"}]

    async def test_nobody_is_asked_for_what_came_good_unseen(self, services: Services, follow: Follow) -> None:
        exercise = await begin(services)
        consumer = AlarmConsumer()
        await playing.play(services, "city", at(2))
        await follow(consumer)
        async with services.database.transaction("city") as connection:
            await connection.execute(
                "UPDATE alarm SET state = 'returned_unacknowledged', ask_on_return = true, returned_at = now(),"
                " cleared_at = now(), cleared_observed_at = now(), returned_observed_at = now()"
            )
            await service.stop(connection, exercise, 1, "Милица", "", now())
        await clearing.clear(services, "city", now())
        await follow(consumer)
        assert [alarm["state"] for alarm in await alarms(services)] == ["normal"]

    async def test_the_job_does_all_of_it(self, services: Services) -> None:
        await begin(services)
        await jobs.play_on(services, "city")
        (row,) = await rows(services, "SELECT state, cleared_at IS NOT NULL AS cleared FROM exercise")
        assert row == {"state": "ended", "cleared": True}
        # What twins measured was never the city's: it goes with them.
        (left,) = await rows(
            services,
            "SELECT (SELECT count(*) FROM entity_gone) AS gone, (SELECT count(*) FROM observation) AS readings,"
            " (SELECT count(*) FROM series) AS series",
        )
        assert left == {"gone": 0, "readings": 0, "series": 0}

    async def test_names_are_forgotten_in_time(self, services: Services) -> None:
        await begin(services)
        await jobs.play_on(services, "city")
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE exercise SET ended_at = now() - interval '4 years'")
        await jobs.forget(services, "city")
        assert await rows(services, "SELECT started_by, ended_by FROM exercise") == [
            {"started_by": "—", "ended_by": "—"}
        ]


INCIDENT = {
    "id": "passed_on", "at": 2, "title": {"en": "Fire", "sr": "Пожар"}, "do": "incident", "type": "fire",
    "severity": "severe", "summary": {"en": "From the fire brigade", "sr": "Од ватрогасаца"},
}  # fmt: skip


@pytest.mark.parametrize("code", packaged_scenarios())
async def test_every_scenario_raises_alarms_for_people_to_answer(code: str, services: Services, follow: Follow) -> None:
    scenario = packaged_scenarios()[code]
    async with services.database.transaction("city") as connection:
        await service.start(connection, scenario, 60, "Милица", now() - timedelta(minutes=scenario.minutes / 60), None)
    await playing.play(services, "city", now())
    await follow(AlarmConsumer())
    await incident_jobs.open_by_alarms(services, "city")
    found = await alarms(services)
    assert found
    assert all(alarm["exercise_id"] is not None for alarm in found)
    problems = await rows(services, "SELECT event, result FROM exercise_event WHERE result ? 'problem'")
    assert problems == []
    future = await rows(services, "SELECT id FROM entity WHERE observed_at > now()")
    assert future == []
