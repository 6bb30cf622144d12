"""The schedule's promises for every order of events: one at a time, in order, everybody's turn comes."""

from hypothesis import given
from hypothesis import strategies as st

from vidik.context.subscriptions.schedule import (
    AT_ONCE,
    AT_ONCE_TO_ONE,
    FAILING_AT_ONCE,
    LINGERING_AT_ONCE,
    Line,
    Schedule,
    pause_after,
)

ORIGINS = ("a", "b")


def origin_of(key: int) -> str:
    return ORIGINS[key % 2]


class Post:
    """What the deliverer does, without a network: owed numbers, taken in order, given up never."""

    def __init__(self) -> None:
        self.schedule = Schedule()
        self.owed: dict[int, list[int]] = {}
        self.delivered: dict[int, list[int]] = {}
        self.under_way: list[Line] = []
        self.time = 0.0

    def owe(self, key: int) -> None:
        self.owed.setdefault(key, []).append(len(self.owed.get(key, ())))
        self.schedule.owe(key, origin_of, self.time)

    def take_turns(self) -> None:
        for line in self.schedule.pick(self.time):
            if line.sent_to < len(self.owed[line.key]):
                self.under_way.append(line)
            else:
                self.schedule.rest(line, origin_of, self.time)

    def answer(self, what: str) -> None:
        line = self.under_way.pop(0)
        if what == "done":
            self.delivered.setdefault(line.key, []).append(self.owed[line.key][line.sent_to])
            line.sent_to += 1
            line.has_more = line.has_more or line.sent_to < len(self.owed[line.key])
            self.schedule.done(line, origin_of, self.time)
        elif what == "refused":
            self.schedule.refused(line, self.time, None)
        elif what == "unreachable":
            self.schedule.unreachable(line, self.time, None)
        elif what == "broken":
            self.schedule.put_back(line, origin_of, self.time)
        else:
            self.under_way.insert(0, line)
            self.schedule.linger(line)

    def move(self, key: int) -> None:
        """Its subscription goes elsewhere from now on."""
        line = self.schedule.lines.get(key)
        if line is not None and line.is_queued:
            self.schedule.readdress(line, lambda _: "c", self.time)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("owe"), st.integers(0, 4)),
        st.tuples(st.sampled_from(("done", "refused", "unreachable", "broken", "linger")), st.just(0)),
        st.tuples(st.just("move"), st.integers(0, 4)),
        st.tuples(st.just("wait"), st.integers(1, 70)),
    ),
    max_size=80,
)


@given(steps)
def test_whatever_happens_everything_is_delivered_once_and_in_order(script: list[tuple[str, int]]) -> None:
    post = Post()
    for what, number in script:
        if what == "owe":
            post.owe(number)
        elif what == "wait":
            post.time += number
        elif what == "move":
            post.move(number)
        elif post.under_way:
            post.answer(what)
        post.take_turns()
        keys = [line.key for line in post.under_way]
        assert len(keys) == len(set(keys)), "two notifications of one subscription are under way"
        assert post.schedule.busy == len(keys)

    for _ in range(2000):
        while post.under_way:
            post.answer("done")
        post.time += 61
        post.take_turns()
        if not post.under_way and post.schedule.next_time() is None:
            break

    assert post.delivered == post.owed


def test_a_receiver_has_its_share_and_no_more() -> None:
    schedule = Schedule()
    for key in range(0, 200, 2):
        schedule.owe(key, lambda _: "slow", 0)
    schedule.owe(1, lambda _: "quick", 0)

    picked = schedule.pick(0)

    assert sum(line.origin == "slow" for line in picked) == AT_ONCE_TO_ONE
    assert sum(line.origin == "quick" for line in picked) == 1


def test_a_silent_receiver_is_asked_by_one() -> None:
    schedule = Schedule()
    for key in range(50):
        schedule.owe(key, lambda _: "silent", 0)
    for line in schedule.pick(0):
        schedule.unreachable(line, 0, None)

    assert schedule.pick(0.5) == []
    probes = schedule.pick(61)
    assert len(probes) == 1

    schedule.done(probes[0], lambda _: "silent", 61)
    assert len(schedule.pick(61)) == AT_ONCE_TO_ONE


def test_hundreds_that_hang_at_once_hold_up_nobody() -> None:
    schedule = Schedule()
    for key in range(500):
        schedule.owe(key, lambda key: f"hangs-{key}", 0)
    hanging = schedule.pick(0)
    assert len(hanging) == AT_ONCE

    for line in hanging:
        schedule.linger(line)
    rest = schedule.pick(1)
    for line in rest:
        schedule.linger(line)
    schedule.owe(1000, lambda _: "quick", 1)

    assert len(hanging) + len(rest) == 500 < LINGERING_AT_ONCE
    assert [line.key for line in schedule.pick(1)] == [1000]


def test_of_many_that_are_dead_a_part_is_asked_at_a_time() -> None:
    schedule = Schedule()
    for key in range(200):
        schedule.owe(key, lambda key: f"dead-{key}", 0)
    for line in schedule.pick(0):
        schedule.unreachable(line, 0, None)
    schedule.owe(1000, lambda _: "quick", 2)

    picked = schedule.pick(2)
    assert sum(line.origin != "quick" for line in picked) == FAILING_AT_ONCE
    assert picked[-1].origin == "quick"

    for line in picked:
        schedule.unreachable(line, 2, None)
    assert len(schedule.pick(2)) == FAILING_AT_ONCE


def test_a_pause_that_was_asked_for_ends_when_it_goes_elsewhere() -> None:
    schedule = Schedule()
    schedule.owe(1, lambda _: "busy", 0)
    (line,) = schedule.pick(0)
    schedule.refused(line, 0, None, asked_seconds=1800)
    assert schedule.pick(1799) == []

    schedule.readdress(line, lambda _: "other", 1799)

    assert [(one.key, one.origin) for one in schedule.pick(1799)] == [(1, "other")]


def test_pauses_grow_up_to_a_minute() -> None:
    assert [pause_after(failures) for failures in (1, 2, 3, 7, 100)] == [1, 2, 4, 60, 60]
