"""Lays the demo city out along the streets: the same seed and the same streets give the same city."""

import math
import random
from collections.abc import Iterator
from typing import Any

from vidik.demo.assets import Asset, City, Gateway
from vidik.demo.streets import Spot, metres_between, spots_along
from vidik.kernel.scripts import to_latin

CENTRE = (21.8958, 43.3209)
_HEATING, _WATER, _WASTE = "Градска топлана", "Водовод", "Градска чистоћа"
_PARKING, _LIGHT, _TRAFFIC, _AIR = "Паркинг сервис", "Градска расвета", "Управа за саобраћај", "Заштита животне средине"

# How many of each in the whole city; a small city has a tenth, but at least one.
CIRCUITS, LUMINAIRES_PER_CIRCUIT = 40, 30
SITES, SPOTS = 24, 600
CONTAINERS, CONTAINERS_PER_GATEWAY = 300, 30
SUBSTATIONS, ZONES, COUNTERS, STATIONS = 20, 15, 12, 10


def plan_city(basemap: dict[str, Any], seed: int, scale: float = 1.0) -> City:
    """The city on these streets; `scale` is its share of the full size (0.1 is the small city)."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    centre = _centre(basemap)
    spots = sorted(spots_along(basemap, 36.0), key=lambda spot: metres_between(centre, (spot.longitude, spot.latitude)))
    if len(spots) < LUMINAIRES_PER_CIRCUIT:
        raise ValueError("the base map has too few named streets to lay a city out on")

    def many(count: int) -> int:
        return max(1, round(count * scale))

    city = City([], [])
    for part in (
        _lighting(spots, many(CIRCUITS)),
        _parking(spots, chance, many(SITES), many(SPOTS)),
        _waste(spots, chance, many(CONTAINERS)),
        _heating(spots, chance, many(SUBSTATIONS)),
        _water(spots, chance, many(ZONES)),
        _traffic(spots, chance, many(COUNTERS)),
        _air(spots, chance, many(STATIONS)),
    ):
        for each in part:
            if isinstance(each, Gateway):
                city.gateways.append(each)
            else:
                city.assets.append(each)
    return city


def _lighting(spots: list[Spot], circuits: int) -> Iterator[Gateway | Asset]:
    by_street: dict[str, list[Spot]] = {}
    chunks: list[list[Spot]] = []
    for spot in spots:
        waiting = by_street.setdefault(spot.street, [])
        waiting.append(spot)
        if len(waiting) == LUMINAIRES_PER_CIRCUIT:
            chunks.append(by_street.pop(spot.street))
    if len(chunks) < circuits:
        rest = [spot for waiting in by_street.values() for spot in waiting]
        step = LUMINAIRES_PER_CIRCUIT
        chunks += [rest[at : at + step] for at in range(0, len(rest) - step + 1, step)]
    seen: dict[str, int] = {}
    for number, chunk in enumerate(chunks[:circuits], start=1):
        street = chunk[0].street
        seen[street] = seen.get(street, 0) + 1
        circuit = f"nis-light-c{number:02}"
        watts = 105.0 if chunk[0].main else 62.0
        which = f"{street} {seen[street]}" if seen[street] > 1 else street
        longitude, latitude = chunk[0].beside(-9)
        yield Asset(
            circuit, "demo-lighting-cabinet", "StreetlightControlCabinet", "lighting",
            f"Орман расвете {number}, {which}", f"Lighting cabinet {number}, {to_latin(which)}",
            longitude, latitude, circuit, _LIGHT, size=watts * len(chunk),
        )  # fmt: skip
        for place, spot in enumerate(chunk, start=1):
            longitude, latitude = spot.beside(6.5 if place % 2 else -6.5)
            yield Asset(
                f"nis-light-{number:02}-{place:02}", "demo-luminaire", "Streetlight", "lighting",
                f"Светиљка {number}/{place}, {spot.street}", f"Luminaire {number}/{place}, {to_latin(spot.street)}",
                longitude, latitude, circuit, _LIGHT, size=watts, part_of=circuit,
            )  # fmt: skip


def _parking(spots: list[Spot], chance: random.Random, sites: int, total: int) -> Iterator[Gateway | Asset]:
    chosen = _apart(spots[: max(400, len(spots) // 3)], chance, sites, 170)
    sizes = _sizes(chance, len(chosen), total)
    for number, (spot, count) in enumerate(zip(chosen, sizes, strict=True), start=1):
        site = f"nis-park-s{number:02}"
        corners = [spot.beside(14, 0), spot.beside(14, count / 2 * 2.6), spot.beside(31, count / 2 * 2.6),
                   spot.beside(31, 0)]  # fmt: skip
        middle = spot.beside(22.5, count / 4 * 2.6)
        yield Asset(
            site, "demo-parking-site", "OffStreetParking", "parking",
            f"Паркиралиште {number}, {spot.street}", f"Car park {number}, {to_latin(spot.street)}",
            middle[0], middle[1], site, _PARKING, size=float(count),
            geometry={"type": "Polygon", "coordinates": [[list(corner) for corner in [*corners, corners[0]]]]},
        )  # fmt: skip
        for place in range(count):
            longitude, latitude = spot.beside(17.5 if place % 2 else 27.5, (place // 2 + 0.5) * 2.6)
            yield Asset(
                f"nis-park-{number:02}-{place + 1:02}", "demo-parking-spot", "ParkingSpot", "parking",
                f"Место {place + 1}, паркиралиште {number}", f"Spot {place + 1}, car park {number}",
                longitude, latitude, site, _PARKING, part_of=site,
            )  # fmt: skip


def _waste(spots: list[Spot], chance: random.Random, count: int) -> Iterator[Gateway | Asset]:
    chosen = _apart(spots[: max(900, len(spots) * 2 // 3)], chance, count, 55)
    gateways = math.ceil(len(chosen) / CONTAINERS_PER_GATEWAY)
    for number in range(1, gateways + 1):
        yield Gateway(f"nis-waste-g{number:02}", f"Концентратор контејнера {number}", _WASTE)
    for number, spot in enumerate(chosen, start=1):
        longitude, latitude = spot.beside(-8.5)
        yield Asset(
            f"nis-waste-{number:03}", "demo-waste-container", "WasteContainer", "waste",
            f"Контејнер {number}, {spot.street}", f"Container {number}, {to_latin(spot.street)}",
            longitude, latitude, f"nis-waste-g{(number - 1) % gateways + 1:02}", _WASTE,
        )  # fmt: skip


def _heating(spots: list[Spot], chance: random.Random, count: int) -> Iterator[Gateway | Asset]:
    yield Gateway("nis-heat-scada", "SCADA топлане (симулација)", _HEATING)
    for number, spot in enumerate(_apart(spots[: len(spots) // 2], chance, count, 320), start=1):
        longitude, latitude = spot.beside(34)
        yield Asset(
            f"nis-heat-s{number:02}", "demo-heat-substation", "HeatSubstation", "heating",
            f"Подстаница {number}, {spot.street}", f"Heating substation {number}, {to_latin(spot.street)}",
            longitude, latitude, "nis-heat-scada", _HEATING, size=float(chance.randrange(180, 720, 20)),
            traits={"early": round(chance.uniform(-0.4, 0.5), 2), "warmer": round(chance.uniform(-0.5, 0.9), 2)},
        )  # fmt: skip


def _water(spots: list[Spot], chance: random.Random, count: int) -> Iterator[Gateway | Asset]:
    yield Gateway("nis-water-g01", "Телеметрија водовода (симулација)", _WATER)
    for number, spot in enumerate(_apart(spots[: len(spots) * 3 // 4], chance, count, 480), start=1):
        longitude, latitude = spot.beside(12)
        yield Asset(
            f"nis-water-z{number:02}", "demo-water-zone-meter", "WaterConsumptionObserved", "water",
            f"Водоводна зона {number}, {spot.street}", f"Water zone {number}, {to_latin(spot.street)}",
            longitude, latitude, "nis-water-g01", _WATER, size=float(chance.randrange(24, 92, 4)),
            traits={"pressure": round(chance.uniform(3.6, 5.4), 1)},
        )  # fmt: skip


def _traffic(spots: list[Spot], chance: random.Random, count: int) -> Iterator[Gateway | Asset]:
    yield Gateway("nis-traffic-g01", "Бројачи саобраћаја (симулација)", _TRAFFIC)
    main = [spot for spot in spots if spot.main] or spots
    for number, spot in enumerate(_apart(main, chance, count, 500), start=1):
        yield Asset(
            f"nis-traffic-{number:02}", "demo-traffic-counter", "TrafficFlowObserved", "traffic",
            f"Бројач саобраћаја {number}, {spot.street}", f"Traffic counter {number}, {to_latin(spot.street)}",
            round(spot.longitude, 6), round(spot.latitude, 6), "nis-traffic-g01", _TRAFFIC,
            size=float(chance.choice((1500, 1800, 2400))), traits={"speed": float(chance.choice((48, 52, 58)))},
        )  # fmt: skip


def _air(spots: list[Spot], chance: random.Random, count: int) -> Iterator[Gateway | Asset]:
    yield Gateway("nis-air-g01", "Мрежа станица ваздуха (симулација)", _AIR)
    for number, spot in enumerate(_apart(spots, chance, count, 620), start=1):
        longitude, latitude = spot.beside(20)
        yield Asset(
            f"nis-air-s{number:02}", "demo-air-station", "AirQualityObserved", "air",
            f"Станица ваздуха {number}, {spot.street}", f"Air station {number}, {to_latin(spot.street)}",
            longitude, latitude, "nis-air-g01", _AIR, size=round(chance.uniform(0.6, 1.4), 2),
        )  # fmt: skip


def _apart(spots: list[Spot], chance: random.Random, count: int, metres: float) -> list[Spot]:
    """`count` of the spots, drawn by lot, at least so far apart; nearer where there is no room."""
    drawn = list(spots)
    chance.shuffle(drawn)
    while True:
        chosen: list[Spot] = []
        for spot in drawn:
            here = (spot.longitude, spot.latitude)
            if all(metres_between(here, (each.longitude, each.latitude)) >= metres for each in chosen):
                chosen.append(spot)
                if len(chosen) == count:
                    return chosen
        if metres < 1:
            return (chosen * count)[:count]
        metres /= 1.6


def _sizes(chance: random.Random, sites: int, total: int) -> list[int]:
    """`sites` whole numbers that make `total`, each at least 2."""
    weights = [chance.uniform(0.5, 1.8) for _ in range(sites)]
    sizes = [max(2, int(total * weight / sum(weights))) for weight in weights]
    for index in range(abs(total - sum(sizes))):
        sizes[index % sites] += 1 if total > sum(sizes) else 0
    return sizes


def _centre(basemap: dict[str, Any]) -> tuple[float, float]:
    west, south, east, north = basemap["bounds"]
    if west <= CENTRE[0] <= east and south <= CENTRE[1] <= north:
        return CENTRE
    return (west + east) / 2, (south + north) / 2
