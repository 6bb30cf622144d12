"""Sharing a saving among plans, without a database."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bench.pilots_routes import City, specification

from vidik.kernel.errors import Conflict
from vidik.pilots.plans.overlaps import refuse_replaced_agreements
from vidik.pilots.specification import Allocation, Share, Specification

PLAN, OTHER, THIRD = 7, 3, 5


def sharing(*plans: int) -> Specification:
    """A plan that shares its saving with these in equal parts."""
    part = Decimal(1) / (len(plans) + 1)
    shares = tuple(Share(plan=plan, share=part) for plan in (None, *plans))
    plain = specification(City(), "synthetic_control")
    return plain.model_copy(update={"allocation": Allocation(rule="Equally.", shares=shares)})


class TestRefuseReplacedAgreements:
    def test_an_agreement_with_a_third_plan_is_not_replaced(self) -> None:
        with pytest.raises(Conflict, match=f"Plan {OTHER} .* with plan {THIRD} already") as refused:
            refuse_replaced_agreements(sharing(OTHER), PLAN, {OTHER: sharing(THIRD), THIRD: sharing(OTHER)})

        assert (refused.value.field, refused.value.code) == ("allocation", "allocation-of-others")

    def test_all_who_share_may_agree_anew(self) -> None:
        refuse_replaced_agreements(sharing(OTHER), PLAN, {OTHER: sharing(PLAN)})
        others = {OTHER: sharing(THIRD), THIRD: sharing(OTHER)}
        refuse_replaced_agreements(sharing(OTHER).model_copy(update={"allocation": None}), PLAN, others)

    def test_a_wider_agreement_takes_a_narrower_one_in(self) -> None:
        shares = (Share(plan=None, share=Decimal("0.5")), *(Share(plan=one, share=Decimal("0.25")) for one in (3, 5)))
        wide = sharing(OTHER).model_copy(update={"allocation": Allocation(rule="x", shares=shares)})

        refuse_replaced_agreements(wide, PLAN, {OTHER: sharing(THIRD), THIRD: sharing(OTHER)})
