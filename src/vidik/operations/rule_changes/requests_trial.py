"""A rule on citizens' requests tried against those that came: as live, by when each was sent and when it ended."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from vidik.kernel.clock import CITY_ZONE, to_microseconds
from vidik.kernel.database import Database
from vidik.operations.entities import name_of
from vidik.operations.rule_changes import trials_repository
from vidik.operations.rule_changes.trial import Trial
from vidik.operations.rules.fences import Place
from vidik.operations.rules.gathering import Report, gather
from vidik.operations.rules.memory import Finding
from vidik.operations.rules.model import RequestsRule
from vidik.operations.rules.signals import AlarmKey, Signal


class Past(NamedTuple):
    """A request that came, and when it ended; None while it has not."""

    report: Report
    ended_at: datetime | None


async def try_rule(
    database: Database, tenant: str, rule: RequestsRule, begin: datetime, end: datetime
) -> dict[str, Any]:
    """Return what a rule on requests would have raised between two times; exercises are left out."""
    async with database.session(tenant) as connection:
        rows = await trials_repository.past_requests(connection, rule.service_codes, begin, end)
    past = [
        Past(
            Report(
                row["entity_id"],
                row["service_code"],
                Place(row["longitude"], row["latitude"]) if row["longitude"] is not None else None,
                row["requested_at"],
            ),
            row["ended_at"],
        )
        for row in rows
    ]
    trial = Trial(rule, CITY_ZONE)
    trial.readings = len(past)
    for finding in findings_of(rule, past):
        trial.hear(finding)
    return trial.result(begin, end, {row["entity_id"]: name_of(row["entity_id"], row["document"]) for row in rows})


def findings_of(rule: RequestsRule, past: Sequence[Past]) -> Iterator[Finding]:
    """Yield what a rule says to requests that came and ended one after another."""
    moves = [(one.report.at, 0, one.report.entity_id, one) for one in past]
    # One that ended before it was sent (a clock that was wrong) ends when it was sent.
    moves += [(max(one.ended_at, one.report.at), 1, one.report.entity_id, one) for one in past if one.ended_at]
    standing: dict[str, str] = {}
    open_ones: dict[str, Report] = {}
    for at, ends, entity_id, one in sorted(moves, key=lambda move: move[:3]):
        if ends:
            open_ones.pop(entity_id, None)
            anchor = standing.get(entity_id)
            members = {member for member, of in standing.items() if of == anchor}
            if anchor is not None and members.isdisjoint(open_ones):
                standing = {member: of for member, of in standing.items() if of != anchor}
                yield Finding(AlarmKey(rule.code, anchor), Signal("cleared", to_microseconds(at)))
            continue
        found = gather(rule, one.report, open_ones.values(), standing)
        open_ones[entity_id] = one.report
        if found is not None:
            standing |= dict.fromkeys(found.joining, found.anchor)
            count = float(sum(1 for anchor in standing.values() if anchor == found.anchor))
            signal = Signal("raised" if found.is_new else "seen", to_microseconds(at), count, float(rule.at_least))
            yield Finding(AlarmKey(rule.code, found.anchor), signal)
