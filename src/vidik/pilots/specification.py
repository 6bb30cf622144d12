"""What a plan fixes before the start: enough to compute the saving again, years later, by anybody."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from vidik.kernel.errors import Unprocessable
from vidik.pilots.measurement.series import Period

Service = Literal["lighting", "parking", "waste", "heating", "water", "traffic", "air"]
Design = Literal["baseline", "difference_in_differences", "synthetic_control", "randomised", "single_series"]
Model = Literal["best", "time_of_week_temperature", "hourly_signature", "mean_week"]
Repair = Literal["duplicates", "short_gaps", "rollover", "reset", "outliers", "stuck"]

Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Hour = Annotated[int, Field(ge=0, le=23)]
Weekday = Annotated[int, Field(ge=0, le=6)]


class Part(BaseModel):
    """A piece of a plan: nothing in it may change, nothing unknown may hide in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Days(Part):
    """Whole local days, both ends included."""

    first: date
    last: date

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.last < self.first:
            raise PydanticCustomError(
                "ends-before-begins",
                "it ends on {last}, before it begins on {first}",
                {"first": str(self.first), "last": str(self.last)},
            )
        return self

    @property
    def period(self) -> Period:
        """The same as the methods take it."""
        return Period(self.first, self.last)


class Exclusion(Days):
    """Days that are left out of baseline or reporting period, and why."""

    reason: Text


class Signal(Part):
    """Where a series comes from: an attribute of an entity of the city's memory, or a column of a file given in.

    `kind` says what the numbers are: "amount" of a step, "counter" (ever growing; its increments count) or "mean".
    `unit` is a UN/CEFACT or UCUM code; the same for all units of a plan.
    """

    name: Name
    entity: str | None = None
    attribute: str | None = None
    file: str | None = None
    """SHA-256 of the file as it was given in."""
    column: str | None = None
    kind: Literal["amount", "counter", "mean"] = "amount"
    unit: Annotated[str, Field(min_length=1, max_length=20)]


class DecisionRule(Part):
    """What follows from which result, said before anybody knows the result."""

    level: Annotated[float, Field(ge=0.5, le=0.99)] = 0.9
    worthwhile: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The least saving, as a fraction, at which the city would scale up."""
    scale_up: Text
    extend: Text
    stop: Text


class Factor(Part):
    """A price or an emission factor: its value, of what, from whom, for which year."""

    value: Decimal
    unit: Name
    """For example "RSD/KWH" or "kg/KWH"."""
    source: Text
    year: Annotated[int, Field(ge=1990, le=2100)]
    approach: str | None = None
    """For emissions: "location-based", "market-based", "residual mix"."""
    vat_included: bool | None = None


class Band(Part):
    """A price that holds in some hours of the week and up to some amount a month, as tariffs by hour and block do."""

    price: Factor
    hours: Annotated[tuple[Hour, ...], Field(description="Local hours 0..23 in which it holds.")] = tuple(range(24))
    weekdays: Annotated[tuple[Weekday, ...], Field(description="0 is Monday.")] = tuple(range(7))
    above: Decimal = Decimal(0)
    """The monthly amount from which this block begins."""


class Adjustment(Days):
    """A non-routine adjustment (IPMVP Core Concepts 2022, 8.1): something changed that is not the pilot's doing.

    `amount_per_day` is added to the counterfactual on each of these days that is counted; in the plan's unit.
    """

    amount_per_day: Decimal
    reason: Text


class Cost(Part):
    """What the pilot costs, in the currency of the tariff, said before anybody knows what it saves.

    VAT must be in it or not as in the prices, else cost and saving are not comparable.
    """

    amount: Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=15, decimal_places=2)]
    vat_included: bool
    covers: Text
    """For example equipment, fitting, software, people's time; and what it leaves out."""
    source: Text
    days_a_year: Annotated[int, Field(ge=1, le=366)] = 365
    """On how many days of a year it saves: 365, or the days of a heating season."""


