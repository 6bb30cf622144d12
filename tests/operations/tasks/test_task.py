"""The core of a task, and the merge of what phones bring: driven through any order, repeats, and days of delay."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.kernel.errors import Conflict
from vidik.operations.tasks import task
from vidik.operations.tasks.late import Change, Outcome, by_our_clock, merge
from vidik.operations.tasks.task import OVER, WITH_CREW, Act, Stamp, Task

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CREW, OTHERS = 1, 2


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def given_to(crew: int = CREW, minutes: float = 0) -> Task:
    return task.assign(Task(), crew, at(minutes))


def change(number: int, act: Act, minutes: float, *, round_seen: int = 2) -> Change:
    return Change(f"00000000-0000-0000-0000-{number:012d}", 7, round_seen, act, at(minutes))


def merged(standing: Task, *changes: Change, crew: int = CREW, hours: float = 1) -> tuple[Task, list[Outcome]]:
    received = NOON + timedelta(hours=hours)
    after, outcomes = merge({7: standing}, changes, crew=crew, known=(), client_time=received, received=received)
    return after[7], outcomes


class TestTask:
    def test_goes_from_the_desk_to_the_crew_to_the_end(self):
        standing = given_to()
        assert standing.state == "assigned"
        for number, (act, state) in enumerate(
            [("accept", "accepted"), ("depart", "under_way"), ("arrive", "arrived"), ("done", "done")]
        ):
            standing = task.take(standing, act, Stamp(at(number), str(number)))
            assert standing.state == state
        assert standing.standing_crew == CREW

    def test_a_crew_that_declines_gives_it_back(self):
        standing = task.take(given_to(), "decline", Stamp(at(1), "a"))

        assert (standing.state, standing.standing_crew) == ("open", None)
        assert task.assign(standing, CREW, at(2)).state == "assigned"

    def test_the_desk_cannot_decide_about_what_is_over(self):
        done = task.take(given_to(), "done", Stamp(at(1), "a"))

        for decide in (
            lambda: task.assign(done, OTHERS, at(2)),
            lambda: task.cancel(done, at(2)),
            lambda: task.close(done, "failed", at(2)),
            lambda: task.withdraw(done, at(2)),
        ):
            with pytest.raises(Conflict):
                decide()
        assert task.reopen(done, at(2)).state == "open"

    def test_the_same_crew_is_not_given_it_twice(self):
        with pytest.raises(Conflict, match="already"):
            task.assign(given_to(), CREW, at(1))


class TestLateChanges:
    def test_after_two_days_what_the_desk_decided_stands(self):
        reassigned = task.assign(given_to(), OTHERS, at(60))

        after, outcomes = merged(reassigned, change(1, "accept", 5), change(2, "done", 50), hours=48)

        assert after == reassigned
        assert [(one.result, one.reason) for one in outcomes] == [("refused", "another-crew")] * 2

    @pytest.mark.parametrize(
        ("decide", "reason"),
        [
            (lambda one: task.cancel(one, at(60)), "cancelled"),
            (lambda one: task.withdraw(one, at(60)), "withdrawn"),
            (lambda one: task.close(one, "done", at(60)), "closed"),
            (lambda one: task.reopen(task.close(one, "done", at(60)), at(61)), "reopened"),
            (lambda one: task.assign(task.withdraw(one, at(60)), CREW, at(61)), "reopened"),
        ],
    )
    def test_the_reason_says_what_the_desk_did(self, decide, reason):
        _, (outcome,) = merged(decide(given_to()), change(1, "done", 50), hours=48)

        assert outcome.reason == reason

    def test_after_two_days_of_silence_the_old_work_counts_with_its_time(self):
        after, outcomes = merged(given_to(), change(1, "accept", 5), change(2, "done", 50), hours=48)

        assert after.state == "done"
        assert after.acts["done"].at == at(50)
        assert {one.result for one in outcomes} == {"accepted"}

    def test_a_phone_whose_clock_is_a_day_ahead_is_corrected(self):
        received = at(60)
        ahead = timedelta(days=1)

        found = by_our_clock(at(50) + ahead, client_time=received + ahead, received=received, began=at(0))

        assert found == at(50)

    def test_the_last_word_about_the_result_stands(self):
        after, _ = merged(given_to(), change(2, "done", 30), change(1, "fail", 10))

        assert after.state == "done"


acts = st.sampled_from(get_args(Act))
changes = st.lists(
    st.builds(
        change,
        st.integers(1, 8),
        acts,
        st.integers(-600, 3000),
        round_seen=st.integers(1, 6),
    ),
    max_size=10,
    unique_by=lambda one: one.client_id,
)
decisions = st.lists(
    st.sampled_from(["crew", "others", "withdraw", "cancel", "done", "failed", "reopen"]), min_size=0, max_size=5
)


def decided(names: list[str]) -> Task:
    """A task after the decisions that were possible."""
    standing = Task()
    for minutes, name in enumerate(names, start=1):
        try:
            match name:
                case "crew" | "others":
                    standing = task.assign(standing, CREW if name == "crew" else OTHERS, at(minutes))
                case "withdraw":
                    standing = task.withdraw(standing, at(minutes))
                case "cancel":
                    standing = task.cancel(standing, at(minutes))
                case "done" | "failed":
                    standing = task.close(standing, "done" if name == "done" else "failed", at(minutes))
                case _:
                    standing = task.reopen(standing, at(minutes))
        except Conflict:
            continue
    return standing


class TestMergeInGeneral:
    @given(decisions, changes, st.randoms(use_true_random=False))
    def test_order_and_parts_do_not_matter(self, names, brought, chance):
        standing = decided(names)
        together, outcomes = merged(standing, *brought, hours=50)
        shuffled = list(brought)
        chance.shuffle(shuffled)
        apart = standing
        answers = {}
        for one in shuffled:
            apart, (outcome,) = merged(apart, one, hours=50)
            answers[one.client_id] = (outcome.result, outcome.reason)

        assert apart == together
        assert answers == {one.change.client_id: (one.result, one.reason) for one in outcomes}

    @given(decisions, changes)
    def test_repeats_change_nothing(self, names, brought):
        standing = decided(names)
        once, _ = merged(standing, *brought)
        twice, outcomes = merged(standing, *brought, *brought)

        assert twice == once
        assert [one.result for one in outcomes[len(brought) :]] == ["known"] * len(brought)

    @given(decisions, changes)
    def test_only_the_crew_of_this_round_moves_a_task(self, names, brought):
        standing = decided(names)
        after, outcomes = merged(standing, *brought)

        if standing.decision != "assigned" or standing.crew != CREW:
            assert after == standing
        for one in outcomes:
            counts = standing.decision == "assigned" and standing.crew == CREW
            expected = counts and one.change.round_seen == standing.round
            assert (one.result == "accepted") == expected

    @given(decisions, changes)
    def test_a_state_is_always_one_of_those_that_there_are(self, names, brought):
        after, outcomes = merged(decided(names), *brought)

        assert after.state in ("open", *WITH_CREW, *OVER)
        assert (after.standing_crew is not None) >= (after.state in WITH_CREW)
        received = NOON + timedelta(hours=1)
        assert all(one.at <= received for one in outcomes)
