"""One meter under two names: it would calibrate itself, compare itself with itself, or be counted twice."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from vidik.kernel.errors import Unprocessable
from vidik.pilots.measurement.grid import day_grid, span
from vidik.pilots.measurement.series import Period, Series, Values
from vidik.pilots.outcome import Finding

NEAR = 1e-3
"""Two amounts that differ by less than this share of the larger are the same, written with fewer digits."""
NEAR_WEEKS = 1e-2
"""The same of whole weeks, which of two meters agree less often: shares of a meter are rounded when little is used."""
ALMOST_ALL = 0.9
HIGH = 0.75
"""The week, in order of use, by which meters of different measure are brought to one."""
LEAST_DAYS = 14
APART = 0.01
"""Of the middle week: farther apart, two meters are not compared."""
SINGLE_PRECISION = 1e-6
BLOCK = 4096
LIVELY = 0.01
"""A series whose days differ from their weekday's mean by less than this share of it says nothing of who it is."""


def same_course(one: Values, other: Values, period: int = 7, near: float = NEAR) -> bool:
    """Whether nearly all amounts that both know are the same; never for series that only repeat every `period` steps.

    Steps on which both are zero say nothing and are not counted.
    """
    known = ~(np.isnan(one) | np.isnan(other))
    known &= (np.abs(np.nan_to_num(one)) + np.abs(np.nan_to_num(other))) > 0
    if known.sum() < LEAST_DAYS:
        return False
    first, second = one[known], other[known]
    same = np.abs(first - second) <= near * np.maximum(np.abs(first), np.abs(second))
    return bool(same.mean() >= ALMOST_ALL) and _is_lively(first, np.flatnonzero(known) % period)


def without_twins(units: Mapping[str, Values], donors: Mapping[str, Values]) -> tuple[list[str], list[Finding]]:
    """The donors that remain once each meter counts once, and a finding "donor-twice" about every other.

    Amounts of the same days before the start. Raises Unprocessable where a unit of the pilot is given twice, or is its
    own donor: nobody can tell which of the names is the mistake.
    """
    kept: dict[str, Values] = {}
    for name, amounts in units.items():
        other = _twin(amounts, kept)
        if other is not None:
            raise _one_meter(
                "unit-twice", name, other, "its saving would be counted twice. Take one of them out of the plan."
            )
        kept[name] = amounts
    remaining: dict[str, Values] = {}
    findings = []
    for name, amounts in donors.items():
        unit = _twin(amounts, units)
        if unit is not None:
            raise _one_meter(
                "donor-is-unit", name, unit, "the pilot would be compared with itself. Take it out of the units to "
                "compare with, or give the column that was meant."
            )  # fmt: skip
        other = _twin(amounts, remaining)
        if other is None:
            remaining[name] = amounts
            continue
        text = (
            f"{name} has the same numbers as {other}, so it counts once. If another meter was meant, correct where the "
            "plan takes it from."
        )
        findings.append(Finding("donor-twice", "warning", text, name, values={"other": other}))
    return list(remaining), findings


def alike_units(units: Mapping[str, Series], others: Mapping[str, Series]) -> list[str]:
    """The units that have the same course as one of the others, on the days that both know."""
    found = []
    for name, unit in units.items():
        known = span(unit)
        for other in others.values():
            theirs = span(other)
            if known is None or theirs is None or not known.overlaps(theirs):
                continue
            common = Period(max(known.first, theirs.first), min(known.last, theirs.last))
            if same_course(days_of(unit, common), days_of(other, common)):
                found.append(name)
                break
    return found


def days_of(series: Series, period: Period) -> Values:
    """The amount of each local day of the period; NaN where a step is missing."""
    grid = day_grid(series)
    found = np.full(period.days, np.nan)
    amounts = grid.daily(series.values)
    rows = np.arange(period.days) + int((np.datetime64(period.first) - grid.first).astype(np.int64))
    there = (rows >= 0) & (rows < len(amounts))
    found[there] = amounts[rows[there]]
    return found


