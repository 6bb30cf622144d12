"""What may be done with crews: made, changed, on and off duty, positions, and which of them to send."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import DictRow

from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from vidik.kernel.identity import Principal
from vidik.kernel.identity import repository as accounts
from vidik.kernel.settings import Settings
from vidik.kernel.versions import Changed
from vidik.operations import journal
from vidik.operations.tasks import crews_repository as repository
from vidik.operations.tasks.streets import Point, Trip, network_of, straight_trip
from vidik.operations.tasks.suggesting import FRESH, Candidate, rank
from vidik.operations.tasks.view import (
    belonging_of_crew,
    crew_view,
    position_view,
    suggestion_view,
    without_position,
)

LONGEST_DUTY = timedelta(hours=24)
_ALLOWED_AHEAD = timedelta(minutes=2)


async def row_of(connection: Connection, crew: int, *, lock: bool = False) -> dict[str, Any]:
    """Return a crew's row, locked when asked; raises NotFound."""
    row = await repository.find_crew(connection, crew, lock=lock)
    if row is None:
        raise NotFound(f"There is no crew {crew}.")
    return row


async def tell(connection: Connection, crew: int) -> dict[str, Any]:
    """Tell every desk how a crew stands now; returns its view, the journal keeps it without the position."""
    view = crew_view(await row_of(connection, crew))
    await journal.tell(connection, "crew", crew, without_position(view))
    return view


async def _members(connection: Connection, logins: Sequence[str], principal: Principal) -> list[dict[str, str]]:
    members = []
    for place, login in enumerate(dict.fromkeys(logins)):
        account = await accounts.account_by_login(connection, principal.tenant, login)
        if account is None:
            raise Unprocessable(f"There is no account {login!r}.", field=f"members.{place}", code="no-account")
        members.append({"login": login, "name": account["name"]})
    return members


def _may_manage(principal: Principal, row: Mapping[str, Any]) -> None:
    if not principal.reaches("crews.manage", belonging_of_crew(row)):
        raise Forbidden(f"You may not change crews of {row['organisation'] or 'the city'}.")


async def make_crew(connection: Connection, crew: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """Make a crew (columns by name, `members` as logins); raises Conflict for a name that is taken."""
    members = await _members(connection, crew["members"], principal)
    number = await repository.insert_crew(connection, crew, by=principal.name, at=now())
    if number is None:
        raise Conflict(f"There is a crew {crew['name']} already.", field="name", code="crew-name-taken")
    _may_manage(principal, await row_of(connection, number))
    await repository.replace_members(connection, number, members)
    return await tell(connection, number)


async def change_crew(
    connection: Connection,
    crew: int,
    edits: Mapping[str, Any],
    principal: Principal,
    *,
    version: int,
) -> dict[str, Any]:
    """Change a crew over the version that the person saw; raises NotFound, Changed, Conflict, Forbidden."""
    row = await row_of(connection, crew, lock=True)
    _may_manage(principal, row)
    if row["version"] != version:
        raise Changed(crew_view(row), row["changed_by"])
    if edits.get("in_use") is False and row["open_tasks"]:
        raise Conflict("The crew has open tasks: give them to another one first.", code="crew-has-tasks")
    members = await _members(connection, edits["members"], principal) if "members" in edits else None
    moment = now()
    try:
        async with connection.transaction():
            await repository.write_crew(connection, crew, edits, by=principal.name, at=moment)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"There is a crew {edits['name']} already.", field="name", code="crew-name-taken") from error
    _may_manage(principal, await row_of(connection, crew))
    if members is not None:
        await repository.replace_members(connection, crew, members)
    if edits.get("in_use") is False:
        await repository.set_duty(connection, crew, since=None, until=None, by=principal.name, at=moment)
    return await tell(connection, crew)


async def set_duty(
    connection: Connection, row: Mapping[str, Any], *, on_duty: bool, until: datetime | None, principal: Principal
) -> dict[str, Any]:
    """Put a crew (its locked row) on or off duty; saying the same again only moves the end. Returns the view."""
    moment = now()
    if on_duty:
        if not row["in_use"]:
            raise Conflict(f"{row['name']} is not in use any more.", code="crew-not-in-use")
        if until is not None and not moment < until <= moment + LONGEST_DUTY:
            raise Unprocessable("Duty ends in the next 24 hours.", field="until", code="duty-end")
    await repository.set_duty(
        connection,
        row["id"],
        since=(row["on_duty_since"] or moment) if on_duty else None,
        until=until if on_duty else None,
        by=principal.name,
        at=moment,
    )
    return await tell(connection, row["id"])


