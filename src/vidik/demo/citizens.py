"""Simulated citizens: now and then one reports something, and a burst pipe is reported by its whole street."""

import asyncio
import math
import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from vidik.demo.door import Door
from vidik.demo.routes import Place, Streets
from vidik.demo.streets import metres_between

_log = structlog.get_logger(__name__)

TYPE = "service_requests"
"""Citizens' requests as Smart Data Models have them (Open311)."""
_NAMESPACE = uuid.UUID("3d0f5a0e-2f7d-4a53-8a43-5a8f6a0c7b21")
_PAUSE_SECONDS = (600.0, 1500.0)
_BURST_NEAR = (21.9021, 43.3166)
_METRES_A_DEGREE = 111_195.0

REPORTS: list[dict[str, str]] = [
    {"service_code": "street_light", "service_name": "Не ради расвета", "description": "Три стуба заредом не светле."},
    {"service_code": "road_damage", "service_name": "Оштећен коловоз", "description": "Дубока рупа код прелаза."},
    {"service_code": "waste", "service_name": "Смеће није однето", "description": "Контејнер је пун већ два дана."},
    {"service_code": "fallen_tree", "service_name": "Пало дрво или грана", "description": "Грана је преко тротоара."},
    {"service_code": "no_heating", "service_name": "Нема грејања", "description": "Радијатори су хладни од јутрос."},
    {"service_code": "traffic_signal", "service_name": "Квар на семафору", "description": "Трепће жуто већ сат."},
]
BURST: list[dict[str, str]] = [
    {"service_code": "water_leak", "description": "Вода избија из асфалта и тече низ улицу."},
    {"service_code": "water_leak", "description": "Поплављен улаз, вода долази са коловоза."},
    {"service_code": "no_water", "description": "Нема воде на четвртом спрату."},
    {"service_code": "water_leak", "description": "Испред пекаре се пробила цев."},
]


async def report(door: Door, basemap: dict[str, Any], seed: int) -> None:
    """Send the day's requests once, and a new one now and then, until cancelled."""
    streets = Streets(basemap)
    chance = random.Random(f"{seed} citizens")  # noqa: S311  (a demo)
    names = street_names(basemap)
    for request in todays(streets.places, names, chance, datetime.now(UTC)):
        await door.create(request)
    while True:
        await asyncio.sleep(chance.uniform(*_PAUSE_SECONDS))
        place = chance.choice(streets.places)
        said = chance.choice(REPORTS)
        await door.create(_request(str(uuid.uuid4()), said, place, names.get(place, ""), datetime.now(UTC)))


def street_names(basemap: dict[str, Any]) -> dict[Place, str]:
    """Return the name of the street of each of its points, of those that have one."""
    found: dict[Place, str] = {}
    for feature in basemap["layers"]["streets"]["features"]:
        name, geometry = feature["properties"].get("name", ""), feature["geometry"]
        lines = geometry["coordinates"] if geometry["type"] == "MultiLineString" else [geometry["coordinates"]]
        if name:
            found.update({(place[0], place[1]): name for line in lines for place in line})
    return found


def todays(
    places: Sequence[Place], names: Mapping[Place, str], chance: random.Random, moment: datetime
) -> list[dict[str, Any]]:
    """Return what was reported today: some of everything, and one burst pipe by four households.

    The ids are those of the day, so that whatever restarts sends nothing twice.
    """
    today = moment.date().isoformat()
    found = []
    for number, said in enumerate(REPORTS):
        sent = moment - timedelta(minutes=chance.uniform(30, 300))
        place = chance.choice(places)
        found.append(_request(_id(today, number), said, place, names.get(place, ""), sent))
    burst = min(names or dict.fromkeys(places, ""), key=lambda place: metres_between(place, _BURST_NEAR))
    for number, said in enumerate(BURST):
        angle, metres = chance.uniform(0, 2 * math.pi), chance.uniform(10, 110)
        place = _moved(burst, metres * math.cos(angle), metres * math.sin(angle))
        sent = moment - timedelta(minutes=35 - 8 * number)
        said = {"service_name": "Квар водовода", **said}
        found.append(
            _request(_id(today, 100 + number), said, place, f"{names.get(burst, '')} {12 + 2 * number}".strip(), sent)
        )
    return found


def _id(day: str, number: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{day} {number}"))


def _moved(place: Place, east_m: float, north_m: float) -> Place:
    shrink = math.cos(math.radians(place[1]))
    return place[0] + east_m / (_METRES_A_DEGREE * shrink), place[1] + north_m / _METRES_A_DEGREE


def _request(number: str, said: Mapping[str, str], place: Place, address: str, sent: datetime) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        **said,
        "service_request_id": number,
        "requested_datetime": sent.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "status": "open",
        "dataOrigin": "simulated",
        **({"address_string": address} if address else {}),
    }
    return {
        "id": f"urn:ngsi-ld:{TYPE}:demo:{number}",
        "type": TYPE,
        **{name: {"type": "Property", "value": value} for name, value in attributes.items()},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(place)}},
    }
