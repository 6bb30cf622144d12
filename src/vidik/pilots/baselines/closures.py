"""Days on which a building keeps its Sunday although it is a working day: learned in the baseline, carried by rule.

No calendar of holidays is asked for: which days count differs from country to country and from meter to meter. A
working day that used much less than its like was a closure; it comes back by Easter (of either church), by "the last
Monday of the month", or by its date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from vidik.pilots.baselines.features import Days, weekday
from vidik.pilots.measurement.series import Mask, Values

WEEKEND_DROP = 0.1
"""Working days must use this much more than weekends, as a share of the mean, or closures cannot be told."""
CLOSED_DROP = 0.5
"""A closure loses at least this share of the difference between a working day and a weekend."""
SURE_DROP = 0.75
"""The same for a date that is no usual holiday: one odd Thursday must not come back as a closure every year."""
MOST_CLOSED = 0.12
"""More closures than this share of the working days are no holidays but a season; then none is believed."""
EASTER_OFFSETS = {"western": (-3, -2, 1, 39, 50, 60), "orthodox": (-2, 1, 50)}
EASTER_SIGNS = (-2, 1)
"""Good Friday or Easter Monday: who is open on both keeps no Easter of that church."""
FIXED = frozenset({(1, 1), (1, 2), (1, 6), (1, 7), (5, 1), (5, 2), (12, 24), (12, 25), (12, 26), (12, 31)})
"""Closed by date wherever they are closed: never "the first Monday of May"."""
TURN_FIRST, TURN_LAST = (12, 18), (1, 10)
"""The turn of the year: what lies between two closures of it is closed too."""
Rule = tuple[str, int, int]


def easter(year: int) -> date:
    """Western Easter Sunday (Gregorian; the anonymous algorithm of 1876, as in Meeus)."""
    century, of_century = divmod(year, 100)
    epact = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    shift = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    correction = (year % 19 + 11 * epact + 22 * shift) // 451
    month, day = divmod(epact + shift - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def orthodox_easter(year: int) -> date:
    """Easter Sunday of the Eastern churches (Julian reckoning, given as a Gregorian date; 1900 to 2099)."""
    epact = (19 * (year % 19) + 15) % 30
    shift = (2 * (year % 4) + 4 * (year % 7) - epact + 34) % 7
    month, day = divmod(epact + shift + 114, 31)
    return date(year, month, day + 1) + timedelta(days=13)


@dataclass(frozen=True, eq=False)
class Closures:
    """Two sets of days, without a day in common."""

    holidays: Mask
    turn_of_year: Mask
    """All days, weekends too, from the first to the last closure of the turn of the year."""


def no_closures(count: int) -> Closures:
    """Nothing known of closures."""
    return Closures(np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_))


def find_closures(days: Days, actual: Values, expected: Values, rows: Mask) -> Closures:
    """Which of `days` are closures: seen in the baseline `rows`, foretold by rule elsewhere.

    `actual` and `expected` are daily means (NaN unknown), `expected` from a model that knows no closures.
    """
    working = weekday(days) < 5
    known = rows & ~np.isnan(actual) & ~np.isnan(expected)
    if not (known & working).any() or not (known & ~working).any():
        return no_closures(len(days))
    drop = float(np.median(actual[known & working]) - np.median(actual[known & ~working]))
    if drop <= 0 or drop < WEEKEND_DROP * abs(float(actual[known].mean())):
        return no_closures(len(days))
    lost = np.where(known & working, expected - actual, 0.0) / drop
    seen = lost > CLOSED_DROP
    if seen.sum() > MOST_CLOSED * (known & working).sum():
        return no_closures(len(days))
    candidates: list[date] = days[seen].astype(object).tolist()
    sure: list[bool] = (lost[seen] > SURE_DROP).tolist()
    churches = [name for name in EASTER_OFFSETS if any(_from_easter(day, name) in EASTER_SIGNS for day in candidates)]
    rules = set()
    for day, certain in zip(candidates, sure, strict=True):
        rule = rule_of(day, churches)
        if rule[0] != "date" or certain or (day.month, day.day) in FIXED:
            rules.add(rule)
    turn = _turn_of_year(candidates)
    everyday: list[date] = days.astype(object).tolist()
    turning = np.array([turn is not None and turn[0] <= _turn_day(day) <= turn[1] for day in everyday], dtype=np.bool_)
    foretold = np.array([not rules.isdisjoint(_all_rules(day)) for day in everyday], dtype=np.bool_)
    holidays = working & np.where(rows, seen & foretold, foretold)
    return Closures(holidays & ~turning, turning)


def _turn_day(day: date) -> int:
    """Days from the first of January at the turn of the year, -14 to 9; far away for all other days."""
    if (day.month, day.day) >= TURN_FIRST:
        return day.day - 32
    return day.day - 1 if (day.month, day.day) <= TURN_LAST else 1_000


def _turn_of_year(closures: list[date]) -> tuple[int, int] | None:
    """First and last day of the closure at the turn of the year, with at least three days seen."""
    turning = sorted(place for day in closures if (place := _turn_day(day)) < 1_000)
    near = [place for place in turning if -9 <= place <= 1]
    if len(near) < 3:
        return None
    first, last = near[0], near[-1]
    for place in turning:
        if last < place <= last + 3:
            last = place
    for place in reversed(turning):
        if first - 3 <= place < first:
            first = place
    return first, last


def rule_of(day: date, churches: Sequence[str]) -> Rule:
    """The rule by which a closure on this day most likely comes back."""
    if (day.month, day.day) in FIXED:
        return ("date", day.month, day.day)
    for church in churches:
        offset = _from_easter(day, church)
        if offset in EASTER_OFFSETS[church]:
            return (church, 0, offset)
    thanksgiving = day.month == 11 and day.weekday() in (3, 4) and day.day >= 22
    if day.weekday() == 0 or thanksgiving:
        is_last = day.weekday() == 0 and (day + timedelta(days=7)).month != day.month
        return ("weekday", day.month * 10 + day.weekday(), 5 if is_last else (day.day - 1) // 7)
    return ("date", day.month, day.day)


@lru_cache(maxsize=4096)
def _all_rules(day: date) -> frozenset[Rule]:
    """Every rule that would make this day a closure."""
    of_month = day.month * 10 + day.weekday()
    rules: set[Rule] = {("date", day.month, day.day), ("weekday", of_month, (day.day - 1) // 7)}
    if (day + timedelta(days=7)).month != day.month:
        rules.add(("weekday", of_month, 5))
    return frozenset(rules | {(church, 0, _from_easter(day, church)) for church in EASTER_OFFSETS})


def _from_easter(day: date, church: str) -> int:
    sunday = easter(day.year) if church == "western" else orthodox_easter(day.year)
    return (day - sunday).days
