"""Who is asked next: through every hour of the week and the two nights when the clock jumps."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vidik.operations.duty.backoff import wait_after
from vidik.operations.duty.hours import Rota, Window, moment_of
from vidik.operations.duty.plan import Call, Nobody, Place, Plan, Step, who_is_next

SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
YEAR = st.integers(0, 364 * 86_400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
NEAR_A_JUMP = st.sampled_from([SPRING, AUTUMN]).flatmap(
    lambda jump: st.integers(-3 * 86_400, 3 * 86_400).map(lambda seconds: jump + timedelta(seconds=seconds))
)
MOMENTS = YEAR | NEAR_A_JUMP
CLOCKS = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
LOGINS = st.sampled_from(["ana", "bora", "ceca", "dule"])
EVERY_DAY = list(range(7))
WINDOWS = st.builds(Window, days=st.lists(st.integers(0, 6), min_size=1, max_size=7), begins=CLOCKS, ends=CLOCKS)
ROTAS = st.builds(
    Rota,
    people=st.lists(LOGINS, min_size=1, max_size=4),
    first_day=st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    hands_over=CLOCKS,
    every_days=st.integers(1, 14),
)
STEPS = st.builds(
    lambda who, channels, wait, hours: Step(**who, channels=channels, wait_minutes=wait, hours=hours),
    st.builds(lambda login: {"person": login}, LOGINS)
    | st.builds(lambda desk: {"desk": desk}, st.sampled_from(["desk", "empty"]))
    | st.builds(lambda rota: {"rota": rota}, ROTAS),
    st.lists(st.sampled_from(["mail", "sms", "web-push"]), min_size=1, max_size=3),
    st.integers(1, 60),
    st.lists(WINDOWS, max_size=2),
)
PLANS = st.builds(
    lambda rounds, steps: Plan(title="Дежурство", rounds=rounds, steps=steps),
    st.integers(1, 4),
    st.lists(STEPS, min_size=1, max_size=5),
)
ON_SHIFT = {"desk": ["ceca", "dule"]}


class TestWhoIsNext:
    @given(PLANS, MOMENTS, st.integers(0, 4), st.integers(0, 4))
    def test_asks_the_first_who_can_be_asked_from_the_place_on(
        self, plan: Plan, at: datetime, round: int, step: int
    ) -> None:
        place = Place(round, step % len(plan.steps))
        found = who_is_next(plan, at, place, ON_SHIFT)
        if isinstance(found, Nobody):
            return
        assert place <= found.place < found.following
        assert found.place.round < plan.rounds
        assert found.people
        asked = plan.steps[found.place.step]
        assert not asked.hours or any(window.holds(at) for window in asked.hours)
        assert (found.wait_minutes, set(found.channels)) == (asked.wait_minutes, set(asked.channels))
        count = len(plan.steps)
        for passed in range(place.round * count + place.step, found.place.round * count + found.place.step):
            step_passed = plan.steps[passed % count]
            assert not step_passed.people(at, ON_SHIFT) or not any(one.holds(at) for one in step_passed.hours)

    @given(PLANS, MOMENTS)
    def test_comes_to_an_end_after_its_rounds(self, plan: Plan, at: datetime) -> None:
        place, calls = Place(), 0
        while isinstance(found := who_is_next(plan, at, place, ON_SHIFT), Call):
            place, calls = found.following, calls + 1
        assert calls <= plan.rounds * len(plan.steps)
        if calls:
            assert who_is_next(plan, at, Place(plan.rounds), ON_SHIFT) == Nobody(left=False)

    def test_waits_where_it_stands_when_nobody_is_there_at_all(self) -> None:
        plan = Plan(title="Ноћ", rounds=1, steps=[Step(desk="empty", channels=["sms"])])
        assert who_is_next(plan, SPRING, Place(), {}) == Nobody(left=True)

    @pytest.mark.parametrize("who", [{}, {"person": "ana", "desk": "desk"}])
    def test_a_step_asks_one_of_three(self, who: dict[str, object]) -> None:
        with pytest.raises(ValidationError, match="say who is asked"):
            Step.model_validate(who | {"channels": ["sms"]})


class TestHours:
    @given(CLOCKS, CLOCKS, MOMENTS)
    def test_two_windows_that_share_the_day_hold_one_at_a_time(self, begins: str, ends: str, at: datetime) -> None:
        if begins == ends:
            assert Window(days=EVERY_DAY, begins=begins, ends=ends).holds(at)
            return
        one = Window(days=EVERY_DAY, begins=begins, ends=ends)
        other = Window(days=EVERY_DAY, begins=ends, ends=begins)
        assert one.holds(at) != other.holds(at)

    def test_goes_past_midnight_with_the_day_it_began_on(self) -> None:
        friday_night = Window(days=[4], begins="22:00", ends="06:00")
        saturday_3 = moment_of(date(2026, 11, 21), "03:00")
        assert friday_night.holds(saturday_3)
        assert not friday_night.holds(saturday_3 + timedelta(days=1))


class TestRota:
    @given(ROTAS, MOMENTS)
    def test_changes_only_when_it_is_handed_over(self, rota: Rota, at: datetime) -> None:
        after = at + timedelta(minutes=1)
        if rota.on_turn(at) == rota.on_turn(after):
            return
        days = [at.date() + timedelta(days=shift) for shift in (-1, 0, 1)]
        handed_over = [moment_of(day, rota.hands_over).timestamp() for day in days]
        assert any(at.timestamp() < moment <= after.timestamp() for moment in handed_over)

    @pytest.mark.parametrize(("jump", "hours"), [(SPRING, 23), (AUTUMN, 25)])
    @pytest.mark.parametrize("hands_over", ["00:00", "02:00", "02:30", "03:00"])
    def test_hands_over_once_in_the_night_when_the_clock_jumps(
        self, jump: datetime, hours: int, hands_over: str
    ) -> None:
        rota = Rota(people=["ana", "bora"], first_day=date(2026, 1, 1), hands_over=hands_over, every_days=1)
        turns = [rota.on_turn(jump + timedelta(minutes=minute)) for minute in range(-240, 240)]
        changes = sum(before != after for before, after in pairwise(turns))
        assert changes == 1
        lasts = (
            moment_of(jump.date() + timedelta(days=1), "00:00").timestamp()
            - moment_of(jump.date(), "00:00").timestamp()
        )
        assert lasts == hours * 3600


def test_tries_again_ever_later_up_to_ten_minutes() -> None:
    assert [wait_after(attempts).total_seconds() for attempts in (1, 2, 3, 6, 7, 500)] == [15, 30, 60, 480, 600, 600]
