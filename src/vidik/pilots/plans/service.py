"""The rules of plans: who may change what until when, what a signature covers, how a frozen plan is amended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from psycopg.rows import DictRow

from vidik.kernel import audit
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound, Unprocessable
from vidik.kernel.identity import Principal
from vidik.pilots.ledger import repository as ledger
from vidik.pilots.plans import data, overlaps, reading, repository
from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.checking import Problem, check
from vidik.pilots.plans.freezing import (
    AmendmentKind,
    Standing,
    amended,
    amendment_text,
    does_not_hold,
    plan_text,
    stand,
)
from vidik.pilots.plans.overlaps import Overlap
from vidik.pilots.plans.repository import Signature
from vidik.pilots.specification import Allocation, Share, Specification

State = Literal["draft", "frozen", "running", "ended", "decided"]
_DATA_MEMBERS = frozenset({"units", "donors", "temperature", "baseline"})
_COUNTED_MEMBERS = frozenset({"units", "donors", "reporting", "allocation", "tariff"})


@dataclass(frozen=True)
class Answer:
    """What a person says about an event; days and amount only where the answer needs them."""

    answer: Literal["routine", "excluded", "adjusted"]
    note: str
    first: date | None = None
    last: date | None = None
    amount_per_day: Decimal | None = None


def standing_of(row: DictRow) -> Standing | None:
    """A plan's signed texts, checked link by link; None for a draft. Raises BrokenPlan when one was tampered with."""
    if row["canonical"] is None:
        return None
    return stand(row["canonical"], row["hash"], [(text, hash_) for text, hash_, _ in row["amendments"]])


def state_of(specification: Specification | None, decided: bool, moment: datetime) -> State:
    """Where a plan stands; `specification` is the frozen one as amended, None for a draft."""
    if specification is None:
        return "draft"
    if decided:
        return "decided"
    today = local_date(specification.zone, moment)
    if today < specification.reporting.first:
        return "frozen"
    return "running" if today <= specification.reporting.last else "ended"


def local_date(zone: str, moment: datetime) -> date:
    """The date on the wall in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def incomplete(problem: Problem) -> Unprocessable:
    """What to tell of a plan that cannot be frozen or computed yet: the first thing that stands in the way."""
    return Unprocessable(
        f"The plan is not complete. {problem.field}: {problem.reason}.",
        field=problem.field,
        code="plan-incomplete",
        values={"problem": problem.code, **problem.values},
    )


async def existing(connection: Connection, plan: int) -> DictRow:
    """A plan's row; raises NotFound."""
    row = await repository.find_plan(connection, plan)
    if row is None:
        raise NotFound(f"There is no plan {plan}.")
    return row


async def frozen_plan(connection: Connection, plan: int) -> tuple[DictRow, Standing]:
    """A frozen plan's row and texts; raises NotFound, or Conflict for a draft."""
    row = await existing(connection, plan)
    standing = standing_of(row)
    if standing is None:
        raise Conflict(f"Plan {plan} is a draft; freeze it first.", code="not-frozen")
    return row, standing


async def create(connection: Connection, principal: Principal, draft: Mapping[str, Any]) -> int:
    """Begin a plan, however incomplete."""
    plan = await repository.insert_plan(connection, draft, principal.name, principal.actor, now())
    await audit.record(connection, principal, "pilot.draft", f"pilot:{plan}", details={"title": draft.get("title")})
    return plan


async def change(connection: Connection, principal: Principal, plan: int, draft: Mapping[str, Any]) -> None:
    """Put another text in the place of a draft; raises Conflict once it is frozen."""
    await _locked_draft(connection, plan)
    await repository.update_draft(connection, plan, draft, principal.name, principal.actor, now())
    await audit.record(connection, principal, "pilot.change", f"pilot:{plan}", details={"title": draft.get("title")})


async def discard(connection: Connection, principal: Principal, plan: int) -> None:
    """Take a draft away; raises Conflict once it is frozen."""
    row = await _locked_draft(connection, plan)
    await repository.delete_draft(connection, plan)
    title = row["draft"].get("title")
    await audit.record(connection, principal, "pilot.discard", f"pilot:{plan}", details={"title": title})


