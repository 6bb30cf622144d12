"""Watching a pilot: computed up to yesterday, its data compared with the freeze, its events put to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.rows import DictRow

from vidik.kernel.database import Connection
from vidik.kernel.scripts import three_scripts
from vidik.pilots.ledger.decision import decide
from vidik.pilots.ledger.payback import cost_of
from vidik.pilots.ledger.worth import worth
from vidik.pilots.outcome import BLOCKING, Finding, Outcome
from vidik.pilots.plain import plain
from vidik.pilots.plans import data as plan_data
from vidik.pilots.plans import repository
from vidik.pilots.plans.data import Data
from vidik.pilots.plans.freezing import Standing, replaced_signals
from vidik.pilots.plans.overlaps import share_of
from vidik.pilots.plans.service import digests_of
from vidik.pilots.specification import Specification

SAME_EVENT_DAYS = 10
"""An event whose day moves by less when more data has come is the same event."""
EVENT_CODES = frozenset({"step", "slow_drift", "weekly_pattern_changed", "metering-step", "standstill"} | BLOCKING)
SUFFICIENCY_CODES = frozenset({"no-data", "placebos-few", "few_placebos", "few_weeks", "single_series_weak"})
_OF_PERIODS = ("baseline-", "reporting-")


def last_day(specification: Specification, today: date) -> date:
    """Up to which day a pilot can be evaluated: yesterday, or the end of its reporting period."""
    return min(specification.reporting.last, today - timedelta(days=1))


def changes_since_freeze(row: DictRow, standing: Standing, before: Data) -> list[dict[str, Any]]:
    """The signals whose baseline data is not what it was at the freeze, with a sentence about each.

    `before` must be read up to the same day as at the freeze: how gaps are bridged depends on what follows them.
    """
    then, until = digests_of(row, standing)
    now = plan_data.digests(before, until) if then else {}
    changed = []
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            changed.append({"signal": name, "then": then.get(name), "now": now.get(name), "sentence": _changed(name)})
    first = dict(row["digests"])
    return changed + [
        {
            "signal": name,
            "then": first.get(name),
            "now": now.get(name),
            "amendment": number,
            "sentence": _replaced(name, number),
        }
        for name, number in replaced_signals(standing)
    ]


def result_of(
    specification: Specification, outcome: Outcome, changes: Sequence[Mapping[str, Any]], head: str
) -> dict[str, Any]:
    """What is kept of a computation, plain."""
    priced = worth(specification, outcome, share_of(specification))
    return {
        "outcome": plain(outcome),
        "money": plain(priced.plain_money()),
        "tonnes": plain(priced.tonnes),
        "cost": plain(cost_of(specification, outcome, priced)),
        "sufficiency": [plain(one) for one in outcome.findings if is_sufficiency(one)],
        "changes": list(changes),
        "rule_decision": decide(specification.decision, outcome),
        "head": head,
    }


def is_event(finding: Finding) -> bool:
    """Whether a finding is something that a person must say about whether it belongs to the pilot."""
    return finding.code in EVENT_CODES


def is_sufficiency(finding: Finding) -> bool:
    """Whether a finding is about how much data there is."""
    of_period = finding.code.startswith(_OF_PERIODS) and not is_event(finding)
    return of_period or finding.code in SUFFICIENCY_CODES


async def ask_about_events(connection: Connection, plan: int, findings: Sequence[Finding], moment: datetime) -> None:
    """Keep events that were not known before; each waits for a person's answer."""
    known = [row["finding"] for row in await repository.events_of(connection, plan)]
    new = [plain(one) for one in findings if is_event(one) and not any(_is_same(one, before) for before in known)]
    await repository.insert_events(connection, plan, new, moment)


def _is_same(finding: Finding, before: Mapping[str, Any]) -> bool:
    if finding.code != before["code"] or finding.subject != before["subject"]:
        return False
    if finding.first is None or before["first"] is None:
        return finding.first is None and before["first"] is None
    return abs((finding.first - date.fromisoformat(before["first"])).days) <= SAME_EVENT_DAYS


def _replaced(signal: str, amendment: int) -> dict[str, str]:
    return three_scripts(
        f"Amendment {amendment} put other baseline data of {signal} in the place of those that were signed: the same "
        "days have other numbers. Compare both before you believe the saving.",
        f"Допуна {amendment} је за {signal} уместо потписаних података основног периода донела друге: исти дани имају "
        "друге бројеве. Упоредите их пре него што поверујете уштеди.",
    )


def _changed(signal: str) -> dict[str, str]:
    return three_scripts(
        f"The baseline data of {signal} changed after the freeze: its fingerprint is no longer the one that was "
        "signed. Find out who corrected it and why, and amend the plan; until then the saving rests on other data.",
        f"Подаци основног периода за {signal} промењени су после закључавања: њихов отисак више није онај који је "
        "потписан. Утврдите ко их је исправио и зашто, и допуните план; дотле уштеда почива на другим подацима.",
    )
