"""From what rules find to alarms that stand: deduplicated, described, told to those who watch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from vidik.context.jsonld import names
from vidik.context.store import entities as store
from vidik.kernel.clock import from_microseconds, now
from vidik.kernel.database import Connection
from vidik.operations import repository
from vidik.operations.alarm import Alarm, AlarmKey, Transition, clear_alarm, raise_alarm, see
from vidik.operations.entities import name_of, origin_of, unit_code_of
from vidik.operations.memory import Finding
from vidik.operations.messages import fill, unit_symbol
from vidik.operations.repository import Description
from vidik.operations.rules_model import AnyRule, Priority, QualityRule, SilenceRule
from vidik.operations.silence import GROUP


async def apply_findings(
    connection: Connection,
    rules: Mapping[str, AnyRule],
    findings: Sequence[Finding],
    services: Mapping[str, str] | None = None,
) -> None:
    """Move the alarms by what the rules found, in order, inside the caller's transaction.

    `services` gives the service of an expanded entity type, or of an entity that has no row, for rules that
    serve all.
    """
    if not findings:
        return
    moment = now()
    keys = {finding.key for finding in findings}
    standing: dict[AlarmKey, Alarm] = await repository.latest_alarms(connection, keys)
    known = await store.load(connection, sorted({key.entity_id for key in keys}))
    events: list[tuple[int, Transition]] = []
    changed: dict[AlarmKey, Alarm] = {}
    for finding in findings:
        key = finding.key
        rule = rules.get(key.rule)
        before = changed.get(key) or standing.get(key)
        after, transition = _move(before, rule, finding, moment)
        if after is None or after is before:
            continue
        if after.id is None:
            # The one before must be closed in the table first: only one may be open.
            if key in changed and changed[key] is not standing.get(key):
                await repository.update_alarm(connection, changed[key])
            row = known.get(key.entity_id)
            described = _describe(rule, after, row, services or {})
            after = replace(after, id=await repository.insert_alarm(connection, after, described))
            standing[key] = after
        changed[key] = after
        if transition is not None and after.id is not None:
            events.append((after.id, transition))
    for key, alarm in changed.items():
        if alarm is not standing.get(key):
            await repository.update_alarm(connection, alarm)
    await repository.append_events(connection, events, moment)


def _move(
    before: Alarm | None, rule: AnyRule | None, finding: Finding, moment: datetime
) -> tuple[Alarm | None, Transition | None]:
    signal = finding.signal
    observed_at = from_microseconds(signal.at)
    if signal.kind == "cleared":
        return clear_alarm(before, observed_at=observed_at, now=moment)
    if rule is None:
        return before, None
    if signal.kind == "seen" and before is not None:
        return see(before, value=signal.value, observed_at=observed_at, now=moment), None
    return raise_alarm(
        finding.key,
        before,
        priority=_priority(rule, finding.key),
        value=signal.value,
        threshold=signal.threshold,
        observed_at=observed_at,
        now=moment,
        reopen=rule.reopen,
    )


def _priority(rule: AnyRule, key: AlarmKey) -> Priority:
    if isinstance(rule, SilenceRule) and key.entity_id.startswith(GROUP):
        return rule.together_priority
    return rule.priority


def shown_attribute(rule: AnyRule | None, key: AlarmKey) -> str | None:
    """Return the short name of the attribute that an alarm is about, or None."""
    if rule is None or isinstance(rule, SilenceRule):
        return None
    return key.attribute if isinstance(rule, QualityRule) else rule.attribute


def _describe(
    rule: AnyRule | None, alarm: Alarm, row: store.EntityRow | None, services: Mapping[str, str]
) -> Description:
    attribute = shown_attribute(rule, alarm.key)
    document = row.document if row else {}
    unit = unit_symbol(unit_code_of(document, names.expand_attribute(attribute))) if attribute else None
    service = rule.service if rule else "all"
    if service == "all" and row is not None:
        service = next((services[one] for one in row.types if one in services), "all")
    elif service == "all":
        service = services.get(alarm.key.entity_id, "all")
    assert rule is not None  # noqa: S101  (only a rule raises)
    of_group = isinstance(rule, SilenceRule) and alarm.key.entity_id.startswith(GROUP)
    return Description(
        entity_name=service.capitalize() if of_group else name_of(alarm.key.entity_id, document),
        service=service,
        origin=origin_of(document),
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
    )


async def clear_alarms_of_gone_entities(connection: Connection, entity_ids: Iterable[str], moment: datetime) -> None:
    """Clear every open alarm of entities that were deleted."""
    gone = list(entity_ids)
    if not gone:
        return
    cleared = []
    for alarm in await repository.open_alarms_of_entities(connection, gone):
        after, transition = clear_alarm(alarm, observed_at=moment, now=moment)
        if after is not None and after.id is not None and transition is not None:
            await repository.update_alarm(connection, after)
            cleared.append((after.id, transition))
    await repository.append_events(connection, cleared, moment)
