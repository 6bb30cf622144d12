"""Plans signed by an earlier Vidik are computed as they were meant then."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from tests.pilots.conftest import a_specification

from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.freezing import amendment_text, plan_text, stand
from vidik.pilots.specification import Specification


class TestEstimator:
    def test_a_new_plan_names_the_newest(self) -> None:
        text = plan_text(Specification.model_validate(a_specification()))

        assert stand(text, digest(text), []).specification.estimator == 3

    def test_a_plan_that_names_none_keeps_the_first_through_its_amendments(self) -> None:
        content = orjson.loads(plan_text(Specification.model_validate(a_specification())))
        del content["specification"]["estimator"]
        text = canonical(content)
        amendment = amendment_text(
            plan=digest(text),
            previous=digest(text),
            number=1,
            kind="amendment",
            changes={"fund": "another"},
            reason="It pays for it.",
            by="Ana",
            at=datetime(2026, 1, 1, tzinfo=UTC),
            after_start=False,
        )

        standing = stand(text, digest(text), [(amendment, digest(amendment))])

        assert standing.hash == digest(text)
        assert standing.specification.estimator == 1
        assert standing.specification.fund == "another"
