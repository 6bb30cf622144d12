"""Designs of comparison on routes whose true saving is known (bench/pilots_routes.py says how they are made)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from bench.pilots_routes import BEGIN, City, series, simulate, specification

from vidik.kernel.errors import Unprocessable
from vidik.pilots.comparisons import compare, placebo_fractions
from vidik.pilots.evaluation import evaluate
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Outcome
from vidik.pilots.specification import Design

SMALL = City(routes=14, treated=2, weeks_before=40, weeks_after=13)
ON_WEEKS = tuple(BEGIN + timedelta(weeks=40 + week) for week in (0, 3, 4, 7, 9, 11))


def evaluated(city: City, design: Design, saving: float, seed: int = 1) -> Outcome:
    """The outcome of a pilot that saved this fraction (on all days, or on its weeks)."""
    amounts = simulate(city, seed)
    start = city.weeks_before * 7
    on = np.zeros(len(amounts), dtype=bool)
    if design == "randomised":
        for monday in ON_WEEKS:
            first = (monday - BEGIN).days
            on[first : first + 7] = True
    else:
        on[start:] = True
    amounts[on, : city.treated] *= 1 - saving
    plan = specification(city, design, ON_WEEKS if design == "randomised" else ())
    routes = series(amounts)
    names = [signal.name for signal in plan.units]
    units = {name: routes[name] for name in names}
    return compare(plan, units, {name: route for name, route in routes.items() if name not in names})


class TestCompare:
    @pytest.mark.parametrize("design", ["difference_in_differences", "synthetic_control", "randomised"])
    def test_finds_a_large_saving(self, design: Design) -> None:
        outcome = evaluated(SMALL, design, 0.2)

        assert outcome.verdict == "saved"
        assert outcome.fraction == pytest.approx(0.2, abs=0.05)
        assert outcome.interval.low < outcome.saving < outcome.interval.high
        assert outcome.p_value is not None
        assert outcome.p_value < 0.15

    @pytest.mark.parametrize(
        "design", ["difference_in_differences", "synthetic_control", "randomised", "single_series"]
    )
    def test_does_not_show_what_is_not_there(self, design: Design) -> None:
        assert evaluated(SMALL, design, 0.0).verdict == "not_shown"

    def test_says_worse_when_more_is_used(self) -> None:
        assert evaluated(SMALL, "synthetic_control", -0.2).verdict == "worse"

    def test_is_the_same_every_time(self) -> None:
        assert evaluated(SMALL, "synthetic_control", 0.1) == evaluated(SMALL, "synthetic_control", 0.1)

    def test_its_units_add_up(self) -> None:
        outcome = evaluated(SMALL, "synthetic_control", 0.1)

        assert sum(unit.saving for unit in outcome.units) == pytest.approx(outcome.saving)
        assert outcome.course.cumulative[-2] == pytest.approx(outcome.saving)
        assert all(unit.weights for unit in outcome.units)

    def test_a_band_ends_as_wide_as_the_interval(self) -> None:
        outcome = evaluated(SMALL, "difference_in_differences", 0.1)

        assert outcome.course.cumulative_low[-2] == pytest.approx(outcome.interval.low)
        assert outcome.course.cumulative_high[-2] == pytest.approx(outcome.interval.high)

    def test_warns_of_a_single_series_and_says_how_far_off_it_was(self) -> None:
        finding = next(
            found for found in evaluated(SMALL, "single_series", 0.1).findings if found.severity == "warning"
        )

        assert finding.code == "single_series_weak"
        assert finding.values["median"] > 0.005

    def test_few_donors_widen_the_interval_and_it_says_so(self) -> None:
        many, few = (evaluated(City(routes=routes, treated=1), "synthetic_control", 0.1) for routes in (30, 5))

        assert few.interval.note is not None
        assert "widened" in few.interval.note
        assert few.interval.high - few.interval.low > many.interval.high - many.interval.low
        assert any(finding.code == "few_placebos" for finding in few.findings)

    def test_shows_another_librarys_answer_beside(self) -> None:
        finding = next(f for f in evaluated(SMALL, "synthetic_control", 0.1).findings if f.code == "second_opinion")

        assert float(finding.values["fraction"]) == pytest.approx(0.1, abs=0.05)

    def test_until_cuts_the_course(self) -> None:
        plan = specification(SMALL, "difference_in_differences")
        routes = series(simulate(SMALL, 1))
        until = plan.reporting.first + timedelta(days=20)

        outcome = compare(plan, routes, routes, until)

        assert outcome.course.days[-1] <= until
        assert outcome.days == 21


class TestBadInput:
    @pytest.mark.parametrize("design", ["baseline", "difference_in_differences", "synthetic_control", "single_series"])
    def test_every_design_refuses_in_the_same_way(self, design: Design) -> None:
        plan = specification(SMALL, "synthetic_control").model_copy(update={"design": design})
        routes = series(simulate(SMALL, 1))

        with pytest.raises(Unprocessable) as missing:
            evaluate(plan, {}, routes, None)
        assert (missing.value.field, missing.value.code) == ("units", "no-data")
        with pytest.raises(Unprocessable) as early:
            evaluate(plan, routes, routes, None, plan.reporting.first - timedelta(days=1))
        assert (early.value.field, early.value.code) == ("until", "not-begun")
        empty = {name: one.with_values(np.full(len(one), np.nan)) for name, one in routes.items()}
        with pytest.raises(Unprocessable) as unmeasured:
            evaluate(plan, empty, routes, None)
        assert (unmeasured.value.field, unmeasured.value.code) == ("units", "data-insufficient")

    def test_a_missing_unit_is_refused(self) -> None:
        plan = specification(SMALL, "synthetic_control")

        with pytest.raises(Unprocessable, match="No data were given for route-00"):
            compare(plan, {}, series(simulate(SMALL, 1)))

    def test_a_donor_with_gaps_is_left_out_with_a_sentence(self) -> None:
        amounts = simulate(SMALL, 1)
        amounts[:100, 5] = np.nan
        routes = series(amounts)

        outcome = compare(specification(SMALL, "synthetic_control"), routes, routes)

        assert [finding.subject for finding in outcome.findings if finding.code == "donor_left_out"] == ["route-05"]

    def test_a_unit_with_gaps_is_refused(self) -> None:
        amounts = simulate(SMALL, 1)
        amounts[:100, 0] = np.nan
        routes = series(amounts)

        with pytest.raises(Unprocessable, match="lacks"):
            compare(specification(SMALL, "synthetic_control"), routes, routes)

    @pytest.mark.parametrize("design", ["difference_in_differences", "synthetic_control"])
    @pytest.mark.parametrize("value", [np.nan, 0.0])
    def test_nothing_to_compare_with_is_refused(self, design: Design, value: float) -> None:
        amounts = simulate(SMALL, 1)
        amounts[:, SMALL.treated + 1 :] = value
        plan, routes = specification(SMALL, design), series(amounts)

        for computed in (compare, placebo_fractions):
            with pytest.raises(Unprocessable) as refused:
                computed(plan, routes, routes)
            assert refused.value.values == {
                "finding": "donors-too-few",
                "usable": 1,
                "of": 12,
                "share_allowed": 0.1,
                "least": 2,
            }

    def test_two_units_are_enough_to_compare_with(self) -> None:
        amounts = simulate(SMALL, 1)
        amounts[:, SMALL.treated + 2 :] = np.nan
        routes = series(amounts)

        outcome = compare(specification(SMALL, "synthetic_control"), routes, routes)

        assert "few_placebos" in {finding.code for finding in outcome.findings}

    def test_weeks_in_which_nothing_was_measured_are_refused(self) -> None:
        amounts = simulate(SMALL, 1)
        amounts[:, : SMALL.treated] = 0
        routes = series(amounts)

        with pytest.raises(Unprocessable) as refused:
            compare(specification(SMALL, "randomised", ON_WEEKS), routes, routes)
        assert refused.value.values["finding"] == "weeks-empty"

    def test_nothing_after_the_end_is_read(self) -> None:
        """What comes after the reporting period, or a donor's future, must not reach the result."""
        plan = specification(replace(SMALL, weeks_after=8), "synthetic_control")
        amounts = simulate(SMALL, 1)
        changed = amounts.copy()
        changed[(40 + 8) * 7 :] *= 3

        assert compare(plan, series(amounts), series(amounts)) == compare(plan, series(changed), series(changed))


