"""What a rule may say: the schema of the YAML files in `rules/` and of `PUT /api/rules/{code}`."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vidik.operations.priority import priority_of
from vidik.operations.rules_basis import (
    PRIORITIES,
    Condition,
    Duration,
    Inhibitor,
    Priority,
    Rationalisation,
    Scalar,
    Strict,
    Text,
    Window,
    write_duration,
)

__all__ = ["PRIORITIES", "Condition", "Duration", "Inhibitor", "Priority", "Scalar", "Text", "Window", "write_duration"]


class _Rule(Strict):
    code: str = Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")
    title: Text
    service: str = Field(pattern=r"^[a-z_]{2,30}$")
    priority: Priority
    message: Text
    advice: Text | None = None
    enabled: bool = True
    entity_types: list[str] = Field(min_length=1)
    when: list[Condition] = Field([])
    hold: Duration = Field(timedelta(), description="How long it must be bad, in the time of the readings.")
    clear_hold: Duration = Field(timedelta(), description="How long it must be good again before the alarm clears.")
    max_gap: Duration = Field(
        timedelta(hours=3), description="Readings further apart than this say nothing about the time between."
    )
    reopen: Duration = Field(
        timedelta(minutes=30),
        description="An alarm that comes back this soon is the same alarm, counted once more.",
    )
    latching: bool = Field(False, description="Stays open until a person resets it, also when the readings are good.")
    ask_on_return: bool = Field(
        True, description="One that cleared before anybody acknowledged it still asks for an acknowledgement."
    )
    rationalisation: Rationalisation | None = None
    inhibited_by: list[Inhibitor] = Field([])
    maintenance: list[Window] = Field([])

    @model_validator(mode="before")
    @classmethod
    def _priority_from_the_matrix(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or "priority" in fields or "rationalisation" not in fields:
            return fields
        reasons = Rationalisation.model_validate(fields["rationalisation"])
        return fields | {"priority": priority_of(reasons.impact, reasons.respond_within)}

    @property
    def rationalised_priority(self) -> Priority | None:
        """The priority that consequence and time to respond give; None without a rationalisation."""
        if self.rationalisation is None:
            return None
        return priority_of(self.rationalisation.impact, self.rationalisation.respond_within)


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
    origins: list[Literal["real", "simulated", "recorded"]] = Field(["real", "simulated"])
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
