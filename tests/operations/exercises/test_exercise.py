"""The clock of an exercise, and the score: pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.kernel.errors import Conflict
from vidik.operations.exercises import exercise as core
from vidik.operations.exercises.exercise import Exercise, active_minutes
from vidik.operations.exercises.scenario import Target
from vidik.operations.exercises.score import Course, score, totals

BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def an_exercise(speed: float = 1, minutes: float = 60) -> Exercise:
    return Exercise("running", speed, 0.0, BEGIN, BEGIN, minutes * 60)


class TestClock:
    def test_runs_at_its_speed_until_the_end(self) -> None:
        assert an_exercise(speed=10).clock_at(at(2)) == 1200
        assert an_exercise(speed=10).clock_at(at(20)) == 3600

    def test_stands_while_it_is_paused(self) -> None:
        paused = core.pause(an_exercise(), at(5))
        assert paused.clock_at(at(50)) == 300
        assert core.resume(paused, at(50)).clock_at(at(51)) == 360

    def test_does_not_go_back_when_ours_is_set_back(self) -> None:
        running = core.resume(core.pause(an_exercise(), at(5)), at(6))
        assert running.clock_at(at(1)) == 300

    @given(
        speed=st.floats(1, 60),
        steps=st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=20),
    )
    def test_nothing_is_observed_in_the_future(self, speed: float, steps: list[tuple[bool, float]]) -> None:
        exercise, moment = an_exercise(speed), BEGIN
        for toggles, minutes in steps:
            moment += timedelta(minutes=minutes)
            clock = exercise.clock_at(moment)
            assert 0 <= clock <= exercise.length_seconds
            assert exercise.observed_at(clock) <= moment + timedelta(milliseconds=1)
            if toggles:
                step = core.pause if exercise.state == "running" else core.resume
                exercise = step(exercise, moment)
                assert exercise.clock_at(moment) == pytest.approx(clock)

    def test_what_is_over_cannot_go_on(self) -> None:
        stopped = core.stop(an_exercise(), at(1))
        for step in (core.pause, core.resume, core.stop, core.end):
            with pytest.raises(Conflict):
                step(stopped, at(2))


class TestActiveMinutes:
    def test_leave_pauses_out(self) -> None:
        pauses = [(at(2), at(5)), (at(8), None)]
        assert active_minutes(at(0), at(10), pauses) == 5
        assert active_minutes(at(3), at(4), pauses) == 0


class TestScore:
    COURSE = Course(BEGIN, None, [(at(4), at(14))], {"fire": at(2)})

    def judge(self, target: Target, *facts: float, now: float = 30, ended: float | None = None) -> dict[str, object]:
        course = self.COURSE._replace(ended_at=at(ended) if ended is not None else None)
        (found,) = score([target], course, {target.what: [at(fact) for fact in facts]}, at(now))
        return found

    def test_what_is_done_in_time_counts_from_its_event_without_pauses(self) -> None:
        found = self.judge(Target(what="crew_sent", within=4, after="fire"), 1, 16)
        assert (found["result"], found["minutes"]) == ("within", 4)

    def test_what_is_done_late_says_how_late(self) -> None:
        found = self.judge(Target(what="crew_sent", within=3, after="fire"), 16)
        assert (found["result"], found["minutes"]) == ("late", 4)

    def test_there_is_time_until_there_is_none(self) -> None:
        target = Target(what="closed", within=10)
        assert self.judge(target, now=19)["result"] == "waiting"
        assert self.judge(target, now=21)["result"] == "missed"

    def test_what_never_came_or_was_cut_short_is_no_miss(self) -> None:
        assert self.judge(Target(what="closed", within=10, after="storm"), ended=60)["result"] == "waiting"
        assert self.judge(Target(what="closed", within=10), ended=9)["result"] == "waiting"
        assert self.judge(Target(what="closed", within=10), ended=21)["result"] == "missed"

    def test_what_was_done_after_the_end_does_not_count(self) -> None:
        assert self.judge(Target(what="closed", within=5), 7, ended=6)["result"] == "waiting"
        assert self.judge(Target(what="closed", within=1), 7, ended=6)["result"] == "missed"

    @pytest.mark.parametrize(("fact", "result"), [(0.5, "within"), (0.51, "late")])
    def test_on_a_fast_clock_five_minutes_are_thirty_seconds(self, fact: float, result: str) -> None:
        course = Course(BEGIN, None, [], {}, speed=10)
        (found,) = score([Target(what="crew_sent", within=5)], course, {"crew_sent": [at(fact)]}, at(9))
        assert (found["result"], found["minutes"]) == (result, round(fact * 10, 2))

    def test_on_a_fast_clock_what_nobody_did_is_missed_and_not_untested(self) -> None:
        course = Course(BEGIN, at(9), [], {}, speed=10)
        (found,) = score([Target(what="contained", within=75)], course, {}, at(9))
        assert found["result"] == "missed"

    def test_totals(self) -> None:
        assert totals([{"result": "within"}, {"result": "late"}, {"result": "within"}]) == {
            "within": 2, "late": 1, "waiting": 0, "missed": 0, "targets": 3,
        }  # fmt: skip
