"""How citizens' requests gather: so many of some service codes, near to one another, within a time. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from vidik.operations.rules.fences import Place, metres_between
from vidik.operations.rules.model import RequestsRule


class Report(NamedTuple):
    """One request as a rule sees it: what it is about, where (one without a place is near to nobody), and when."""

    entity_id: str
    service_code: str
    place: Place | None
    at: datetime
    exercise: int | None = None


class Gathering(NamedTuple):
    """Requests that a rule takes for one thing; `anchor` is the oldest, at which the alarm stands."""

    anchor: str
    joining: tuple[str, ...]
    """Those that came to it now, the oldest first."""
    is_new: bool


def gather(
    rule: RequestsRule, fresh: Report, others: Iterable[Report], standing: Mapping[str, str]
) -> Gathering | None:
    """Return what a request that has just come makes of the open ones around it; None while they are too few.

    `standing` gives the anchor of those that have gathered by this rule already. One that comes near to any of them
    within the rule's time joins the oldest such gathering.
    """
    if fresh.service_code not in rule.service_codes or fresh.entity_id in standing:
        return None
    near = [one for one in others if _counts(rule, fresh, one)]
    held = [one for one in near if one.entity_id in standing and _metres(fresh, one) <= rule.radius_m]
    if held:
        oldest = min(held, key=_age)
        return Gathering(standing[oldest.entity_id], (fresh.entity_id,), is_new=False)
    members = _together(rule, fresh, [one for one in near if one.entity_id not in standing])
    if len(members) < rule.at_least:
        return None
    ordered = sorted(members, key=_age)
    return Gathering(ordered[0].entity_id, tuple(one.entity_id for one in ordered), is_new=True)


def _counts(rule: RequestsRule, fresh: Report, one: Report) -> bool:
    return (
        one.entity_id != fresh.entity_id
        and one.service_code in rule.service_codes
        and one.exercise == fresh.exercise
        and abs(one.at - fresh.at) <= rule.within
        and _metres(fresh, one) <= 2 * rule.radius_m
    )


def _together(rule: RequestsRule, fresh: Report, near: Sequence[Report]) -> list[Report]:
    """The most requests, the fresh one among them, that lie around one of them within the time."""
    everybody = [fresh, *near]
    best: list[Report] = [fresh]
    for centre in everybody:
        around = [one for one in everybody if one is centre or _metres(centre, one) <= rule.radius_m]
        if fresh not in around:
            continue
        for first in around:
            found = [one for one in around if first.at <= one.at <= first.at + rule.within]
            if fresh in found and len(found) > len(best):
                best = found
    return best


def _metres(one: Report, other: Report) -> float:
    if one.place is None or other.place is None:
        return float("inf")
    return metres_between(one.place, other.place)


def _age(report: Report) -> tuple[datetime, str]:
    return report.at, report.entity_id
