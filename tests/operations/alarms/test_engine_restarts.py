"""Every process of the alarms killed and restarted in every state: the tables against the pure core, step by step.

The engine is the real one: readings through the store and the change stream, the consumer, the doors, the job of the
holds. Before any step its process may be killed (its transaction does not commit) and a new one finishes the work.
The mirror lives in memory, is never restarted, and knows the pure core alone.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from psycopg.conninfo import make_conninfo
from tests.conftest import Databases
from tests.console.conftest import DISPATCHER
from tests.operations.factories import a_target, store

from vidik.context.jsonld import names
from vidik.context.store import changes, entities
from vidik.context.store.changes import ChangeBatch
from vidik.kernel.clock import CITY_ZONE, from_microseconds, to_microseconds
from vidik.kernel.database import Connection, Database
from vidik.kernel.errors import Conflict, VidikError
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings
from vidik.operations import jobs
from vidik.operations.alarms import alarm as core
from vidik.operations.alarms import api, holds_api, repository, service, standing
from vidik.operations.alarms.alarm import Act, Alarm, AlarmState, Event, HoldKind
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
STATES: tuple[AlarmState, ...] = (
    "normal", "unacknowledged", "acknowledged", "returned_unacknowledged", "latched_unacknowledged",
    "latched_acknowledged", "shelved", "suppressed", "out_of_service",
)  # fmt: skip
WHOSE = st.sampled_from(KINDS)
HOW: st.SearchStrategy[HoldKind] = st.sampled_from(core.HOLD_KINDS)
KILLED = st.booleans()


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

    def hold(self, kind: HoldKind, key: AlarmKey | None, rule_code: str, begin: datetime, until: datetime) -> None:
        entity, attribute = (key.entity_id, key.attribute) if key else (None, None)
        at_once = begin == Restarts.clock
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


class Restarts(RuleBasedStateMachine):
    """The engine and its mirror, led through the same."""

    databases: Databases
    server_url: str
    data: Path
    clock = BEGIN

    def __init__(self) -> None:
        super().__init__()
        self.name = self.databases.take()
        self.engine = Engine(make_conninfo(self.server_url, dbname=self.name), self.data)
        self.mirror = Mirror()
        Restarts.clock = BEGIN
        self.read_at = BEGIN
        self.reached: set[AlarmState] = set()
        self.numbers: list[int] = []
        self.engine.do(self.engine.follow, killed=False)

    def close(self) -> None:
        self.engine.end()
        self.databases.discard(self.name)

    teardown = close

    @rule(whose=WHOSE, bad=st.booleans(), minutes=st.sampled_from([1, 10, 45]), killed=KILLED)
    def a_reading(self, whose: str, bad: bool, minutes: int = 1, killed: bool = False) -> None:
        self.read_at += timedelta(minutes=minutes)

        async def measured(services: Services) -> None:
            await store(services.database, TARGETS[whose], {"pressure": 60.0 if bad else 40.0}, self.read_at)

        self.engine.do(measured, killed=False)
        self._follow(killed)

    @rule(whose=WHOSE, killed=KILLED)
    def the_entity_goes(self, whose: str, killed: bool = False) -> None:
        async def gone(services: Services) -> None:
            async with services.database.transaction("city") as connection:
                await entities.delete(connection, [TARGETS[whose].entity_id])

        self.engine.do(gone, killed=False)
        self._follow(killed)

    def _follow(self, killed: bool) -> None:
        taken: list[ChangeBatch] = []

        async def follow(services: Services) -> None:
            taken.extend(await self.engine.follow(services))

        self.engine.do(follow, killed=killed)
        for batch in taken:
            self.mirror.take(batch, self.clock)

    @rule(whose=WHOSE, killed=KILLED)
    def a_person_acknowledges(self, whose: str, killed: bool = False) -> None:
        self._at_door(
            whose,
            killed,
            lambda number, _, connection: api.acknowledge(number, connection, DISPATCHER, None),
            lambda place: self.mirror.acknowledge(place, self.clock),
        )

    @rule(whose=WHOSE, killed=KILLED)
    def a_person_resets(self, whose: str, killed: bool = False) -> None:
        self._at_door(
            whose,
            killed,
            lambda number, _, connection: api.reset(number, connection, DISPATCHER, None),
            lambda place: self.mirror.reset(place, self.clock),
        )

    @rule(whose=WHOSE, how=HOW, hours=st.sampled_from([1, 3]), killed=KILLED)
    def a_person_hides(self, whose: str, how: HoldKind, hours: int = 1, killed: bool = False) -> None:
        until = self.clock + timedelta(hours=hours)

        def mirrored(place: int) -> None:
            key = self.mirror.alarms[place].key
            if self.mirror.held(how, key):
                raise Conflict("", code="already-hidden")
            self.mirror.hold(how, key, key.rule, self.clock, until)
            self.mirror.settle(self.clock)

        async def hide(number: int, services: Services, connection: Connection) -> Any:
            shelf = holds_api.Shelf(reason="радови", until=until)
            suppression = holds_api.Suppression(reason="радови", until=until)
            match how:
                case "shelved":
                    return await holds_api.shelve(number, shelf, connection, services, DISPATCHER)
                case "suppressed":
                    return await holds_api.suppress(number, suppression, connection, services, DISPATCHER)
            return await holds_api.take_out_of_service(number, suppression, connection, services, DISPATCHER)

        self._at_door(whose, killed, hide, mirrored)

    @rule(whose=WHOSE, how=HOW, killed=KILLED)
    def a_person_shows(self, whose: str, how: HoldKind, killed: bool = False) -> None:
        def mirrored(place: int) -> None:
            ended = self.mirror.held(how, self.mirror.alarms[place].key)
            if not ended:
                raise Conflict("", code="not-hidden")
            self.mirror.holds = [one for one in self.mirror.holds if one not in ended]
            self.mirror.settle(self.clock, ended)

        doors = {
            "shelved": holds_api.unshelve,
            "suppressed": holds_api.unsuppress,
            "out_of_service": holds_api.back_in_service,
        }
        self._at_door(
            whose,
            killed,
            lambda number, services, connection: doors[how](number, connection, services, DISPATCHER),
            mirrored,
        )

    @rule(whose=WHOSE, kind=st.sampled_from(["suppressed", "out_of_service"]), later=st.booleans(), killed=KILLED)
    def maintenance_is_planned(self, whose: str, kind: Any, later: bool = False, killed: bool = False) -> None:
        begin = self.clock + timedelta(hours=1) if later else self.clock
        until = begin + timedelta(hours=2)
        body = holds_api.Maintenance(
            kind=kind, rule=f"rule_{whose}", reason="радови", until=until, begins_at=begin if later else None
        )

        async def plan(services: Services) -> None:
            async with services.database.transaction("city") as connection:
                await holds_api.place_hold(body, connection, services, DISPATCHER)

        assert self.engine.do(plan, killed=killed) is None
        self.mirror.hold(kind, None, f"rule_{whose}", begin, until)
        self.mirror.settle(self.clock)

    # The clock of the machine is stepped, too: back by an hour, and forth by days.
    @rule(minutes=st.sampled_from([-60, -5, 7, 61, 200, 3000]), killed=KILLED)
    def time_passes(self, minutes: int, killed: bool = False) -> None:
        Restarts.clock += timedelta(minutes=minutes)

        async def look(services: Services) -> None:
            await jobs.look_at_holds(services, "city")

        self.engine.do(look, killed=killed)
        self.mirror.holds = [one for one in self.mirror.holds if one.until is None or one.until > self.clock]
        self.mirror.settle(self.clock)

    @rule()
    def every_process_restarts(self) -> None:
        self.engine.restart()

    def _at_door(
        self,
        whose: str,
        killed: bool,
        door: Callable[[int, Services, Connection], Awaitable[Any]],
        mirrored: Callable[[int], None],
    ) -> None:
        """Lead the newest alarm of a kind through a door, and the mirror's through the core."""
        place = self.mirror.place_of(KEYS[whose])
        if place is None:
            return

        async def knock(services: Services) -> None:
            async with services.database.transaction("city") as connection:
                await door(self.numbers[place], services, connection)

        refused = self.engine.do(knock, killed=killed)
        expected = None
        try:
            mirrored(place)
        except VidikError as error:
            expected = error.code
        assert refused == expected

    @invariant()
    def the_tables_say_what_the_core_says(self) -> None:
        self.numbers, alarms, events = self.engine.run(self.engine.stored())
        assert [replace(alarm, id=None) for alarm in alarms] == self.mirror.alarms
        assert events == self.mirror.events
        self.reached |= {alarm.state for alarm in alarms}

    @invariant()
    def the_story_of_each_alarm_has_no_gap(self) -> None:
        state: dict[int, AlarmState] = {}
        for place, event in self.mirror.events:
            assert event.before == state.get(place, "normal")
            state[place] = event.after
        for place, alarm in enumerate(self.mirror.alarms):
            assert alarm.state == state[place]


