"""Alarms of one cause as one group: many at once that hang on the same thing, or belong to the same service. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

WITHIN = timedelta(minutes=1)
"""How near to the newest of a group an alarm must be, by the readings' time."""
AT_LEAST = 5
"""Fewer alarms at once are themselves: a group of two hides more than it saves."""

GroupKind = Literal["related", "service"]


class Subject(NamedTuple):
    """What the alarms of a group have in common: an entity that theirs point to, or their service."""

    kind: GroupKind
    name: str
    service: str
    exercise: int | None = None
    """What is real and what is exercised have nothing in common."""


class Candidate(NamedTuple):
    """An alarm on its way to a group; `by` is how far its rule lets it be grouped."""

    id: int
    service: str
    related: frozenset[str]
    observed_at: datetime
    by: GroupKind | None = "service"
    exercise: int | None = None

    @property
    def subjects(self) -> list[Subject]:
        """What it may have in common with others, the narrowest first."""
        if self.by is None:
            return []
        narrow = [Subject("related", name, self.service, self.exercise) for name in sorted(self.related)]
        whole = Subject("service", self.service, self.service, self.exercise)
        return narrow if self.by == "related" else [*narrow, whole]


@dataclass(slots=True)
class Group:
    """A group, new while it has no number; `joining` are the alarms that come to it now."""

    subject: Subject
    opened_at: datetime
    newest_at: datetime
    id: int | None = None
    joining: list[int] = field(default_factory=list)

    def takes(self, candidate: Candidate) -> bool:
        """Whether an alarm is near enough in time."""
        return self.opened_at - WITHIN <= candidate.observed_at <= self.newest_at + WITHIN

    def take(self, candidate: Candidate) -> None:
        """Take an alarm in."""
        self.joining.append(candidate.id)
        self.opened_at = min(self.opened_at, candidate.observed_at)
        self.newest_at = max(self.newest_at, candidate.observed_at)


def gather(fresh: Iterable[Candidate], near: Iterable[Candidate], groups: Iterable[Group]) -> Sequence[Group]:
    """Return the groups that fresh alarms join or make together with lone ones `near`; others are left alone."""
    pool: dict[Subject, list[Candidate]] = {}
    coming = sorted(fresh, key=lambda candidate: (candidate.observed_at, candidate.id))
    lone = {candidate.id: candidate for candidate in (*near, *coming)}
    for candidate in lone.values():
        for subject in candidate.subjects:
            pool.setdefault(subject, []).append(candidate)
    living: dict[Subject, list[Group]] = {}
    for group in groups:
        living.setdefault(group.subject, []).append(group)
    for candidate in coming:
        if candidate.id in lone:
            _place(candidate, lone, pool, living)
    return [group for found in living.values() for group in found if group.joining]


def _place(
    candidate: Candidate,
    lone: dict[int, Candidate],
    pool: dict[Subject, list[Candidate]],
    living: dict[Subject, list[Group]],
) -> None:
    for subject in candidate.subjects:
        group = next((group for group in living.get(subject, ()) if group.takes(candidate)), None)
        if group is not None:
            group.take(lone.pop(candidate.id))
            return
        together = [
            one for one in pool[subject] if one.id in lone and abs(one.observed_at - candidate.observed_at) <= WITHIN
        ]
        if len(together) >= AT_LEAST:
            group = Group(subject, candidate.observed_at, candidate.observed_at)
            for one in together:
                group.take(lone.pop(one.id))
            living.setdefault(subject, []).append(group)
            return
