"""What a pilot cost, and after how long its saving has paid that back: said only where a saving was shown."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.pilots.conftest import a_draft, a_specification, finished, given_meters, signed

from vidik.pilots.ledger.payback import cost_of
from vidik.pilots.ledger.sums import Banded
from vidik.pilots.ledger.worth import Exact, Worth
from vidik.pilots.plans.checking import check
from vidik.pilots.reports.extract import read_extract
from vidik.pilots.reports.verify import verify
from vidik.pilots.specification import Specification

COST: dict[str, Any] = {
    "amount": "2100000",
    "vat_included": False,
    "covers": "Controllers and their fitting.",
    "source": "Tender 14/2024",
    "days_a_year": 365,
}


def worth_of(value: str, low: str | None, high: str | None) -> Worth:
    def amount(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    money = Exact(Decimal(value), amount(low), amount(high))
    return Worth(Banded(0.0, 0.0, 0.0), money, "RSD", False, None, [])


def judged(verdict: str, worth: Worth, *, days: int = 365, course: Any = None, **other: Any) -> Any:
    specification = Specification.model_validate(a_specification(cost=COST | other.pop("cost", {}), **other))
    outcome: Any = SimpleNamespace(verdict=verdict, days=days, course=course)  # all that the cost looks at
    return cost_of(specification, outcome, worth)


def test_a_shown_saving_pays_back_within_the_range_of_its_worth() -> None:
    found = judged("saved", worth_of("600000", "500000", "700000"))
    assert found["yearly"] == Exact(Decimal("600000.00"), Decimal("500000.00"), Decimal("700000.00"))
    assert found["payback_years"] == {"value": 3.5, "low": 3.0, "high": 4.2}


def test_half_a_year_counts_for_as_many_days_as_the_plan_said() -> None:
    whole_year = judged("saved", worth_of("300000", "250000", "350000"), days=183)
    season = judged("saved", worth_of("300000", "250000", "350000"), days=183, cost={"days_a_year": 183})
    assert whole_year["yearly"].value == Decimal("598360.66")
    assert season["yearly"].value == Decimal("300000.00")


@pytest.mark.parametrize("verdict", ["not_shown", "worse"])
def test_what_was_not_shown_pays_nothing_back(verdict: str) -> None:
    found = judged(verdict, worth_of("600000", "-100000", "1300000"))
    assert found["payback_years"] is None
    assert found["amount"] == Decimal("2100000")


@pytest.mark.parametrize(
    ("low", "high", "years"),
    [(None, None, (None, None)), ("-5", "700000", (3.0, None)), ("500000", None, (None, 4.2))],
)
def test_an_end_that_is_not_known_stays_open(low: str | None, high: str | None, years: tuple[Any, Any]) -> None:
    found = judged("saved", worth_of("600000", low, high))
    assert (found["payback_years"]["low"], found["payback_years"]["high"]) == years


def test_of_drawn_weeks_only_the_days_with_the_pilot_on_count() -> None:
    days = [date(2025, 1, 6) + timedelta(number) for number in range(28)]
    course = SimpleNamespace(days=days, actual=[float("nan"), *[1.0] * 27])
    on = ["2025-01-06", "2025-01-20"]
    found = judged("saved", worth_of("130", "13", "260"), course=course, design="randomised", on_weeks=on)
    assert found["yearly"].value == Decimal("3650.00")


@pytest.mark.parametrize(
    ("of_cost", "of_prices", "holds"), [(True, True, True), (True, False, False), (False, None, False)]
)
def test_cost_and_prices_are_both_with_vat_or_both_without(of_cost: bool, of_prices: bool | None, holds: bool) -> None:
    draft = a_specification(cost=COST | {"vat_included": of_cost})
    draft["tariff"][0]["price"]["vat_included"] = of_prices
    assert [problem.field for problem in check(draft)[1]] == ([] if holds else ["cost.vat_included"])


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "12.345"])
def test_an_amount_is_dinars_and_paras(amount: str) -> None:
    assert [problem.field for problem in check(a_specification(cost=COST | {"amount": amount}))[1]] == ["cost.amount"]


async def test_a_decided_pilot_says_its_cost_everywhere_and_verifies(app: Starlette, client: httpx.AsyncClient) -> None:
    await given_meters(client)
    plan = await signed(client, await a_draft(client, cost=COST))
    path = f"/api/pilots/plans/{plan['id']}"
    assert plan["effective"]["cost"] == COST
    await finished(app, client, f"{path}/watch")
    watched = (await client.get(f"{path}/watch")).json()["cost"]
    await finished(app, client, f"{path}/verdict", {"decision": "scale_up", "note": "By the rule."})
    (entry,) = (await client.get("/api/pilots/ledger")).json()["entries"]
    cost = entry["cost"]
    assert cost == watched
    yearly = float(entry["money"]["value"]) * 365 / 181
    assert float(cost["yearly"]["value"]) == pytest.approx(yearly, abs=0.01)
    assert cost["payback_years"]["value"] == pytest.approx(2_100_000 / yearly)
    assert cost["payback_years"]["low"] < cost["payback_years"]["value"] < cost["payback_years"]["high"]
    (row,) = (await client.get("/api/pilots/summary")).json()["plans"]
    assert row["cost"] == cost
    table = list(csv.reader(io.StringIO((await client.get("/api/pilots/ledger.csv")).text.lstrip("\ufeff"))))
    assert table[0][-4:] == ["What the pilot cost", "Paid back after, years", "Low", "High"]
    assert table[1][-4:] == ["2100000", *(str(cost["payback_years"][end]) for end in ("value", "low", "high"))]
    page = (await client.get(f"{path}/report.html")).text
    assert "2,100,000.00 RSD (VAT not included): Controllers and their fitting. (Tender 14/2024)" in page
    assert "Paid back after, years" in page
    archive = (await client.get(f"{path}/extract.zip")).content
    pdf = (await client.get(f"{path}/report.pdf")).content
    assert [check for check in verify(read_extract(archive), report=pdf) if not check.holds] == []
