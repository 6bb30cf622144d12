"""The timetable of faults."""

from vidik.demo.assets import City
from vidik.demo.faults import KINDS, OPENING, Faults

NOW = 1_795_000_000


def active(faults: Faults, city: City, t: float) -> set[str]:
    return {name for asset in city.assets for name in faults.of(asset.device_id, t)}


def test_every_kind_comes_round(city: City) -> None:
    faults = Faults(7, city.by_profile())
    seen: set[str] = set()
    for hour in range(0, 96):
        seen |= active(faults, city, NOW + hour * 1_800)

    assert seen >= {kind.name for kind in KINDS}


def test_looking_back_finds_what_was(city: City) -> None:
    first, second = Faults(7, city.by_profile()), Faults(7, city.by_profile())
    later = {device: second.of(device, NOW + 90_000) for device in ("nis-heat-s01",)}
    for asset in city.assets[::53]:
        assert first.of(asset.device_id, NOW) == second.of(asset.device_id, NOW)
    assert later["nis-heat-s01"] == first.of("nis-heat-s01", NOW + 90_000)


def test_a_visitor_sees_something_within_minutes(city: City) -> None:
    faults = Faults(7, city.by_profile(), started_at=NOW)
    calm = Faults(7, city.by_profile())
    opening = {name for name, _, _, _ in OPENING}

    seen = active(faults, city, NOW + 240)

    assert opening <= seen
    assert not {"fire", "burst"} <= active(calm, city, NOW + 240)


def test_most_of_the_city_works(city: City) -> None:
    faults = Faults(7, city.by_profile(), started_at=NOW)
    for hour in range(24):
        broken = sum(bool(faults.of(asset.device_id, NOW + hour * 3_600)) for asset in city.assets)
        assert broken < 40
