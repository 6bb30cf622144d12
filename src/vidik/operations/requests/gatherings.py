"""Rules that look at requests: what has gathered raises an alarm, and becomes one incident with all its requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from vidik.kernel.clock import now, to_microseconds
from vidik.kernel.database import Connection
from vidik.kernel.settings import Settings
from vidik.operations.alarms import repository as alarms
from vidik.operations.alarms.service import apply_findings
from vidik.operations.incidents import repository as incidents_sql
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import VIDIK, Incident, Link
from vidik.operations.requests import repository
from vidik.operations.requests.services import RequestService, request_services
from vidik.operations.requests.suggesting import Where, suggest
from vidik.operations.rules.gathering import Gathering, Report, gather
from vidik.operations.rules.memory import Finding
from vidik.operations.rules.model import AnyRule, RequestsRule
from vidik.operations.rules.service import standing_rules
from vidik.operations.rules.signals import AlarmKey, Signal

_LATE = timedelta(hours=24)
"""A request that comes so long after it was sent is history: it raises nothing."""
_MOST_INCIDENTS = 1000


async def look_at(connection: Connection, settings: Settings, entity_ids: Sequence[str]) -> None:
    """Judge requests that are new (or about something else now) by the rules, the oldest first."""
    standing = await standing_rules(connection, settings)
    rules = {code: found.rule for code, found in standing.items()}
    counting = [rule for rule in rules.values() if isinstance(rule, RequestsRule) and rule.enabled]
    rows = await repository.find_many(connection, entity_ids) if counting else []
    moment = now()
    waiting = sorted(
        (repository.report_of(row) for row in rows if row["state"] in ("new", "in_work")),
        key=lambda report: (report.at, report.entity_id),
    )
    findings: list[Finding] = []
    raised: dict[AlarmKey, Incident] = {}
    for report in waiting:
        if moment - report.at > _LATE:
            continue
        for rule in counting:
            found = await _gathering(connection, rule, report)
            if found is None:
                continue
            count = await repository.join(connection, rule.code, found.anchor, found.joining)
            key = AlarmKey(rule.code, found.anchor)
            signal = Signal(
                "raised" if found.is_new else "seen", to_microseconds(report.at), float(count), float(rule.at_least)
            )
            findings.append(Finding(key, signal))
            if found.is_new and rule.incident is not None:
                services = request_services(settings.data)
                incident = await _running_one(connection, rule.incident, report, found, services)
                if incident is not None:
                    raised[key] = incident
    await _raise(connection, rules, findings, raised)


async def _gathering(connection: Connection, rule: RequestsRule, report: Report) -> Gathering | None:
    if report.service_code not in rule.service_codes:
        return None
    others = await repository.reports(connection, rule.service_codes, report.at - rule.within, report.at + rule.within)
    standing = await repository.gathered(connection, rule.code, [one.entity_id for one in others])
    return gather(rule, report, others, standing)


async def _running_one(
    connection: Connection, kind: str, report: Report, found: Gathering, services: Mapping[str, RequestService]
) -> Incident | None:
    """The incident that works on one of them already, or that a person would be proposed: one cause, one incident."""
    holders = await incidents_sql.holders(connection, "request", found.joining)
    held = await incidents_sql.find_many(connection, set(holders.values()))
    running = sorted((one for one in held if one.is_running), key=lambda one: one.id)
    if running:
        return running[0]
    open_ones = await incidents_sql.list_incidents(connection, state="open", limit=_MOST_INCIDENTS)
    where = Where(kind, report.place, report.at, report.exercise)
    proposed = suggest(where, services.get(report.service_code), open_ones)
    return proposed[0].incident if proposed else None


async def _raise(
    connection: Connection,
    rules: Mapping[str, AnyRule],
    findings: Sequence[Finding],
    raised: Mapping[AlarmKey, Incident],
) -> None:
    if not findings:
        return
    # Incidents are locked before alarms, as everywhere: two that wait for one another would both lose.
    for number in sorted({incident.id for incident in raised.values()}):
        await incidents.seen(connection, number, None)
    await apply_findings(connection, rules, findings)
    for key, alarm in (await alarms.latest_alarms(connection, set(raised))).items():
        incident = await incidents.get(connection, raised[key].id)
        if alarm.is_open and incident.is_running:
            await incidents.link(connection, incident.id, Link("alarm", str(alarm.id)), VIDIK)


async def link_gathered(connection: Connection) -> int:
    """Hang what gathered for an alarm on the incident of that alarm; returns how many requests that were."""
    found = await repository.to_link(connection)
    for row in found:
        await incidents.link(connection, row["incident"], Link("request", row["request"]), VIDIK)
    return len(found)


async def end_what_is_over(connection: Connection, settings: Settings, at: datetime) -> None:
    """Clear the alarms of gatherings of which no request is open any more."""
    over = await repository.over(connection)
    if not over:
        return
    standing = await standing_rules(connection, settings)
    rules = {code: found.rule for code, found in standing.items()}
    findings = []
    for row in over:
        await repository.dissolve(connection, row["rule"], row["anchor"])
        findings.append(Finding(AlarmKey(row["rule"], row["anchor"]), Signal("cleared", to_microseconds(at))))
    await apply_findings(connection, rules, findings)
