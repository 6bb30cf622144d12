"""Profile files: a mistake names the file and the field."""

from pathlib import Path

import pytest

from vidik.intake.profiles import ProfileError, load_profiles, parse_profile

GOOD = """
name: good
version: 1
title: Good
service: other
format: json
entity: {type: Thing, id: "urn:x:{device_id}"}
expected_interval_seconds: 60
time: {path: t}
attributes:
  - {name: level, path: level, minimum: 0, maximum: 10}
"""


class TestMistakes:
    @pytest.mark.parametrize(
        ("old", "new", "field"),
        [
            ("version: 1", "version: one", "version"),
            ("version: 1\n", "", "version"),
            ("title: Good", "title: Good\ncolour: red", "colour"),
            ("format: json", "format: xml", "format"),
            ("name: good", "name: Good Profile", "name"),
            ("{device_id}", "{device}", "entity"),
            ("service: other", "service: trams", "service"),
            ("path: level,", "path: 'level[',", "attributes[0](level)"),
            ("path: level,", "column: level,", ""),
            ("path: level,", "", "attributes[0](level)"),
            ("maximum: 10", "maximum: -1", "attributes[0](level)"),
            ("maximum: 10", "unit: celsius", "attributes[0](level).unit"),
            ("maximum: 10", "type: choice", "attributes[0](level)"),
            ("maximum: 10", "maximum: .inf", "attributes[0](level).maximum"),
            ("{path: t}", "{path: t, zone: Europe/Nis}", "time"),
            ("{path: t}", "{path: t, format: '%H:%M'}", "time"),
            ("{path: t}", "{path: t, format: unix}", "time"),
            ("{path: t}", "{}", ""),
            ("time: {path: t}\n", "", ""),
            ("name: good", "name: good\nname: good", ""),
            ("name: good", "name: [", ""),
        ],
    )
    def test_names_the_file_and_the_field(self, old: str, new: str, field: str) -> None:
        with pytest.raises(ProfileError) as mistake:
            parse_profile(GOOD.replace(old, new).encode(), "city/good.yaml")

        assert str(mistake.value).startswith("city/good.yaml: ")
        assert mistake.value.field == field

    def test_refuses_one_attribute_with_two_units(self) -> None:
        twice = GOOD + "  - {name: level, path: other, unit: CEL}\n"

        with pytest.raises(ProfileError, match="already has another unit"):
            parse_profile(twice.encode(), "good.yaml")

    @pytest.mark.parametrize("sealed", ["service_requests", "https://smartdatamodels.org/x/service_requests"])
    def test_refuses_devices_that_report_what_citizens_do(self, sealed: str) -> None:
        with pytest.raises(ProfileError, match="no device does"):
            parse_profile(GOOD.replace("type: Thing", f'type: "{sealed}"').encode(), "good.yaml")


class TestWordsThatYamlOnceTookForTruth:
    def test_keeps_on_and_off_as_words(self) -> None:
        states = GOOD.replace("minimum: 0, maximum: 10", "type: choice, choices: [on, off, no]")

        (reading,) = parse_profile(states.encode(), "f").decode(b'{"t":"2025-01-01T00:00Z","level":"off"}', 2 * 10**15)

        assert list(reading.values.values()) == ["off"]


class TestFolders:
    def test_a_city_replaces_a_profile_of_the_package(self, tmp_path: Path) -> None:
        text = GOOD.replace("name: good", "name: axioma-w1").replace("version: 1", "version: 9")
        (tmp_path / "axioma-w1.yaml").write_text(text)

        profiles = load_profiles([tmp_path, tmp_path / "absent"])

        assert profiles["axioma-w1"].version == 9
        assert "nis-heat-scada" in profiles

    def test_a_file_is_called_after_its_profile(self, tmp_path: Path) -> None:
        (tmp_path / "other.yaml").write_text(GOOD)

        with pytest.raises(ProfileError, match="must be called good"):
            load_profiles(tmp_path)
