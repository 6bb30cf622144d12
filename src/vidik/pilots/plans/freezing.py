"""What is signed, as text: the frozen plan, the amendments chained to it, and the plan as they leave it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from vidik.kernel.errors import Unprocessable
from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.checking import Problem, problems_in
from vidik.pilots.specification import Specification

PLAN_FORM = "vidik pilot plan 1"
AMENDMENT_FORM = "vidik pilot amendment 1"
FIRST: Mapping[str, Any] = {"estimator": 1}
"""Members that the first plans do not name, as they were meant then."""

AmendmentKind = Literal["amendment", "exclusion", "adjustment", "allocation"]


@dataclass(frozen=True)
class Amendment:
    """A change after the freeze: numbered, chained by the hash of the text before it, never taken away."""

    number: int
    text: str
    hash: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """A frozen plan with its amendments: `head` is the hash of the newest text."""

    text: str
    hash: str
    amendments: tuple[Amendment, ...]
    specification: Specification
    """As the amendments leave it."""
    began: date
    """The first day of the reporting period as it was signed, or as an amendment moved it forward: what was done from
    then on was done when the result could be known, wherever the period was moved later."""

    @property
    def head(self) -> str:
        """The hash that a next amendment is chained to."""
        return self.amendments[-1].hash if self.amendments else self.hash


def replaced_signals(standing: Standing) -> list[tuple[str, int]]:
    """The signals whose signed data an amendment put others in the place of, each with the amendment's number."""
    return [(name, link.number) for link in standing.amendments for name in link.content.get("replaced", ())]


def changed_after_start(standing: Standing) -> list[str]:
    """The members of a plan that were changed when its pilot had begun, by other than what plans share."""
    late = [one for one in standing.amendments if one.content["after_start"] and one.content["kind"] != "allocation"]
    return sorted({member for link in late for member in link.content["changes"]})


class BrokenPlan(ValueError):
    """A plan or amendment is not what was signed; says which and why."""


def plan_text(specification: Specification) -> str:
    """The canonical text of a plan, whose SHA-256 is signed."""
    return canonical({"form": PLAN_FORM, "specification": specification.model_dump()})


def amendment_text(
    *,
    plan: str,
    previous: str,
    number: int,
    kind: AmendmentKind,
    changes: Mapping[str, Any],
    reason: str,
    by: str,
    at: datetime,
    after_start: bool,
    digests: Mapping[str, str] | None = None,
    digests_until: date | None = None,
    replaced: Sequence[str] = (),
) -> str:
    """The canonical text of an amendment; `plan` and `previous` are hashes.

    `digests` are those of the baseline data, where the amendment changes which data counts; `replaced` names the
    signals whose data of the time that was signed before are not what was signed.
    """
    return canonical(
        {
            "form": AMENDMENT_FORM,
            "plan": plan,
            "previous": previous,
            "number": number,
            "kind": kind,
            "changes": changes,
            "reason": reason,
            "by": by,
            "at": at,
            "after_start": after_start,
            "digests": digests,
            "digests_until": digests_until,
            **({"replaced": replaced} if replaced else {}),
        }
    )


def amended(specification: Specification, changes: Mapping[str, Any]) -> Specification:
    """The specification with some of its members replaced; raises Unprocessable when the whole does not hold."""
    unknown = sorted(set(changes) - set(Specification.model_fields))
    if unknown:
        raise Unprocessable(
            f"A plan has no member '{unknown[0]}'.",
            field=f"changes.{unknown[0]}",
            code="no-member",
            values={"member": unknown[0]},
        )
    try:
        return Specification.model_validate(specification.model_dump(mode="json") | dict(changes))
    except ValidationError as error:
        raise does_not_hold(problems_in(error)[0]) from None


def does_not_hold(problem: Problem) -> Unprocessable:
    """What to tell of an amendment after which the plan would no longer hold together."""
    return Unprocessable(
        f"The amended plan does not hold. {problem.field}: {problem.reason}.",
        field="changes" if problem.field == "specification" else f"changes.{problem.field}",
        code="amendment-unsound",
        values={"problem": problem.code, **problem.values},
    )


def stand(text: str, signed_hash: str, amendments: Iterable[tuple[str, str]]) -> Standing:
    """Check a plan's text and its amendments (text, hash) link by link; raises BrokenPlan at the first that fails."""
    if digest(text) != signed_hash:
        raise BrokenPlan("the text of the plan is not the one that was signed: its hash is another")
    content = _read(text, "the plan")
    if content.get("form") != PLAN_FORM:
        raise BrokenPlan("this is no plan of a pilot, or one of a newer Vidik")
    try:
        specification = Specification.model_validate(FIRST | content["specification"])
    except (KeyError, TypeError, ValidationError) as error:
        raise BrokenPlan(f"the plan cannot be read: {error}") from None
    links: list[Amendment] = []
    previous, began = signed_hash, specification.reporting.first
    for number, (amendment, stated) in enumerate(amendments, start=1):
        link = _linked(amendment, stated, number, previous, signed_hash)
        try:
            specification = amended(specification, link.content["changes"])
        except Unprocessable as error:
            raise BrokenPlan(f"amendment {number}: {error.detail}") from None
        links.append(link)
        previous, began = stated, min(began, specification.reporting.first)
    return Standing(text, signed_hash, tuple(links), specification, began)


def _linked(text: str, stated: str, number: int, previous: str, plan: str) -> Amendment:
    if digest(text) != stated:
        raise BrokenPlan(f"amendment {number} was changed: its hash is another")
    content = _read(text, f"amendment {number}")
    if content.get("previous") != previous or content.get("number") != number or content.get("plan") != plan:
        raise BrokenPlan(f"amendment {number} does not follow the text before it: one is missing or out of order")
    return Amendment(number, text, stated, content)


def _read(text: str, what: str) -> dict[str, Any]:
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BrokenPlan(f"{what} is not JSON") from None
    if not isinstance(content, dict):
        raise BrokenPlan(f"{what} is not an object")
    return content