@pytest.fixture
def machine(
    databases: Databases, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Restarts]]:
    """The machine over databases of this server, its clock in the place of the wall's."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "model.yaml").write_text(RULES, encoding="utf-8")
    for module in (api, holds_api, jobs, service, standing):
        monkeypatch.setattr(module, "now", lambda: Restarts.clock)
    return type("Machine", (Restarts,), {"databases": databases, "server_url": server_url, "data": tmp_path})


def test_killed_and_restarted_on_the_way_to_every_state_and_in_it(machine: type[Restarts]) -> None:
    with contextlib.closing(machine()) as city:
        lead_through_every_state(city)


def lead_through_every_state(city: Restarts) -> None:
    def step(act: Callable[..., None], *how: Any, state: AlarmState, of: str = "plain") -> None:
        act(*how, killed=True)
        city.every_process_restarts()
        city.the_tables_say_what_the_core_says()
        city.the_story_of_each_alarm_has_no_gap()
        place = city.mirror.place_of(KEYS[of])
        assert (city.mirror.alarms[place].state if place is not None else "normal") == state

    step(city.a_reading, "plain", False, state="normal")
    step(city.a_reading, "plain", True, state="unacknowledged")
    step(city.a_reading, "plain", True, state="unacknowledged")
    step(city.a_person_acknowledges, "plain", state="acknowledged")
    step(city.a_person_acknowledges, "plain", state="acknowledged")  # refused: done before
    step(city.a_reading, "plain", True, state="acknowledged")
    step(city.a_reading, "plain", False, state="normal")
    step(city.a_reading, "plain", True, 45, state="unacknowledged")  # long after: a new one
    step(city.a_reading, "plain", False, state="returned_unacknowledged")
    step(city.a_reading, "plain", True, state="unacknowledged")  # soon after: the same
    step(city.a_person_hides, "plain", "shelved", 1, state="shelved")
    step(city.a_reading, "plain", True, state="shelved")
    step(city.time_passes, -60, state="shelved")  # the clock is set back: nothing ends, nothing begins
    step(city.time_passes, 200, state="unacknowledged")
    step(city.a_person_hides, "plain", "out_of_service", 3, state="out_of_service")
    step(city.a_reading, "plain", False, state="normal")
    step(city.a_reading, "plain", True, state="out_of_service")
    step(city.a_person_shows, "plain", "out_of_service", state="unacknowledged")
    step(city.a_reading, "source", True, state="suppressed")
    step(city.a_person_acknowledges, "plain", state="suppressed")  # refused: it calls nobody
    step(city.a_reading, "source", False, state="unacknowledged")
    step(city.the_entity_goes, "plain", state="normal")
    latching = {"of": "latching"}
    step(city.a_reading, "latching", True, state="unacknowledged", **latching)
    step(city.a_reading, "latching", False, state="latched_unacknowledged", **latching)
    step(city.a_person_acknowledges, "latching", state="latched_acknowledged", **latching)
    step(city.a_reading, "latching", True, state="unacknowledged", **latching)
    step(city.maintenance_is_planned, "latching", "suppressed", True, state="unacknowledged", **latching)
    step(city.time_passes, 61, state="suppressed", **latching)
    step(city.a_reading, "latching", False, state="suppressed", **latching)
    step(city.time_passes, 200, state="latched_unacknowledged", **latching)
    step(city.a_person_resets, "latching", state="returned_unacknowledged", **latching)
    step(city.a_person_acknowledges, "latching", state="normal", **latching)
    assert city.reached == set(STATES)


def test_killed_and_restarted_anywhere(machine: type[Restarts]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=30))
