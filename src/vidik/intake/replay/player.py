"""Plays a timeline through a door at N times real time, and remembers how far it came."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from vidik.intake.replay.doors import Door
from vidik.intake.replay.timeline import RecordedLine

_REMEMBER_SECONDS = 2.0


@dataclass(slots=True)
class Played:
    """How far a replay is; `observed_at` is the time (µs) of the newest line sent."""

    total: int
    resumed_at: int = 0
    sent: int = 0
    stored: int = 0
    refused: int = 0
    observed_at: int = 0


class Bookmark:
    """Where a replay of this file for this device stopped; kept in a small file of its own.

    A line is passed only when it and every line before it are on disk.
    """

    def __init__(self, folder: Path, file: Path, profile: str, device_id: str | None) -> None:
        name = f"{file.resolve()}\n{profile}\n{device_id or ''}"
        self._path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"

    def read(self, total: int) -> int:
        """The number of lines already played, 0 when another file stands there now."""
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.DecodeError):
            return 0
        return kept.get("passed", 0) if kept.get("total") == total else 0

    def write(self, passed: int, total: int) -> None:
        """Remember; written beside and moved, so that a crash leaves the old one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode({"passed": passed, "total": total}))
        beside.replace(self._path)

    def forget(self) -> None:
        """The replay came to its end."""
        self._path.unlink(missing_ok=True)


async def play(
    lines: list[RecordedLine],
    door: Door,
    device_id: str | None,
    *,
    speed: float,
    bookmark: Bookmark | None = None,
    longest_pause: float | None = None,
    tell: Callable[[Played], None] = lambda _: None,
) -> Played:
    """Send `lines`, which keep their observed times, at `speed` times real time; 0 is as fast as the door
    takes them.

    `longest_pause` (seconds) cuts the waits where the recording has a hole. `tell` is called after every
    line.
    """
    played = Played(total=len(lines))
    start = bookmark.read(len(lines)) if bookmark is not None else 0
    played.resumed_at = played.sent = start
    waiting: dict[int, None] = {}
    remembered = time.monotonic()
    clock = _Clock(speed, longest_pause)
    try:
        for index in range(start, len(lines)):
            line = lines[index]
            await clock.wait_for(line.observed_at)
            waiting[index] = None

            def done(stored: bool, index: int = index) -> None:
                waiting.pop(index, None)
                played.stored += stored
                played.refused += not stored

            await door.send(line.device_id or device_id or "", line.payload, done)
            played.sent, played.observed_at = index + 1, line.observed_at
            tell(played)
            if bookmark is not None and time.monotonic() - remembered > _REMEMBER_SECONDS:
                remembered = time.monotonic()
                bookmark.write(next(iter(waiting), played.sent), len(lines))
        await door.drain()
    except BaseException:
        if bookmark is not None and played.sent > start:
            bookmark.write(next(iter(waiting), played.sent), len(lines))
        raise
    tell(played)
    if bookmark is not None:
        bookmark.forget()
    return played


class _Clock:
    """Recorded time to waiting time."""

    def __init__(self, speed: float, longest_pause: float | None) -> None:
        self._speed = speed
        self._longest_pause = longest_pause
        self._due = 0.0
        self._before: int | None = None

    async def wait_for(self, observed_at: int) -> None:
        if self._speed <= 0:
            return
        now = time.monotonic()
        if self._before is None:
            self._due = now
        else:
            pause = (observed_at - self._before) / 1_000_000 / self._speed
            self._due += pause if self._longest_pause is None else min(pause, self._longest_pause)
        self._before = observed_at
        if self._due > now:
            await asyncio.sleep(self._due - now)
