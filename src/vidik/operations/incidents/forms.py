"""What people send about incidents, checked before anything looks at it."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StrictStr, model_validator

from vidik.kernel.clock import now
from vidik.kernel.errors import Unprocessable
from vidik.kernel.forms import Form, Moment
from vidik.operations.incidents.incident import Link, LinkKind, OpenedFrom, Opening, Role, Severity
from vidik.operations.incidents.types import ANY_OTHER, IncidentType
from vidik.operations.words import Reason, Words

_AHEAD = timedelta(minutes=5)
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Position = tuple[Longitude, Latitude]
Ring = Annotated[list[Position], Field(min_length=4, max_length=1000)]
TypeCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")]
Title = Annotated[Reason, Field(max_length=200)]
Note = Annotated[Words, Field(max_length=4_000)]


def _each_once(names: list[str]) -> list[str]:
    return sorted({name.strip() for name in names if name.strip()})


Organisations = Annotated[
    list[Annotated[Words, Field(max_length=200)]], AfterValidator(_each_once), Field(max_length=50)
]


def _closed(ring: list[Position]) -> list[Position]:
    if ring[0] != ring[-1]:
        raise ValueError("a ring ends where it begins")
    return ring


class Point(Form):
    """A GeoJSON Point (RFC 7946): longitude and latitude, degrees."""

    type: Literal["Point"]
    coordinates: Position


class Polygon(Form):
    """A GeoJSON Polygon (RFC 7946) of rings that end where they begin."""

    type: Literal["Polygon"]
    coordinates: Annotated[list[Annotated[Ring, AfterValidator(_closed)]], Field(min_length=1, max_length=20)]


class LinkForm(Form):
    """Something that belongs to an incident: an alarm, a group or a request by number, an asset by its id."""

    kind: LinkKind
    target: Annotated[StrictStr, Field(min_length=1, max_length=500)]

    @property
    def link(self) -> Link:
        """What is linked."""
        return Link(self.kind, self.target)


class _Facts(Form):
    summary: Note = ""
    address: Annotated[Words, Field(max_length=300)] = ""
    place: Point | None = None
    area: Polygon | None = None
    links: list[LinkForm] = Field([], max_length=500)
    client_id: UUID | None = None


class OpenForm(_Facts):
    """An incident that a person (or another system by a token) opens; `organisations`: whom it concerns.

    Without a title it is called by its type, in every script.
    """

    type: TypeCode
    severity: Severity | None = None
    title: Title | None = None
    opened_from: OpenedFrom | None = None
    organisations: Organisations | None = None

    def opening(self, kind: IncidentType, owners: list[str], usual: OpenedFrom = "person") -> Opening:
        """Return the opening, with the severity of its type and the opener's organisations when none were said.

        `usual` is who opens by that way, unless the form says otherwise. Raises Unprocessable when neither title nor
        type say what has happened.
        """
        if self.title is None and kind.code == ANY_OTHER:
            raise Unprocessable("Say what has happened.", field="title", code="title-missing")
        titles = kind.title.scripts()
        opening = _opening(
            self, self.type, self.severity or kind.severity, self.title or titles["en"], self.opened_from or usual
        )
        return replace(
            opening,
            titles=None if self.title else titles,
            organisations=owners if self.organisations is None else self.organisations,
        )


class SplitForm(_Facts):
    """A new incident that takes some of what hangs on another."""

    type: TypeCode | None = None
    severity: Severity | None = None
    title: Title

    def opening(self, type_code: str, severity: Severity) -> Opening:
        """Return the opening, with type and severity of the other where nothing else was said."""
        return _opening(self, self.type or type_code, self.severity or severity, self.title, "person")


def _opening(form: _Facts, type_code: str, severity: Severity, title: str, opened_from: OpenedFrom) -> Opening:
    return Opening(
        type=type_code,
        severity=severity,
        title=title,
        opened_from=opened_from,
        summary=form.summary,
        address=form.address,
        place=form.place.model_dump(mode="json") if form.place else None,
        area=form.area.model_dump(mode="json") if form.area else None,
        links=tuple(dict.fromkeys(one.link for one in form.links)),
        client_id=str(form.client_id) if form.client_id else None,
    )


class ChangeForm(Form):
    """Facts in the place of others; what is left out stays."""

    type: TypeCode | None = None
    severity: Severity | None = None
    title: Title | None = None
    summary: Note | None = None
    address: Annotated[Words, Field(max_length=300)] | None = None
    place: Point | None = None
    area: Polygon | None = None
    organisations: Organisations | None = None

    @model_validator(mode="after")
    def _only_places_may_go(self) -> Self:
        for name in self.model_fields_set - {"place", "area"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be taken away")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """What was said."""
        return self.model_dump(mode="json", exclude_unset=True)


class NoteForm(Form):
    """A person's line in the timeline; `at` is when it happened, if not now."""

    text: Annotated[Reason, Field(max_length=4_000)]
    at: Moment | None = None

    @model_validator(mode="after")
    def _not_in_the_future(self) -> Self:
        if self.at is not None and self.at > now() + _AHEAD:
            raise ValueError("what is told must have happened")
        return self


class PresenceForm(Form):
    """Whether somebody has the incident open."""

    here: bool = True


class ContainForm(Form):
    """How it was contained, if there is something to say."""

    note: Note = ""


class CloseForm(Form):
    """What it was, and what was learnt from it."""

    cause: Annotated[Reason, Field(max_length=4_000)]
    lesson: Annotated[Reason, Field(max_length=4_000)]


class ReopenForm(Form):
    """Why it is open again."""

    reason: Annotated[Reason, Field(max_length=2_000)]


class MergeForm(Form):
    """Of which incident this one is a part, and the version of that one which was seen."""

    into: Annotated[int, Field(ge=1, le=2**63 - 1)]
    into_version: int | None = None


class RoleForm(Form):
    """Who takes a role (a login); nobody when it is left out."""

    role: Role
    person: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    note: Note = ""


class HandoverForm(Form):
    """To whom a role is handed over, and what they must know."""

    role: Role = "command"
    to: Annotated[str, Field(min_length=1, max_length=200)]
    note: Note = ""
