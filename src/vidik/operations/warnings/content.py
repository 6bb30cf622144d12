"""What a warning says: the words and codes of CAP 1.2 that a city needs, in Serbian and, if wished, in English."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from vidik.kernel.forms import Form, Moment
from vidik.operations.words import Words

Category = Literal[
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
]
Response = Literal["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
Status = Literal["Actual", "Exercise", "Test"]
MessageType = Literal["Alert", "Update", "Cancel"]
LARGEST_POLYGON = 200


def _in_xml(text: str) -> str:
    # XML 1.0, production 2: what no document can carry, not even escaped.
    if any(letter in "\ufffe\uffff" for letter in text):
        raise ValueError("the text has characters that cannot be written")
    return text


Written = Annotated[Words, AfterValidator(_in_xml)]


class Texts(Form):
    """One language's words. `event` names the kind of thing, `headline` says it in a line (CAP advises 160 letters)."""

    event: Annotated[Written, Field(min_length=1, max_length=80)]
    headline: Annotated[Written, Field(min_length=1, max_length=160)]
    description: Annotated[Written, Field(min_length=1, max_length=4000)]
    instruction: Annotated[Written, Field(max_length=4000)] = ""
    area: Annotated[Written, Field(min_length=1, max_length=300)]


Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class Geocode(Form):
    """A place by the code of a register, as EMMA_ID or the number of a municipality."""

    name: Annotated[Written, Field(min_length=1, max_length=40)]
    value: Annotated[Written, Field(min_length=1, max_length=80)]


class Content(Form):
    """A warning as people write it. `polygon` is [latitude, longitude] of each corner, not closed; empty: the area's
    words and codes say where."""

    status: Status = "Actual"
    category: Category
    response: Response = "Monitor"
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    onset: Moment | None = None
    expires: Moment
    sr: Texts
    en: Texts | None = None
    polygon: Annotated[list[tuple[Latitude, Longitude]], Field(max_length=LARGEST_POLYGON)] = Field(
        default_factory=list
    )
    geocodes: Annotated[list[Geocode], Field(max_length=20)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _an_area_and_a_time(self) -> Self:
        if self.polygon and len(set(self.polygon)) < 3:
            raise ValueError("polygon: an area has three corners at least")
        if self.polygon and _crosses_itself(self.polygon):
            raise ValueError("polygon: the line of the area crosses itself")
        if self.onset is not None and self.onset >= self.expires:
            raise ValueError("expires: the warning ends after it begins")
        return self


def _crosses_itself(corners: list[tuple[float, float]]) -> bool:
    from shapely.geometry import Polygon

    return not Polygon(corners).is_valid
