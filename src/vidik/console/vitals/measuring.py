"""One number from the values of many assets: whether a test holds, and what an aggregate makes of it. Pure.

What is not known counts neither for nor against: an asset of which nobody can tell is left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import time
from statistics import fmean, median
from typing import NamedTuple

from vidik.console.vitals.sign import Assets, Test
from vidik.operations.rules.model import Scalar
from vidik.operations.rules.signals import number_of

Values = Mapping[str, Scalar]
"""The values of one asset by short attribute name."""
Verdict = Callable[[Values, time], bool | None]
"""Whether something holds for an asset at a local time; None when nobody can tell."""

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "median": median,
    "sum": sum,
    "minimum": min,
    "maximum": max,
}


class Measured(NamedTuple):
    """A value, and of how many assets it is; no value without any."""

    value: float | None
    counted: int


NOTHING = Measured(None, 0)


def measure(source: Assets, members: Iterable[Values], local: time) -> Measured:
    """Return what a source says of assets that speak, at a time on the city's clocks."""
    chosen = _among(source, members, local)
    if source.aggregate in ("share", "count"):
        return _of_flags(source, chosen, local)
    if source.aggregate in ("ratio", "rest"):
        return _of_sums(source, chosen)
    found = (number_of(values.get(source.attribute or "")) for values in chosen)
    return measure_numbers(source, [number for number in found if number is not None])


def measure_numbers(source: Assets, numbers: Sequence[float]) -> Measured:
    """Return what an aggregate of numbers makes of one number an asset."""
    if not numbers:
        return NOTHING
    return Measured(source.scale * _STATISTICS[source.aggregate](numbers), len(numbers))


def verdict_of(test: Test) -> Verdict:
    """Return how a test is judged."""
    if test.hours is not None:
        return _hours(test)
    if test.equals is not None and test.above is None and test.below is None:
        return _words(test)
    return _levels(test)


def all_of(tests: Sequence[Test]) -> Verdict:
    """Return whether all hold: false when one fails, unknown when one is and none fails."""
    verdicts = [verdict_of(test) for test in tests]

    def judge(values: Values, local: time) -> bool | None:
        known: bool | None = True
        for verdict in verdicts:
            holds = verdict(values, local)
            if holds is False:
                return False
            if holds is None:
                known = None
        return known

    return judge


def any_of(ways: Sequence[Sequence[Test]]) -> Verdict:
    """Return whether one way holds: true when one does, unknown when one is and none holds."""
    verdicts = [all_of(way) for way in ways]

    def judge(values: Values, local: time) -> bool | None:
        known: bool | None = False
        for verdict in verdicts:
            holds = verdict(values, local)
            if holds:
                return True
            if holds is None:
                known = None
        return known

    return judge


def _among(source: Assets, members: Iterable[Values], local: time) -> Iterable[Values]:
    judge = all_of(source.among) if source.among else None
    return members if judge is None else [values for values in members if judge(values, local)]


def _of_flags(source: Assets, members: Iterable[Values], local: time) -> Measured:
    judge = any_of(source.ways)
    known = [flag for values in members if (flag := judge(values, local)) is not None]
    if not known:
        return NOTHING
    return Measured(100 * sum(known) / len(known) if source.aggregate == "share" else float(sum(known)), len(known))


def _of_sums(source: Assets, members: Iterable[Values]) -> Measured:
    part = whole = 0.0
    counted = 0
    for values in members:
        over, under = number_of(values.get(source.attribute or "")), number_of(values.get(source.per or ""))
        if over is not None and under:
            part, whole, counted = part + over, whole + under, counted + 1
    if not whole:
        return NOTHING
    ratio = part / whole
    return Measured(source.scale * (1 - ratio if source.aggregate == "rest" else ratio), counted)


def _hours(test: Test) -> Verdict:
    begin, end = test.local_hours() or (time(), time())
    if begin <= end:
        return lambda _values, local: begin <= local < end
    return lambda _values, local: local >= begin or local < end


def _words(test: Test) -> Verdict:
    name, wanted = test.attribute or "", test.equals or []
    unknown = True if test.if_unknown == "pass" else None

    def judge(values: Values, _local: time) -> bool | None:
        value = values.get(name)
        return unknown if value is None else value in wanted

    return judge


def _levels(test: Test) -> Verdict:
    name, reference = test.attribute or "", test.reference
    above, below, wanted = test.above, test.below, test.equals
    unknown = True if test.if_unknown == "pass" else None

    def judge(values: Values, _local: time) -> bool | None:
        value = values.get(name)
        if value is not None and wanted is not None and value not in wanted:
            return False
        number = number_of(value)
        if number is not None and reference is not None:
            other = number_of(values.get(reference))
            number = None if other is None else number - other
        if number is None:
            return unknown
        return (above is None or number > above) and (below is None or number < below)

    return judge