async def end_duties(connection: Connection, moment: datetime) -> int:
    """End the duty of every crew whose time is up; returns how many."""
    ended = await repository.crews_past_duty(connection, moment)
    for crew in ended:
        await repository.set_duty(connection, crew, since=None, until=None, by="Vidik", at=moment)
        await tell(connection, crew)
    return len(ended)


async def take_position(
    connection: Connection, row: Mapping[str, Any], place: Point, accuracy_metres: float | None, at: datetime
) -> None:
    """Keep where a crew is; raises Conflict off duty, when nobody may ask.

    Who may send the crew and looks now is told at once; the journal, which keeps for days, is not.
    """
    if row["on_duty_since"] is None:
        raise Conflict("The crew is off duty: its position is not taken.", code="off-duty")
    moment = now()
    if at > moment + _ALLOWED_AHEAD:
        raise Unprocessable("The position comes from the future.", field="at", code="position-time")
    if at < row["on_duty_since"]:
        raise Conflict("The crew was off duty then: its position is not taken.", code="off-duty")
    belonging = belonging_of_crew(row)
    seen_at = min(at, moment)
    await repository.add_position(connection, row["id"], place, accuracy_metres, seen_at)
    position = position_view(place, accuracy_metres, seen_at)
    whose = {"organisations": sorted(belonging.organisations), "areas": sorted(belonging.areas)}
    await journal.tell_presence(connection, "crew", row["id"], {"position": position, "whose": whose})


async def crews_for(connection: Connection, sender: Principal | None = None) -> list[DictRow]:
    """Return the crews in use, those that `sender` may send."""
    return [
        row
        for row in await repository.list_crews(connection, in_use_only=True)
        if sender is None or sender.reaches("tasks.manage", belonging_of_crew(row))
    ]


async def suggest(
    rows: Sequence[DictRow], settings: Settings, *, skill: str | None, place: Point | None, priority: str
) -> dict[str, Any]:
    """Return crews (as `crews_for` does), the best first, each with its reasons."""
    moment = now()
    starts = {row["id"]: _start(row, moment) for row in rows}
    trips: dict[int, Trip] = {}
    network: str | None = None
    if place is not None:
        known = {crew: start[1] for crew, start in starts.items() if start is not None}
        found = await asyncio.to_thread(_trips, settings, place, list(known.values()))
        trips = dict(zip(known, found, strict=True))
        network = "straight-line" if any(trip.travel == "straight-line" for trip in found) else "streets"
    candidates = []
    for row in rows:
        trip, start = trips.get(row["id"]), starts[row["id"]]
        candidates.append(
            Candidate(
                crew=row["id"],
                name=row["name"],
                skills=frozenset(row["skills"]),
                on_duty=row["on_duty_since"] is not None,
                duty_until=row["on_duty_until"],
                minutes=trip.minutes if trip else None,
                travel=trip.travel if trip else None,
                starts_from=start[0] if start and trip else None,
                open_tasks=row["open_tasks"],
            )
        )
    views = {row["id"]: crew_view(row) for row in rows}
    ranked = rank(candidates, skill=skill, urgent=priority in ("critical", "high"), at=moment)
    items = [suggestion_view(one, views[one.candidate.crew]) for one in ranked]
    return {"items": items, "network": network, "skill": skill, "priority": priority}


def _start(row: Mapping[str, Any], moment: datetime) -> Any:
    """Where a crew starts from: its position when that is fresh, or else its depot."""
    if row["on_duty_since"] is not None and row["position_at"] is not None and moment - row["position_at"] <= FRESH:
        return "position", (row["longitude"], row["latitude"])
    if row["depot"] is not None:
        longitude, latitude = row["depot"]["coordinates"][:2]
        return "depot", (float(longitude), float(latitude))
    return None


def _trips(settings: Settings, place: Point, starts: Sequence[Point]) -> list[Trip]:
    network = network_of(settings)
    if network is None:
        return [straight_trip(start, place) for start in starts]
    return network.trips(place, starts)
