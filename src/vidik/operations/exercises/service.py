"""Rules of exercises: one at a time, led over the version that was seen, told to every desk.

Every function works in the caller's transaction and never commits.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound
from vidik.kernel.versions import Changed
from vidik.operations import journal
from vidik.operations.exercises import course, exercise, facts, repository, score
from vidik.operations.exercises.exercise import Exercise
from vidik.operations.exercises.scenario import Scenario
from vidik.operations.exercises.view import event_views, exercise_view


def of_row(row: Mapping[str, Any]) -> Exercise:
    """Return what of a row moves."""
    return Exercise(
        row["state"],
        row["speed"],
        row["clock_seconds"],
        row["counted_at"],
        row["started_at"],
        row["definition"]["minutes"] * 60,
    )


async def existing(connection: Connection, number: int, version: int | None = None) -> Mapping[str, Any]:
    """Return an exercise, locked when a version is said; raises NotFound, or Changed when it is another one now."""
    row = await repository.find(connection, number, lock=version is not None)
    if row is None:
        raise NotFound(f"There is no exercise {number}.")
    if version is not None and row["version"] != version:
        raise Changed(await whole(connection, row, leading=True), row["changed_by"])
    return row


async def start(
    connection: Connection, scenario: Scenario, speed: float, person: str, moment: datetime, client_id: UUID | None
) -> tuple[Mapping[str, Any], bool]:
    """Begin an exercise; returns its row, and whether it is new. Raises Conflict while another one is played."""
    if client_id is not None and (known := await repository.of_client(connection, client_id)) is not None:
        return known, False
    number = await repository.insert(connection, scenario, speed, person, moment, client_id)
    if number is None:
        # The repeat of a start that another transaction is just committing waited for it in the insert.
        known = await repository.of_client(connection, client_id) if client_id is not None else None
        if known is not None:
            return known, False
        raise Conflict("Another exercise is being played: stop it first.", code="exercise-playing")
    await repository.insert_events(connection, number, course.lay_out(scenario))
    return await tell(connection, number), True


async def pause(connection: Connection, number: int, version: int, person: str, moment: datetime) -> Mapping[str, Any]:
    """Stop the clock. Raises NotFound, Changed, Conflict."""
    await _step(connection, number, version, exercise.pause, person, moment)
    await repository.begin_pause(connection, number, moment)
    return await tell(connection, number)


async def resume(connection: Connection, number: int, version: int, person: str, moment: datetime) -> Mapping[str, Any]:
    """Let the clock go on. Raises NotFound, Changed, Conflict."""
    await _step(connection, number, version, exercise.resume, person, moment)
    await repository.end_pause(connection, number, moment)
    return await tell(connection, number)


async def stop(
    connection: Connection, number: int, version: int, person: str, note: str, moment: datetime
) -> Mapping[str, Any]:
    """End an exercise before its time, with its score. Raises NotFound, Changed, Conflict."""
    row = await existing(connection, number, version)
    return await _over(connection, row, exercise.stop(of_row(row), moment), person, note, moment)


async def end(connection: Connection, row: Mapping[str, Any], moment: datetime) -> Mapping[str, Any]:
    """End an exercise whose scenario is over, with its score; the row is locked. Raises Conflict."""
    return await _over(connection, row, exercise.end(of_row(row), moment), "Vidik", "", moment)


async def _step(
    connection: Connection,
    number: int,
    version: int,
    step: Callable[[Exercise, datetime], Exercise],
    person: str,
    moment: datetime,
) -> None:
    row = await existing(connection, number, version)
    await repository.write(connection, number, step(of_row(row), moment), person, moment)


async def _over(
    connection: Connection, row: Mapping[str, Any], after: Exercise, person: str, note: str, moment: datetime
) -> Mapping[str, Any]:
    await repository.end_pause(connection, row["id"], moment)
    scored = await scored_at(connection, row, moment, ended=True)
    await repository.write_end(connection, row["id"], after, scored, person, note, moment)
    return await tell(connection, row["id"])


async def scored_at(
    connection: Connection, row: Mapping[str, Any], moment: datetime, *, ended: bool = False
) -> dict[str, Any]:
    """Return the score of an exercise as it stands at a moment: targets, how many are met, people's minutes in all."""
    definition = Scenario.model_validate(row["definition"])
    fired: dict[str, datetime] = {}
    for event in await repository.events(connection, row["id"]):
        if event["fired_at"] is not None:
            fired.setdefault(event["event"], event["fired_at"])
    pauses = await repository.pauses(connection, row["id"])
    path = score.Course(row["started_at"], moment if ended else None, pauses, fired, row["speed"])
    done = await facts.deeds(connection, row["id"], row["started_at"])
    targets = score.score(definition.targets, path, done, moment)
    minutes = exercise.active_minutes(row["started_at"], moment, pauses)
    return {"targets": targets, "totals": score.totals(targets), "minutes": round(minutes, 2)}


async def whole(
    connection: Connection, row: Mapping[str, Any], *, leading: bool, moment: datetime | None = None
) -> dict[str, Any]:
    """Return an exercise with its events and, for those who lead it or when it is over, its score."""
    view = exercise_view(row)
    if view["score"] is None and leading and moment is not None:
        view["score"] = await scored_at(connection, row, moment)
    over = row["ended_at"] is not None
    events = await repository.events(connection, row["id"])
    view["events"] = event_views(row["definition"], events, whole=leading or over)
    return view


async def tell(connection: Connection, number: int) -> Mapping[str, Any]:
    """Show an exercise as it now is at every desk, without what is still to come; returns its row."""
    row = await existing(connection, number)
    await journal.tell(connection, "exercise", number, await whole(connection, row, leading=False))
    return row
