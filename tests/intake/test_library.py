"""A city's profiles: a mistake in one file leaves the last good ones in use."""

import os
from pathlib import Path

from tests.family import METER_PROFILE

from vidik.intake.library import ProfileLibrary


def write(folder: Path, text: str, moment: int) -> None:
    file = folder / "test-meter.yaml"
    file.write_text(text)
    os.utime(file, ns=(moment, moment))


class TestProfileLibrary:
    def test_a_mended_file_is_taken_up(self, tmp_path: Path) -> None:
        write(tmp_path, METER_PROFILE, 1)
        library = ProfileLibrary(tmp_path)

        write(tmp_path, METER_PROFILE.replace("maximum: 5000", "maximum: 9000"), 2)

        assert library.reload_if_changed()
        power = library.profiles["test-meter"].attributes[1]
        assert power.maximum == 9000

    def test_a_mistake_leaves_the_last_good_profiles_in_use(self, tmp_path: Path) -> None:
        write(tmp_path, METER_PROFILE, 1)
        library = ProfileLibrary(tmp_path)

        write(tmp_path, METER_PROFILE.replace("unix_ms", "sometimes"), 2)

        assert not library.reload_if_changed()
        assert "test-meter" in library.profiles
        assert library.mistake is not None
        assert "format" in library.mistake

    def test_a_mistake_at_the_start_leaves_the_packages_profiles(self, tmp_path: Path) -> None:
        write(tmp_path, "name: [", 1)

        library = ProfileLibrary(tmp_path)

        assert "nis-heat-scada" in library.profiles
        assert library.mistake is not None
