"""What a reading says by each kind of rule: pure functions from the newest values to a verdict with its figures."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from vidik.operations.rules import usual
from vidik.operations.rules.conditions import condition_holds
from vidik.operations.rules.crowd import Crowd
from vidik.operations.rules.fences import Place, signed_distance
from vidik.operations.rules.model import (
    AbsenceRule,
    CombinationRule,
    DeviationRule,
    ForecastRule,
    GeofenceRule,
    NeighboursRule,
    RateRule,
    StateRule,
    ThresholdRule,
)
from vidik.operations.rules.signals import Measured, RuleState, Sample, Trail, Values, Verdict, judge, number_of


@dataclass(slots=True)
class Scene:
    """What a measure may look at: the state, the newest values, the reading's time (µs), and who stands around.

    `gap` (µs): values older than this are not known; `over` (µs): the window of a rate.
    """

    state: RuleState
    values: Values
    at: int
    gap: int
    zone: tzinfo
    entity_id: str
    crowd: Crowd | None
    over: int = 0


Measure = Callable[[Any, Scene], Measured | None]


def _threshold(rule: ThresholdRule, scene: Scene) -> Measured | None:
    number = number_of(scene.values[rule.attribute].value)
    if number is None:
        return None
    if rule.above is not None:
        return Measured(judge(number, rule.above, rule.clear), number, rule.above)
    return Measured(judge(-number, -rule.threshold, -rule.clear), number, rule.threshold)


def _deviation(rule: DeviationRule, scene: Scene) -> Measured | None:
    sample, reference = scene.values[rule.attribute], scene.values.get(rule.reference)
    number = number_of(sample.value)
    if number is None or reference is None or scene.at - min(reference.at, sample.at) > scene.gap:
        return None
    level = number_of(reference.value)
    if level is None:
        return None
    distance = number - level if rule.above is not None else level - number
    threshold = level + rule.threshold if rule.above is not None else level - rule.threshold
    return Measured(judge(distance, rule.threshold, rule.clear), number, threshold)


def _rate(rule: RateRule, scene: Scene) -> Measured | None:
    change = _change(scene.state.trail, scene.over)
    if change is None or number_of(scene.values[rule.attribute].value) is None:
        return None
    rise = change if rule.rise is not None else -change
    return Measured(judge(rise, rule.threshold, rule.clear), change, rule.threshold)


def _state(rule: StateRule, scene: Scene) -> Measured | None:
    value = scene.values[rule.attribute].value
    if isinstance(value, Place):
        return None
    return Measured(Verdict.BAD if value in rule.values else Verdict.GOOD, value, None)


def _absence(rule: AbsenceRule, scene: Scene) -> Measured | None:
    sample = scene.values.get(rule.attribute)
    if sample is not None and sample.at >= scene.at:
        return Measured(Verdict.GOOD, 0.0, None)
    since = scene.state.since if scene.state.phase in ("pending", "raised") else scene.at
    return Measured(Verdict.BAD, round((scene.at - since) / 60_000_000, 1), None)


def _geofence(rule: GeofenceRule, scene: Scene) -> Measured | None:
    place = scene.values[rule.attribute].value
    if not isinstance(place, Place):
        return None
    outside = signed_distance(rule.fence, *place)
    astray = outside if rule.must_be == "inside" else -outside
    return Measured(judge(astray, rule.margin_m, 0.0), round(max(astray, 0.0)), rule.margin_m)


def _forecast(rule: ForecastRule, scene: Scene) -> Measured | None:
    number = number_of(scene.values[rule.attribute].value)
    found = usual.expected(rule, scene.state, scene.at, scene.zone)
    if number is None or found is None:
        return None
    mean, limit = found
    return _beside(number, mean, rule.side, limit, limit * rule.clear)


def _neighbours(rule: NeighboursRule, scene: Scene) -> Measured | None:
    number = number_of(scene.values[rule.attribute].value)
    if number is None or scene.crowd is None:
        return None
    middle = scene.crowd.median_around(scene.entity_id, scene.at, scene.at - scene.gap, rule.at_least)
    if middle is None:
        return None
    return _beside(number, middle, rule.side, rule.distance, rule.clear)


def _beside(number: float, middle: float, side: str, raise_at: float, clear_at: float) -> Measured:
    distance = {"above": number - middle, "below": middle - number}.get(side, abs(number - middle))
    level = middle + raise_at if number >= middle else middle - raise_at
    return Measured(judge(distance, raise_at, clear_at), number, level)


def _combination(rule: CombinationRule, scene: Scene) -> Measured | None:
    found = [condition_holds(one, scene.values, scene.at, scene.gap, scene.zone) for one in rule.of]
    holding, possible = found.count(True), found.count(True) + found.count(None)
    if holding >= rule.needed:
        return Measured(Verdict.BAD, float(holding), float(rule.needed))
    return Measured(Verdict.GOOD, float(holding), float(rule.needed)) if possible < rule.needed else None


MEASURES: dict[type, Measure] = {
    ThresholdRule: _threshold,
    DeviationRule: _deviation,
    RateRule: _rate,
    StateRule: _state,
    AbsenceRule: _absence,
    GeofenceRule: _geofence,
    ForecastRule: _forecast,
    NeighboursRule: _neighbours,
    CombinationRule: _combination,
}


def lengthen(trail: Trail, sample: Sample, over: int, gap: int) -> Trail:
    """Append a sample, keep one at or before the beginning of the window (`over`, µs), and about ten inside it.

    Samples further apart than `gap` (µs) say nothing of the time between.
    """
    number = number_of(sample.value)
    if number is None or (trail and sample.at <= trail[-1][0]):
        return trail
    kept = [*trail, (sample.at, number)]
    # The last but one is dropped while it is too close to its forerunner: the newest must always stay.
    if len(kept) > 2 and kept[-2][0] - kept[-3][0] < over // 10:
        del kept[-2]
    while len(kept) > 1 and sample.at - kept[1][0] >= over:
        del kept[0]
    if len(kept) > 1 and kept[1][0] - kept[0][0] > gap:
        del kept[0]
    return tuple(kept)


def _change(trail: Trail, over: int) -> float | None:
    """Return how much the value changed over the window; readings further apart are scaled down to it."""
    if len(trail) < 2:
        return None
    (begin, first), (end, last) = trail[0], trail[-1]
    return (last - first) * min(1.0, over / (end - begin))
