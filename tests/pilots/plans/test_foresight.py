"""What a plan can show beforehand comes with what its data are like: bad input is seen before anybody signs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.pilots.conftest import a_specification

from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Finding
from vidik.pilots.plans.data import Data
from vidik.pilots.plans.foresight import foresee
from vidik.pilots.specification import Specification


def meters(days: int) -> Data:
    """A building and neighbours, daily from the baseline's first day on, with something that reading them found."""
    plan = Specification.model_validate(a_specification())
    start = np.datetime64(plan.baseline.first, "D")
    chance = np.random.default_rng(3)
    read = {
        signal.name: Series(signal.name, start, chance.normal(100, 5, days), "KWH")
        for signal in plan.units + plan.donors
    }
    units = {plan.units[0].name: read.pop(plan.units[0].name)}
    return Data(units, read, None, [Finding("counter-reset", "repaired", "It was reset once.", "building")])


def test_a_baseline_that_is_too_short_is_said_before_the_start() -> None:
    plan = Specification.model_validate(a_specification(temperature=None))
    found = foresee(plan, meters(days=40))["findings"]
    assert [(one["code"], one["severity"]) for one in found][:2] == [
        ("counter-reset", "repaired"),
        ("baseline-too-short", "refused"),
    ]


def test_nothing_is_said_of_the_time_that_is_not_yet_measured() -> None:
    plan = Specification.model_validate(a_specification(temperature=None))
    found = foresee(plan, meters(days=plan.baseline.period.days))["findings"]
    assert not [one for one in found if one["code"].startswith("reporting-")]


def test_a_step_within_the_baseline_is_said_before_the_start() -> None:
    plan = Specification.model_validate(a_specification(temperature=None))
    data = meters(days=plan.baseline.period.days)
    name, unit = next(iter(data.units.items()))
    fallen = np.where(np.arange(len(unit.values)) >= 200, unit.values * 0.7, unit.values)

    before, after = (
        [one["code"] for one in foresee(plan, replace(data, units={name: series}))["findings"]]
        for series in (unit, unit.with_values(fallen))
    )

    assert "step" not in before
    assert "step" in after


def test_gaps_and_days_in_another_unit_are_said_before_the_start() -> None:
    plan = Specification.model_validate(a_specification(temperature=None))
    data = meters(days=plan.baseline.period.days)
    name, unit = next(iter(data.units.items()))
    values = unit.values.copy()
    values[50:53] = np.nan
    values[200:260] *= 1000

    found = foresee(plan, replace(data, units={name: unit.with_values(values)}))["findings"]

    codes = [one["code"] for one in found]
    assert {"baseline-missing", "unit-changed"} <= set(codes)
    assert "step" not in codes
