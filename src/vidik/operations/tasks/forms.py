"""What people and phones send to the doors of tasks and crews: checked before anything else looks at it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from vidik.kernel.forms import Form, Moment, Number
from vidik.operations.tasks.sync import Brought
from vidik.operations.tasks.task import Act
from vidik.operations.words import Words

Priority = Literal["critical", "high", "medium", "low"]
Kind = Literal["inspect", "repair", "secure", "clean", "measure", "deliver", "other"]
MOST_CHANGES = 200


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("it must not be empty")
    return text


Title = Annotated[Words, AfterValidator(_not_empty), Field(max_length=200)]
Long = Annotated[Words, Field(max_length=4_000)]
Short = Annotated[Words, Field(max_length=200)]
Why = Annotated[Words, AfterValidator(_not_empty), Field(max_length=2_000)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _on_earth(coordinates: list[float]) -> list[float]:
    if not (-180 <= coordinates[0] <= 180 and -90 <= coordinates[1] <= 90):
        raise ValueError("the coordinates are longitude and latitude in degrees")
    return coordinates


class Place(Form):
    """A GeoJSON point (WGS 84)."""

    type: Literal["Point"] = "Point"
    coordinates: Annotated[list[float], Field(min_length=2, max_length=3), AfterValidator(_on_earth)]

    @property
    def point(self) -> tuple[float, float]:
        """Longitude and latitude."""
        return self.coordinates[0], self.coordinates[1]


class Opening(Form):
    """A new task; `crew` gives it at once; `client_id` makes a repeat harmless."""

    title: Title
    kind: Kind = "other"
    instructions: Long = ""
    place: Place | None = None
    address: Short = ""
    priority: Priority = "medium"
    skill: Code | None = None
    incident: Number | None = None
    asset: Annotated[str, Field(max_length=500)] | None = None
    due_at: Moment | None = None
    crew: Number | None = None
    origin: Literal["real", "simulated"] = "real"
    client_id: UUID | None = None


class Editing(Form):
    """What is typed of a task; what is left out stays."""

    title: Title | None = None
    kind: Kind | None = None
    instructions: Long | None = None
    place: Place | None = None
    address: Short | None = None
    priority: Priority | None = None
    skill: Code | None = None
    asset: Annotated[str, Field(max_length=500)] | None = None
    due_at: Moment | None = None


class Asked(Form):
    """For which task a crew is sought."""

    skill: Code | None = None
    place: Place | None = None
    priority: Priority = "medium"


class Assigning(Form):
    """Which crew gets a task."""

    crew: Number
    note: Long = ""


class Deciding(Form):
    """Why a task is taken back, cancelled or reopened."""

    note: Why


class Closing(Form):
    """How a task ended, said by the desk."""

    result: Literal["done", "failed"]
    note: Why


class CrewMade(Form):
    """A new crew; members are logins."""

    name: Title
    organisation: Short | None = None
    skills: Annotated[list[Code], Field(max_length=40, default_factory=list)]
    members: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=40, default_factory=list)]
    vehicle: Short = ""
    depot: Place | None = None
    origin: Literal["real", "simulated"] = "real"


class CrewEdited(Form):
    """What changes of a crew; what is left out stays."""

    name: Title | None = None
    organisation: Short | None = None
    skills: Annotated[list[Code], Field(max_length=40)] | None = None
    members: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=40)] | None = None
    vehicle: Short | None = None
    depot: Place | None = None
    in_use: bool | None = None


class Duty(Form):
    """On or off duty, and until when."""

    on_duty: bool
    until: Moment | None = None


class Position(Form):
    """Where a crew is."""

    place: Place
    accuracy_metres: Annotated[float, Field(ge=0, le=100_000)] | None = None
    at: Moment


class ChangeBrought(Form):
    """One change from a phone. `round`: that of the task as the phone showed it."""

    client_id: UUID
    task: Number
    round: Annotated[int, Field(ge=1, le=2**31 - 1)]
    act: Act | Literal["note"]
    at: Moment
    note: Long = ""
    photos: Annotated[list[Sha256], Field(max_length=20, default_factory=list)]

    def brought(self) -> Brought:
        """The change as the service knows it."""
        return Brought(str(self.client_id), self.task, self.round, self.act, self.at, self.note, tuple(self.photos))


class Sync(Form):
    """All that a phone could not send before; `client_time` is its clock now."""

    crew: Number
    client_time: Moment
    changes: Annotated[list[ChangeBrought], Field(max_length=MOST_CHANGES)]