class TestNotRoutine:
    """What happened to a unit besides the pilot is asked about, and no other unit or scale is a saving."""

    def changed(self, factor: float, first: int, last: int, design: Design = "synthetic_control") -> Outcome:
        amounts = simulate(SMALL, 1)
        start = SMALL.weeks_before * 7
        amounts[start + first : start + last, 0] *= factor
        routes = series(amounts)
        return compare(specification(SMALL, design), routes, routes)

    def test_a_step_on_the_way_is_asked_about(self) -> None:
        found = [finding for finding in self.changed(0.6, 42, 91).findings if finding.code == "step"]

        assert [(finding.subject, str(finding.first)) for finding in found] == [("route-00", "2024-11-18")]

    @pytest.mark.parametrize(("column", "name"), [(0, "route-00"), (5, "route-05")], ids=["unit", "donor"])
    def test_a_step_before_the_start_is_asked_about(self, column: int, name: str) -> None:
        amounts = simulate(SMALL, 1)
        amounts[20 * 7 :, column] *= 0.6
        routes = series(amounts)

        outcome = compare(specification(SMALL, "difference_in_differences"), routes, routes)

        (found,) = (finding for finding in outcome.findings if finding.code == "step")
        assert found.subject == name
        assert found.first is not None
        assert abs((found.first - BEGIN).days - 20 * 7) <= 14

    def test_the_effect_from_the_start_on_is_no_event(self) -> None:
        assert "step" not in {finding.code for finding in self.changed(0.6, 0, 91).findings}

    @pytest.mark.parametrize("design", ["synthetic_control", "difference_in_differences", "single_series"])
    def test_days_in_another_unit_are_left_out_and_stop_the_verdict(self, design: Design) -> None:
        outcome = self.changed(1 / 1_000, 60, 91, design)

        assert outcome.verdict == "not_shown"
        assert abs(outcome.fraction) < 0.1
        assert outcome.days == 61, "its Sundays are zero in every unit, also the last day"
        assert "unit-changed" in {finding.code for finding in outcome.findings}

    def test_where_all_is_in_another_unit_nothing_is_said(self) -> None:
        with pytest.raises(Unprocessable) as refused:
            self.changed(1 / 1_000, 0, 91)
        assert refused.value.values["finding"] == "unit-changed"

    def test_a_jump_of_scale_is_no_saving(self) -> None:
        outcome = self.changed(1 / 10, 0, 91)

        assert outcome.verdict == "not_shown"
        assert "scale" in {finding.code for finding in outcome.findings}

    def test_a_donor_in_another_unit_is_left_out(self) -> None:
        amounts = simulate(SMALL, 1)
        plan, routes = specification(SMALL, "synthetic_control"), series(amounts)
        amounts[200:, 6] *= 1_000

        outcome = compare(plan, routes, series(amounts))

        assert [one.subject for one in outcome.findings if one.code == "donor_left_out"] == ["route-06"]
        assert "route-06" not in outcome.units[0].weights