def pulse_of(series: Series, period: Period) -> bytes:
    """The mean day of each week of the period, in single precision: enough to know a meter again, small to send."""
    days = days_of(series, period)
    weeks = days[: len(days) // 7 * 7].reshape(-1, 7)
    return np.asarray(weeks.mean(axis=1), dtype=np.float32).tobytes()


class Pulses:
    """The weeks of many meters, a row each: 200 bytes a meter and year."""

    def __init__(self, pulses: Iterable[bytes] = ()) -> None:
        self._rows = array("f")
        self._empty: list[int] = []
        self._length = 0
        self._count = 0
        for pulse in pulses:
            self.add(pulse)

    def add(self, pulse: bytes) -> None:
        """One more; empty for a meter that could not be read. All others are of the same period."""
        self._count += 1
        if not pulse:
            self._empty.append(self._count - 1)
            return
        self._rows.frombytes(pulse)
        self._length = len(self._rows) // (self._count - len(self._empty))

    def weeks(self) -> NDArray[np.float32]:
        """(meters, weeks) in the order in which they were added; NaN where nothing is known."""
        found = np.full((self._count, self._length), np.nan, dtype=np.float32)
        known = np.ones(self._count, dtype=np.bool_)
        known[self._empty] = False
        found[known] = np.frombuffer(self._rows, dtype=np.float32).reshape(known.sum(), self._length)
        return found


def twins_among(weeks: NDArray[np.float32]) -> dict[int, list[int]]:
    """Of each row that has any, the places of the others that are of the same meter, in whatever measure."""
    length = weeks.shape[1]
    places = np.flatnonzero(~np.isnan(weeks).all(axis=1))
    if not len(places):
        return {}
    weeks = weeks[places]
    # A meter shared out by floor area, or written in another unit, is the same meter in another measure.
    high = _by_blocks(lambda some: np.nanquantile(some, HIGH, axis=1), weeks)
    used = high > 0
    places, weeks = places[used], weeks[used]
    weeks /= high[used, None]
    middles = _by_blocks(lambda some: np.nanmedian(some, axis=1), weeks)
    order = np.argsort(middles, kind="stable")
    places, weeks, middles = places[order], weeks[order], middles[order]
    # Nine tenths of the weeks of one meter are the same under both names, so their middles are near.
    ends = np.searchsorted(middles, middles + APART * np.abs(middles), side="right")
    found: dict[int, list[int]] = {}
    for row, end in enumerate(ends.tolist()):
        one, others = weeks[row], weeks[row + 1 : end]
        near = (np.abs(others - one) <= 2 * NEAR_WEEKS * np.abs(one)).sum(axis=1) * 2 >= length
        some = np.flatnonzero(near)
        for other in (some[_share_alike(one, others[some]) >= ALMOST_ALL] + row + 1).tolist():
            if same_course(one.astype(np.float64), weeks[other].astype(np.float64), 1, NEAR_WEEKS):
                found.setdefault(int(places[row]), []).append(int(places[other]))
                found.setdefault(int(places[other]), []).append(int(places[row]))
    return found


def _by_blocks(work: Callable[[NDArray[np.float32]], NDArray[np.float32]], weeks: NDArray[np.float32]) -> Values:
    """Row by row what `work` makes of some rows; it copies them several times over, so never of all at once."""
    parts = [work(weeks[first : first + BLOCK]) for first in range(0, len(weeks), BLOCK)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)


def _share_alike(one: NDArray[np.float32], others: NDArray[np.float32]) -> Values:
    """Of the weeks that each of the others and this one know, at most which share is the same in both."""
    larger = np.maximum(np.abs(others), np.abs(one))
    known = larger > 0
    alike = known & (np.abs(others - one) <= (NEAR_WEEKS + SINGLE_PRECISION) * larger)
    return np.asarray(alike.sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _twin(amounts: Values, others: Mapping[str, Values]) -> str | None:
    return next((name for name, other in others.items() if same_course(amounts, other)), None)


def _one_meter(finding: str, name: str, other: str, then: str) -> Unprocessable:
    return Unprocessable(
        f"{name} has the same numbers as {other} on nearly all days before the start: {then}",
        field="units" if finding == "unit-twice" else "donors",
        code="data-insufficient",
        values={"finding": finding, "name": name, "other": other},
    )


def _is_lively(amounts: Values, kinds: NDArray[np.intp]) -> bool:
    counts = np.bincount(kinds)
    usual = np.bincount(kinds, weights=amounts) / np.maximum(counts, 1)
    return bool(np.mean(np.abs(amounts - usual[kinds])) > LIVELY * np.mean(np.abs(amounts)))
