"""Scenarios as data: those that come with Vidik hold together and are plausible; a city's mistakes are left out."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from vidik.intake.profiles import load_profiles
from vidik.operations.exercises.course import BEGIN, lay_out
from vidik.operations.exercises.scenario import Course, OpenedIncident, Scenario, packaged_scenarios, scenarios
from vidik.operations.incidents.types import packaged_types
from vidik.operations.rules.rulebook import packaged_rules

SCENARIOS = packaged_scenarios()
SMALL: dict[str, Any] = {
    "code": "small",
    "title": {"en": "Small", "sr": "Мала"},
    "purpose": {"en": "To try", "sr": "За пробу"},
    "minutes": 10,
    "twins": [
        {
            "code": "one",
            "type": "WasteContainer",
            "name": {"en": "Container", "sr": "Контејнер"},
            "place": [21.9, 43.32],
            "values": {"temperature": 20},
        }
    ],
    "events": [
        {
            "id": "fire",
            "at": 1,
            "title": {"en": "Fire", "sr": "Пожар"},
            "do": "readings",
            "twins": ["one"],
            "values": {"temperature": 120},
        }
    ],
    "targets": [{"what": "alarm_acknowledged", "within": 3, "after": "fire"}],
}


def changed(**fields: Any) -> dict[str, Any]:
    return SMALL | fields


class TestPackaged:
    def test_there_are_the_five_of_the_plan(self) -> None:
        assert set(SCENARIOS) == {
            "heating_main_burst", "flood_nisava", "blackout", "air_pollution_episode", "mass_event",
        }  # fmt: skip

    @pytest.mark.parametrize("code", SCENARIOS)
    def test_its_values_are_what_such_an_asset_can_report(self, code: str) -> None:
        ranges: dict[tuple[str, str], tuple[float, float]] = {}
        for profile in load_profiles().values():
            for spec in profile.attributes:
                low, high = spec.minimum, spec.maximum
                if low is not None and high is not None:
                    ranges[profile.entity_type, spec.name] = (low, high)
        types = {twin.code: twin.type for twin in SCENARIOS[code].twins}
        said = [
            (types[twin.code], name, value) for twin in SCENARIOS[code].twins for name, value in twin.values.items()
        ]
        for step in lay_out(SCENARIOS[code]):
            for twin in step.action.get("twins", ()):
                said += [(types[twin], name, value) for name, value in step.action["values"].items()]
        for entity_type, name, value in said:
            if isinstance(value, float):
                low, high = ranges[entity_type, name]
                assert low <= value <= high, (entity_type, name, value)

    @pytest.mark.parametrize("code", SCENARIOS)
    def test_some_rule_watches_every_kind_of_twin(self, code: str) -> None:
        watched = {entity_type for rule in packaged_rules().values() for entity_type in rule.entity_types}
        assert {twin.type for twin in SCENARIOS[code].twins} <= watched

    @pytest.mark.parametrize("code", SCENARIOS)
    def test_its_incidents_are_of_known_types(self, code: str) -> None:
        types = {event.type for event in SCENARIOS[code].events if isinstance(event, OpenedIncident)}
        assert types <= set(packaged_types())

    @pytest.mark.parametrize("code", SCENARIOS)
    def test_it_asks_for_people_s_deeds_in_time_to_be_done(self, code: str) -> None:
        scenario = SCENARIOS[code]
        at = {event.id: event.at for event in scenario.events}
        for target in scenario.targets:
            assert at.get(target.after or "", 0) + target.within <= scenario.minutes, target


class TestMistakes:
    @pytest.mark.parametrize(
        "fields",
        [
            {"minutes": 0},
            {"events": []},
            {"targets": []},
            {"unknown": 1},
            {"code": "Nul\x00"},
            {"twins": SMALL["twins"] * 2},
            {"events": SMALL["events"] * 2},
            {"events": [SMALL["events"][0] | {"twins": ["nobody"]}]},
            {"events": [SMALL["events"][0] | {"at": 11}]},
            {"events": [SMALL["events"][0] | {"since": 400}]},
            {"events": [SMALL["events"][0] | {"values": {"temperature": float("nan")}}]},
            {"events": [SMALL["events"][0] | {"do": "shell"}]},
            {"targets": [{"what": "applause", "within": 3}]},
            {"targets": [{"what": "closed", "within": 3, "after": "nothing"}]},
        ],
    )
    def test_are_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Scenario.model_validate(changed(**fields))

    def test_of_a_city_are_left_out_and_its_good_ones_taken(self, tmp_path: Path) -> None:
        folder = tmp_path / "exercises"
        folder.mkdir()
        (folder / "good.yaml").write_text(yaml.safe_dump(SMALL))
        (folder / "bad.yaml").write_text("code: [")
        (folder / "wrong.yaml").write_text(yaml.safe_dump(changed(minutes="long")))
        assert list(scenarios(tmp_path)) == ["small", *SCENARIOS]


class TestLayingOut:
    def test_the_twins_come_first_with_a_past(self) -> None:
        first = lay_out(Scenario.model_validate(SMALL))[0]
        assert first.event == BEGIN
        assert first.action["observed"] == [-10_800.0]

    def test_a_course_moves_evenly_to_its_end(self) -> None:
        course = Course.model_validate(
            {
                "id": "fall", "at": 2, "title": SMALL["title"], "do": "course", "twins": ["one"],
                "attribute": "temperature", "begin": 4, "end": 1, "minutes": 6, "every": 2,
            }
        )  # fmt: skip
        steps = lay_out(
            Scenario.model_validate(changed(events=[course.model_dump()], targets=[{"what": "closed", "within": 5}]))
        )
        assert [(step.at_seconds, step.action["values"]["temperature"]) for step in steps[1:]] == [
            (120, 4), (240, 3), (360, 2), (480, 1),
        ]  # fmt: skip

    def test_what_has_been_so_for_a_while_is_told_in_steps_that_no_rule_takes_for_a_gap(self) -> None:
        event = SMALL["events"][0] | {"since": 12}
        step = lay_out(Scenario.model_validate(changed(events=[event])))[1]
        assert step.action["observed"] == [60 - 720, 60 - 600, 60 - 300, 60]
