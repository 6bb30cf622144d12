"""The engine of alarms whose process can be killed at any time, and its mirror in memory: the pure core alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.operations.factories import a_target
from tests.web import DISPATCHER

from vidik.context.jsonld import names
from vidik.context.store import changes
from vidik.context.store.changes import ChangeBatch
from vidik.kernel.clock import CITY_ZONE, from_microseconds, to_microseconds
from vidik.kernel.database import Connection, Database
from vidik.kernel.errors import VidikError
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings
from vidik.operations.alarms import alarm as core
from vidik.operations.alarms import repository, service
from vidik.operations.alarms.alarm import Act, Alarm, Event, HoldKind
from vidik.operations.alarms.consumer import AlarmConsumer
from vidik.operations.alarms.hiding import as_standing
from vidik.operations.alarms.holds import Hold, Holds
from vidik.operations.rules.memory import Finding, Memory
from vidik.operations.rules.rulebook import RuleBook, read_rules
from vidik.operations.rules.signals import AlarmKey

KINDS = ("plain", "latching", "quiet", "source")
RULES = """
- {code: rule_plain, kind: threshold, service: water, priority: high, entity_types: [PlainThing],
   attribute: pressure, above: 50, clear: 47, group: alone, reopen: 30m,
   inhibited_by: [{rule: rule_source, at: city}], title: {en: x, sr: х}, message: {en: x, sr: х}}
- {code: rule_latching, kind: threshold, service: water, priority: high, entity_types: [LatchingThing],
   attribute: pressure, above: 50, clear: 47, group: alone, reopen: 30m, latching: true,
   inhibited_by: [{rule: rule_source, at: city}], title: {en: x, sr: х}, message: {en: x, sr: х}}
- {code: rule_quiet, kind: threshold, service: water, priority: low, entity_types: [QuietThing],
   attribute: pressure, above: 50, clear: 47, group: alone, reopen: 30m, ask_on_return: false,
   title: {en: x, sr: х}, message: {en: x, sr: х}}
- {code: rule_source, kind: threshold, service: water, priority: critical, entity_types: [SourceThing],
   attribute: pressure, above: 50, clear: 47, group: alone, reopen: 30m,
   title: {en: x, sr: х}, message: {en: x, sr: х}}
"""
BOOK = {one.code: one for one in read_rules(RULES, "the test's rules")}
TARGETS = {kind: a_target(f"urn:ngsi-ld:Thing:nis:{kind}", f"{kind.capitalize()}Thing") for kind in KINDS}
KEYS = {kind: AlarmKey(f"rule_{kind}", TARGETS[kind].entity_id, "") for kind in KINDS}
BEGIN = datetime(2026, 1, 15, 10, tzinfo=UTC)


class Killed(Exception):
    """The process is gone before its commit."""


class DyingDatabase(Database):
    """The database as a process sees it that is killed before any transaction commits."""

    @contextlib.asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[Connection]:
        async with super().transaction(tenant) as connection:
            yield connection
            raise Killed


class Mirror:
    """What the pure core makes of the same: all in memory, nothing is ever restarted."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        self.events: list[tuple[int, Event]] = []
        self.holds: list[Hold] = []
        self.memory = Memory(RuleBook(BOOK, names.expand_type, names.expand_attribute), names.compact, CITY_ZONE)

    def place_of(self, key: AlarmKey) -> int | None:
        """Where the newest alarm of a key stands."""
        return max((place for place, alarm in enumerate(self.alarms) if alarm.key == key), default=None)

    def take(self, batch: ChangeBatch, moment: datetime) -> None:
        for finding in self.memory.take(batch.changes, to_microseconds(batch.recorded_at)):
            self._move(finding, moment)
        for gone in [change.entity_id for change in batch.changes if change.operation == "deleted"]:
            for place, alarm in enumerate(self.alarms):
                if alarm.key.entity_id == gone:
                    after, event = core.clear_alarm(alarm, observed_at=moment, act=Act("gone", moment))
                    assert after is not None
                    self._keep(place, after, event)

    def _move(self, finding: Finding, moment: datetime) -> None:
        key, signal = finding.key, finding.signal
        place = self.place_of(key)
        before = self.alarms[place] if place is not None else None
        hidden = self.holding(moment).of(key, "water", frozenset())
        at = from_microseconds(signal.at)
        after: Alarm | None
        if signal.kind == "cleared":
            after, event = core.clear_alarm(before, observed_at=at, act=Act("reading", moment))
        elif signal.kind == "seen" and before is not None:
            after, event = core.see(before, value=signal.value, observed_at=at, now=moment), None
        else:
            after, event = core.raise_alarm(
                key,
                before,
                terms=service.terms_of(BOOK[key.rule], key),
                value=signal.value,
                threshold=signal.threshold,
                observed_at=at,
                now=moment,
                hidden_by=hidden.kind if hidden else None,
            )
        if after is None or after is before:
            return
        is_new = before is None or (event is not None and event.before == "normal" and after.count == 1)
        self._keep(len(self.alarms) if is_new or place is None else place, after, event)
        if key.rule == "rule_source":
            self.settle(moment)

    def holding(self, moment: datetime) -> Holds:
        active = [as_standing(one, "water", frozenset()) for one in self.alarms if one.is_open and one.is_active]
        return Holds(self.holds, BOOK, active, moment, CITY_ZONE)

    def settle(self, moment: datetime, ended: Sequence[Hold] = ()) -> None:
        holding = self.holding(moment)
        for place, alarm in enumerate(self.alarms):
            if not alarm.is_open and alarm.state != "returned_unacknowledged":
                continue
            hidden = holding.of(alarm.key, "water", frozenset())
            act = Act("design" if alarm.hidden_by == "suppressed" else "time", moment)
            if hidden is not None:
                act = hidden.act
            elif any(hold.covers(alarm.key) for hold in ended):
                act = Act("person", moment, DISPATCHER.name)
            self._keep(place, *core.settle_alarm(alarm, hidden.kind if hidden else None, act))

    def acknowledge(self, place: int, moment: datetime) -> None:
        said = core.acknowledge_alarm(self.alarms[place], person=DISPATCHER.name, note=None, now=moment)
        self._keep(place, *said)

    def reset(self, place: int, moment: datetime) -> None:
        self._keep(place, *core.reset_alarm(self.alarms[place], Act("person", moment, DISPATCHER.name)))

    def hold(
        self,
        kind: HoldKind,
        key: AlarmKey | None,
        rule_code: str,
        begin: datetime,
        until: datetime,
        at_once: bool = True,
    ) -> None:
        entity, attribute = (key.entity_id, key.attribute) if key else (None, None)
        said = (kind, rule_code, entity, attribute, begin, until, "радови", DISPATCHER.name, at_once)
        self.holds.append(Hold(len(self.holds) + 1, *said))

    def held(self, kind: HoldKind, key: AlarmKey) -> list[Hold]:
        return [one for one in self.holds if one.kind == kind and (one.rule, one.entity_id, one.attribute) == key]

    def _keep(self, place: int, after: Alarm, event: Event | None) -> None:
        self.alarms[place : place + 1] = [after]
        if event is not None:
            self.events.append((place, event))


