"""Every process of the alarms killed and restarted in every state: the tables against the pure core, step by step.

The engine is the real one: readings through the store and the change stream, the consumer, the doors, the job of the
holds. Before any step its process may be killed (its transaction does not commit) and a new one finishes the work.
The mirror lives in memory, is never restarted, and knows the pure core alone.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from psycopg.conninfo import make_conninfo
from tests.conftest import Databases
from tests.operations.alarms.restarting import BEGIN, KEYS, KINDS, RULES, TARGETS, Engine, Mirror
from tests.operations.factories import store
from tests.web import DISPATCHER

from vidik.context.store import entities
from vidik.context.store.changes import ChangeBatch
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, VidikError
from vidik.kernel.services import Services
from vidik.operations import jobs
from vidik.operations.alarms import alarm as core
from vidik.operations.alarms import api, holds_api, service, standing
from vidik.operations.alarms.alarm import AlarmState, HoldKind

STATES: tuple[AlarmState, ...] = (
    "normal", "unacknowledged", "acknowledged", "returned_unacknowledged", "latched_unacknowledged",
    "latched_acknowledged", "shelved", "suppressed", "out_of_service",
)  # fmt: skip
WHOSE = st.sampled_from(KINDS)
HOW: st.SearchStrategy[HoldKind] = st.sampled_from(core.HOLD_KINDS)
KILLED = st.booleans()


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
        self.mirror.hold(kind, None, f"rule_{whose}", begin, until, at_once=not later)
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
    run_state_machine_as_test(machine, settings=settings(max_examples=8, stateful_step_count=30))
