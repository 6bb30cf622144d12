"""How the simulated assets behave: over a day, with the weather, through their profiles."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from vidik.demo.assets import Asset, City
from vidik.demo.behaviour import Behaviour
from vidik.demo.meters import Meters
from vidik.demo.models import parking
from vidik.demo.past import past_records
from vidik.demo.weather import Sky, sun_height_degrees
from vidik.demo.world import World
from vidik.intake.profiles import load_profiles

PROFILES = load_profiles()
WINTER = int(datetime(2026, 11, 18, tzinfo=UTC).timestamp())  # a Wednesday, midnight UTC
SUMMER = int(datetime(2026, 7, 15, tzinfo=UTC).timestamp())
HOUR = 3_600
Of = Callable[[str], list[Asset]]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("profile", sorted(name for name in PROFILES if name.startswith("demo-")))
def test_every_day_passes_through_its_profile(profile: str, of: Of, behaviour: Behaviour) -> None:
    for asset in of(profile)[:12]:
        for day in (WINTER, SUMMER):
            records = past_records(behaviour, asset, day)
            readings = PROFILES[profile].decode(json.dumps(records).encode(), (day + 60) * 1_000_000)
            refused = [reason for reading in readings for reason in reading.rejected]

            assert records, asset.device_id
            assert all(name == "outdoorTemperature" and value == -39.9 for _, name, value, _ in refused)


def test_the_same_moment_gives_the_same_reading(city: City, behaviour: Behaviour) -> None:
    again = Behaviour(city, World.of(city, 7, Meters()))
    for asset in city.assets[::101]:
        assert again.record(asset, WINTER + 7) == behaviour.record(asset, WINTER + 7)


class TestLighting:
    def test_is_off_at_noon_on_in_the_evening_and_dimmed_at_night(self, of: Of, behaviour: Behaviour) -> None:
        lamps = of("demo-luminaire")[:200]

        def states(t: int) -> list[int]:
            return [record["s"] for lamp in lamps if (record := behaviour.record(lamp, t)) is not None]

        assert states(WINTER + 11 * HOUR).count(0) > 195
        assert states(WINTER + 18 * HOUR).count(1) > 165
        assert states(WINTER + 2 * HOUR).count(2) > 165

    def test_a_lamp_that_is_out_draws_next_to_nothing(self, of: Of, behaviour: Behaviour, world: World) -> None:
        evening = WINTER + 18 * HOUR
        out = [lamp for lamp in of("demo-luminaire") if "lamp_out" in world.faults.of(lamp.device_id, evening)]

        assert out
        assert all((behaviour.record(lamp, evening) or {})["w"] < 2 for lamp in out)


class TestHeating:
    def test_gives_heat_by_day_and_rests_at_night(self, of: Of, behaviour: Behaviour) -> None:
        stations = of("demo-heat-substation")
        power = {
            hour: mean([(behaviour.record(one, WINTER + hour * HOUR) or {})["kw"] for one in stations])
            for hour in (1, 9)
        }

        assert power[9] > 10 * power[1]

    def test_follows_its_curve_but_for_faults(self, of: Of, behaviour: Behaviour, world: World) -> None:
        noon = WINTER + 9 * HOUR
        for station in of("demo-heat-substation"):
            record = behaviour.record(station, noon)
            assert record is not None
            if not world.faults.of(station.device_id, noon):
                assert abs(record["sup2"] - record["ref"]) < 3

    def test_its_meter_only_counts_up(self, of: Of, behaviour: Behaviour) -> None:
        station = of("demo-heat-substation")[0]
        energy = [(behaviour.record(station, WINTER + t) or {})["mwh"] for t in range(0, 86_400, 1_800)]

        assert energy == sorted(energy)
        assert energy[-1] > energy[0]

    def test_gives_no_heat_in_summer(self, of: Of, behaviour: Behaviour) -> None:
        assert (behaviour.record(of("demo-heat-substation")[0], SUMMER + 9 * HOUR) or {})["kw"] == 0


class TestParking:
    def test_a_site_counts_its_spots(self, of: Of, world: World, behaviour: Behaviour) -> None:
        site = of("demo-parking-site")[0]
        spots = [spot for spot in of("demo-parking-spot") if spot.gateway_id == site.device_id]
        t = WINTER + 10 * HOUR

        record = behaviour.record(site, t)

        assert record is not None
        assert record["total"] == len(spots)
        assert record["total"] - record["free"] == sum(parking.spot_taken(spot, t, world) for spot in spots)

    def test_the_centre_is_fuller_at_noon_than_at_night(self, of: Of, world: World) -> None:
        sites = [site.device_id for site in of("demo-parking-site") if world.key(site.device_id) % 3 == 0]

        noon = mean([parking.taken_share(site, WINTER + 11 * HOUR, world) for site in sites])
        night = mean([parking.taken_share(site, WINTER + 3 * HOUR, world) for site in sites])

        assert noon > night + 0.4


class TestOthers:
    def test_water_flows_little_at_night(self, of: Of, behaviour: Behaviour) -> None:
        zones = of("demo-water-zone-meter")

        def flow(hour: int) -> float:
            return mean([record["q"] for zone in zones if (record := behaviour.record(zone, WINTER + hour * HOUR))])

        assert flow(7) > 2 * flow(2)

    def test_roads_fill_in_the_afternoon(self, of: Of, behaviour: Behaviour) -> None:
        counters = of("demo-traffic-counter")

        def cars(hour: int) -> float:
            return mean(
                [record["veh_h"] for one in counters if (record := behaviour.record(one, WINTER + hour * HOUR))]
            )

        assert cars(15) > 5 * cars(2)

    def test_air_is_worse_in_winter_than_in_summer(self, of: Of, behaviour: Behaviour) -> None:
        stations = of("demo-air-station")

        def dust(day: int) -> float:
            moments = [day + hour * HOUR for hour in range(0, 96, 3)]
            return mean([r["pm25"] for one in stations for t in moments if (r := behaviour.record(one, t))])

        assert dust(WINTER) > 2 * dust(SUMMER)

    def test_containers_fill_until_they_are_emptied(self, of: Of, behaviour: Behaviour) -> None:
        container = of("demo-waste-container")[4]
        levels = [r["fill"] for t in range(0, 6 * 86_400, HOUR) if (r := behaviour.record(container, WINTER + t))]
        emptied = sum(after < before - 5 for before, after in itertools.pairwise(levels))

        assert 1 <= emptied <= 6
        assert max(levels) > 20


class TestWeather:
    def test_november_is_colder_than_july(self) -> None:
        sky = Sky(7)
        winter = mean([sky.at(WINTER + hour * HOUR).temperature_cel for hour in range(0, 240, 3)])
        summer = mean([sky.at(SUMMER + hour * HOUR).temperature_cel for hour in range(0, 240, 3)])

        assert -3 < winter < 13
        assert 17 < summer < 30

    def test_the_sun_stands_highest_at_noon(self) -> None:
        noon = SUMMER // 60 + 10 * 60 + 38  # 12:38 summer time

        assert sun_height_degrees(noon) == pytest.approx(68, abs=1.5)
        assert sun_height_degrees(SUMMER // 60) < 0


class TestMeters:
    def test_a_restart_goes_on_from_the_saved_total(self, tmp_path: object) -> None:
        from pathlib import Path

        file = Path(str(tmp_path)) / "meters.json"
        before = Meters(file)
        before.advance("m", 0, 5, 100)
        before.advance("m", 3_600, 5, 100)
        before.save()

        after = Meters(file)

        assert after.advance("m", 7_200, 5, 100) == 110

    def test_a_broken_file_starts_anew(self, tmp_path: object) -> None:
        from pathlib import Path

        file = Path(str(tmp_path)) / "meters.json"
        file.write_text("[1,2")

        assert Meters(file).advance("m", 0, 5, 100) == 100
