"""One clock for ten thousand connections: a timer each would cost more memory than the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

TICK_SECONDS: Final = 0.5


class Timed(Protocol):
    """Something that can stand in one slot of the wheel; 0 means in none."""

    slot: int


T = TypeVar("T", bound=Timed)


class TimerWheel(Generic[T]):
    """Calls `due(item)` after a number of ticks, on the event loop.

    A tick is counted only when the loop gets to it, so that a loop that stood still for a minute does not throw out
    connections whose packets it has not read yet.
    """

    __slots__ = ("_due", "_handle", "_slots", "tick")

    def __init__(self, due: Callable[[T], None]) -> None:
        self.tick = 1
        self._due = due
        self._slots: dict[int, set[T]] = {}
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Let the wheel turn."""
        self._handle = asyncio.get_running_loop().call_later(TICK_SECONDS, self._turn)

    def stop(self) -> None:
        """Stop the wheel and let go of everything in it."""
        if self._handle is not None:
            self._handle.cancel()
        self._slots.clear()

    def schedule(self, item: T, ticks: int) -> None:
        """Have `item` come due in so many ticks, and no longer when it was scheduled before."""
        self.cancel(item)
        item.slot = self.tick + max(1, ticks)
        self._slots.setdefault(item.slot, set()).add(item)

    def cancel(self, item: T) -> None:
        """Take `item` off the wheel."""
        if item.slot:
            slot = self._slots.get(item.slot)
            if slot is not None:
                slot.discard(item)
            item.slot = 0

    def _turn(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(TICK_SECONDS, self._turn)
        self.tick += 1
        for item in self._slots.pop(self.tick, ()):
            item.slot = 0
            self._due(item)
