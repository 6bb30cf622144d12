"""Concurrent small writes share a commit: each keeps its own answer, its place in history and its errors."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidik.context.ngsild.entities import merge, writing
from vidik.context.ngsild.entities.grouping import GroupWriter
from vidik.context.ngsild.entities.merge import Result
from vidik.context.ngsild.entities.writing import Creation, Modification
from vidik.context.ngsild.representation.validation import EntityInput
from vidik.context.store import changes, entities, history
from vidik.kernel import audit
from vidik.kernel.database import Database
from vidik.kernel.errors import VidikError
from vidik.kernel.identity import Principal

TENANT = "city"
SEATS = "https://example.org/seats"
PROGRAM = Principal("system", "p", "p", "P", None, frozenset(), TENANT, scopes=frozenset())
PERSON = Principal("person", "1", "mira", "Mira", None, frozenset(), TENANT)


def seats(number: Any) -> dict[str, list[dict[str, Any]]]:
    return {SEATS: [{"type": "Property", "value": number}]}


def creation(name: str, number: Any = 0) -> Creation:
    return Creation(EntityInput(f"urn:x:{name}", ["https://example.org/Bench"], None, None, seats(number)))


def modification(name: str, number: Any) -> Modification:
    return Modification(f"urn:x:{name}", lambda row, at: merge.update(row.document, seats(number), at))


async def perform(database: Database, *tasks: writing.Task, principal: Principal = PROGRAM) -> list[Any]:
    """All tasks at once; each one's status."""
    writer = GroupWriter(database)
    outcomes = await asyncio.gather(
        *(writer.perform(TENANT, task, principal, "test") for task in tasks), return_exceptions=True
    )
    return [status(one) for one in outcomes]


def status(outcome: Result | BaseException) -> Any:
    if isinstance(outcome, VidikError):
        return outcome.status
    return type(outcome).__name__ if isinstance(outcome, BaseException) else "done"


async def stored(database: Database) -> dict[str, Any]:
    async with database.session(TENANT) as connection:
        rows = await entities.load(connection, [f"urn:x:{name}" for name in "abcdef"])
    return {entity_id.removeprefix("urn:x:"): row.document[SEATS]["value"] for entity_id, row in rows.items()}


async def stream(database: Database) -> list[list[tuple[str, Any]]]:
    """What each commit says: (name, new number) of its changes."""
    async with database.session(TENANT) as connection:
        batches = await changes.read_after(connection, 0, 1000)
    return [
        [(change.entity_id.removeprefix("urn:x:"), change.attributes[SEATS][0]) for change in batch.changes]
        for batch in batches
    ]


async def test_a_group_is_one_commit(database):
    assert await perform(database, creation("a"), creation("b"), creation("c")) == ["done"] * 3

    assert await stream(database) == [[("a", 0), ("b", 0), ("c", 0)]]


async def test_of_two_creations_of_one_entity_the_second_is_refused(database):
    assert await perform(database, creation("a", 1), creation("b"), creation("a", 2)) == ["done", "done", 409]

    assert await stored(database) == {"a": 1, "b": 0}


async def test_what_is_wrong_with_one_leaves_the_others_alone(database):
    await perform(database, creation("a"))

    statuses = await perform(database, modification("a", 5), modification("missing", 1), creation("a"), creation("b"))

    assert statuses == ["done", 404, 409, "done"]
    assert await stored(database) == {"a": 5, "b": 0}


async def test_what_cannot_be_stored_fails_alone(database):
    statuses = await perform(
        database, creation("a", 1), creation("b", object()), creation("c", "\x00"), creation("d", 4)
    )

    assert statuses == ["done", "TypeError", "UntranslatableCharacter", "done"]
    assert await stored(database) == {"a": 1, "d": 4}


async def test_changes_of_one_entity_keep_their_order_and_all_stand_in_history(database):
    await perform(database, creation("a"))

    await perform(database, *(modification("a", number) for number in range(1, 21)))

    assert await stored(database) == {"a": 20}
    assert [change for batch in await stream(database) for change in batch] == [("a", number) for number in range(21)]
    async with database.session(TENANT) as connection:
        (series,) = await history.series_of(connection, ["urn:x:a"], [SEATS])
        rows = await history.read(connection, [series.number])
    assert len(rows[series.number]) == 21


async def test_two_processes_that_create_the_same_entities_at_once_share_them_out(database):
    names = "abcdef"
    first, second = await asyncio.gather(
        perform(database, *(creation(name, 1) for name in names)),
        perform(database, *(creation(name, 2) for name in reversed(names))),
    )

    assert Counter([*first, *second]) == {"done": len(names), 409: len(names)}
    assert set(await stored(database)) == set(names)


async def test_a_person_is_on_record_for_what_was_done_and_for_nothing_else(database):
    await perform(database, creation("a"))

    await perform(database, creation("a"), creation("b"), modification("a", 1), principal=PERSON)

    async with database.platform() as connection:
        records = await audit.newest(connection, TENANT, before=None, limit=10)
        assert await audit.verify(connection, TENANT) is None
    assert Counter(record["subject"] for record in records) == {"urn:x:a": 1, "urn:x:b": 1}


async def test_a_caller_that_goes_away_takes_nothing_back(database):
    writer = GroupWriter(database)
    caller = asyncio.create_task(writer.perform(TENANT, creation("a"), PROGRAM, "test"))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    await writer.perform(TENANT, creation("b"), PROGRAM, "test")

    assert await stored(database) == {"a": 0, "b": 0}


async def test_requests_in_parallel_have_their_own_answers(client: httpx.AsyncClient):
    def bench(name: int) -> dict[str, Any]:
        return {"id": f"urn:ngsi-ld:Bench:{name}", "type": "Bench", "seats": {"type": "Property", "value": name}}

    answers = await asyncio.gather(*(client.post("/entities", json=bench(number % 20)) for number in range(40)))

    assert Counter(answer.status_code for answer in answers) == {201: 20, 409: 20}
    for number in range(20):
        assert (await client.get(f"/entities/urn:ngsi-ld:Bench:{number}")).json()["seats"]["value"] == number


TASKS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=TASKS)
async def test_together_is_as_one_after_the_other(database: Database, asked: list[tuple[str, bool]]):
    async with database.transaction(TENANT) as connection:
        await entities.delete(connection, ["urn:x:a", "urn:x:b", "urn:x:c"])
    tasks = [(creation if new else modification)(name, number) for number, (name, new) in enumerate(asked)]

    statuses = await perform(database, *tasks)

    expected: dict[str, int] = {}
    answers: list[Any] = []
    for number, (name, new) in enumerate(asked):
        answers.append((409 if name in expected else "done") if new else ("done" if name in expected else 404))
        if answers[-1] == "done":
            expected[name] = number
    assert statuses == answers
    assert await stored(database) == expected