class Share(Part):
    """The part of a joint saving that one plan may count; `plan` is the other's number, None is this one."""

    plan: int | None = None
    share: Annotated[Decimal, Field(ge=0, le=1)]


class Allocation(Part):
    """How plans that measure the same units at the same time share what these save: agreed before anybody knows."""

    rule: Text
    shares: Annotated[tuple[Share, ...], Field(min_length=2, max_length=20)]

    @model_validator(mode="after")
    def _shares_all(self) -> Self:
        total = sum((one.share for one in self.shares), Decimal(0))
        if total != 1:
            raise PydanticCustomError(
                "shares-sum", "the shares must come to 1; they come to {total}", {"total": str(total)}
            )
        named = [one.plan for one in self.shares]
        if len(set(named)) != len(named):
            raise PydanticCustomError("share-twice", "each plan has one share")
        if None not in named:
            raise PydanticCustomError("share-own", "one share must be this plan's own (plan: null)")
        return self


class Specification(Part):
    """The part of a plan that results depend on. Frozen as canonical JSON; its SHA-256 names it."""

    title: Name
    service: Service
    option: Literal["A", "B", "C", "comparison"]
    """IPMVP option, or a comparison of units."""
    design: Design
    model: Model = "best"
    boundary: Text
    units: Annotated[tuple[Signal, ...], Field(min_length=1, max_length=500)]
    donors: Annotated[tuple[Signal, ...], Field(max_length=2_000)] = ()
    """Units in which nothing is changed: controls, and placebos of the interval."""
    temperature: Signal | None = None
    baseline: Days
    reporting: Days
    on_weeks: tuple[date, ...] = ()
    """For `randomised`: the Mondays of the weeks that were drawn for "on", before the start."""
    exclusions: tuple[Exclusion, ...] = ()
    repairs: tuple[Repair, ...] = ()
    expected: Annotated[float, Field(gt=-1, lt=1)]
    """The saving that the pilot hopes for, as a fraction."""
    decision: DecisionRule
    tariff: Annotated[tuple[Band, ...], Field(min_length=1)]
    emissions: Factor | None = None
    adjustments: tuple[Adjustment, ...] = ()
    allocation: Allocation | None = None
    cost: Cost | None = None
    """Of this pilot alone; None where it is not known or does not matter."""
    fund: Name = "city"
    zone: str = "Europe/Belgrade"
    seed: int = 2026
    estimator: Literal[1, 2, 3] = 3
    """The version of the ways of computing: from 2 on comparisons mix freer weights, from 3 on steps are looked for
    that a baseline's season could hide. Plans frozen before there were two do not name it and keep the first."""

    @property
    def currency(self) -> str:
        """Of the tariff, in ISO 4217 letters."""
        return self.tariff[0].price.unit.partition("/")[0]

    def counted_until(self, until: date | None) -> date:
        """The last day of the reporting period that counts by `until` (None: all).

        Raises Unprocessable before it has begun.
        """
        last = min(self.reporting.last, until) if until else self.reporting.last
        if last < self.reporting.first:
            raise Unprocessable(
                f"The reporting period begins on {self.reporting.first}; there is nothing to evaluate yet.",
                field="until",
                code="not-begun",
                values={"first": str(self.reporting.first)},
            )
        return last

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.baseline.last >= self.reporting.first:
            raise PydanticCustomError(
                "periods-overlap", "the baseline period must end before the reporting period begins"
            )
        unit = self.units[0].unit
        if any(signal.unit != unit for signal in self.units + self.donors):
            raise PydanticCustomError(
                "units-differ", "all units and donors must be in one unit; the first is in {unit}", {"unit": unit}
            )
        if self.design in ("difference_in_differences", "synthetic_control") and len(self.donors) < 2:
            raise PydanticCustomError(
                "donors-missing", "this way of comparing needs at least two donors, units in which nothing is changed"
            )
        if self.design == "randomised" and not self.on_weeks:
            raise PydanticCustomError("weeks-missing", "draw the weeks in which the pilot is on")
        return self