class TestPlacebosBeforeTheStart:
    def test_look_at_the_baseline_alone(self) -> None:
        plan = specification(SMALL, "difference_in_differences")
        amounts = simulate(SMALL, 1)
        changed = amounts.copy()
        changed[40 * 7 :] *= 5

        first, second = (placebo_fractions(plan, series(each), series(each)) for each in (amounts, changed))

        assert len(first) > 5
        np.testing.assert_array_equal(first, second)

    def test_of_drawn_weeks_are_about_zero(self) -> None:
        plan = specification(SMALL, "randomised", ON_WEEKS)
        routes = series(simulate(SMALL, 1))

        fractions = placebo_fractions(plan, routes, routes)

        assert abs(float(np.mean(fractions))) < 0.02
        assert 0.001 < float(np.std(fractions)) < 0.1


def test_hours_and_days_give_the_same() -> None:
    plan = specification(SMALL, "difference_in_differences")
    amounts = simulate(SMALL, 1)
    daily = series(amounts)
    hourly = by_the_hour(daily)

    assert compare(plan, hourly, hourly).saving == pytest.approx(compare(plan, daily, daily).saving)


def test_a_few_missing_hours_are_filled_where_the_plan_allows_it() -> None:
    plan = specification(SMALL, "synthetic_control")
    allowed = plan.model_copy(update={"repairs": ("short_gaps",)})
    whole = by_the_hour(series(simulate(SMALL, 1)))
    lost = np.random.default_rng(1)
    gaps = {
        name: one.with_values(np.where(lost.random(len(one)) < 0.01, np.nan, one.values)) for name, one in whole.items()
    }

    with pytest.raises(Unprocessable, match="lacks"):
        compare(plan, gaps, gaps)
    outcome = compare(allowed, gaps, gaps)

    assert outcome.saving == pytest.approx(compare(plan, whole, whole).saving, abs=0.01 * outcome.counterfactual)
    assert {one.subject for one in outcome.findings if one.code == "hours-filled"} == set(whole)


def by_the_hour(daily: dict[str, Series]) -> dict[str, Series]:
    """Each day spread evenly over its hours."""
    start, hourly = np.datetime64("2023-12-31T23", "h"), {}
    for name, route in daily.items():
        hours = _hours_of_days(route)
        hourly[name] = Series(name, start, np.repeat(route.values / hours, hours), "KMT")
    return hourly


def _hours_of_days(route: Series) -> np.ndarray:
    """24 hours, but 23 and 25 on the days when Belgrade moves its clocks."""
    hours = np.full(len(route), 24)
    hours[(np.datetime64("2024-03-31") - route.start).astype(int)] = 23
    place = (np.datetime64("2024-10-27") - route.start).astype(int)
    if place < len(hours):
        hours[place] = 25
    return hours
