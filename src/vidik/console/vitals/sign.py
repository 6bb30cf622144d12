"""What a vital sign may say: the schema of `signs.toml` and of `PUT /api/console/vital-signs/{key}`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

import orjson
from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from vidik.kernel.errors import BadInput
from vidik.operations.rules.basis import Condition, Duration, Name, Strict, Text
from vidik.operations.rules.messages import unit_symbol

Service = Literal["heating", "lighting", "parking", "air", "water", "waste", "traffic"]
Aggregate = Literal["share", "count", "mean", "median", "sum", "minimum", "maximum", "ratio", "rest"]
Figure = Literal[
    "alarms_open",
    "alarms_standing",
    "alarms_per_operator",
    "acknowledged_in_time",
    "incidents_open",
    "incidents_over_target",
    "requests_in_time",
    "crews_on_duty",
    "minutes_to_arrive",
]
NUMERIC: Final = ("mean", "median", "sum", "minimum", "maximum")
_WITHIN: Final = ("acknowledged_in_time", "incidents_over_target", "requests_in_time")
_OVER: Final = (
    "alarms_standing",
    "alarms_per_operator",
    "acknowledged_in_time",
    "requests_in_time",
    "minutes_to_arrive",
)
_HOUR, _WEEK = timedelta(hours=1), timedelta(days=7)


class Test(Condition):
    """A condition as rules have it; with `reference`, the value is how far the attribute lies above another one."""

    __test__ = False  # pytest takes it for one of its own

    reference: Name | None = None

    @model_validator(mode="after")
    def _a_distance_has_a_level(self) -> Self:
        if self.reference is not None and ((self.above is None and self.below is None) or self.equals is not None):
            raise ValueError("a distance from another attribute is compared by above or below")
        return self


class Assets(Strict):
    """Measured at the assets of some types: those that speak, and of these those for which all of `among` hold.

    `share` and `count` are of assets that are one of `ways`; `ratio` is the sum of `attribute` for each of the sum of
    `per`, `rest` what is missing from it to the whole. With `over` an asset's value is its mean of so many hours.
    """

    kind: Literal["assets"]
    types: list[Name] = Field(min_length=1, max_length=10)
    aggregate: Aggregate
    attribute: Name | None = None
    per: Name | None = None
    among: list[Test] = Field([], max_length=10)
    ways: list[Annotated[list[Test], Field(min_length=1, max_length=10)]] = Field([], max_length=6)
    scale: float = Field(1, gt=0, description="By what numbers are multiplied: 100 makes a share a percentage.")
    over: Duration | None = None
    max_gap: Duration = Field(timedelta(hours=3), gt=timedelta(), le=timedelta(days=7))

    @model_validator(mode="after")
    def _says_what_its_aggregate_needs(self) -> Self:
        counts, divides = self.aggregate in ("share", "count"), self.aggregate in ("ratio", "rest")
        if counts != bool(self.ways):
            raise ValueError("share and count say by ways what they count; no other aggregate does")
        if counts == (self.attribute is not None):
            raise ValueError("share and count have no attribute; every other aggregate needs one")
        if divides != (self.per is not None):
            raise ValueError("ratio and rest say per which attribute; no other aggregate does")
        if self.over is not None:
            if self.aggregate not in NUMERIC or self.among:
                raise ValueError("a mean of hours goes with mean, median, sum, minimum or maximum of all assets")
            if not _HOUR <= self.over <= _WEEK or self.over % _HOUR:
                raise ValueError("a mean is of whole hours, from 1h to 7d")
        return self

    def attributes(self) -> list[str]:
        """Return the short names of every attribute that it reads."""
        tests = [*self.among, *(test for way in self.ways for test in way)]
        found = [self.attribute, self.per, *(name for test in tests for name in (test.attribute, test.reference))]
        return list(dict.fromkeys(name for name in found if name is not None))


class Work(Strict):
    """A figure of operations; `within` is the time that was allowed, `over` how far back it looks."""

    kind: Literal["work"]
    figure: Figure
    within: Duration | None = None
    over: Duration | None = None

    @model_validator(mode="after")
    def _times_are_those_of_the_figure(self) -> Self:
        for name, needed in (("within", _WITHIN), ("over", _OVER)):
            given = getattr(self, name)
            if (given is not None) != (self.figure in needed):
                raise ValueError(f"{self.figure} {'needs' if given is None else 'has no'} {name}")
            if given is not None and not timedelta(minutes=1) <= given <= timedelta(days=92):
                raise ValueError(f"{name} lasts from a minute to 92 days")
        if self.within is not None and self.over is not None and self.within >= self.over:
            raise ValueError("within must be shorter than over")
        return self


Source = Annotated[Assets | Work, Field(discriminator="kind")]


class Target(Strict):
    """What is promised: a value that is not to be fallen short of, or not to be exceeded."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        return self

    def is_met(self, value: float) -> bool:
        """Whether a value keeps the promise."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most


class Short(Text):
    """A name that fits a tile."""

    en: str = Field(min_length=1, max_length=40)
    sr: str = Field(min_length=1, max_length=40)


class Sign(Strict):
    """One vital sign. `service` None is the whole city; `unit` a code of UNECE Recommendation 20."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")
    service: Service | None = None
    name: Short
    meaning: Text
    unit: str | None = Field(None, pattern=r"^[A-Z0-9]{1,3}$")
    decimals: int = Field(0, ge=0, le=3)
    normal: tuple[float, float] | None = None
    target: Target | None = None
    responsible: Text
    basis: Text = Field(description="Where the target comes from: a standard, a law, or the city itself.")
    source: Source

    @field_validator("normal")
    @classmethod
    def _band_has_two_ends(cls, normal: tuple[float, float] | None) -> tuple[float, float] | None:
        if normal is not None and normal[0] > normal[1]:
            raise ValueError("the normal band begins below its end")
        return normal

    @cached_property
    def digest(self) -> str:
        """What its value depends on, in a few letters: samples of another source are not its past."""
        return hashlib.sha256(orjson.dumps(definition_of(self)["source"], option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    @cached_property
    def said(self) -> Mapping[str, Any]:
        """What stays the same from value to value, as JSON: its words in three scripts, how it is measured."""
        return {
            "key": self.key,
            "service": self.service,
            "name": self.name.scripts(),
            "meaning": self.meaning.scripts(),
            "unit": unit_symbol(self.unit),
            "decimals": self.decimals,
            "normal": self.normal,
            "target": self.target.model_dump() if self.target else None,
            "responsible": self.responsible.scripts(),
            "basis": self.basis.scripts(),
            "source": definition_of(self)["source"],
        }


_SIGN: TypeAdapter[Sign] = TypeAdapter(Sign)
_DISCRIMINATORS: Final = ("assets", "work")


def read_sign(definition: Mapping[str, Any]) -> Sign:
    """Return a validated sign; raises BadInput that names the field at fault and the reason."""
    try:
        return _SIGN.validate_python(dict(definition))
    except ValidationError as error:
        first = error.errors()[0]
        # Behind "source" stands the kind that the reader already wrote.
        parts = [str(part) for part in first["loc"]]
        if parts[:1] == ["source"] and parts[1:2] and parts[1] in _DISCRIMINATORS:
            del parts[1]
        place = ".".join(parts) or "definition"
        reason = first["msg"].removeprefix("Value error, ")
        raise BadInput(
            f"The vital sign does not hold together: {place}: {reason}.",
            field=place,
            code="vital-sign-shape",
            values={"field": place, "reason": reason},
        ) from error


def definition_of(sign: Sign) -> dict[str, Any]:
    """Return a sign as its file would say it, without what is left at its default."""
    found = sign.model_dump(mode="json", exclude_defaults=True)
    found["source"]["kind"] = sign.source.kind
    return found
