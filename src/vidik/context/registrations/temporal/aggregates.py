"""Aggregates of one attribute at two places (ETSI GS CIM 009, clause 4.5.19). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from vidik.context.ngsild import values

_EXTREMES: Final[Mapping[str, Callable[..., Any]]] = {"min": min, "max": max}
_Period = tuple[float, float]


def joined(one: Any, other: Any, methods: Sequence[str]) -> tuple[Any, bool]:
    """The aggregates of both by period, and whether everything of the other is in them.

    Raises BadInput, TypeError and the like for what are no aggregates.
    """
    found: dict[str | None, Any] = {each.get("datasetId"): each for each in _listed(one)}
    is_whole = True
    for each in _listed(other):
        dataset = each.get("datasetId")
        mine = found.get(dataset)
        if mine is None:
            found[dataset] = each
            continue
        whole = dict(mine)
        for method in methods:
            triples = _together(method, mine.get(method, []), each.get(method, []))
            is_whole = is_whole and triples is not None
            if triples is not None:
                whole[method] = triples
        found[dataset] = whole
    shown = list(found.values())
    return (shown[0] if len(shown) == 1 else shown), is_whole


def _together(method: str, one: Sequence[Any], other: Sequence[Any]) -> list[Any] | None:
    """Triples of value, start and end of both; None where those of one period cannot be put together."""
    found: dict[_Period, Any] = {_period(triple): triple for triple in one}
    for triple in other:
        period = _period(triple)
        mine = found.get(period)
        if mine is None or mine == triple:
            found[period] = triple
        elif method in _EXTREMES and _are_alike(mine[0], triple[0]):
            found[period] = [_EXTREMES[method](mine[0], triple[0]), *mine[1:]]
        else:
            return None
    order = sorted(found)
    if any(end > start for (_, end), (start, _) in pairwise(order)):
        return None
    return [found[period] for period in order]


def _period(triple: Any) -> _Period:
    _, start, end = triple
    return values.moment(start, "aggrPeriodDuration").timestamp(), values.moment(end, "endTimeAt").timestamp()


def _are_alike(one: Any, other: Any) -> bool:
    """Whether two values have an order: numbers, or texts."""
    both = (one, other)
    if any(isinstance(each, bool) for each in both):
        return False
    return all(isinstance(each, int | float) for each in both) or all(isinstance(each, str) for each in both)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
