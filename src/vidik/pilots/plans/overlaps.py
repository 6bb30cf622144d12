"""Which pilots measure the same units at the same time, and whether they agreed how to share what these save. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vidik.kernel.errors import Conflict, Unprocessable
from vidik.pilots.plans.checking import source_of
from vidik.pilots.specification import Specification


@dataclass(frozen=True)
class Overlap:
    """Another frozen plan that measures some of the same signals on some of the same days.

    `twins` are those of the `signals` that come from elsewhere in the other plan and have the same numbers.
    """

    plan: int
    title: str
    signals: list[str]
    first: date
    last: date
    twins: list[str] = field(default_factory=list)


def overlaps_of(
    specification: Specification,
    others: Mapping[int, Specification],
    twins: Mapping[int, Sequence[str]] | None = None,
) -> list[Overlap]:
    """The frozen plans among `others` that would count the same saving once more.

    `twins` names the units of this plan whose numbers another plan measures too, though they come from elsewhere.
    """
    own = {source_of(unit): unit.name for unit in specification.units}
    found = []
    for number, other in sorted(others.items()):
        shared = [own[source_of(unit)] for unit in other.units if source_of(unit) in own]
        alike = [name for name in (twins or {}).get(number, ()) if name not in shared]
        shared += alike
        if shared and specification.reporting.period.overlaps(other.reporting.period):
            first = max(specification.reporting.first, other.reporting.first)
            last = min(specification.reporting.last, other.reporting.last)
            found.append(Overlap(number, other.title, shared, first, last, alike))
    return found


def refuse_overlaps(specification: Specification, overlaps: Iterable[Overlap], decided: Iterable[int]) -> None:
    """Raise Conflict unless the plan says how it shares with every plan that it overlaps.

    `decided` are the plans whose saving is in the ledger already: nothing of theirs can be given away any more.
    """
    found = list(overlaps)
    if not found:
        if specification.allocation is not None:
            raise Unprocessable(
                "No other pilot measures the same units at the same time: take the allocation out.",
                field="allocation",
                code="nothing-to-allocate",
            )
        return
    named = "; ".join(
        f"plan {one.plan} \u201c{one.title}\u201d measures {', '.join(one.signals[:5])} from {one.first} to {one.last}"
        for one in found
    )
    others = "; ".join(
        f"\u201c{one.title}\u201d ({', '.join(one.signals[:5])}; {one.first} \u2013 {one.last})" for one in found
    )
    if specification.allocation is None:
        raise Conflict(
            f"The same saving would be counted twice: {named}. Take these signals or days out, or say in "
            "`allocation` by which rule the plans share it.",
            field="units",
            code="overlapping-pilots",
            values={"others": others},
        )
    sharing = {share.plan for share in specification.allocation.shares if share.plan is not None}
    if sharing != {one.plan for one in found}:
        raise Unprocessable(
            f"The allocation must name exactly the plans that overlap: {named}.",
            field="allocation",
            code="allocation",
            values={"others": others},
        )
    settled = sorted(sharing & set(decided))
    if settled:
        raise Conflict(
            f"Plan {settled[0]} is decided and its saving stands in the ledger; it cannot be shared any more.",
            field="allocation",
            code="overlapping-decided",
            values={"plan": settled[0]},
        )


def refuse_replaced_agreements(specification: Specification, plan: int, others: Mapping[int, Specification]) -> None:
    """Raise Conflict when this allocation would take the place of what another plan has agreed with a third.

    Each plan has one allocation, and a new one is written into all plans that it names. A third plan that this one does
    not overlap is not named, so its share of the other's saving would be forgotten.
    """
    if specification.allocation is None:
        return
    sharing = {share.plan for share in specification.allocation.shares if share.plan is not None}
    for number in sorted(sharing & set(others)):
        other = others[number]
        agreed = {share.plan for share in other.allocation.shares if share.plan} if other.allocation else set()
        thirds = sorted(agreed - sharing - {plan})
        if thirds:
            raise Conflict(
                f"Plan {number} \u201c{other.title}\u201d shares its saving with plan {thirds[0]} already, which "
                "measures nothing that this plan does: a new allocation would replace that agreement. Take the units "
                f"or days out that this plan has in common with plan {number}.",
                field="allocation",
                code="allocation-of-others",
                values={"plan": number, "title": other.title, "third": thirds[0]},
            )


def refuse_treated_donors(specification: Specification, others: Mapping[int, Specification]) -> None:
    """Raise Conflict when a donor is changed by another pilot in these periods: it shows nothing of "nothing done"."""
    donors = {source_of(donor): donor.name for donor in specification.donors}
    for number, other in sorted(others.items()):
        if not other.reporting.period.overlaps(specification.reporting.period):
            continue
        treated = [donors[source_of(unit)] for unit in other.units if source_of(unit) in donors]
        if treated:
            raise Conflict(
                f"{', '.join(treated[:5])} cannot be a donor: plan {number} \u201c{other.title}\u201d changes it "
                "in the reporting period.",
                field="donors",
                code="donor-treated",
                values={"donors": ", ".join(treated[:5]), "plan": number, "title": other.title},
            )


def refuse_other_currency(specification: Specification, others: Mapping[int, Specification]) -> None:
    """Raise Conflict where frozen plans reckon in another currency: the ledger adds their money."""
    own = specification.currency
    for number, other in sorted(others.items()):
        if other.currency != own:
            raise Conflict(
                f"The prices are in {own}, those of plan {number} \u201c{other.title}\u201d in {other.currency}: the "
                "ledger adds money of one currency. State the prices in it, with the rate in their source.",
                field="tariff.0.price.unit",
                code="currency-differs",
                values={"currency": own, "other": other.currency, "plan": number, "title": other.title},
            )


def share_of(specification: Specification) -> Decimal:
    """The part of its saving that a plan may count in the ledger."""
    if specification.allocation is None:
        return Decimal(1)
    return next(share.share for share in specification.allocation.shares if share.plan is None)
