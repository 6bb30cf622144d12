"""Whose turn it is: one notification at a time for each subscription, back-off for each receiver. Pure.

A receiver (scheme, host and port) that does not answer is asked by one notification at a time, with growing pauses,
whatever the number of subscriptions that lead to it; so a dead one takes no room from the others.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

AT_ONCE: Final = 256
AT_ONCE_TO_ONE: Final = 32
FAILING_AT_ONCE: Final = 64
"""As many receivers that did not answer are asked again at the same time, however many there are."""
LINGERING_AT_ONCE: Final = 512
"""As many notifications, under way for long, take no place of `AT_ONCE`."""
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 16)))


@dataclass(slots=True)
class Line:
    """The notifications owed to one subscription, of which one at a time is under way."""

    key: int
    origin: str = ""
    address: str = ""
    """Where its last notification went."""
    sent_to: int = 0
    """Everything up to this position was delivered (and is crossed out soon)."""
    group_to: int = 0
    """A notification that failed went up to this position: the next try is the same notification."""
    due: float = 0.0
    failures: int = 0
    is_busy: bool = False
    is_lingering: bool = False
    """Under way for so long that it holds up no others any more."""
    is_probe: bool = False
    """Asks a receiver that did not answer the last time."""
    is_queued: bool = False
    has_more: bool = False


@dataclass(slots=True)
class _Origin:
    waiting: deque[int] = field(default_factory=deque)
    busy: int = 0
    failures: int = 0
    opens_at: float = 0.0


class Schedule:
    """Lines and receivers. Times are seconds of a monotonic clock, handed in."""

    def __init__(self) -> None:
        self.lines: dict[int, Line] = {}
        self._origins: dict[str, _Origin] = {}
        self._open: dict[str, None] = {}
        """Origins that may have something to do now, in turn."""
        self._timers: list[tuple[float, int, str]] = []
        self._busy = 0
        self._lingering = 0
        self._probes = 0

    @property
    def busy(self) -> int:
        """How many notifications are under way."""
        return self._busy + self._lingering

    def next_time(self) -> float | None:
        """When something becomes due by itself."""
        return self._timers[0][0] if self._timers else None

    def owe(self, key: int, origin_of: Callable[[int], str], time: float, *, not_before: float = 0.0) -> None:
        """Something new is owed to a subscription; `not_before` concerns one that nothing was owed to so far."""
        line = self.lines.get(key)
        if line is None:
            line = self.lines[key] = Line(key, due=not_before)
        if line.is_busy or line.is_queued:
            line.has_more = True
        else:
            self._queue(line, origin_of(key), time)

    def _queue(self, line: Line, origin: str, time: float) -> None:
        line.is_queued, line.origin = True, origin
        if line.due > time:
            heapq.heappush(self._timers, (line.due, line.key, ""))
            return
        here = self._origins.setdefault(origin, _Origin())
        here.waiting.append(line.key)
        self._open[origin] = None

    def _ring(self, time: float) -> None:
        while self._timers and self._timers[0][0] <= time:
            _, key, origin = heapq.heappop(self._timers)
            if origin:
                if origin in self._origins:
                    self._open[origin] = None
                continue
            line = self.lines.get(key)
            if line is not None and line.is_queued and not line.is_busy and line.due <= time:
                here = self._origins.setdefault(line.origin, _Origin())
                if key not in here.waiting:
                    here.waiting.append(key)
                self._open[line.origin] = None

    def pick(self, time: float) -> list[Line]:
        """The lines whose turn it is; each is busy until `done`, `failed` or `dropped`."""
        self._ring(time)
        picked: list[Line] = []
        for name in list(self._open):
            here = self._origins[name]
            most = 1 if here.failures else AT_ONCE_TO_ONE
            while here.waiting and here.busy < most and here.opens_at <= time and self._has_place(here):
                line = self.lines.get(here.waiting.popleft())
                if line is None or line.is_busy or not line.is_queued:
                    continue
                line.is_busy, line.is_queued, line.has_more = True, False, False
                line.is_probe = here.failures > 0
                here.busy += 1
                self._busy += 1
                self._probes += line.is_probe
                picked.append(line)
            if not here.waiting or here.opens_at > time:
                del self._open[name]
            elif picked:
                # Whoever had its turn stands at the end.
                del self._open[name]
                self._open[name] = None
        return picked

    def _has_place(self, here: _Origin) -> bool:
        return self._busy < AT_ONCE and (not here.failures or self._probes < FAILING_AT_ONCE)

    def linger(self, line: Line) -> None:
        """A notification is under way for long: hundreds of receivers may hang at once, and nobody waits for them."""
        if line.is_busy and not line.is_lingering and self._lingering < LINGERING_AT_ONCE:
            line.is_lingering = True
            self._lingering += 1
            self._busy -= 1

    def _free(self, line: Line) -> _Origin:
        if line.is_lingering:
            self._lingering -= 1
        else:
            self._busy -= 1
        self._probes -= line.is_probe
        line.is_busy = line.is_lingering = line.is_probe = False
        here = self._origins.setdefault(line.origin, _Origin())
        here.busy = max(0, here.busy - 1)
        if here.waiting:
            self._open[line.origin] = None
        return here

    def done(self, line: Line, origin_of: Callable[[int], str], time: float, *, wait_seconds: float = 0.0) -> None:
        """A notification was delivered; the next one of this line waits at least so long."""
        here = self._free(line)
        here.failures, here.opens_at = 0, 0.0
        line.failures, line.group_to, line.due = 0, 0, time + wait_seconds
        self._go_on(line, here, origin_of, time)

    def put_back(self, line: Line, origin_of: Callable[[int], str], time: float) -> None:
        """A line was picked, but could not have its turn: it has it as soon as there is one."""
        line.has_more = True
        self.rest(line, origin_of, time)

    def readdress(self, line: Line, origin_of: Callable[[int], str], time: float) -> None:
        """What a line owes goes elsewhere now: it need not wait for what the former receiver was waited for."""
        former = self._origins.get(line.origin)
        if former is not None and line.key in former.waiting:
            former.waiting.remove(line.key)
        line.due, line.failures = time, 0
        self._queue(line, origin_of(line.key), time)

    def rest(self, line: Line, origin_of: Callable[[int], str], time: float) -> None:
        """A line was picked, but nothing is to be delivered now."""
        self._go_on(line, self._free(line), origin_of, time)

    def _go_on(self, line: Line, here: _Origin, origin_of: Callable[[int], str], time: float) -> None:
        if line.has_more:
            self._queue(line, origin_of(line.key), time)
        elif not here.waiting and not here.busy and not here.failures:
            self._origins.pop(line.origin, None)
            self._open.pop(line.origin, None)

    def refused(self, line: Line, time: float, cooldown_seconds: float | None, *, asked_seconds: float = 0.0) -> None:
        """The receiver answered, but did not take the notification; it may have asked for some peace itself."""
        here = self._free(line)
        here.failures, here.opens_at = 0, 0.0
        line.failures += 1
        line.due = time + max(cooldown_seconds or 0.0, pause_after(line.failures), asked_seconds)
        self._queue(line, line.origin, time)

    def unreachable(self, line: Line, time: float, cooldown_seconds: float | None) -> None:
        """Nobody answered: all that leads to this receiver waits."""
        here = self._free(line)
        here.failures += 1
        line.failures += 1
        here.opens_at = time + pause_after(here.failures)
        line.due = time + cooldown_seconds if cooldown_seconds else time
        heapq.heappush(self._timers, (here.opens_at, 0, line.origin))
        self._queue(line, line.origin, time)

    def drop(self, line: Line) -> None:
        """A line whose subscription is gone, or may not be notified now."""
        if line.is_busy:
            self._free(line)
        self.lines.pop(line.key, None)
