"""The life of an alarm: a pure state machine; what is stored and shown is built from it elsewhere.

One alarm is open for a rule at an entity (and attribute) at a time. It is `raised`, may be `acknowledged` by a
person, and is `cleared` by the readings alone; a cleared alarm that nobody has acknowledged still may be.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from vidik.kernel.errors import Conflict
from vidik.operations.rules_model import Priority, Scalar

AlarmState = Literal["raised", "acknowledged", "cleared"]
Transition = Literal["raised", "acknowledged", "cleared", "updated"]


class AlarmKey(NamedTuple):
    """What makes an alarm one: the rule's code, the entity and, for rules that watch several, the attribute."""

    rule: str
    entity_id: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `observed_at`, `cleared_observed_at`: the readings' time; the other times: the wall's.

    `count` is how many readings said so since it was first raised.
    """

    key: AlarmKey
    priority: Priority
    state: AlarmState
    observed_at: datetime
    raised_at: datetime
    last_seen_at: datetime
    count: int = 1
    value: Scalar | None = None
    threshold: float | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    note: str | None = None
    cleared_at: datetime | None = None
    cleared_observed_at: datetime | None = None
    id: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether the readings still say that something is wrong."""
        return self.cleared_at is None


def raise_alarm(
    key: AlarmKey,
    latest: Alarm | None,
    *,
    priority: Priority,
    value: Scalar | None,
    threshold: float | None,
    observed_at: datetime,
    now: datetime,
    reopen: timedelta,
) -> tuple[Alarm, Transition | None]:
    """Return the alarm that stands after a rule said "raised", and what is to be told about it.

    `latest` is the newest alarm of the same key. While it is open it only counts; when it was cleared less than
    `reopen` ago (by the readings' time) it opens again and must be acknowledged anew; otherwise a new one begins.
    """
    if latest is not None and latest.is_open:
        return see(latest, value=value, observed_at=observed_at, now=now), None
    if latest is not None and _came_back_soon(latest, observed_at, reopen):
        reopened = replace(
            latest,
            priority=priority,
            state="raised",
            count=latest.count + 1,
            value=value,
            threshold=threshold,
            last_seen_at=now,
            acknowledged_by=None,
            acknowledged_at=None,
            cleared_at=None,
            cleared_observed_at=None,
        )
        return reopened, "raised"
    return (
        Alarm(
            key=key,
            priority=priority,
            state="raised",
            observed_at=observed_at,
            raised_at=now,
            last_seen_at=now,
            value=value,
            threshold=threshold,
        ),
        "raised",
    )


def see(alarm: Alarm, *, value: Scalar | None, observed_at: datetime, now: datetime) -> Alarm:
    """Count one more reading that says the same; a cleared alarm stays as it is."""
    if not alarm.is_open or observed_at < alarm.observed_at:
        return alarm
    return replace(alarm, count=alarm.count + 1, value=value, last_seen_at=max(now, alarm.last_seen_at))


def clear_alarm(alarm: Alarm | None, *, observed_at: datetime, now: datetime) -> tuple[Alarm | None, Transition | None]:
    """Close an open alarm because the readings are good again; anything else stays as it is."""
    if alarm is None or not alarm.is_open:
        return alarm, None
    cleared = replace(alarm, state="cleared", cleared_at=now, cleared_observed_at=observed_at)
    return cleared, "cleared"


def acknowledge_alarm(alarm: Alarm, *, person: str, note: str | None, now: datetime) -> tuple[Alarm, Transition]:
    """Put a person's name and time on an alarm; raises Conflict when somebody's name already stands there.

    The same person may add or change the note. A cleared alarm stays cleared.
    """
    if alarm.acknowledged_at is not None:
        if alarm.acknowledged_by != person or note is None:
            raise Conflict(
                f"{alarm.acknowledged_by} acknowledged this alarm at {alarm.acknowledged_at:%H:%M} UTC.",
                code="already-acknowledged",
            )
        return replace(alarm, note=note), "updated"
    state: AlarmState = "acknowledged" if alarm.is_open else "cleared"
    return replace(alarm, state=state, acknowledged_by=person, acknowledged_at=now, note=note), "acknowledged"


def _came_back_soon(latest: Alarm, observed_at: datetime, reopen: timedelta) -> bool:
    if latest.cleared_observed_at is None:
        return False
    return timedelta() <= observed_at - latest.cleared_observed_at < reopen