class Engine:
    """The real thing over one database; its process can be killed and begun anew at any time."""

    def __init__(self, url: str, data: Path) -> None:
        self.settings = Settings(data=data, database_url=url, tenant="city")
        self._url = url
        self._loop = asyncio.Runner()
        self._database = Database(url, max_size=2)
        self._consumer = AlarmConsumer()
        self.run(self._database.open())

    def run(self, work: Any) -> Any:
        return self._loop.run(work)

    def end(self) -> None:
        self.run(self._database.close())
        self._loop.close()

    def restart(self) -> None:
        self.run(self._database.close())
        self._database = Database(self._url, max_size=2)
        self._consumer = AlarmConsumer()
        self.run(self._database.open())

    def _dying(self) -> Services:
        return Services(self.settings, DyingDatabase(self._url, max_size=2))

    def do(self, work: Callable[[Services], Awaitable[Any]], *, killed: bool) -> str | None:
        """Do some work, killed before its commit first if so; returns the code of its refusal."""
        if killed:
            self.run(self._until_killed(work))
            self.restart()
        try:
            self.run(work(Services(self.settings, self._database)))
        except VidikError as refused:
            return refused.code
        return None

    async def _until_killed(self, work: Callable[[Services], Awaitable[Any]]) -> None:
        services = self._dying()
        await services.database.open()
        with contextlib.suppress(Killed, VidikError):
            await work(services)
        await services.database.close()

    async def follow(self, services: Services) -> list[ChangeBatch]:
        """What the worker does with the next batches; returns those that it has taken."""
        taken = []
        while True:
            async with services.database.transaction("city") as connection:
                position = await changes.cursor_of(connection, AlarmConsumer.name)
                batches = await changes.read_after(connection, position, 1)
                if not batches:
                    return taken
                await self._consumer.handle(services, "city", connection, batches[0])
                await changes.move_cursor(connection, AlarmConsumer.name, batches[0].position)
            taken += batches

    async def stored(self) -> tuple[list[int], list[Alarm], list[tuple[int, Event]]]:
        """The numbers of alarms, the alarms, and what happened to them (by their place)."""
        async with self._database.session("city") as connection:
            cursor = await connection.execute(f"{repository.ALARM_COLUMNS} ORDER BY id")
            rows = await cursor.fetchall()
            cursor = await connection.execute("SELECT * FROM alarm_event ORDER BY id")
            numbers = [row["id"] for row in rows]
            alarms = [repository.to_alarm(row) for row in rows]
            assert [alarm.state for alarm in alarms] == [row["state"] for row in rows]
            events = [
                (
                    numbers.index(row["alarm"]),
                    Event(
                        row["transition"],
                        row["state_before"],
                        row["state_after"],
                        Act(row["cause"], row["at"], row["person"], row["reason"]),
                    ),
                )
                for row in await cursor.fetchall()
            ]
        return numbers, alarms, events
