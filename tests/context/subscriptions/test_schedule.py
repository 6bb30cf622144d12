"""The schedule's promises for every order of events: one at a time, in order, everybody's turn comes."""

from hypothesis import given
from hypothesis import strategies as st

from vidik.context.subscriptions.schedule import AT_ONCE_TO_ONE, Line, Schedule, pause_after

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
        else:
            self.schedule.unreachable(line, self.time, None)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("owe"), st.integers(0, 4)),
        st.tuples(st.sampled_from(("done", "refused", "unreachable")), st.just(0)),
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


def test_pauses_grow_up_to_a_minute() -> None:
    assert [pause_after(failures) for failures in (1, 2, 3, 7, 100)] == [1, 2, 4, 60, 60]
