"""From what rules find to alarms that stand: deduplicated, described, told to those who watch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from vidik.context.jsonld import names
from vidik.context.store import entities as store
from vidik.context.store.states import EntityRow
from vidik.kernel.clock import from_microseconds, now
from vidik.kernel.database import Connection
from vidik.operations import twins
from vidik.operations.alarms import groups_repository, repository
from vidik.operations.alarms.alarm import Act, Alarm, Event, Terms, clear_alarm, raise_alarm, see
from vidik.operations.alarms.grouping import WITHIN, Candidate, GroupKind, gather
from vidik.operations.alarms.hiding import as_standing, holds_at, settled
from vidik.operations.alarms.holds import Hidden
from vidik.operations.alarms.repository import Description
from vidik.operations.alarms.silence import GROUP
from vidik.operations.entities import name_of, origin_of, related_to, unit_code_of
from vidik.operations.rules.memory import Finding
from vidik.operations.rules.messages import fill, unit_symbol
from vidik.operations.rules.model import (
    AbsenceRule,
    AnyRule,
    CombinationRule,
    GeofenceRule,
    QualityRule,
    RequestsRule,
    SilenceRule,
)
from vidik.operations.rules.signals import AlarmKey


async def apply_findings(
    connection: Connection,
    rules: Mapping[str, AnyRule],
    findings: Sequence[Finding],
    services: Mapping[str, str] | None = None,
    gone: Collection[str] = (),
) -> None:
    """Move the alarms by what the rules found, in order, inside the caller's transaction.

    `services` gives the service of an expanded entity type, or of an entity that has no row, for rules that
    serve all. `gone` are entities that were deleted: every alarm of theirs ends.
    """
    if not findings and not gone:
        return
    await repository.lock_alarms(connection)
    moment = now()
    events = await _move_all(connection, rules, findings, services or {}, moment) if findings else []
    ended = []
    for alarm in await repository.open_alarms_of_entities(connection, gone) if gone else []:
        after, event = clear_alarm(alarm, observed_at=moment, act=Act("gone", moment))
        if after is not None and after.id is not None and event is not None:
            ended.append(after)
            events.append((after.id, event))
    await repository.update_alarms(connection, ended)
    await _gather_raised(connection, rules, [number for number, event in events if event.transition == "raised"])
    await repository.append_events(connection, events)


async def _gather_raised(connection: Connection, rules: Mapping[str, AnyRule], raised: Sequence[int]) -> None:
    if not raised:
        return
    rows = await repository.alarm_rows(connection, sorted(set(raised)))
    by: dict[str, GroupKind | None] = {
        code: None if rule.group == "alone" else rule.group for code, rule in rules.items()
    }
    fresh = [
        Candidate(
            row["id"],
            row["service"],
            frozenset(row["related"]),
            row["observed_at"],
            by.get(row["rule"]),
            row["exercise_id"],
        )
        for row in rows
        if row["alarm_group"] is None and row["hidden_by"] is None
    ]
    if not fresh:
        return
    services = {candidate.service for candidate in fresh}
    begin = min(candidate.observed_at for candidate in fresh) - WITHIN
    end = max(candidate.observed_at for candidate in fresh) + WITHIN
    near = await groups_repository.lone_alarms(connection, services, begin, end, by)
    groups = await groups_repository.groups_near(connection, services, begin, end)
    await groups_repository.write_groups(connection, gather(fresh, near, groups))


async def _move_all(
    connection: Connection,
    rules: Mapping[str, AnyRule],
    findings: Sequence[Finding],
    services: Mapping[str, str],
    moment: datetime,
) -> list[tuple[int, Event]]:
    keys = {finding.key for finding in findings}
    standing: dict[AlarmKey, Alarm] = await repository.latest_alarms(connection, keys)
    known = await store.load(connection, sorted({key.entity_id for key in keys}))
    holds = await holds_at(connection, rules, moment)
    events: list[tuple[int, Event]] = []
    changed: dict[int, Alarm] = {}
    # Until they are written together, new alarms are numbered -1, -2 and so on.
    fresh: list[Description] = []
    # What inhibits comes first: what it inhibits in the same batch then calls nobody.
    for finding in sorted(findings, key=lambda finding: finding.key.rule not in holds.inhibiting):
        key = finding.key
        rule = rules.get(key.rule)
        before = standing.get(key)
        row = known.get(key.entity_id)
        service = _service_of(rule, key, row, services)
        related = related_to(row.document) if row else frozenset()
        after, event = _move(before, rule, finding, holds.of(key, service, related), moment)
        if after is None or after is before:
            continue
        if after.id is None:
            fresh.append(_describe(rule, after, row, service, related))
            after = replace(after, id=-len(fresh))
        assert after.id is not None  # noqa: S101  (read from the table, or numbered above)
        standing[key] = changed[after.id] = after
        holds.see(as_standing(after, service, related))
        if event is not None:
            events.append((after.id, event))
    # Only one alarm of a key may be open: those before the new ones are closed first.
    await repository.update_alarms(connection, [alarm for number, alarm in changed.items() if number > 0])
    numbers = await repository.insert_alarms(
        connection, [(changed[-place], described) for place, described in enumerate(fresh, start=1)]
    )
    events = [(number if number > 0 else numbers[-number - 1], event) for number, event in events]
    if any(alarm.key.rule in holds.inhibiting for alarm in changed.values()):
        events += await settled(connection, rules, moment)
    return events


def _move(
    before: Alarm | None, rule: AnyRule | None, finding: Finding, hidden: Hidden | None, moment: datetime
) -> tuple[Alarm | None, Event | None]:
    signal = finding.signal
    observed_at = from_microseconds(signal.at)
    if signal.kind == "cleared":
        return clear_alarm(before, observed_at=observed_at, act=Act("reading", moment))
    if rule is None:
        return before, None
    if signal.kind == "seen" and before is not None:
        return see(before, value=signal.value, observed_at=observed_at, now=moment), None
    return raise_alarm(
        finding.key,
        before,
        terms=terms_of(rule, finding.key),
        value=signal.value,
        threshold=signal.threshold,
        observed_at=observed_at,
        now=moment,
        hidden_by=hidden.kind if hidden else None,
    )


def terms_of(rule: AnyRule, key: AlarmKey) -> Terms:
    """Return what a rule asks of its alarm of this key."""
    of_group = isinstance(rule, SilenceRule) and key.entity_id.startswith(GROUP)
    priority = rule.together_priority if isinstance(rule, SilenceRule) and of_group else rule.priority
    return Terms(priority, rule.reopen, rule.latching, rule.ask_on_return)


def _service_of(rule: AnyRule | None, key: AlarmKey, row: EntityRow | None, services: Mapping[str, str]) -> str:
    service = rule.service if rule else "all"
    if service != "all":
        return service
    if row is not None:
        return next((services[one] for one in row.types if one in services), "all")
    return services.get(key.entity_id, "all")


def shown_attribute(rule: AnyRule | None, key: AlarmKey) -> str | None:
    """Return the short name of the attribute that an alarm is about, or None."""
    if rule is None or isinstance(rule, SilenceRule | RequestsRule):
        return None
    return key.attribute if isinstance(rule, QualityRule) else rule.attribute


def _describe(
    rule: AnyRule | None, alarm: Alarm, row: EntityRow | None, service: str, related: frozenset[str]
) -> Description:
    attribute = shown_attribute(rule, alarm.key)
    document = row.document if row else {}
    has_unit = attribute is not None and not isinstance(rule, AbsenceRule | GeofenceRule | CombinationRule)
    unit = unit_symbol(unit_code_of(document, names.expand_attribute(attribute))) if attribute and has_unit else None
    assert rule is not None  # noqa: S101  (only a rule raises)
    of_group = isinstance(rule, SilenceRule) and alarm.key.entity_id.startswith(GROUP)
    exercise = twins.exercise_of(alarm.key.entity_id)
    return Description(
        entity_name=service.capitalize() if of_group else name_of(alarm.key.entity_id, document),
        service=service,
        origin=twins.ORIGIN if exercise is not None else origin_of(document),
        exercise_id=exercise,
        message=fill(
            rule.together_message if isinstance(rule, SilenceRule) and of_group else rule.message,
            value=alarm.value,
            threshold=alarm.threshold,
            unit=unit,
            hold=rule.hold,
            attribute=attribute or "",
        ),
        shown_attribute=attribute,
        unit=unit,
        related=related,
    )
