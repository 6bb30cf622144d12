"""Hiding alarms and showing them again: what people put aside, what the design suppresses, what time brings back."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.database import Connection
from vidik.operations.alarms import holds_repository, repository
from vidik.operations.alarms.alarm import Act, Alarm, Event, settle_alarm
from vidik.operations.alarms.holds import Hold, Holds, Standing, inhibitors_of
from vidik.operations.alarms.holds_repository import OpenAlarm, to_hold
from vidik.operations.rules.model import AnyRule


async def holds_at(connection: Connection, rules: Mapping[str, AnyRule], moment: datetime) -> Holds:
    """Return what hides alarms now, as the tables stand."""
    rows = await holds_repository.hold_rows(connection)
    sources = {source for found in inhibitors_of(rules).values() for source, _ in found}
    standing = [as_standing(*found) for found in await holds_repository.active_alarms_of(connection, sources)]
    return Holds([to_hold(row) for row in rows], rules, standing, moment, CITY_ZONE)


def as_standing(alarm: Alarm, service: str, related: frozenset[str]) -> Standing:
    """Return an alarm as inhibition looks at it."""
    return Standing(alarm.key, service, related, alarm.is_active, alarm.hidden_by == "out_of_service")


async def settle_alarms(
    connection: Connection,
    rules: Mapping[str, AnyRule],
    moment: datetime,
    person: str | None = None,
    ended: Sequence[Hold] = (),
) -> None:
    """Hide what something hides now and show what nothing hides any more; `repository.lock_alarms` comes before.

    `person` is who just ended the holds `ended`; otherwise alarms come back because their time is up, or because the
    design has no reason any more.
    """
    if await _may_change(connection, rules):
        await repository.append_events(connection, await settled(connection, rules, moment, person, ended))


async def settled(
    connection: Connection,
    rules: Mapping[str, AnyRule],
    moment: datetime,
    person: str | None = None,
    ended: Sequence[Hold] = (),
) -> list[tuple[int, Event]]:
    """Do what `settle_alarms` does, and return the events for the caller to write."""
    # Alarms are locked before holds are read: a hold that another transaction commits meanwhile is seen.
    alarms = await holds_repository.hideable_alarms(connection)
    holds = await holds_at(connection, rules, moment)
    moved: list[Alarm] = []
    events: list[tuple[int, Event]] = []
    for found in alarms:
        by = person if any(hold.covers(found.alarm.key) for hold in ended) else None
        after, event = _settle(found, holds, moment, by)
        if event is not None and after.id is not None:
            moved.append(after)
            events.append((after.id, event))
    await repository.update_alarms(connection, moved)
    return events


def _settle(found: OpenAlarm, holds: Holds, moment: datetime, person: str | None) -> tuple[Alarm, Event | None]:
    alarm = found.alarm
    hidden = holds.of(alarm.key, found.service, found.related)
    if hidden is not None:
        return settle_alarm(alarm, hidden.kind, hidden.act)
    if person is not None:
        return settle_alarm(alarm, None, Act("person", moment, person))
    return settle_alarm(alarm, None, Act("design" if alarm.hidden_by == "suppressed" else "time", moment))


async def _may_change(connection: Connection, rules: Mapping[str, AnyRule]) -> bool:
    if any(rule.inhibited_by or rule.maintenance for rule in rules.values()):
        return True
    return bool(await holds_repository.hold_rows(connection)) or await holds_repository.anything_hidden(connection)
