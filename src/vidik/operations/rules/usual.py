"""What is usual at an hour: learnt from one reading an hour, so that little is remembered and written."""

from datetime import datetime, tzinfo
from functools import lru_cache

from vidik.operations.rules.model import ForecastRule
from vidik.operations.rules.signals import RuleState

HOUR = 3_600_000_000  # microseconds
_QUARTER = HOUR // 4
_SLOWEST = 0.1
"""What a new reading counts at least: after some ten of an hour, what is usual follows a change of habits."""

Usual = tuple[int, float, float]


def expected(rule: ForecastRule, state: RuleState, at: int, zone: tzinfo) -> tuple[float, float] | None:
    """Return the usual value at a time (µs) and how far from it is unusual; None while too little is learnt."""
    if not state.usual:
        return None
    count, mean, spread = state.usual[slot_of(rule, at, zone)]
    if count < rule.learn:
        return None
    return mean, max(rule.margin, rule.spreads * spread)


def learn(rule: ForecastRule, state: RuleState, number: float, at: int, zone: tzinfo) -> RuleState:
    """Take the first reading of an hour into what is usual then; any other leaves the state as it is.

    An unusual one counts only up to the edge of what is usual, so that a fault is learnt slowly if at all.
    """
    hour = at // HOUR
    if hour <= state.learnt:
        return state
    slot = slot_of(rule, at, zone)
    usual = list(state.usual) or [(0, 0.0, 0.0)] * (24 if rule.season == "day" else 168)
    known = expected(rule, state, at, zone)
    if known is not None:
        mean, limit = known
        number = min(max(number, mean - limit), mean + limit)
    usual[slot] = _follow(usual[slot], number)
    return RuleState(state.phase, state.since, state.last, state.bad, state.good, state.trail, tuple(usual), hour)


def slot_of(rule: ForecastRule, at: int, zone: tzinfo) -> int:
    """Return the hour of the city's day, or of its week, as an index."""
    hour, weekday = _local_hour(at // _QUARTER, zone)
    return hour if rule.season == "day" else weekday * 24 + hour


@lru_cache(maxsize=4096)
def _local_hour(quarter: int, zone: tzinfo) -> tuple[int, int]:
    """Return hour and weekday on the city's clocks; no zone's offset is finer than a quarter of an hour."""
    local = datetime.fromtimestamp(quarter * _QUARTER / 1_000_000, zone)
    return local.hour, local.weekday()


def _follow(usual: Usual, number: float) -> Usual:
    count, mean, spread = usual
    if count == 0:
        return 1, number, 0.0
    weight = max(1 / (count + 1), _SLOWEST)
    distance = abs(number - mean)
    return min(count + 1, 1000), mean + weight * (number - mean), spread + weight * (distance - spread)
