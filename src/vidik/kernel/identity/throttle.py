"""The brake on guessing passwords: each failure doubles the wait. Pure; the database keeps the states."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """How many failures are free, and where the doubling wait ends."""

    free_failures: int
    longest_wait: timedelta


# An account's wait stays short: a longer one would let a stranger keep a dispatcher out. The address pays more.
ACCOUNT = Policy(free_failures=4, longest_wait=timedelta(minutes=1))
ADDRESS = Policy(free_failures=20, longest_wait=timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one account or address."""

    failures: int
    last_attempt: datetime
    blocked_until: datetime


def waiting_seconds(state: State | None, now: datetime) -> int:
    """Whole seconds until the next attempt is heard; 0 when it is heard now."""
    if state is None:
        return 0
    remaining = (min(state.blocked_until, now + ADDRESS.longest_wait) - now).total_seconds()
    return max(0, -int(-remaining // 1))


def after_attempt(state: State | None, now: datetime, policy: Policy) -> State:
    """The state once an attempt was heard, counted as a failure until it proves to be right.

    Counting before verifying means that many attempts at once cannot all pass as the first.
    """
    forgotten = state is None or now - state.last_attempt > FORGOTTEN_AFTER
    failures = 1 if forgotten or state is None else state.failures + 1
    wait = _wait(failures - policy.free_failures, policy.longest_wait)
    return State(failures, now, now + wait)


def after_success(state: State, now: datetime, policy: Policy) -> State:
    """The state of an address once its attempt was right: that one attempt is taken back, older failures stay."""
    failures = max(0, state.failures - 1)
    wait = _wait(failures - policy.free_failures, policy.longest_wait)
    return State(failures, now, min(state.blocked_until, now + wait))


def _wait(excess: int, longest: timedelta) -> timedelta:
    if excess <= 0:
        return timedelta(0)
    # 2 ** 20 s is far past every limit, and a timedelta cannot hold 2 ** 60.
    return min(timedelta(seconds=2 ** min(excess, 20)), longest)
