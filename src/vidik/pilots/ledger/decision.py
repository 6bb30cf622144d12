"""What follows from a result by the rule that was frozen before anybody knew it. Pure."""

from __future__ import annotations

import math
from typing import Literal

from vidik.pilots.outcome import Outcome
from vidik.pilots.specification import DecisionRule

Decision = Literal["scale_up", "extend", "stop"]


def decide(rule: DecisionRule, outcome: Outcome) -> Decision:
    """Scale up what was shown to save at least `worthwhile`; stop what got worse or cannot reach it; else extend.

    "Cannot reach it" is: the whole interval lies below the worthwhile saving.
    """
    if outcome.verdict == "saved" and outcome.fraction >= rule.worthwhile:
        return "scale_up"
    worthwhile = rule.worthwhile * outcome.counterfactual
    if outcome.verdict == "worse" or (math.isfinite(outcome.interval.high) and outcome.interval.high < worthwhile):
        return "stop"
    return "extend"