async def freeze(connection: Connection, principal: Principal, plan: int, seen: str, statement: str) -> None:
    """Fix a plan for good: the person signs the hash that was shown, with a statement, in the audit record.

    Raises Unprocessable when the plan is incomplete or has no data, Conflict when the draft is not the one that was
    seen or the plan would count what another counts.
    """
    specification = await _as_seen(connection, await _draft(connection, plan), seen)
    compared: reading.Compared = {}
    await _refuse_double_counting(connection, plan, specification, compared)
    moment = now()
    digests, until = await reading.baseline_digests(connection, specification, moment)
    await repository.lock_freezing(connection)
    row = await _locked_draft(connection, plan)
    specification = await _as_seen(connection, row, seen)
    await _refuse_double_counting(connection, plan, specification, compared)
    text = plan_text(specification)
    hash_ = digest(text)
    origins = await data.origins(connection, specification)
    position = await audit.record(
        connection,
        principal,
        "pilot.freeze",
        f"pilot:{plan}",
        reason=statement,
        details={"title": specification.title, "hash": hash_, "data": digest(canonical(digests)), "until": str(until)},
    )
    signature = Signature(
        statement=statement,
        signed_by=principal.name,
        actor=principal.actor,
        signed_at=moment,
        four_eyes=row["actor"] != principal.actor,
        digests=digests,
        digests_until=until,
        simulated=origins["simulated"] > 0,
        audit_position=position,
    )
    await repository.insert_frozen(connection, plan, text, hash_, signature)
    await _tell_the_sharing(connection, principal, plan, specification)


async def _as_seen(connection: Connection, row: DictRow, seen: str) -> Specification:
    """What a draft says, if it can be signed and is the text with the hash that the person saw."""
    specification, problems = check(row["draft"])
    if specification is None:
        raise incomplete(problems[0])
    if problems := await data.problems_of_sources(connection, specification):
        raise incomplete(problems[0])
    if seen != digest(plan_text(specification)):
        raise Conflict("The draft is not the one that you saw; read it again.", field="hash", code="hash-changed")
    return specification


@dataclass(frozen=True)
class _Amended:
    """A plan's text with changes, and what was read of the data that it names."""

    head: str
    specification: Specification
    compared: reading.Compared
    digests: dict[str, str] | None
    digests_until: date | None
    replaced: list[str]


async def _amended(
    connection: Connection, plan: int, changes: Mapping[str, Any], kind: AmendmentKind, moment: datetime
) -> _Amended:
    """What a plan will say, with the data that has to be read for it; raises where it would not hold."""
    row, standing = await frozen_plan(connection, plan)
    if await ledger.is_decided(connection, plan):
        raise Conflict("The verdict is in the ledger; what led to it can no longer be changed.", code="already-decided")
    if not changes:
        raise Unprocessable("An amendment changes something.", field="changes", code="nothing-changed")
    specification = amended(standing.specification, changes)
    _, problems = check(specification.model_dump(mode="json"))
    if problems:
        raise does_not_hold(problems[0])
    compared: reading.Compared = {}
    if _counts_anew(changes, kind):
        await _refuse_double_counting(connection, plan, specification, compared)
    digests, until, replaced = None, None, list[str]()
    if not _DATA_MEMBERS.isdisjoint(changes):
        digests, until = await reading.baseline_digests(connection, specification, moment)
        replaced = await reading.replaced(connection, specification, *digests_of(row, standing))
    return _Amended(standing.head, specification, compared, digests, until, replaced)


def _counts_anew(changes: Mapping[str, Any], kind: AmendmentKind) -> bool:
    return kind != "allocation" and not _COUNTED_MEMBERS.isdisjoint(changes)


async def amend(
    connection: Connection,
    principal: Principal,
    plan: int,
    changes: Mapping[str, Any],
    reason: str,
    kind: AmendmentKind = "amendment",
) -> int:
    """Change a frozen plan in the open and return the amendment's number; raises Conflict once it is decided."""
    moment = now()
    new = await _amended(connection, plan, changes, kind, moment)
    await repository.lock_freezing(connection)
    await repository.lock_plan(connection, plan)
    _, standing = await frozen_plan(connection, plan)
    if standing.head != new.head or await ledger.is_decided(connection, plan):  # somebody was faster
        new = await _amended(connection, plan, changes, kind, moment)
    specification = new.specification
    if _counts_anew(changes, kind):
        await _refuse_double_counting(connection, plan, specification, new.compared)
    whole = specification.model_dump()
    number = len(standing.amendments) + 1
    text = amendment_text(
        plan=standing.hash,
        previous=standing.head,
        number=number,
        kind=kind,
        changes={name: whole[name] for name in changes},
        reason=reason,
        by=principal.name,
        at=moment,
        after_start=local_date(specification.zone, moment) >= standing.began,
        digests=new.digests,
        digests_until=new.digests_until,
        replaced=new.replaced,
    )
    position = await audit.record(
        connection,
        principal,
        "pilot.amend",
        f"pilot:{plan}",
        reason=reason,
        details={"number": number, "hash": digest(text), "changes": sorted(changes)},
    )
    await repository.insert_amendment(connection, plan, number, text, digest(text), position)
    if kind != "allocation" and "allocation" in changes:
        await _tell_the_sharing(connection, principal, plan, specification)
    return number


