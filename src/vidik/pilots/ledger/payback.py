"""What a pilot cost against what its saving is worth a year: after how many years the money is back. Pure.

Simple payback, without interest: cost over yearly saving (ISO 15686-5:2017, 5.3; IPMVP Core Concepts 2022 leaves it to
the plan). A year is as many days as the plan said beforehand, each like an average counted day of the reporting period.
"""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from vidik.pilots.ledger.sums import CENT
from vidik.pilots.ledger.worth import Exact, Worth
from vidik.pilots.outcome import Outcome
from vidik.pilots.specification import Specification


def cost_of(specification: Specification, outcome: Outcome, priced: Worth) -> dict[str, Any] | None:
    """The plan's cost, the yearly worth of the saving and the years until it is paid back; None without a cost.

    Amounts in the tariff's currency. `payback_years` is None unless a saving was shown; its `high` is None where the
    worth of the saving may be nothing or its lower bound is not known, its `low` where the upper bound is not known.
    """
    cost = specification.cost
    if cost is None:
        return None
    yearly = _yearly(priced.money, cost.days_a_year, _days_that_saved(specification, outcome))
    shown = outcome.verdict == "saved" and yearly is not None and yearly.value > 0
    return {
        **cost.model_dump(),
        "currency": priced.currency,
        "yearly": yearly,
        "payback_years": _payback(cost.amount, yearly) if shown and yearly is not None else None,
    }


def _days_that_saved(specification: Specification, outcome: Outcome) -> int:
    """The counted days; of drawn weeks only those with the pilot on, as only they are in the saving."""
    if specification.design != "randomised":
        return outcome.days
    course, on = outcome.course, set(specification.on_weeks)
    known = zip(course.days, course.actual, strict=True)
    return sum(day - timedelta(day.weekday()) in on for day, actual in known if not math.isnan(actual))


def _yearly(money: Exact, days_a_year: int, counted: int) -> Exact | None:
    if counted <= 0:
        return None

    def yearly(amount: Decimal) -> Decimal:
        return (amount * days_a_year / counted).quantize(CENT, ROUND_HALF_EVEN)

    low = None if money.low is None else yearly(money.low)
    high = None if money.high is None else yearly(money.high)
    return Exact(yearly(money.value), low, high)


def _payback(amount: Decimal, yearly: Exact) -> dict[str, float | None]:
    def years(worth: Decimal | None) -> float | None:
        return None if worth is None or worth <= 0 else float(amount / worth)

    return {"value": years(yearly.value), "low": years(yearly.high), "high": years(yearly.low)}
