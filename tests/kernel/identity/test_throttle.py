"""The brake on guessing, as pure arithmetic."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vidik.kernel.identity.throttle import (
    ACCOUNT,
    ADDRESS,
    FORGOTTEN_AFTER,
    State,
    after_attempt,
    after_success,
    waiting_seconds,
)

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
POLICIES = st.sampled_from([ACCOUNT, ADDRESS])
STATES = st.builds(
    lambda failures, ago, ahead: State(failures, START - timedelta(seconds=ago), START + timedelta(seconds=ahead)),
    st.integers(0, 10_000),
    st.integers(0, 3000),
    st.integers(-100, 10_000_000),
)


def fail(times: int, policy=ACCOUNT) -> State:
    """The state after so many failures, each as soon as it is heard."""
    state, moment = None, START
    for _ in range(times):
        moment += timedelta(seconds=waiting_seconds(state, moment))
        state = after_attempt(state, moment, policy)
    return state


class TestAttempts:
    def test_the_first_few_are_free(self):
        assert waiting_seconds(None, START) == 0
        assert waiting_seconds(fail(ACCOUNT.free_failures), START) == 0

    def test_then_the_wait_doubles_up_to_a_limit(self):
        waits = []
        for failures in range(5, 14):
            state = fail(failures)
            waits.append(waiting_seconds(state, state.last_attempt))

        assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60]

    def test_are_forgotten_after_an_hour(self):
        state = fail(12)

        later = after_attempt(state, state.last_attempt + FORGOTTEN_AFTER + timedelta(seconds=1), ACCOUNT)

        assert later.failures == 1

    def test_one_address_cannot_try_more_than_a_few_hundred_times_a_day(self):
        state, moment, tries = None, START, 0
        while moment < START + timedelta(days=1):
            state = after_attempt(state, moment, ADDRESS)
            moment += timedelta(seconds=max(1, waiting_seconds(state, moment)))
            tries += 1

        assert tries < 200

    @given(STATES, POLICIES)
    def test_no_wait_is_longer_than_the_longest(self, state, policy):
        after = after_attempt(state, START, policy)

        assert after.blocked_until - START <= policy.longest_wait
        assert waiting_seconds(state, START) <= ADDRESS.longest_wait.total_seconds()

    @given(STATES, POLICIES)
    def test_another_failure_never_shortens_the_wait(self, state, policy):
        once = after_attempt(state, START, policy)
        twice = after_attempt(once, START, policy)

        assert twice.blocked_until >= once.blocked_until

    @given(STATES)
    def test_a_right_password_takes_back_its_own_attempt_only(self, state):
        attempted = after_attempt(state, START, ADDRESS)

        released = after_success(attempted, START, ADDRESS)

        assert released.failures == attempted.failures - 1
        assert released.blocked_until <= attempted.blocked_until

    def test_a_clock_that_jumped_back_does_not_lock_for_days(self):
        state = State(50, START + timedelta(days=300), START + timedelta(days=300))

        assert waiting_seconds(state, START) <= 15 * 60
