"""The real recordings of Niš, line by line through their profiles."""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from vidik.intake.profiles import Profile, Rejected, load_profiles

NOW = 1_795_000_000_000_000


@pytest.fixture(scope="module")
def scada() -> Profile:
    return load_profiles()["nis-heat-scada"]


def count(file: Path, profile: Profile) -> tuple[int, Counter[str], Counter[str]]:
    """Lines that stand in whole, refused values by attribute and reason, refused lines by reason."""
    head, *lines = gzip.decompress(file.read_bytes()).decode("utf-8-sig").splitlines()
    clean, values, refused = 0, Counter[str](), Counter[str]()
    for line in lines:
        try:
            (reading,) = profile.decode(f"{head}\n{line}".encode(), NOW)
        except Rejected as rejected:
            refused[rejected.reason] += 1
            continue
        clean += not reading.rejected
        values.update(f"{name}: {reason}" for _, name, _, reason in reading.rejected)
    return clean, values, refused


def test_finds_the_broken_sensors_of_l4(shared_data: Path, scada: Profile) -> None:
    clean, values, refused = count(shared_data / "nis-heating" / "scada_L4.csv.gz", scada)

    assert values["outdoorTemperature: -39.9 is what this sensor says when it fails"] == 355
    assert values["supplyTemperatureSecondary: -39.9 is what this sensor says when it fails"] == 356
    assert refused["every value is 0: the device had lost its sensors"] == 513
    assert refused["this local time did not exist: the clocks went forward over it"] == 1
    assert clean == 39_776


def test_takes_the_season_of_2024_as_it_stands(shared_data: Path, scada: Profile) -> None:
    clean, values, refused = count(shared_data / "nis-heating" / "scada_2024-25_L12.csv.gz", scada)

    assert (clean, values, refused) == (12_898, Counter(), Counter())


def test_takes_the_air_stations_day(shared_data: Path) -> None:
    profile = load_profiles()["sensor-community"]
    clean, values, refused = count(shared_data / "nis-air" / "sensor_community_2023-05-22.csv.gz", profile)

    assert (clean, values, refused) == (3_384, Counter(), Counter())
