"""The life of an incident: a pure state machine, without a clock and without a database.

    open -> contained -> closed         close also from open: some things are over before they are contained
      ^________|__________|             reopen: it was not contained, or it came back
    open, contained -> merged           it is part of another; what hangs on it goes there

Each function returns the incident as it is after, one version on, and what its timeline says. What people did is
never taken back: a merge that was a mistake is mended by a split.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from vidik.kernel.errors import Conflict, Unprocessable
from vidik.kernel.identity.reach import Belonging

Severity = Literal["minor", "moderate", "severe", "extreme"]
State = Literal["open", "contained", "closed", "merged"]
OpenedFrom = Literal["person", "alarm", "alarm-group", "rule", "request", "system"]
LinkKind = Literal["alarm", "asset", "request", "alarm-group"]
Role = Literal["command", "planning", "operations", "logistics"]
"""Functions of incident management after ISO 22320:2018, 5.3."""
Origin = Literal["real", "simulated", "recorded"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
ROLES: tuple[Role, ...] = get_args(Role)


class Actor(NamedTuple):
    """Who acts: the name that colleagues see, and how the audit record names them."""

    name: str
    actor: str


VIDIK = Actor("Vidik", "system:vidik")


class Act(NamedTuple):
    """One action of one actor at a time."""

    actor: Actor
    at: datetime


class Link(NamedTuple):
    """Something that belongs to an incident."""

    kind: LinkKind
    target: str

    @property
    def number(self) -> int | None:
        """The number of an alarm or group, as a row has it; None for whatever is not written like one."""
        target = self.target
        if not (target.isascii() and target.isdigit() and len(target) < 19):
            return None
        number = int(target)
        return number if str(number) == target else None


class Entry(NamedTuple):
    """What the timeline says of an action; sentences are made of it by whoever shows it."""

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """What somebody who opens an incident says of it. `titles` are Vidik's own words in three scripts."""

    type: str
    severity: Severity
    title: str
    opened_from: OpenedFrom = "person"
    summary: str = ""
    address: str = ""
    place: Mapping[str, Any] | None = None
    area: Mapping[str, Any] | None = None
    titles: Mapping[str, str] | None = None
    origin: Origin = "real"
    links: tuple[Link, ...] = ()
    split_from: int | None = None
    exercise_id: int | None = None
    client_id: str | None = None
    organisations: Sequence[str] = ()
    data: Mapping[str, Any] | None = None
    """The cause, for the timeline's first entry."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. `id` is 0 and `number` empty until it is written."""

    type: str
    severity: Severity
    state: State
    title: str
    opened_at: datetime
    opened_by: str
    opened_from: OpenedFrom
    changed_at: datetime
    changed_by: str
    id: int = 0
    number: str = ""
    titles: Mapping[str, str] | None = None
    summary: str = ""
    address: str = ""
    place: Mapping[str, Any] | None = None
    area: Mapping[str, Any] | None = None
    origin: Origin = "real"
    contained_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    cause: str | None = None
    lesson: str | None = None
    merged_into: int | None = None
    split_from: int | None = None
    exercise_id: int | None = None
    version: int = 1
    client_id: str | None = None
    organisations: Sequence[str] = ()
    """Whom it concerns: the organisations of who opened it, of its alarms and crews, and those that people added."""
    areas: Sequence[str] = ()
    people: Sequence[str] = ()
    """The logins of those who hold a role in it."""

    @property
    def is_running(self) -> bool:
        """Whether somebody still works on it."""
        return self.state in ("open", "contained")

    @property
    def belonging(self) -> Belonging:
        """Whose it is."""
        return Belonging(frozenset(self.organisations), frozenset(self.areas), frozenset(self.people))


Step = tuple[Incident, Entry]


def opened(opening: Opening, act: Act) -> Step:
    """Return the new incident of an opening, not yet numbered."""
    incident = Incident(
        type=opening.type,
        severity=opening.severity,
        state="open",
        title=opening.title,
        titles=opening.titles,
        summary=opening.summary,
        address=opening.address,
        place=opening.place,
        area=opening.area,
        origin=opening.origin,
        opened_at=act.at,
        opened_by=act.actor.name,
        opened_from=opening.opened_from,
        changed_at=act.at,
        changed_by=act.actor.name,
        split_from=opening.split_from,
        exercise_id=opening.exercise_id,
        client_id=opening.client_id,
        organisations=opening.organisations,
    )
    said = {"type": opening.type, "severity": opening.severity, "from": opening.opened_from}
    return incident, Entry("opened", said | dict(opening.data or {}))


def contain(incident: Incident, note: str, act: Act) -> Step:
    """Return the incident with its spreading stopped; raises Conflict unless it is open."""
    if incident.state != "open":
        raise _not_now(incident, "contained")
    after = _touched(incident, act, state="contained", contained_at=act.at)
    return after, Entry("contained", {"note": note} if note else {})


