"""What a rule may say: the schema of the YAML files in `rules/` and of `PUT /api/rules/{code}`."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vidik.operations.rules.basis import (
    PRIORITIES,
    Condition,
    Duration,
    Inhibitor,
    Name,
    Priority,
    Rationalisation,
    Scalar,
    Strict,
    Text,
    Window,
    write_duration,
)
from vidik.operations.rules.fences import Fence, signed_distance
from vidik.operations.rules.priority import priority_of

__all__ = ["PRIORITIES", "Condition", "Duration", "Inhibitor", "Priority", "Scalar", "Text", "Window", "write_duration"]

REQUEST_TYPE = "service_requests"
"""The type of citizens' requests (Smart Data Models, Open311 service requests)."""

Position = Annotated[tuple[float, float], Field(description="Longitude and latitude, degrees.")]


class _Rule(Strict):
    code: str = Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")
    title: Text
    service: str = Field(pattern=r"^[a-z_]{2,30}$")
    priority: Priority
    message: Text
    advice: Text | None = None
    enabled: bool = True
    entity_types: list[Name] = Field(min_length=1, max_length=100)
    entity_ids: list[Name] | None = Field(
        None, min_length=1, max_length=10_000, description="Only these entities of the types."
    )
    when: list[Condition] = Field([], max_length=20)
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
    incident: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9_]{2,60}$", description="The type of incident that its alarm opens by itself."
    )
    inhibited_by: list[Inhibitor] = Field([], max_length=100)
    maintenance: list[Window] = Field([], max_length=50)
    group: Literal["service", "related", "alone"] = Field(
        "service",
        description="Many at once are one group when they hang on the same entity, or (service) belong together.",
    )

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

    attribute: Name
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
    reference: Name

    @model_validator(mode="after")
    def _distances_are_positive(self) -> Self:
        if self.clear > self.threshold or self.threshold <= 0:
            raise ValueError("distances are positive and clear is the smaller one")
        return self


class RateRule(_Rule):
    """The value rises (or falls) by more than an amount within a time."""

    kind: Literal["rate"]
    attribute: Name
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
    attribute: Name
    values: list[Scalar] = Field(min_length=1, max_length=200)


class QualityRule(_Rule):
    """Values outside the plausible range keep coming: the sensor is at fault. `entity_types: ["*"]` is every type."""

    kind: Literal["quality"]
    attributes: list[Name] | None = Field(
        None, max_length=200, description="Only these attributes; every one when left out."
    )
    bad: int = Field(
        2, ge=1, le=10_000, description="Implausible values of one attribute, with no good one between, that raise."
    )
    good: int = Field(3, ge=1, le=10_000, description="Good values in a row that clear.")


class SilenceRule(_Rule):
    """Nothing is heard from a device (or an entity without one). `entity_types: ["*"]` is every type."""

    kind: Literal["silence"]
    intervals: float = Field(3, ge=1, le=10_000, description="How many expected intervals may pass without a word.")
    expected: Duration | None = Field(None, description="Expected interval of entities that no device feeds.")
    origins: list[Literal["real", "simulated", "recorded"]] = Field(["real", "simulated"])
    together: int = Field(
        10, ge=2, le=1_000_000, description="So many silent devices of a service at once are one alarm of the service."
    )
    together_priority: Priority = "high"
    together_message: Text


class AbsenceRule(_Rule):
    """The entity speaks, but says nothing of an attribute for `hold`: a part of it has failed."""

    kind: Literal["absence"]
    attribute: Name

    @model_validator(mode="after")
    def _waits(self) -> Self:
        if self.hold <= timedelta():
            raise ValueError("hold says how long the attribute may be missing")
        return self


class Circle(Strict):
    """All that lies so near to a point."""

    centre: Position
    radius_m: float = Field(gt=0, le=1_000_000)


class GeofenceRule(_Rule):
    """Something that moves is where it must not be; `margin_m` is how far beyond the line it may stray."""

    kind: Literal["geofence"]
    attribute: Name = "location"
    must_be: Literal["inside", "outside"]
    circle: Circle | None = None
    polygon: list[Position] | None = Field(None, min_length=3, max_length=1000)
    margin_m: float = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_area(self) -> Self:
        if (self.circle is None) == (self.polygon is None):
            raise ValueError("give either circle or polygon")
        if self.polygon is not None:
            signed_distance(self.fence, *self.polygon[0])
        return self

    @property
    def fence(self) -> Fence:
        """The area as the geometry knows it; raises ValueError when its lines cross."""
        if self.circle is not None:
            return Fence((self.circle.centre,), self.circle.radius_m)
        return Fence(tuple(self.polygon or ()), None)


