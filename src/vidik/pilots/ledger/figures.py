"""The figures of an entry: all that follows from plan and data alone, so that anybody can compute it again. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vidik.pilots.ledger.decision import decide
from vidik.pilots.ledger.payback import cost_of
from vidik.pilots.ledger.sums import Banded
from vidik.pilots.ledger.worth import worth
from vidik.pilots.outcome import Outcome
from vidik.pilots.plain import plain
from vidik.pilots.specification import Specification


def figures(specification: Specification, outcome: Outcome, share: Decimal) -> dict[str, Any]:
    """What an entry says of a saving, plain; saving, money and tonnes after the plan's share."""
    priced = worth(specification, outcome, share)
    saving = priced.saving
    interval = {**plain(outcome.interval), "low": plain(saving.low), "high": plain(saving.high)}
    guideline = outcome.guideline_14
    return {
        "title": specification.title,
        "service": specification.service,
        "fund": specification.fund,
        "first": specification.reporting.first.isoformat(),
        "last": specification.reporting.last.isoformat(),
        "verdict": outcome.verdict,
        "rule_decision": decide(specification.decision, outcome),
        "share": plain(share),
        "unit": outcome.unit,
        "saving": plain(saving.value),
        "interval": interval,
        "level": outcome.interval.level,
        "fraction": plain(outcome.fraction),
        "p_value": plain(outcome.p_value),
        "guideline_14": None
        if guideline is None
        else {"low": plain(guideline.low), "high": plain(guideline.high), "level": guideline.level},
        "money": plain(priced.money),
        "currency": priced.currency,
        "vat_included": priced.vat_included,
        "tonnes": plain(priced.tonnes),
        "cost": plain(cost_of(specification, outcome, priced)),
        "years": [
            {
                "year": part.year,
                "days": part.days,
                **_saving(part.saving),
                "money": plain(part.money),
                "tonnes": plain(part.tonnes),
            }
            for part in priced.years
        ],
    }


def _saving(banded: Banded) -> dict[str, Any]:
    return {"saving": plain(banded.value), "low": plain(banded.low), "high": plain(banded.high)}
