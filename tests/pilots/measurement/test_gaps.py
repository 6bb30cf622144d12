"""Gaps: each is said, and nothing is put in its place unsaid."""

from datetime import date

import numpy as np
from tests.pilots.made import FIRST, building, hours, stamps, table, warmth

from vidik.pilots.measurement.grid import day_grid
from vidik.pilots.measurement.reading import read_csv
from vidik.pilots.measurement.series import Period, Series
from vidik.pilots.measurement.sufficiency import missing_of
from vidik.pilots.outcome import Finding

BASELINE = Period(date(2022, 1, 1), date(2022, 12, 31))
REPORTING = Period(date(2023, 1, 1), date(2023, 12, 31))


def with_gaps(*gaps: tuple[str, str]) -> Series:
    """A building whose values are missing from one moment to another."""
    whole = building("hall")
    values = whole.values.copy()
    for begin, end in gaps:
        first, last = (int((np.datetime64(moment, "h") - FIRST).astype(int)) for moment in (begin, end))
        values[first:last] = np.nan
    return whole.with_values(values)


def missing(series: Series, *excluded: Period) -> list[Finding]:
    return missing_of(series.name, day_grid(series), series.values, BASELINE, REPORTING, excluded)


class TestMissing:
    def test_a_gap_of_some_days_is_said_with_its_days_and_hours(self) -> None:
        (found,) = missing(with_gaps(("2022-03-10T00", "2022-03-25T00"), ("2022-06-01T05", "2022-06-01T07")))

        assert (found.code, found.severity) == ("baseline-missing", "note")
        assert (found.first, found.last) == (date(2022, 3, 10), date(2022, 3, 24))
        assert found.values == {"missing": 15 * 24 + 2, "of": 365 * 24}

    def test_each_period_has_its_own(self) -> None:
        found = missing(with_gaps(("2022-12-31T12", "2023-01-01T12")))

        assert [(one.code, one.values["missing"]) for one in found] == [
            ("baseline-missing", 12),
            ("reporting-missing", 12),
        ]

    def test_a_series_that_ends_early_lacks_the_rest(self) -> None:
        whole = building("hall")
        short = whole.with_values(whole.values[: hours(2) + 24 * 300])

        (found,) = missing(short)

        assert (found.code, found.values["missing"], found.last) == ("reporting-missing", 65 * 24, date(2023, 12, 31))

    def test_nothing_is_said_of_whole_years_summer_time_or_excluded_days(self) -> None:
        belgrade = Series("hall", FIRST, building("hall").values, "KWH", "Europe/Belgrade")
        gap = Period(date(2022, 3, 10), date(2022, 3, 24))

        assert missing(building("hall")) == []
        assert missing(belgrade) == []
        assert missing(with_gaps(("2022-03-10T00", "2022-03-25T00")), gap) == []


def test_hours_of_weather_that_were_bridged_are_said() -> None:
    values = [f"{value:.1f}" for value in warmth().values[:2_000]]
    values[100] = values[500] = values[501] = ""

    series, findings = read_csv(
        table(stamps("2022-01-01", len(values), 60), values, "datetime,temperature"),
        column=None, unit="CEL", zone="UTC", kind="mean", name="weather",
    )  # fmt: skip

    assert not np.isnan(series.values).any()
    assert [(one.code, one.severity, one.values) for one in findings] == [("means-bridged", "repaired", {"hours": 3})]
