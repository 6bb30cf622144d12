"""The plan of the demo city."""

import re
from collections import Counter
from typing import Any

import pytest

from vidik.demo.assets import City
from vidik.demo.cameras import register_of_cameras
from vidik.demo.planning import plan_city
from vidik.demo.register import entity_of
from vidik.demo.streets import metres_between, spots_along
from vidik.kernel.scripts import to_latin


def test_has_what_the_city_should_have(city: City) -> None:
    assert Counter(asset.profile for asset in city.assets) == {
        "demo-luminaire": 1200,
        "demo-lighting-cabinet": 40,
        "demo-parking-site": 24,
        "demo-parking-spot": 600,
        "demo-waste-container": 300,
        "demo-heat-substation": 20,
        "demo-water-zone-meter": 15,
        "demo-traffic-counter": 12,
        "demo-air-station": 10,
    }


def test_names_are_serbian_and_a_heating_substation_has_the_name_of_its_trade(city: City) -> None:
    assert [asset.name for asset in city.assets if re.search("[A-Za-z]", asset.name)] == []
    assert {asset.name.split()[0] for asset in city.assets if asset.service == "heating"} == {"Подстаница"}


def test_the_same_seed_gives_the_same_city(basemap: dict[str, Any], city: City) -> None:
    assert plan_city(basemap, 7) == city
    assert plan_city(basemap, 8) != city


def test_a_small_city_is_a_tenth(small_city: City) -> None:
    kinds = Counter(asset.profile for asset in small_city.assets)

    assert kinds["demo-luminaire"] == 120
    assert kinds["demo-parking-spot"] == 60
    assert kinds["demo-air-station"] == 1


def test_every_id_is_there_once(city: City) -> None:
    devices = [asset.device_id for asset in city.assets] + [gateway.device_id for gateway in city.gateways]

    assert len(set(devices)) == len(devices)
    assert len({asset.entity_id for asset in city.assets}) == len(city.assets)


def test_every_asset_has_a_gateway_that_exists(city: City) -> None:
    devices = {asset.device_id for asset in city.assets} | {gateway.device_id for gateway in city.gateways}

    assert {asset.gateway_id for asset in city.assets} <= devices


def test_every_asset_stands_beside_a_street(city: City, basemap: dict[str, Any]) -> None:
    streets = [(spot.longitude, spot.latitude) for spot in spots_along(basemap, 10)]
    for asset in city.assets[::37]:
        here = (asset.longitude, asset.latitude)
        assert min(metres_between(here, place) for place in streets) < 120, asset.name


def test_a_base_map_without_names_is_refused() -> None:
    bare = {"bounds": [21, 43, 22, 44], "layers": {"streets": {"features": []}}}

    with pytest.raises(ValueError, match="too few named streets"):
        plan_city(bare, 7)


def test_entities_say_that_they_are_simulated_in_three_scripts(city: City) -> None:
    entity = entity_of(city.assets[1], "simulated")

    assert entity["id"].startswith("urn:ngsi-ld:Streetlight:nis:")
    assert entity["dataOrigin"] == {"type": "Property", "value": "simulated"}
    assert set(entity["nameLocalized"]["languageMap"]) == {"en", "sr-Cyrl", "sr-Latn"}
    assert "{" not in entity["nameLocalized"]["languageMap"]["en"]
    assert entity["refStreetlightControlCabinet"]["object"].startswith("urn:ngsi-ld:StreetlightControlCabinet:nis:")


def test_what_the_demo_is_called_in_english_has_no_cyrillic_in_it(city: City, basemap: dict[str, Any]) -> None:
    english = [entity_of(asset, "simulated")["nameLocalized"]["languageMap"]["en"] for asset in city.assets]
    english += [camera["nameLocalized"]["languageMap"]["en"] for camera in register_of_cameras(basemap)]
    assert [name for name in english if name != to_latin(name)] == []
