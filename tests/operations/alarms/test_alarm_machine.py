"""The life of an alarm against the table of ISA-18.2, driven by Hypothesis through every order of events."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vidik.kernel.errors import Conflict
from vidik.operations.alarms.alarm import (
    HOLD_KINDS,
    Act,
    Alarm,
    Event,
    HoldKind,
    Terms,
    acknowledge_alarm,
    clear_alarm,
    raise_alarm,
    reset_alarm,
    see,
    settle_alarm,
)
from vidik.operations.rules.signals import AlarmKey

KEY = AlarmKey("return_high", "urn:ngsi-ld:HeatSubstation:nis:s01")
BEGIN = datetime(2026, 1, 15, 10, tzinfo=UTC)
REOPEN = timedelta(minutes=30)
PEOPLE = st.sampled_from(["Милица", "Петар"])

# The figure of states of ISA-18.2-2016 (5.2.4), line by line; what is not named leaves the state as it is.
RETURNS = {
    ("unacknowledged", "latching"): "latched_unacknowledged",
    ("acknowledged", "latching"): "latched_acknowledged",
    ("unacknowledged", "asking"): "returned_unacknowledged",
    ("acknowledged", "asking"): "normal",
    ("unacknowledged", "quiet"): "normal",
    ("acknowledged", "quiet"): "normal",
}
ACKNOWLEDGED = {
    "unacknowledged": "acknowledged",
    "returned_unacknowledged": "normal",
    "latched_unacknowledged": "latched_acknowledged",
}
RESETS = {"latched_unacknowledged": "returned_unacknowledged", "latched_acknowledged": "normal"}


class AlarmLife(RuleBasedStateMachine):
    """The alarms of one key in a table, beside what the standard says of their state."""

    @initialize(kind=st.sampled_from(["latching", "asking", "quiet"]))
    def begin(self, kind: str) -> None:
        self.kind = kind
        self.terms = Terms("high", REOPEN, latching=kind == "latching", ask_on_return=kind != "quiet")
        self.alarms: list[Alarm] = []
        self.clock = BEGIN
        self.active = False
        self.holds: set[HoldKind] = set()
        self.expected = "normal"
        """The state while nothing hides the alarm."""

    @property
    def latest(self) -> Alarm | None:
        return self.alarms[-1] if self.alarms else None

    @property
    def hidden_by(self) -> HoldKind | None:
        return next((kind for kind in HOLD_KINDS if kind in self.holds), None)

    def keep(self, after: Alarm | None, event: Event | None, *, fresh: bool = False) -> None:
        if after is None:
            return
        before = None if fresh else self.latest
        if event is not None:
            assert event.before == (before.state if before else "normal")
            assert event.after == after.state
            assert event.act.at == self.clock
        if fresh:
            self.alarms.append(after)
        else:
            self.alarms[-1] = after

    @rule(minutes=st.integers(1, 60))
    def time_passes(self, minutes: int) -> None:
        self.clock += timedelta(minutes=minutes)

    @rule()
    def a_rule_raises(self) -> None:
        before = self.latest
        after, event = raise_alarm(
            KEY,
            before,
            terms=self.terms,
            value=51.0,
            threshold=50.0,
            observed_at=self.clock,
            now=self.clock,
            hidden_by=self.hidden_by,
        )
        assert (event is None) == self.active
        if event is not None:
            assert event.transition == ("noted" if self.hidden_by else "raised")
            self.expected = "unacknowledged"
        goes_on = before is not None and (before.is_open or after.observed_at == before.observed_at)
        self.keep(after, event, fresh=not goes_on)
        self.active = True

    @precondition(lambda self: self.latest is not None)
    @rule()
    def a_rule_sees_it_again(self) -> None:
        before = self.alarms[-1]
        self.alarms[-1] = see(before, value=52.0, observed_at=self.clock, now=self.clock)
        assert self.alarms[-1].count == before.count + (1 if self.active else 0)

    @rule()
    def the_readings_are_good_again(self) -> None:
        after, event = clear_alarm(self.latest, observed_at=self.clock, act=Act("reading", self.clock))
        assert (event is not None) == self.active
        if self.active:
            self.expected = RETURNS[(self.expected, self.kind)]
            if self.hidden_by and self.kind != "latching":
                self.expected = "normal"  # what nobody was told of asks for nothing
        self.active = False
        self.keep(after, event)

    @precondition(lambda self: self.latest is not None)
    @rule(person=PEOPLE, note=st.none() | st.just("виђено"))
    def a_person_acknowledges(self, person: str, note: str | None) -> None:
        before = self.alarms[-1]
        try:
            after, event = acknowledge_alarm(before, person=person, note=note, now=self.clock)
        except Conflict:
            assert before.acknowledged_at is not None or self.hidden_by
            return
        assert after.acknowledged_by == person
        if event.transition == "acknowledged":
            self.expected = ACKNOWLEDGED.get(self.expected, self.expected)
        self.keep(after, event)

    @precondition(lambda self: self.latest is not None)
    @rule(person=PEOPLE)
    def a_person_resets(self, person: str) -> None:
        try:
            after, event = reset_alarm(self.alarms[-1], Act("person", self.clock, person))
        except Conflict:
            assert self.expected not in RESETS
            return
        self.expected = "normal" if self.hidden_by else RESETS[self.expected]
        self.keep(after, event)

    @rule(kind=st.sampled_from(HOLD_KINDS), on=st.booleans(), person=PEOPLE)
    def something_hides_it_or_no_longer(self, kind: HoldKind, on: bool, person: str) -> None:
        before = self.hidden_by
        self.holds = self.holds | {kind} if on else self.holds - {kind}
        if self.latest is None:
            return
        after, event = settle_alarm(self.latest, self.hidden_by, Act("person", self.clock, person))
        if self.hidden_by and not before and self.expected == "returned_unacknowledged":
            self.expected = "normal"
        if before and not self.hidden_by and self.latest.is_open:
            assert event is not None
            assert event.transition == ("raised" if self.active else "latched")
            self.expected = "unacknowledged" if self.active else "latched_unacknowledged"
        self.keep(after, event)

    @precondition(lambda self: self.latest is not None)
    @rule()
    def the_process_restarts(self) -> None:
        row = {field.name: getattr(self.alarms[-1], field.name) for field in fields(Alarm)}
        self.alarms[-1] = Alarm(**row)

    @precondition(lambda self: self.latest is not None)
    @rule()
    def the_entity_goes(self) -> None:
        was_open = self.alarms[-1].is_open
        after, event = clear_alarm(self.latest, observed_at=self.clock, act=Act("gone", self.clock))
        assert (event is not None) == was_open
        if was_open:
            self.expected = "normal"
        self.active = False
        self.keep(after, event)

    @invariant()
    def the_state_is_the_standards(self) -> None:
        if self.latest is None:
            return
        hidden = self.hidden_by if self.latest.is_open else None
        assert self.latest.state == (hidden or self.expected)

    @invariant()
    def one_is_open_at_most(self) -> None:
        assert sum(alarm.is_open for alarm in self.alarms) <= 1
        assert all(not alarm.is_open for alarm in self.alarms[:-1])
        assert self.active == (self.latest is not None and self.latest.is_active)

    @invariant()
    def what_is_over_had_returned(self) -> None:
        for alarm in self.alarms:
            assert alarm.is_open or not alarm.is_active
            assert (alarm.cleared_at is None) == (alarm.cleared_observed_at is None)
            assert alarm.raised_at <= alarm.last_seen_at

    @invariant()
    def a_new_one_begins_only_long_after_the_last_was_cleared(self) -> None:
        for earlier, later in zip(self.alarms, self.alarms[1:], strict=False):
            assert earlier.cleared_observed_at is not None
            assert later.observed_at - earlier.cleared_observed_at >= REOPEN


TestAlarmLife = AlarmLife.TestCase


def an_alarm(**said: object) -> Alarm:
    return Alarm(KEY, "high", BEGIN, BEGIN, BEGIN, **said)  # type: ignore[arg-type]  # any of its members


def test_a_second_person_is_told_who_was_first() -> None:
    taken, _ = acknowledge_alarm(an_alarm(), person="Милица", note=None, now=BEGIN)
    with pytest.raises(Conflict, match="Милица acknowledged this alarm at 10:00"):
        acknowledge_alarm(taken, person="Петар", note="и ја", now=BEGIN)


def test_a_shelved_one_cannot_be_acknowledged() -> None:
    with pytest.raises(Conflict, match="shelved"):
        acknowledge_alarm(an_alarm(hidden_by="shelved"), person="Милица", note=None, now=BEGIN)


def test_a_transition_names_its_cause_person_and_time() -> None:
    _, event = settle_alarm(an_alarm(), "shelved", Act("person", BEGIN, "Милица", "радови"))
    assert event == Event("shelved", "unacknowledged", "shelved", Act("person", BEGIN, "Милица", "радови"))
