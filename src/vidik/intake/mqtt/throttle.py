"""Slows down whoever guesses passwords, without punishing the neighbours behind the same address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

# One faulty device behind a city's NAT must not lock out the thousand good ones behind it.
FAILURES_PER_LOGIN: Final = 5
FAILURES_PER_ADDRESS: Final = 100
LONGEST_SECONDS: Final = 60.0
REMEMBERED: Final = 10_000


class LoginThrottle:
    """Counts failed logins by (address, user name) and by address.

    From the fifth failure of a login on, each further one must wait 1, 2, 4 … 60 s; from the hundredth failure of an
    address on, every unproved login from it must. A success clears the login's count. Memory is bounded.
    """

    __slots__ = ("_clock", "_entries")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def blocked(self, address: str, username: str) -> bool:
        """Return True when this login must not be tried yet."""
        now = self._clock()
        return any(self._entries.get(key, (0, 0.0))[1] > now for key in ((address, username), address))

    def failed(self, address: str, username: str) -> None:
        """Count a failed login."""
        self._count((address, username), FAILURES_PER_LOGIN)
        self._count(address, FAILURES_PER_ADDRESS)

    def succeeded(self, address: str, username: str) -> None:
        """Forget the failures of a login that now gave the right password."""
        self._entries.pop((address, username), None)

    def _count(self, key: Hashable, allowed: int) -> None:
        now = self._clock()
        failures, until = self._entries.pop(key, (0, now))
        if now - until > 10 * LONGEST_SECONDS:
            failures = 0
        failures += 1
        wait = 0.0 if failures < allowed else min(LONGEST_SECONDS, 2.0 ** min(failures - allowed, 10))
        self._entries[key] = (failures, now + wait)
        while len(self._entries) > REMEMBERED:
            self._entries.popitem(last=False)
