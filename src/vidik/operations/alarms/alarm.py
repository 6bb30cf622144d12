"""The life of an alarm by ISA-18.2-2016 and IEC 62682:2022: a pure state machine.

One alarm is open for a rule at an entity (and attribute) at a time. Four facts make its state: whether the readings
say that something is wrong, whether a person has acknowledged it, whether it latches (stays until it is reset), and
whether something hides it (a shelf, the design, or that it is out of service). Every transition is an `Event` with
its cause, its person and its time; what is stored and shown is built from it elsewhere.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from vidik.kernel.errors import Conflict
from vidik.operations.rules.model import Priority, Scalar
from vidik.operations.rules.signals import AlarmKey

HoldKind = Literal["out_of_service", "suppressed", "shelved"]
HOLD_KINDS: tuple[HoldKind, ...] = ("out_of_service", "suppressed", "shelved")
"""What may hide an alarm, the strongest first: it gives the state its name when several do."""

AlarmState = Literal[
    "normal", "unacknowledged", "acknowledged", "returned_unacknowledged", "latched_unacknowledged",
    "latched_acknowledged", "shelved", "suppressed", "out_of_service",
]  # fmt: skip
Transition = Literal[
    "raised", "acknowledged", "cleared", "latched", "reset", "updated", "shelved", "suppressed", "out_of_service",
    "noted", "faded",
]  # fmt: skip
Cause = Literal["reading", "person", "time", "design", "gone"]


class Terms(NamedTuple):
    """What a rule asks of its alarms.

    `reopen`: one that comes back this soon is the same. `latching`: it stays open until a person resets it.
    `ask_on_return`: one that nobody acknowledged still asks for it after the readings are good again.
    """

    priority: Priority
    reopen: timedelta
    latching: bool = False
    ask_on_return: bool = True


class Act(NamedTuple):
    """Who or what moved an alarm, when (the wall's time), and why."""

    cause: Cause
    at: datetime
    person: str | None = None
    reason: str | None = None


class Event(NamedTuple):
    """One transition. `raised` calls a person; `noted` and `faded` are raising and returning while hidden."""

    transition: Transition
    before: AlarmState
    after: AlarmState
    act: Act


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `observed_at`, `returned_observed_at`, `cleared_observed_at`: the readings' time; others the wall's.

    `returned_at` is set while the readings are good, `cleared_at` when it is over: returned, and reset if it latches.
    `count` is how many readings said so since it was first raised. `hidden_by` is the strongest of what hides it.
    """

    key: AlarmKey
    priority: Priority
    observed_at: datetime
    raised_at: datetime
    last_seen_at: datetime
    count: int = 1
    value: Scalar | None = None
    threshold: float | None = None
    latching: bool = False
    ask_on_return: bool = True
    hidden_by: HoldKind | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    note: str | None = None
    returned_at: datetime | None = None
    returned_observed_at: datetime | None = None
    cleared_at: datetime | None = None
    cleared_observed_at: datetime | None = None
    id: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is not over: something is wrong, or it latches and was not reset."""
        return self.cleared_at is None

    @property
    def is_active(self) -> bool:
        """Whether the readings say that something is wrong."""
        return self.returned_at is None

    @property
    def state(self) -> AlarmState:
        """The state's name in the standards."""
        if self.is_open and self.hidden_by is not None:
            return self.hidden_by
        acknowledged = self.acknowledged_at is not None
        if self.is_active:
            return "acknowledged" if acknowledged else "unacknowledged"
        if self.is_open:
            return "latched_acknowledged" if acknowledged else "latched_unacknowledged"
        asks = self.ask_on_return and not acknowledged and self.hidden_by is None
        return "returned_unacknowledged" if asks else "normal"


Step = tuple[Alarm, Event | None]


def _step(before: Alarm | None, after: Alarm, transition: Transition, act: Act) -> Step:
    return after, Event(transition, before.state if before else "normal", after.state, act)


def raise_alarm(
    key: AlarmKey,
    latest: Alarm | None,
    *,
    terms: Terms,
    value: Scalar | None,
    threshold: float | None,
    observed_at: datetime,
    now: datetime,
    hidden_by: HoldKind | None = None,
) -> Step:
    """Return the alarm that stands after a rule said "raised", and what happened to it.

    `latest` is the newest alarm of the same key. While it is active it only counts; when it latched, or was cleared
    less than `terms.reopen` ago (by the readings' time), it is raised again and must be acknowledged anew; otherwise
    a new one begins. A hidden one calls nobody.
    """
    if latest is not None and latest.is_active:
        return see(latest, value=value, observed_at=observed_at, now=now), None
    act = Act("reading", now)
    transition: Transition = "noted" if hidden_by else "raised"
    if latest is not None and (latest.is_open or _came_back_soon(latest, observed_at, terms.reopen)):
        again = replace(
            latest,
            priority=terms.priority,
            latching=terms.latching,
            ask_on_return=terms.ask_on_return,
            hidden_by=hidden_by,
            count=latest.count + 1,
            value=value,
            threshold=threshold,
            last_seen_at=now,
            acknowledged_by=None,
            acknowledged_at=None,
            returned_at=None,
            returned_observed_at=None,
            cleared_at=None,
            cleared_observed_at=None,
        )
        return _step(latest, again, transition, act)
    fresh = Alarm(
        key=key,
        priority=terms.priority,
        observed_at=observed_at,
        raised_at=now,
        last_seen_at=now,
        value=value,
        threshold=threshold,
        latching=terms.latching,
        ask_on_return=terms.ask_on_return,
        hidden_by=hidden_by,
    )
    return _step(None, fresh, transition, act)


def see(alarm: Alarm, *, value: Scalar | None, observed_at: datetime, now: datetime) -> Alarm:
    """Count one more reading that says the same; one whose readings are good again stays as it is."""
    if not alarm.is_active or observed_at < alarm.observed_at:
        return alarm
    return replace(alarm, count=alarm.count + 1, value=value, last_seen_at=max(now, alarm.last_seen_at))


def clear_alarm(alarm: Alarm | None, *, observed_at: datetime, act: Act) -> tuple[Alarm | None, Event | None]:
    """Take in that the readings are good again (or that the entity is gone, which ends a latched one too)."""
    gone = act.cause == "gone"
    if alarm is None or not alarm.is_open or not (alarm.is_active or gone):
        return alarm, None
    returned = replace(
        alarm,
        returned_at=alarm.returned_at or act.at,
        returned_observed_at=alarm.returned_observed_at or observed_at,
        ask_on_return=alarm.ask_on_return and not gone,
    )
    if alarm.latching and not gone:
        return _step(alarm, returned, "faded" if alarm.hidden_by else "latched", act)
    over = replace(returned, cleared_at=act.at, cleared_observed_at=returned.returned_observed_at)
    return _step(alarm, over, "faded" if alarm.hidden_by else "cleared", act)


def let_go(alarm: Alarm, act: Act) -> Step:
    """Take in that nobody need look at an alarm any more whose readings came good before anybody did."""
    if alarm.state != "returned_unacknowledged":
        return alarm, None
    return _step(alarm, replace(alarm, ask_on_return=False), "faded", act)


def acknowledge_alarm(alarm: Alarm, *, person: str, note: str | None, now: datetime) -> tuple[Alarm, Event]:
    """Put a person's name and time on an alarm.

    Raises Conflict when somebody's name already stands there, and for a hidden one, which calls nobody. The same
    person may add or change the note. A cleared alarm stays cleared.
    """
    act = Act("person", now, person, note)
    if alarm.acknowledged_at is not None:
        if alarm.acknowledged_by != person or note is None:
            raise Conflict(
                f"{alarm.acknowledged_by} acknowledged this alarm at {alarm.acknowledged_at:%H:%M} UTC.",
                code="already-acknowledged",
                values={"person": alarm.acknowledged_by or ""},
            )
        return replace(alarm, note=note), Event("updated", alarm.state, alarm.state, act)
    if alarm.is_open and alarm.hidden_by is not None:
        raise Conflict(f"The alarm is {_WORDS[alarm.hidden_by]}: put it back first.", code="alarm-hidden")
    after = replace(alarm, acknowledged_by=person, acknowledged_at=now, note=note)
    return after, Event("acknowledged", alarm.state, after.state, act)


def reset_alarm(alarm: Alarm, act: Act) -> tuple[Alarm, Event]:
    """End a latched alarm; raises Conflict while the readings still say that something is wrong, or when it is over.

    One that nobody has acknowledged asks for it still.
    """
    if alarm.is_active:
        raise Conflict("Something is still wrong: an alarm can be reset when its readings are good.", code="active")
    if not alarm.is_open:
        raise Conflict("The alarm is over: there is nothing to reset.", code="not-latched")
    after = replace(alarm, cleared_at=act.at, cleared_observed_at=alarm.returned_observed_at)
    return after, Event("reset", alarm.state, after.state, act)


def settle_alarm(alarm: Alarm, hidden_by: HoldKind | None, act: Act) -> Step:
    """Hide an alarm, show it again, or say that something else hides it now; the same again changes nothing.

    One that is still open when it is shown is raised anew and must be acknowledged; one that ended meanwhile, or
    had ended and asked for nothing, calls nobody.
    """
    if hidden_by == alarm.hidden_by or alarm.state == "normal":
        return alarm, None
    if hidden_by is not None:
        return _step(alarm, replace(alarm, hidden_by=hidden_by), hidden_by, act)
    shown = replace(alarm, hidden_by=None, acknowledged_by=None, acknowledged_at=None)
    return _step(alarm, shown, "raised" if shown.is_active else "latched", act)


_WORDS: dict[HoldKind, str] = {
    "shelved": "shelved",
    "suppressed": "suppressed by design",
    "out_of_service": "out of service",
}


def _came_back_soon(latest: Alarm, observed_at: datetime, reopen: timedelta) -> bool:
    if latest.cleared_observed_at is None:
        return False
    return timedelta() <= observed_at - latest.cleared_observed_at < reopen
