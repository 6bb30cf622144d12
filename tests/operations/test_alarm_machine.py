"""The life of an alarm, driven by Hypothesis through every order of readings, people and time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vidik.kernel.errors import Conflict
from vidik.operations.alarm import Alarm, AlarmKey, acknowledge_alarm, clear_alarm, raise_alarm, see

KEY = AlarmKey("return_high", "urn:ngsi-ld:HeatSubstation:nis:s01")
BEGIN = datetime(2026, 1, 15, 10, tzinfo=UTC)
REOPEN = timedelta(minutes=30)


class AlarmLife(RuleBasedStateMachine):
    """What the table of alarms of one key may look like, whatever happens."""

    @initialize()
    def begin(self) -> None:
        self.alarms: list[Alarm] = []
        self.clock = BEGIN
        self.raised_and_not_cleared = False

    @property
    def latest(self) -> Alarm | None:
        return self.alarms[-1] if self.alarms else None

    def _raise(self) -> None:
        before = self.latest
        after, transition = raise_alarm(
            KEY,
            before,
            priority="high",
            value=51.0,
            threshold=50.0,
            observed_at=self.clock,
            now=self.clock,
            reopen=REOPEN,
        )
        if before is not None and (before.is_open or after.observed_at == before.observed_at):
            self.alarms[-1] = after
        else:
            self.alarms.append(after)
        assert (transition == "raised") == (before is None or not before.is_open)
        self.raised_and_not_cleared = True

    @rule(minutes=st.integers(1, 60))
    def time_passes(self, minutes: int) -> None:
        self.clock += timedelta(minutes=minutes)

    @rule()
    def a_rule_raises(self) -> None:
        self._raise()

    @precondition(lambda self: self.latest is not None)
    @rule()
    def a_rule_sees_it_again(self) -> None:
        before = self.alarms[-1]
        self.alarms[-1] = see(before, value=52.0, observed_at=self.clock, now=self.clock)
        assert self.alarms[-1].count == before.count + (1 if before.is_open else 0)

    @rule()
    def a_rule_clears(self) -> None:
        after, transition = clear_alarm(self.latest, observed_at=self.clock, now=self.clock)
        assert (transition == "cleared") == (self.latest is not None and self.latest.is_open)
        if after is not None:
            self.alarms[-1] = after
        self.raised_and_not_cleared = False

    @precondition(lambda self: self.latest is not None)
    @rule(person=st.sampled_from(["Милица", "Петар"]), note=st.none() | st.just("виђено"))
    def a_person_acknowledges(self, person: str, note: str | None) -> None:
        before = self.alarms[-1]
        try:
            after, _ = acknowledge_alarm(before, person=person, note=note, now=self.clock)
        except Conflict:
            assert before.acknowledged_at is not None
            return
        assert after.acknowledged_by == person
        assert after.is_open == before.is_open
        self.alarms[-1] = after

    @invariant()
    def one_is_open_at_most(self) -> None:
        assert sum(alarm.is_open for alarm in self.alarms) == (1 if self.raised_and_not_cleared else 0)

    @invariant()
    def the_word_for_its_state_agrees_with_its_times(self) -> None:
        for alarm in self.alarms:
            assert (alarm.state == "cleared") == (alarm.cleared_at is not None)
            assert alarm.state != "acknowledged" or alarm.acknowledged_at is not None
            assert alarm.state != "raised" or alarm.acknowledged_at is None
            assert alarm.raised_at <= alarm.last_seen_at

    @invariant()
    def a_new_one_begins_only_long_after_the_last_was_cleared(self) -> None:
        for earlier, later in zip(self.alarms, self.alarms[1:], strict=False):
            assert earlier.cleared_observed_at is not None
            assert later.observed_at - earlier.cleared_observed_at >= REOPEN


TestAlarmLife = AlarmLife.TestCase


def test_a_second_person_is_told_who_was_first() -> None:
    raised = Alarm(KEY, "high", "raised", BEGIN, BEGIN, BEGIN)
    taken, _ = acknowledge_alarm(raised, person="Милица", note=None, now=BEGIN)
    with pytest.raises(Conflict, match="Милица acknowledged this alarm at 10:00"):
        acknowledge_alarm(taken, person="Петар", note="и ја", now=BEGIN)
