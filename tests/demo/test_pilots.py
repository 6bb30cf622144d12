"""The demo's pilots: meters that can be repeated, plans that hold together, and verdicts that find what was put in."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidik.demo.door import Door
from vidik.demo.pilots.meters import Columns, Stretch, as_csv
from vidik.demo.pilots.recorded import recorded_plan
from vidik.demo.pilots.setting_up import set_up_pilots
from vidik.demo.pilots.stories import Story, stories
from vidik.pilots.evaluation import evaluate
from vidik.pilots.measurement.reading import read_csv
from vidik.pilots.measurement.series import Series
from vidik.pilots.outcome import Outcome
from vidik.pilots.plans.watching import is_event
from vidik.pilots.specification import Signal, Specification

TODAY = date(2026, 11, 22)
SEED = 7
FILE = "a" * 64


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.key)
def test_what_was_put_in_is_found_and_nothing_else(story: Story) -> None:
    stretch = story.stretch(TODAY)
    outcome = _judged(story, stretch, story.columns(stretch, SEED))
    assert outcome.verdict == ("not_shown" if story.effect == 0 else "saved")
    assert [finding.text for finding in outcome.findings if is_event(finding)] == [], "nobody is asked about anything"
    low, high = outcome.interval.low / outcome.counterfactual, outcome.interval.high / outcome.counterfactual
    assert low <= -story.effect <= high


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.key)
def test_a_serbian_screen_reads_serbian(story: Story) -> None:
    stretch = story.stretch(TODAY)
    plan = story.specification(story.columns(stretch, SEED), stretch, FILE)
    words = [plan["title"], plan["boundary"], plan["fund"], *(unit["name"] for unit in plan["units"])]
    assert [text for text in words if re.search("[A-Za-z]", text)] == []


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 19), date(2028, 2, 29)])
@pytest.mark.parametrize("story", stories(), ids=lambda story: story.key)
def test_a_pilot_is_over_and_has_a_baseline_before_it_on_every_day_of_the_year(story: Story, today: date) -> None:
    stretch = story.stretch(today)
    specification = Specification(**story.specification({"a": [], "b": [], "c": [], "d": []}, stretch, FILE))
    assert specification.reporting.last < today
    assert specification.baseline.first == stretch.first
    assert specification.reporting.period.days >= 150


class OldDoor(Door):
    """The door of a city whose pilots were set up by another release, under other titles."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys
        self.posted: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        numbers = range(1, len(self._keys) + 1)
        if path == "/api/pilots/files":
            return {"items": [{"file": key * 2, "name": f"{key}.csv"} for key in self._keys]}
        if path == "/api/pilots/plans":
            plans = [{"id": number, "title": f"Стари наслов {number}", "state": "decided"} for number in numbers]
            return {"items": [{"id": 99, "title": "Нацрт", "state": "draft"}, *plans]}
        number = int(path.rpartition("/")[2])
        return {"specification": {"units": [{"name": "Коло 1", "file": self._keys[number - 1] * 2}]}}

    async def post(self, path: str, **_more: Any) -> dict[str, Any]:
        self.posted.append(path)
        return {"id": 100, "file": FILE, "draft_hash": "0" * 64, "state": "running"}


async def test_pilots_of_before_are_known_by_their_files_whatever_they_are_called() -> None:
    keys = [story.key for story in stories()]
    door = OldDoor(keys)
    await set_up_pilots(door, TODAY, SEED, None, lambda _done, _all: None)
    assert door.posted == []
    missing_one = OldDoor(keys[1:])
    await set_up_pilots(missing_one, TODAY, SEED, None, lambda _done, _all: None)
    assert missing_one.posted == ["/api/pilots/files", "/api/pilots/plans", "/api/pilots/plans/100/freeze"]


def test_the_same_seed_gives_the_same_meters() -> None:
    story = stories()[1]
    stretch = story.stretch(TODAY)
    assert story.columns(stretch, 7) == story.columns(stretch, 7) != story.columns(stretch, 8)


def test_a_file_names_every_step_once_and_leaves_open_what_was_not_written() -> None:
    stretch = Stretch(date(2025, 10, 25), date(2025, 10, 27), date(2025, 10, 26), 0.0)
    hours: Columns = {"a": [None, *[1.0] * 72]}
    lines = as_csv(stretch, hours, hourly=True).decode().splitlines()
    assert lines[0] == "datetime,a"
    assert lines[1] == "2025-10-24T22:00:00+00:00,"
    assert len(lines) == 1 + 73  # the day on which the clocks go back has 25 hours
    assert len(set(lines)) == len(lines)


def test_the_recorded_substation_is_asked_about_and_nothing_is_called_a_saving(shared_data: Path) -> None:
    plan = recorded_plan(shared_data)
    if plan is None:
        pytest.skip("the recordings of Niš are not on this machine")
    (data,) = plan.files.values()
    specification = Specification(**plan.specification(dict.fromkeys(plan.files, FILE)))
    (unit,), warmth = specification.units, specification.temperature
    assert warmth is not None
    series, findings = {}, []
    for signal in (unit, warmth):
        series[signal.name], found = read_csv(
            data, column=signal.column, unit=signal.unit, zone=specification.zone, kind=signal.kind, name=signal.name
        )
        findings += found

    outcome = evaluate(specification, {unit.name: series[unit.name]}, {}, series[warmth.name], None, findings)

    assert outcome.verdict == "not_shown"
    asked = [finding for finding in outcome.findings if finding.code == "metering-step"]
    assert any(finding.first and finding.first > date(2021, 9, 1) for finding in asked)
    assert "placebos-few" in {finding.code for finding in outcome.findings}


def _judged(story: Story, stretch: Stretch, columns: Columns) -> Outcome:
    specification = Specification(**story.specification(columns, stretch, FILE))
    first = np.datetime64(stretch.hours()[0] // 3_600, "h") if story.hourly else np.datetime64(stretch.first, "D")

    def series(signal: Signal) -> Series:
        values = [np.nan if value is None else value for value in columns[signal.column or ""]]
        return Series(signal.name, first, np.array(values), signal.unit)

    units = {signal.name: series(signal) for signal in specification.units}
    donors = {signal.name: series(signal) for signal in specification.donors}
    return evaluate(specification, units, donors, specification.temperature and series(specification.temperature))
