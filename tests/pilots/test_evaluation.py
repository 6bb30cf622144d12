"""From a specification and series to an outcome: the baseline design, watched and ended."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from tests.pilots.made import building, hours, warmth

from vidik.kernel.errors import Unprocessable
from vidik.pilots.evaluation import evaluate
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Finding, Outcome
from vidik.pilots.specification import Band, Days, DecisionRule, Exclusion, Factor, Signal, Specification

DONORS = 12


def specification(*names: str, exclusions: tuple[Exclusion, ...] = ()) -> Specification:
    price = Factor(value=Decimal(12), unit="RSD/KWH", source="tariff", year=2023)
    return Specification(
        title="A pilot",
        service="lighting",
        option="C",
        design="baseline",
        boundary="The building.",
        units=tuple(Signal(name=name, unit="KWH") for name in names),
        donors=tuple(Signal(name=f"d{number}", unit="KWH") for number in range(DONORS)),
        baseline=Days(first=date(2022, 1, 1), last=date(2022, 12, 31)),
        reporting=Days(first=date(2023, 1, 1), last=date(2023, 12, 31)),
        exclusions=exclusions,
        expected=0.2,
        decision=DecisionRule(scale_up="More.", extend="Longer.", stop="No more."),
        tariff=(Band(price=price),),
        zone="UTC",
    )


def saving(name: str, share: float, seed: int = 50) -> Series:
    whole = building(name, seed=seed)
    return whole.with_values(np.where(np.arange(hours()) >= hours(2), whole.values * (1 - share), whole.values))


@pytest.fixture(scope="module")
def donors() -> dict[str, Series]:
    drifts = np.random.default_rng(6).normal(0, 0.02, DONORS)
    return {f"d{n}": building(f"d{n}", seed=n, drift=float(drift)) for n, drift in enumerate(drifts)}


def outcome(donors: dict[str, Series], share: float, until: date | None = None) -> Outcome:
    return evaluate(specification("unit"), {"unit": saving("unit", share)}, donors, warmth(), until)


class TestOutcome:
    @pytest.mark.parametrize("share", [0.0, 0.1, 0.25, -0.2])
    def test_a_known_saving_is_found_within_its_interval(self, donors: dict[str, Series], share: float) -> None:
        found = outcome(donors, share)

        assert found.fraction == pytest.approx(share, abs=0.02)
        assert found.interval.low / found.counterfactual < share < found.interval.high / found.counterfactual
        assert found.interval.placebos == 2 * DONORS

    def test_verdicts(self, donors: dict[str, Series]) -> None:
        verdicts = [outcome(donors, share).verdict for share in (0.3, 0.0, -0.4)]

        assert verdicts == ["saved", "not_shown", "worse"]

    def test_a_step_within_the_baseline_is_asked_about_by_plans_of_the_version_that_looks_for_it(
        self, donors: dict[str, Series]
    ) -> None:
        whole = building("unit", seed=50)
        july = hours(1) + 24 * 181
        unit = whole.with_values(np.where(np.arange(hours()) >= july, whole.values * 0.7, whole.values))
        plan = specification("unit")

        newest, older = (
            [one for one in evaluate(which, {"unit": unit}, donors, warmth()).findings if one.code == "step"]
            for which in (plan, plan.model_copy(update={"estimator": 2}))
        )

        assert [one.first for one in newest if one.first and one.first < plan.reporting.first] == [date(2022, 7, 2)]
        assert not [one for one in older if one.first and one.first < plan.reporting.first]

    def test_the_course_ends_where_the_saving_is(self, donors: dict[str, Series]) -> None:
        found = outcome(donors, 0.2)

        assert len(found.course.days) == 365
        assert found.course.cumulative[-1] == pytest.approx(found.saving)
        assert found.course.cumulative_low[-1] == pytest.approx(found.interval.low)
        assert found.course.cumulative_high[-1] == pytest.approx(found.interval.high)

    def test_a_running_pilot_is_watched_up_to_a_day(self, donors: dict[str, Series]) -> None:
        found = outcome(donors, 0.2, until=date(2023, 3, 31))

        assert found.days == 90
        assert found.fraction == pytest.approx(0.2, abs=0.03)

    def test_the_same_data_give_the_same_outcome(self, donors: dict[str, Series]) -> None:
        assert outcome(donors, 0.1).interval == outcome(donors, 0.1).interval

    def test_two_units_are_one_sum(self, donors: dict[str, Series]) -> None:
        units = {"a": saving("a", 0.2, 50), "b": saving("b", 0.2, 51)}

        found = evaluate(specification("a", "b"), units, donors, warmth())

        assert found.actual == pytest.approx(sum(unit.actual for unit in found.units))
        assert found.saving == pytest.approx(sum(unit.saving for unit in found.units))

    def test_excluded_days_are_left_out(self, donors: dict[str, Series]) -> None:
        out = Exclusion(first=date(2023, 7, 1), last=date(2023, 7, 31), reason="works")

        found = evaluate(specification("unit", exclusions=(out,)), {"unit": saving("unit", 0.2)}, donors, warmth())

        assert found.days == 365 - 31
        assert math.isnan(found.course.actual[181])

    def test_without_donors_nothing_is_shown(self) -> None:
        found = evaluate(specification("unit"), {"unit": saving("unit", 0.3)}, {}, warmth())

        assert found.verdict == "not_shown"
        assert found.interval.high == math.inf
        assert found.p_value is None
        assert "placebos-few" in {finding.code for finding in found.findings}

    def test_what_reading_found_comes_first(self, donors: dict[str, Series]) -> None:
        finding = Finding("outage", "repaired", "Three hours are missing.", "unit")

        found = evaluate(specification("unit"), {"unit": saving("unit", 0.1)}, donors, warmth(), None, [finding])

        assert found.findings[0] == finding


class TestRefusals:
    def test_before_it_begins(self, donors: dict[str, Series]) -> None:
        with pytest.raises(Unprocessable, match="nothing to evaluate yet"):
            outcome(donors, 0.1, until=date(2022, 12, 31))

    def test_a_unit_without_data(self, donors: dict[str, Series]) -> None:
        with pytest.raises(Unprocessable, match="No data were given"):
            evaluate(specification("unit"), {}, donors, warmth())

    def test_too_short_a_baseline(self, donors: dict[str, Series]) -> None:
        unit = saving("unit", 0.1)
        values = np.where(np.arange(hours()) < hours(2) - 24 * 40, np.nan, unit.values)

        with pytest.raises(Unprocessable, match="too few"):
            evaluate(specification("unit"), {"unit": unit.with_values(values)}, donors, warmth())
