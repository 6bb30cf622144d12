"""The life of an exercise: a pure state machine with a clock of its own.

    running <-> paused       people may stop the clock
    running, paused -> stopped by a person, running -> ended when the scenario is over

The row holds where the clock stood and when that was counted; everything else follows, so a restart loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from vidik.kernel.errors import Conflict

State = Literal["running", "paused", "ended", "stopped"]


@dataclass(frozen=True, slots=True)
class Exercise:
    """What of an exercise moves. `speed` is how many seconds its clock makes in one of people's."""

    state: State
    speed: float
    clock_seconds: float
    counted_at: datetime
    started_at: datetime
    length_seconds: float

    def clock_at(self, moment: datetime) -> float:
        """Return the seconds on the scenario's clock; it never passes the end.

        When our clock is set back it stands where it was counted last, at the least.
        """
        if self.state != "running":
            return self.clock_seconds
        passed = max(0.0, (moment - self.counted_at).total_seconds())
        return min(self.length_seconds, self.clock_seconds + passed * self.speed)

    def observed_at(self, clock_seconds: float) -> datetime:
        """Return the time that a reading bears.

        The scenario lies so far back that even on a fast clock nothing is observed in the future.
        """
        back = self.length_seconds * (1 - 1 / self.speed)
        return self.started_at + timedelta(seconds=clock_seconds - back)


def pause(exercise: Exercise, moment: datetime) -> Exercise:
    """Return the exercise with its clock standing; raises Conflict unless it runs."""
    return _moved(exercise, "paused", ("running",), moment)


def resume(exercise: Exercise, moment: datetime) -> Exercise:
    """Return the exercise with its clock going on; raises Conflict unless it is paused."""
    return _moved(exercise, "running", ("paused",), moment)


def stop(exercise: Exercise, moment: datetime) -> Exercise:
    """Return the exercise ended by a person; raises Conflict when it is over."""
    return _moved(exercise, "stopped", ("running", "paused"), moment)


def end(exercise: Exercise, moment: datetime) -> Exercise:
    """Return the exercise at the end of its scenario; raises Conflict unless it runs."""
    return _moved(exercise, "ended", ("running",), moment)


def _moved(exercise: Exercise, state: State, allowed: tuple[State, ...], moment: datetime) -> Exercise:
    if exercise.state not in allowed:
        raise Conflict(
            f"The exercise is {exercise.state}.", code="exercise-state", values={"state": exercise.state, "to": state}
        )
    return replace(exercise, state=state, clock_seconds=exercise.clock_at(moment), counted_at=moment)


def active_minutes(begin: datetime, end: datetime, pauses: Sequence[tuple[datetime, datetime | None]]) -> float:
    """Return the minutes between two times, without the pauses (an open one lasts until `end`)."""
    seconds = (end - begin).total_seconds()
    for pause_begins, pause_ends in pauses:
        first, last = max(begin, pause_begins), min(end, pause_ends or end)
        seconds -= max(0.0, (last - first).total_seconds())
    return seconds / 60
