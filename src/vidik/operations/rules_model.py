"""What a rule may say: the schema of the YAML files in `rules/` and of `PUT /api/rules/{code}`."""

import re
from datetime import time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from vidik.kernel.scripts import three_scripts

Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
Scalar = bool | float | str

_DURATION = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?")
_HOURS = re.compile(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)")
_PLACEHOLDER = re.compile(r"{(\w*)}")
_KNOWN_PLACEHOLDERS = {"value", "unit", "threshold", "hold", "count", "attribute"}


def _read_duration(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise ValueError("a duration looks like 90s, 15m, 2h or 1d 6h")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def write_duration(duration: timedelta) -> str:
    """Return a duration as the rule files write it ("1h 30m"); fractions of a second are dropped."""
    rest = int(duration.total_seconds())
    parts = []
    for size, letter in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount}{letter}")
    return " ".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    PlainSerializer(write_duration, when_used="json"),
    Field(ge=timedelta()),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class Text(_Strict):
    """A sentence for people: English and Serbian Cyrillic; Latin is derived."""

    en: str = Field(min_length=1, max_length=400)
    sr: str = Field(min_length=1, max_length=400)

    def scripts(self) -> dict[str, str]:
        """Return the sentence in the three scripts of the interface."""
        return three_scripts(self.en, self.sr)

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> Self:
        for sentence in (self.en, self.sr):
            unknown = set(_PLACEHOLDER.findall(sentence)) - _KNOWN_PLACEHOLDERS
            if unknown:
                raise ValueError(f"unknown placeholder {{{sorted(unknown)[0]}}}")
        return self


class Condition(_Strict):
    """Something that must hold for a rule to look at all: a value of the entity, or the hours of the city's day."""

    attribute: str | None = None
    above: float | None = None
    below: float | None = None
    equals: list[Scalar] | None = None
    hours: str | None = Field(None, description="Local hours such as 22:00-05:00, the end not included.")
    if_unknown: Literal["wait", "pass"] = Field(
        "wait",
        description="With the value missing or old: leave the rule as it is, or go on as if the condition held.",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.hours is not None:
            if self.attribute is not None or not _HOURS.fullmatch(self.hours):
                raise ValueError("hours stand alone and look like 22:00-05:00")
            self.local_hours()
            return self
        tests = [test for test in (self.above, self.below, self.equals) if test is not None]
        if self.attribute is None or not tests:
            raise ValueError("a condition names an attribute and above, below or equals, or it names hours")
        return self

    def local_hours(self) -> tuple[time, time] | None:
        """Return the beginning and the end of the hours, or None for a condition on a value."""
        found = _HOURS.fullmatch(self.hours) if self.hours else None
        return (time.fromisoformat(found[1]), time.fromisoformat(found[2])) if found else None


class _Rule(_Strict):
    code: str = Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")
    title: Text
    service: str = Field(pattern=r"^[a-z_]{2,30}$")
    priority: Priority
    message: Text
    advice: Text | None = None
    enabled: bool = True
    entity_types: list[str] = Field(min_length=1)
    when: list[Condition] = []
    hold: Duration = Field(timedelta(), description="How long it must be bad, in the time of the readings.")
    clear_hold: Duration = Field(timedelta(), description="How long it must be good again before the alarm clears.")
    max_gap: Duration = Field(
        timedelta(hours=3), description="Readings further apart than this say nothing about the time between."
    )
    reopen: Duration = Field(
        timedelta(minutes=30),
        description="An alarm that comes back this soon is the same alarm, counted once more.",
    )


class _Level(_Rule):
    """A rule on one attribute with a level on one side and a milder level that clears it."""

    attribute: str
    above: float | None = None
    below: float | None = None
    clear: float

    @model_validator(mode="after")
    def _one_side_with_hysteresis(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below")
        if self.above is not None and self.clear > self.above:
            raise ValueError("clear must not lie above the level that raises")
        if self.below is not None and self.clear < self.below and not isinstance(self, DeviationRule):
            raise ValueError("clear must not lie below the level that raises")
        return self

    @property
    def threshold(self) -> float:
        """The level that raises, in the attribute's unit."""
        return self.above if self.above is not None else float(self.below or 0)


class ThresholdRule(_Level):
    """The value is above (or below) a level for some time."""

    kind: Literal["threshold"]


class DeviationRule(_Level):
    """The value is further above (or below) another attribute than it should; levels are positive distances."""

    kind: Literal["deviation"]
    reference: str

    @model_validator(mode="after")
    def _distances_are_positive(self) -> Self:
        if self.clear > self.threshold or self.threshold <= 0:
            raise ValueError("distances are positive and clear is the smaller one")
        return self


class RateRule(_Rule):
    """The value rises (or falls) by more than an amount within a time."""

    kind: Literal["rate"]
    attribute: str
    rise: float | None = Field(None, gt=0)
    fall: float | None = Field(None, gt=0)
    over: Duration
    clear: float = Field(ge=0, description="A change smaller than this is calm again.")

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if (self.rise is None) == (self.fall is None):
            raise ValueError("give either rise or fall")
        if self.clear > self.threshold:
            raise ValueError("clear must not be larger than the change that raises")
        if self.over <= timedelta():
            raise ValueError("over must be longer than nothing")
        return self

    @property
    def threshold(self) -> float:
        """The change that raises, in the attribute's unit."""
        return self.rise if self.rise is not None else float(self.fall or 0)


class StateRule(_Rule):
    """The value is one of some words or switches for some time."""

    kind: Literal["state"]
    attribute: str
    values: list[Scalar] = Field(min_length=1)


class QualityRule(_Rule):
    """Values outside the plausible range keep coming: the sensor is at fault. `entity_types: ["*"]` is every type."""

    kind: Literal["quality"]
    attributes: list[str] | None = Field(None, description="Only these attributes; every one when left out.")
    bad: int = Field(2, ge=1, description="Implausible values of one attribute, with no good one between, that raise.")
    good: int = Field(3, ge=1, description="Good values in a row that clear.")


class SilenceRule(_Rule):
    """Nothing is heard from a device (or an entity without one). `entity_types: ["*"]` is every type."""

    kind: Literal["silence"]
    intervals: float = Field(3, ge=1, description="How many expected intervals may pass without a word.")
    expected: Duration | None = Field(None, description="Expected interval of entities that no device feeds.")
    origins: list[Literal["real", "simulated", "recorded"]] = ["real", "simulated"]
    together: int = Field(
        10, ge=2, description="So many silent devices of a service at once are one alarm of the service."
    )
    together_priority: Priority = "high"
    together_message: Text


Rule = Annotated[
    ThresholdRule | DeviationRule | RateRule | StateRule | QualityRule | SilenceRule,
    Field(discriminator="kind"),
]
ReadingRule = ThresholdRule | DeviationRule | RateRule | StateRule
AnyRule = ThresholdRule | DeviationRule | RateRule | StateRule | QualityRule | SilenceRule
