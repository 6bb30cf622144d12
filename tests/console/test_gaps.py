"""Where a chart's line is broken: after a silence that is long for the device at that time."""

from itertools import accumulate

from vidik.console.history import with_gaps


def _broken_after(steps: list[float]) -> list[float]:
    times = [0.0, *accumulate(steps)]
    drawn, values = with_gaps(times, [1.0] * len(times))
    return [drawn[place - 1] for place, value in enumerate(values) if value is None]


def test_a_silence_breaks_the_line() -> None:
    assert _broken_after([60.0] * 20 + [600.0] + [60.0] * 20) == [1200.0]


def test_a_silence_at_either_end_breaks_the_line() -> None:
    assert _broken_after([600.0] + [60.0] * 20) == [0.0]
    assert _broken_after([60.0] * 20 + [600.0]) == [1200.0]


def test_a_device_that_spoke_seldom_before_was_not_silent_between() -> None:
    assert _broken_after([600.0] * 140 + [15.0] * 400) == []


def test_a_silence_is_seen_in_the_seldom_part_as_well() -> None:
    assert _broken_after([600.0] * 20 + [6000.0] + [600.0] * 20 + [15.0] * 400) == [12_000.0]


def test_few_readings_are_held_against_their_own_rhythm() -> None:
    assert _broken_after([60.0, 60.0, 600.0, 60.0]) == [120.0]
