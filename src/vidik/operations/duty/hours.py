"""Hours and turns by the clock on the wall of the city. Pure, and right in the two nights when that clock jumps.

A time of a day means one moment: of an hour that comes twice the first, of one that is left out what the clock would
have shown without the jump. So windows that touch on paper touch in time, and a turn is handed over once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.forms import Form

_DAY = timedelta(days=1)
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Login = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x20]+$")]


def moment_of(day: date, clock: str) -> datetime:
    """Return when the city's clock shows a time on a day."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=CITY_ZONE)


class Window(Form):
    """Hours of days of the week (0 is Monday); one that ends before it begins goes on past midnight.

    Beginning and ending at the same time is the whole day.
    """

    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]
    begins: ClockTime
    ends: ClockTime

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies in the window: its beginning does, its end does not."""
        today = at.astimezone(CITY_ZONE).date()
        return any(self._holds_from(day, at) for day in (today - _DAY, today))

    def _holds_from(self, day: date, at: datetime) -> bool:
        if day.weekday() not in self.days:
            return False
        last = day + _DAY if self.ends <= self.begins else day
        # Compared as moments: two times of one zone are compared by their letters, which jump.
        return moment_of(day, self.begins).timestamp() <= at.timestamp() < moment_of(last, self.ends).timestamp()


class Rota(Form):
    """People who take turns: each `every_days` days, handed over at one time of the day."""

    people: Annotated[list[Login], Field(min_length=1, max_length=50)]
    first_day: date
    hands_over: ClockTime = "08:00"
    every_days: Annotated[int, Field(ge=1, le=366)] = 7

    @model_validator(mode="after")
    def _this_age(self) -> Self:
        if not date(2000, 1, 1) <= self.first_day <= date(2199, 1, 1):
            raise ValueError("first_day must lie between the years 2000 and 2199")
        return self

    def on_turn(self, at: datetime) -> str:
        """Return whose turn it is; before the first day the turns are counted backwards."""
        day = at.astimezone(CITY_ZONE).date()
        if at.timestamp() < moment_of(day, self.hands_over).timestamp():
            day -= _DAY
        return self.people[(day - self.first_day).days // self.every_days % len(self.people)]


def holds(hours: Sequence[Window], at: datetime) -> bool:
    """Whether one of the windows holds; none given is always."""
    return not hours or any(window.holds(at) for window in hours)