def close(incident: Incident, cause: str, lesson: str, act: Act) -> Step:
    """Return the incident at its end; raises Conflict when it has ended, Unprocessable without cause or lesson."""
    if not incident.is_running:
        raise _not_now(incident, "closed")
    for name, text in (("cause", cause), ("lesson", lesson)):
        if not text.strip():
            raise Unprocessable(f"Say the {name} before you close the incident.", field=name, code=f"{name}-missing")
    after = _touched(
        incident, act, state="closed", closed_at=act.at, closed_by=act.actor.name, cause=cause, lesson=lesson
    )
    return after, Entry("closed", {"cause": cause, "lesson": lesson})


def reopen(incident: Incident, reason: Mapping[str, Any], act: Act) -> Step:
    """Return the incident open again; raises Conflict when it is open, or part of another one.

    The cause and lesson of a former end stay in the timeline.
    """
    if incident.state not in ("contained", "closed"):
        raise _not_now(incident, "reopened")
    after = _touched(
        incident, act, state="open", contained_at=None, closed_at=None, closed_by=None, cause=None, lesson=None
    )
    return after, Entry("reopened", {"before": incident.state, **reason})


CHANGEABLE = ("type", "severity", "title", "summary", "address", "place", "area", "organisations")


def changed(incident: Incident, changes: Mapping[str, Any], act: Act) -> Step | None:
    """Return the incident with other facts, or None when nothing is another; raises Conflict when it has ended."""
    different = {
        name: value for name, value in changes.items() if name in CHANGEABLE and getattr(incident, name) != value
    }
    if not different:
        return None
    if not incident.is_running:
        raise _not_now(incident, "changed")
    said = {name: [getattr(incident, name), value] for name, value in different.items()}
    if "title" in different:
        different["titles"] = None
    return _touched(incident, act, **different), Entry("changed", said)


class Merge(NamedTuple):
    """What a merge makes of two incidents, with the links that change hands."""

    source: Step
    target: Step
    moved: frozenset[Link]


def merge(
    source: Incident, target: Incident, of_source: Collection[Link], of_target: Collection[Link], act: Act
) -> Merge:
    """Return `source` as part of `target`; raises Conflict unless both run and are of one kind (real or exercise)."""
    if source.id == target.id:
        raise Conflict("An incident cannot be merged into itself.", code="merge-itself", field="into")
    for incident in (source, target):
        if not incident.is_running:
            raise _not_now(incident, "merged")
    if source.exercise_id != target.exercise_id:
        raise Conflict(
            "An exercise and real work cannot be merged.",
            code="merge-exercise",
            field="into",
            values={"number": source.number, "into": target.number},
        )
    moved = frozenset(of_source)
    severity = max(source.severity, target.severity, key=SEVERITIES.index)
    after = _touched(source, act, state="merged", merged_into=target.id)
    taking = _touched(target, act, severity=severity)
    count = len(moved - frozenset(of_target))
    said = {"incident": source.id, "number": source.number, "title": source.title, "links": count}
    if severity != target.severity:
        said["severity"] = [target.severity, severity]
    return Merge(
        (after, Entry("merged", {"into": target.id, "number": target.number, "title": target.title})),
        (taking, Entry("merged-from", said)),
        moved,
    )


class Split(NamedTuple):
    """What a split makes of one incident: the rest, the opening of the new one, and the links that it takes."""

    rest: Incident
    opening: Opening
    taken: frozenset[Link]


def split(incident: Incident, links: Collection[Link], chosen: Collection[Link], opening: Opening, act: Act) -> Split:
    """Return the incident without the chosen links, and the new one that takes them; raises Conflict.

    `chosen` must hang on the incident (alarms of a group that does: they leave it one by one).
    """
    if not incident.is_running:
        raise _not_now(incident, "split")
    missing = sorted(frozenset(chosen) - frozenset(links))
    if missing:
        kind, target = missing[0]
        raise Conflict(
            f"The {kind} {target} does not belong to this incident.",
            field="links",
            code="not-linked",
            values={"kind": kind, "target": target},
        )
    new = replace(
        opening,
        split_from=incident.id,
        exercise_id=incident.exercise_id,
        origin=incident.origin,
        links=tuple(chosen),
        organisations=incident.organisations,
    )
    return Split(_touched(incident, act), new, frozenset(chosen))


def touched(incident: Incident, act: Act) -> Incident:
    """Return the incident one version on: something that belongs to it was changed; raises Conflict when it ended."""
    if not incident.is_running:
        raise _not_now(incident, "changed")
    return _touched(incident, act)


def _touched(incident: Incident, act: Act, **changes: Any) -> Incident:
    return replace(incident, **changes, version=incident.version + 1, changed_at=act.at, changed_by=act.actor.name)


def _not_now(incident: Incident, verb: str) -> Conflict:
    return Conflict(
        f"Incident {incident.number} is {incident.state} and cannot be {verb}.",
        code="incident-state",
        values={"number": incident.number, "state": incident.state, "verb": verb},
    )
