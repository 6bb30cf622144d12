"""What rules are made of: durations, sentences, conditions, windows, and why an alarm deserves its priority."""

import re
from datetime import datetime, time, timedelta
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from vidik.kernel.scripts import three_scripts

Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
Scalar = bool | float | Annotated[str, Field(max_length=2_000)]

_DURATION = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?")
_LARGEST_PART = 10 * 366 * 86_400
_HOURS = re.compile(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)")
_KNOWN_PLACEHOLDERS = {"value", "unit", "threshold", "hold", "count", "attribute"}


def read_duration(text: Any) -> Any:
    """Return the duration that a rule file writes ("1h 30m"); what is no text passes. Raises ValueError."""
    if not isinstance(text, str):
        return text
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise ValueError("a duration looks like 90s, 15m, 2h or 1d 6h")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    if max(days, hours, minutes, seconds) > _LARGEST_PART:
        raise ValueError("a duration lasts ten years at most")
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
    BeforeValidator(read_duration),
    PlainSerializer(write_duration, when_used="json"),
    Field(ge=timedelta(), le=timedelta(days=3660)),
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class Text(Strict):
    """A sentence for people: English and Serbian Cyrillic; Latin is derived."""

    en: str = Field(min_length=1, max_length=400)
    sr: str = Field(min_length=1, max_length=400)

    def scripts(self) -> dict[str, str]:
        """Return the sentence in the three scripts of the interface."""
        return three_scripts(self.en, self.sr)

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> Self:
        for sentence in (self.en, self.sr):
            _check_placeholders(sentence)
        return self


def _check_placeholders(sentence: str) -> None:
    """Raise ValueError unless filling the sentence puts in known figures, as they are, and nothing else."""
    try:
        parts = list(Formatter().parse(sentence))
    except ValueError as error:
        raise ValueError("a brace stands alone: write {{ or }} for the sign itself") from error
    for _, name, form, conversion in parts:
        # A form or a way into the figure ({value:>999999999}, {value.real}) is nothing that a sentence needs.
        if name is not None and (name not in _KNOWN_PLACEHOLDERS or form or conversion):
            raise ValueError(f"unknown placeholder {{{name}}}")


Name = Annotated[str, Field(min_length=1, max_length=2_000)]
"""A short name or an identifier."""


class Condition(Strict):
    """Something that must hold for a rule to look at all: a value of the entity, or the hours of the city's day."""

    attribute: Name | None = None
    above: float | None = None
    below: float | None = None
    equals: list[Scalar] | None = Field(None, max_length=200)
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


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Window(Strict):
    """Planned work that comes again: alarms of the rule are suppressed by design in these local hours."""

    days: list[Day] | None = Field(None, min_length=1, max_length=7, description="Every day when left out.")
    hours: str = Field(description="Local hours such as 22:00-05:00, the end not included; the day is the beginning's.")

    @model_validator(mode="after")
    def _hours_can_be_read(self) -> Self:
        self.bounds()
        return self

    def bounds(self) -> tuple[time, time]:
        """Return beginning and end of the hours."""
        found = _HOURS.fullmatch(self.hours)
        if not found:
            raise ValueError("hours look like 22:00-05:00")
        return time.fromisoformat(found[1]), time.fromisoformat(found[2])

    def holds_at(self, local: datetime) -> bool:
        """Whether a time on the city's clocks lies inside."""
        begin, end = self.bounds()
        moment = local.time()
        if begin <= end:
            return begin <= moment < end and self._is_day(local)
        return (moment >= begin and self._is_day(local)) or (moment < end and self._is_day(local - timedelta(days=1)))

    def _is_day(self, local: datetime) -> bool:
        return self.days is None or DAYS[local.weekday()] in self.days


class Inhibitor(Strict):
    """A rule whose active alarm makes this one's a mere consequence, which nobody needs to be told."""

    rule: Name
    at: Literal["entity", "related", "service", "city"] = Field(
        "entity",
        description="Where the other alarm must stand: at the same entity, at one that this one points to (or that"
        " points to the same), in the same service, or anywhere.",
    )


Impact = Literal["minor", "moderate", "serious", "severe"]


class Rationalisation(Strict):
    """Why there is such an alarm (ISA-18.2, clause 9); the response to it is the rule's `advice`."""

    cause: Text
    consequence: Text = Field(description="What happens when nobody responds.")
    owner: str = Field(pattern=r"^[a-z_]{2,40}$", description="Who answers for the rule: a role or a service.")
    impact: Impact = Field(description="How bad the consequence is.")
    respond_within: Duration = Field(description="How long a response still prevents the consequence.")
