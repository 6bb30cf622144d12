"""Trying rules against history: read day by day, judged in a thread, at once or as a job with its progress."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson

from vidik.context.jsonld import names
from vidik.context.store import history
from vidik.context.store.changes import Change
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.history import Series
from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.database import Connection, Database
from vidik.kernel.errors import BadInput, Conflict
from vidik.kernel.heavy import worked_out
from vidik.kernel.logs import get_logger
from vidik.operations.alarms import repository
from vidik.operations.alarms.performance import A_DAY, FLOOD
from vidik.operations.entities import name_of, value_of
from vidik.operations.rule_changes import requests_trial, trials_repository
from vidik.operations.rule_changes.trial import Trial
from vidik.operations.rules.fences import place_of
from vidik.operations.rules.model import AnyRule, QualityRule, RequestsRule, SilenceRule, TriableRule
from vidik.operations.rules.rulebook import read_rule
from vidik.operations.rules.service import definition_of
from vidik.operations.rules.signals import Sample

AT_ONCE = 50_000
"""So many values are tried while the person waits; more are a job."""
GUARDED_DAYS = 7
_FIGURES = ("from", "until", "alarms", "calls", "most_in_10_minutes", "worst_10_minutes_at", "most_in_a_day")
_DAY = timedelta(days=1)
_WORDS_ONLY = frozenset(
    {"title", "message", "advice", "service", "priority", "rationalisation", "latching", "ask_on_return", "group"}
)
_log = get_logger("vidik.operations")
Progress = Callable[[int, int], Awaitable[None]]


class RuleWouldFlood(Conflict):
    """A rule would have called more than an operator can follow; `values` are the figures of its dry run."""

    default_code = "rule-would-flood"

    def __init__(self, detail: str, values: Mapping[str, Any]) -> None:
        super().__init__(detail, field="confirm_flood")
        self.values = {**values, "at_most_in_10_minutes": FLOOD, "at_most_in_a_day": A_DAY}

    def problem(self) -> dict[str, Any]:
        """The problem-details object with the figures."""
        return super().problem() | {"values": self.values}


@dataclass(frozen=True, slots=True)
class Past:
    """What history has for a rule: its entities (id, types, name, where it stands) and their series."""

    entities: Mapping[str, tuple[tuple[str, ...], str, Sample | None]]
    series: Sequence[Series]


def triable(rule: AnyRule) -> TriableRule:
    """Return a rule that history can answer for; raises BadInput for the others."""
    if isinstance(rule, QualityRule):
        raise BadInput("History keeps no refused values, so a rule on quality cannot be tried.", field="kind")
    if isinstance(rule, SilenceRule):
        raise BadInput("Silence goes by the clock on the wall and cannot be tried against history.", field="kind")
    return rule


async def past_of(connection: Connection, rule: TriableRule) -> Past:
    """Return the entities and series that a rule looks at; one on requests looks at no series."""
    if isinstance(rule, RequestsRule):
        return Past({}, [])
    types = [names.expand_type(name) for name in rule.entity_types]
    trial = Trial(rule, CITY_ZONE)
    entities = {}
    attributes: set[str] = set()
    for row in await repository.entities_of_types(connection, types):
        watched = trial.memory.book.watched(tuple(row["types"]), row["id"])
        if watched is None:
            continue
        attributes |= set(watched.names)
        place = place_of(value_of(row["document"], names.LOCATION))
        stands = Sample(place, 0) if place is not None else None
        entities[row["id"]] = (tuple(row["types"]), name_of(row["id"], row["document"]), stands)
    if not entities:
        return Past({}, [])
    # What is absent shows only by what comes instead.
    wanted = None if rule.kind == "absence" else sorted(attributes)
    found = await history.series_of(connection, sorted(entities), wanted)
    return Past(entities, [series for series in found if not series.dataset])


async def try_rule(
    database: Database, tenant: str, rule: TriableRule, begin: datetime, end: datetime, progress: Progress | None = None
) -> dict[str, Any]:
    """Return what a rule would have raised between two times; `progress` is told days done and days in all."""
    if isinstance(rule, RequestsRule):
        return await requests_trial.try_rule(database, tenant, rule, begin, end)
    async with database.session(tenant) as connection:
        past = await past_of(connection, rule)
    trial = Trial(rule, CITY_ZONE)
    for entity_id, (types, _, stands) in past.entities.items():
        trial.begin(entity_id, types, {"location": stands} if stands is not None else {})
    days = _days(begin, end)
    for done, (start, stop) in enumerate(days, start=1):
        if past.series:
            async with database.session(tenant) as connection:
                rows = await history.read(connection, [one.number for one in past.series], start, stop)
            await worked_out(_judge, trial, past, rows)
        if progress is not None:
            await progress(done, len(days))
    return trial.result(begin, end, {entity_id: name for entity_id, (_, name, _) in past.entities.items()})


def _judge(trial: Trial, past: Past, rows: Mapping[int, SeriesRows]) -> None:
    trial.take(changes_of(past, rows))


def changes_of(past: Past, rows: Mapping[int, SeriesRows]) -> Iterator[Change]:
    """Yield what history has as the change stream told it: by time, values of an entity at one time together."""
    held = [(series, rows[series.number]) for series in past.series if len(rows.get(series.number, ()))]
    if not held:
        return
    times = np.concatenate([found.times for _, found in held])
    owners = np.repeat(np.arange(len(held)), [len(found) for _, found in held])
    places = np.concatenate([np.arange(len(found)) for _, found in held])
    entity_of = {entity_id: number for number, entity_id in enumerate(past.entities)}
    entities = np.array([entity_of[series.entity_id] for series, _ in held])[owners]
    order = np.lexsort((owners, entities, times))
    change: Change | None = None
    newest = None
    for index in order.tolist():
        series, found = held[owners[index]]
        at, place = int(times[index]), int(places[index])
        if newest != (at, series.entity_id):
            if change is not None:
                yield change
            newest = (at, series.entity_id)
            change = Change(series.entity_id, past.entities[series.entity_id][0], "updated", {})
        if change is not None:
            change.attributes[series.attribute] = (_value(found, place), at)
    if change is not None:
        yield change


def _value(rows: SeriesRows, place: int) -> Any:
    text = rows.json.get(place)
    if text is None:
        return float(rows.numbers[place])
    instance = orjson.loads(text)
    return instance.get("value", instance.get("object")) if isinstance(instance, dict) else None


def _days(begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    days = []
    while begin < end:
        days.append((begin, min(begin + _DAY, end)))
        begin += _DAY
    return days


async def refuse_a_flood(
    database: Database, tenant: str, before: AnyRule | None, rule: AnyRule, moment: datetime
) -> None:
    """Raise Conflict when a rule that judges otherwise than before would have flooded its operator last week.

    With very many values the look goes less far back; what history cannot answer for is let through. It takes
    connections of its own: whoever asks must hold none.
    """
    if not rule.enabled or isinstance(rule, QualityRule | SilenceRule) or not _judges_otherwise(before, rule):
        return
    begin = moment - GUARDED_DAYS * _DAY
    async with database.session(tenant) as connection:
        numbers = [one.number for one in (await past_of(connection, rule)).series]
        for days in range(GUARDED_DAYS, 0, -1):
            begin = moment - days * _DAY
            if await trials_repository.count_values(connection, numbers, begin, moment) <= AT_ONCE:
                break
    result = await try_rule(database, tenant, rule, begin, moment)
    if result["would_flood"]:
        raise RuleWouldFlood(
            f"In the last {(moment - begin).days} days this rule would have called {result['calls']} times: at most"
            f" {result['most_in_10_minutes']} in ten minutes and {result['most_in_a_day']} in a day, where {FLOOD} and"
            f" {A_DAY} are the most. Change it, or send confirm_flood to have it all the same.",
            {name: result[name] for name in _FIGURES},
        )


def _judges_otherwise(before: AnyRule | None, after: AnyRule) -> bool:
    if before is None or not before.enabled:
        return True
    one, other = definition_of(before), definition_of(after)
    return any(one.get(name) != other.get(name) for name in (one.keys() | other.keys()) - _WORDS_ONLY)


async def work_trials_off(database: Database, tenant: str, moments: Callable[[], datetime]) -> None:
    """Do every trial that waits, or that a worker left behind, one after another."""
    async for row in _waiting(database, tenant, moments):
        number = row["id"]

        async def progress(done: int, of_steps: int, number: Any = number) -> None:
            async with database.transaction(tenant) as connection:
                await trials_repository.advance(connection, number, done, of_steps, moments())

        try:
            rule = triable(read_rule(row["definition"]))
            result = await try_rule(database, tenant, rule, row["begins_at"], row["ends_at"], progress)
        except BadInput as error:
            result = {"error": error.detail}
        except Exception:
            _log.exception("a rule could not be tried", trial=str(number))
            result = {"error": f"It could not be computed. The log names trial {number}."}
        async with database.transaction(tenant) as connection:
            await trials_repository.finish(connection, number, result, moments())


async def _waiting(database: Database, tenant: str, moments: Callable[[], datetime]) -> AsyncIterator[dict[str, Any]]:
    while True:
        async with database.transaction(tenant) as connection:
            row = await trials_repository.take(connection, moments())
        if row is None:
            return
        yield row