class ForecastRule(_Rule):
    """The value is not what this hour of the day (or of the week) usually brings.

    What is usual is learnt from one reading an hour; nothing is raised before an hour was seen `learn` times. With a
    forecast of a model at hand (an attribute of the entity), `deviation` compares with that one instead.
    """

    kind: Literal["forecast"]
    attribute: Name
    side: Literal["above", "below", "both"] = "both"
    season: Literal["day", "week"] = "day"
    margin: float = Field(gt=0, description="A distance up to this is never unusual, in the attribute's unit.")
    spreads: float = Field(4, ge=0, description="Nor one up to so many times the usual distance of that hour.")
    clear: float = Field(0.7, gt=0, le=1, description="The part of the distance that raises at which it clears.")
    learn: int = Field(7, ge=2, le=60)


class NeighboursRule(_Rule):
    """The value is far from the median of the same attribute around it."""

    kind: Literal["neighbours"]
    attribute: Name
    side: Literal["above", "below", "both"] = "both"
    radius_m: float = Field(gt=0, le=100_000)
    at_least: int = Field(3, ge=2, description="Fewer neighbours with a value no older than max_gap say nothing.")
    distance: float = Field(gt=0, description="Further than this raises, in the attribute's unit.")
    clear: float = Field(ge=0, description="A distance up to this clears.")

    @model_validator(mode="after")
    def _clear_is_nearer(self) -> Self:
        if self.clear > self.distance:
            raise ValueError("clear must not be larger than the distance that raises")
        return self


class CombinationRule(_Rule):
    """So many of several conditions hold at once."""

    kind: Literal["combination"]
    of: list[Condition] = Field(min_length=2, max_length=20)
    at_least: int | None = Field(None, ge=1, description="How many must hold; all of them when left out.")

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.needed > len(self.of):
            raise ValueError("at_least asks for more conditions than there are")
        if not any(condition.attribute for condition in self.of):
            raise ValueError("one condition at least must look at an attribute")
        return self

    @property
    def needed(self) -> int:
        """How many conditions must hold."""
        return self.at_least or len(self.of)

    @property
    def attribute(self) -> str:
        """The attribute that alarms show: the first that is named."""
        return next(condition.attribute for condition in self.of if condition.attribute)


class RequestsRule(_Rule):
    """So many citizens' requests of some service codes, near to one another within a time; one is enough if so said.

    Its alarm stands at the oldest of them for as long as one of them is open; later ones nearby join it.
    """

    kind: Literal["requests"]
    entity_types: list[Name] = Field([REQUEST_TYPE], min_length=1, max_length=1)
    service_codes: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(min_length=1, max_length=200)
    at_least: int = Field(1, ge=1, le=1000, description="So many requests raise.")
    radius_m: float = Field(200, gt=0, le=20_000, description="All of them lie so near to one of them.")
    within: Duration = Field(timedelta(hours=1), description="All of them were sent within so long.")

    @model_validator(mode="after")
    def _is_of_requests(self) -> Self:
        if self.entity_types != [REQUEST_TYPE]:
            raise ValueError(f"entity_types of requests is {REQUEST_TYPE}, or left out")
        if not timedelta() < self.within <= timedelta(days=31):
            raise ValueError("within is longer than nothing and at most 31 days")
        if self.entity_ids or self.when or self.hold or self.clear_hold:
            raise ValueError("a rule on requests knows no entity_ids, when, hold and clear_hold")
        return self


ReadingRule = (
    ThresholdRule
    | DeviationRule
    | RateRule
    | StateRule
    | AbsenceRule
    | GeofenceRule
    | ForecastRule
    | NeighboursRule
    | CombinationRule
)
TriableRule = ReadingRule | RequestsRule
"""Those that history can answer for."""
AnyRule = TriableRule | QualityRule | SilenceRule
Rule = Annotated[AnyRule, Field(discriminator="kind")]
