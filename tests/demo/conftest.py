"""A small city on the packaged streets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vidik.kernel
from vidik.demo.assets import Asset, City
from vidik.demo.behaviour import Behaviour
from vidik.demo.meters import Meters
from vidik.demo.planning import plan_city
from vidik.demo.world import World

SEED = 7


@pytest.fixture(scope="session")
def basemap() -> dict[str, Any]:
    file = Path(vidik.kernel.__file__).parent / "basemaps" / "nis.json"
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@pytest.fixture(scope="session")
def city(basemap: dict[str, Any]) -> City:
    return plan_city(basemap, SEED)


@pytest.fixture(scope="session")
def small_city(basemap: dict[str, Any]) -> City:
    return plan_city(basemap, SEED, 0.1)


@pytest.fixture
def world(city: City) -> World:
    return World.of(city, SEED, Meters())


@pytest.fixture
def behaviour(city: City, world: World) -> Behaviour:
    return Behaviour(city, world)


@pytest.fixture
def of(city: City) -> Callable[[str], list[Asset]]:
    """The assets of a profile."""
    return lambda profile: [asset for asset in city.assets if asset.profile == profile]