async def answer_event(connection: Connection, principal: Principal, plan: int, event: int, said: Answer) -> None:
    """Write a person's answer to an event; an exclusion or adjustment becomes an amendment of the plan."""
    await repository.lock_freezing(connection)  # before the plan, as whoever amends takes the two
    await repository.lock_plan(connection, plan)
    _, standing = await frozen_plan(connection, plan)
    events = {row["id"]: row for row in await repository.events_of(connection, plan)}
    if event not in events:
        raise NotFound(f"Plan {plan} has no event {event}.")
    if events[event]["answer"] is not None:
        raise Conflict(f"Event {event} has been answered; amend the plan to change what follows.", code="answered")
    changes = _consequence(standing.specification, events[event]["finding"], said)
    amendment = None
    if changes is not None:
        kind: AmendmentKind = "exclusion" if said.answer == "excluded" else "adjustment"
        amendment = await amend(connection, principal, plan, changes, said.note, kind)
    position = await audit.record(
        connection,
        principal,
        "pilot.answer",
        f"pilot:{plan}",
        reason=said.note,
        details={"event": event, "answer": said.answer, "amendment": amendment},
    )
    await repository.insert_answer(
        connection,
        event,
        answer=said.answer,
        note=said.note,
        person=principal.name,
        at=now(),
        amendment=amendment,
        audit_position=position,
    )


async def frozen_others(connection: Connection, plan: int) -> dict[int, Specification]:
    """Every other frozen plan as amended, by number."""
    found = {}
    for row in await repository.list_plans(connection):
        standing = standing_of(row) if row["id"] != plan else None
        if standing is not None:
            found[int(row["id"])] = standing.specification
    return found


def digests_of(row: DictRow, standing: Standing) -> tuple[dict[str, str], date]:
    """The digests of the baseline data that a plan's newest text about data states, and up to which day."""
    digests, until = dict(row["digests"]), row["digests_until"]
    for amendment in standing.amendments:
        if amendment.content.get("digests") is not None:
            digests = dict(amendment.content["digests"])
            until = date.fromisoformat(amendment.content["digests_until"])
    return digests, until


async def _locked_draft(connection: Connection, plan: int) -> DictRow:
    await repository.lock_plan(connection, plan)
    return await _draft(connection, plan)


async def _draft(connection: Connection, plan: int) -> DictRow:
    row = await existing(connection, plan)
    if row["canonical"] is not None:
        raise Conflict(f"Plan {plan} is frozen: it cannot be changed, only amended with a reason.", code="plan-frozen")
    return row


async def overlaps_now(connection: Connection, plan: int, specification: Specification) -> list[Overlap]:
    """The frozen plans that would count the same saving once more: by the same signals, or by the same numbers."""
    others = await frozen_others(connection, plan)
    return overlaps.overlaps_of(specification, others, await reading.twins(connection, specification, others))


async def _refuse_double_counting(
    connection: Connection, plan: int, specification: Specification, compared: reading.Compared
) -> None:
    others = await frozen_others(connection, plan)
    overlaps.refuse_other_currency(specification, others)
    twins = await reading.twins(connection, specification, others, compared)
    found = overlaps.overlaps_of(specification, others, twins)
    overlaps.refuse_overlaps(specification, found, await ledger.decided_plans(connection))
    overlaps.refuse_replaced_agreements(specification, plan, others)
    overlaps.refuse_treated_donors(specification, others)


async def _tell_the_sharing(
    connection: Connection, principal: Principal, plan: int, specification: Specification
) -> None:
    """Amend the plans that an allocation names, so that each says its own share."""
    if specification.allocation is None:
        return
    shares = specification.allocation.shares
    for share in shares:
        if share.plan is None:
            continue
        own = tuple(
            Share(plan=None if one.plan == share.plan else plan if one.plan is None else one.plan, share=one.share)
            for one in shares
        )
        agreed = Allocation(rule=specification.allocation.rule, shares=own)
        changes = {"allocation": agreed.model_dump(mode="json")}
        await amend(connection, principal, share.plan, changes, agreed.rule, kind="allocation")


def _consequence(specification: Specification, finding: Mapping[str, Any], said: Answer) -> dict[str, Any] | None:
    if said.answer == "routine":
        return None
    first = said.first or (date.fromisoformat(finding["first"]) if finding.get("first") else None)
    last = said.last or (date.fromisoformat(finding["last"]) if finding.get("last") else specification.reporting.last)
    if first is None:
        raise Unprocessable("Say from which day on.", field="first", code="days-missing")
    if last < first:
        values = {"first": str(first), "last": str(last)}
        raise Unprocessable("The days end before they begin.", field="last", code="ends-before-begins", values=values)
    days = {"first": str(first), "last": str(last), "reason": said.note}
    whole = specification.model_dump(mode="json")
    if said.answer == "excluded":
        return {"exclusions": [*whole["exclusions"], days]}
    if said.amount_per_day is None:
        raise Unprocessable(
            f"An adjustment needs its amount a day, in {specification.units[0].unit}.",
            field="amount_per_day",
            code="amount-missing",
            values={"unit": specification.units[0].unit},
        )
    return {"adjustments": [*whole["adjustments"], {**days, "amount_per_day": str(said.amount_per_day)}]}
