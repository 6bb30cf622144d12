"""When a message that did not get through is tried again. Pure."""

from datetime import timedelta

FIRST = timedelta(seconds=15)
LONGEST = timedelta(minutes=10)
GIVEN_UP_AFTER = timedelta(hours=24)


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: 15 s, doubled each time, ten minutes at most."""
    doublings = min(max(attempts, 1) - 1, 10)
    return min(FIRST * (1 << doublings), LONGEST)
