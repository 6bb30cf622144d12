"""Profiles written in the test itself, with names that need no context."""

from collections.abc import Callable

import pytest

from vidik.intake.profiles import Profile, parse_profile

RECEIVED = 1_763_775_600_000_000  # 2025-11-22T01:40:00Z


class PlainNames:
    """Every short name stands for itself behind a prefix."""

    def expand_type(self, name: str, /) -> str:
        return f"t:{name}"

    def expand_attribute(self, name: str, /) -> str:
        return f"a:{name}"


@pytest.fixture
def received() -> int:
    return RECEIVED


@pytest.fixture
def make() -> Callable[[str], Profile]:
    """A profile from the lines that differ from a plain thermometer's."""

    def build(lines: str) -> Profile:
        return parse_profile(lines.encode(), "test.yaml", names=PlainNames())

    return build


@pytest.fixture
def thermometer(make: Callable[[str], Profile]) -> Profile:
    return make(
        """
name: thermometer
version: 1
title: A thermometer
service: other
format: json
batch: true
entity: {type: Thing, id: "urn:ngsi-ld:Thing:{city}:{device_id}"}
expected_interval_seconds: 60
time: {path: at.t, format: unix_s}
attributes:
  - {name: temperature, path: "values[0]", unit: CEL, minimum: -40, maximum: 60, fault_values: [-39.9], required: true}
  - {name: humidity, path: rh, scale: 0.01, minimum: 0, maximum: 1}
  - {name: count, path: n, type: integer}
  - {name: door, path: open, type: boolean}
  - {name: note, path: text, type: text}
  - {name: state, path: s, type: choice, choices: {0: "off", 1: "on", low: low}}
  - {name: level, path: lv, type: number_text}
  - {name: location, type: point, latitude: gps.lat, longitude: gps.lon}
"""
    )
