"""Simulated cameras: entries of a public register, with a place, who answers and why. There is no picture anywhere."""

from datetime import UTC, datetime
from typing import Any

from vidik.demo.streets import spots_along
from vidik.kernel.scripts import three_scripts, to_latin

_COUNT = 18
_SPACING_METRES = 400.0
_KINDS: list[dict[str, Any]] = [
    {
        "cameraUsage": "TRAFFIC",
        "cameraType": "FIXED",
        "owner": "Градска управа Ниш",
        "purpose": "Бројање возила и рад семафора",
        "legalBasis": "ЗЗПЛ чл. 12, ст. 1, т. 5",
        "retentionPeriod": "P3D",
    },
    {
        "cameraUsage": "SURVEILLANCE",
        "cameraType": "DOME",
        "owner": "Општина Медијана",
        "purpose": "Заштита имовине града",
        "legalBasis": "ЗЗПЛ чл. 12, ст. 1, т. 5; процена утицаја, чл. 54",
        "retentionPeriod": "P7D",
    },
    {
        "cameraUsage": "TRAFFIC",
        "cameraType": "PTZ",
        "owner": "Паркинг сервис",
        "purpose": "Попуњеност паркиралишта",
        "legalBasis": "ЗЗПЛ чл. 12, ст. 1, т. 5",
        "retentionPeriod": "P1D",
    },
]
_OUT_OF_SERVICE = 7


def register_of_cameras(basemap: dict[str, Any], now: datetime | None = None) -> list[dict[str, Any]]:
    """The entities of some dozen cameras along the main streets, with the city's short names; all simulated."""
    spots = [spot for spot in spots_along(basemap, _SPACING_METRES) if spot.main]
    step = max(1, len(spots) // _COUNT)
    said_at = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    entities = []
    for number, spot in enumerate(spots[::step][:_COUNT], 1):
        name = f"Камера {number}, {spot.street}"
        state = "outOfService" if number == _OUT_OF_SERVICE else "inService"
        entities.append(
            {
                "id": f"urn:ngsi-ld:Camera:nis:camera-{number:02d}",
                "type": "Camera",
                "name": {"type": "Property", "value": name},
                "nameLocalized": {
                    "type": "LanguageProperty",
                    "languageMap": three_scripts(f"Camera {number}, {to_latin(spot.street)}", name),
                },
                "location": {
                    "type": "GeoProperty",
                    "value": {"type": "Point", "coordinates": list(spot.beside(6.0))},
                },
                "dataOrigin": {"type": "Property", "value": "simulated"},
                "deviceState": {"type": "Property", "value": state, "observedAt": said_at},
                "direction": {"type": "Property", "value": number * 40 % 360, "unitCode": "DD"},
                "cameraOrientation": {"type": "Property", "value": {"comments": f"низ улицу {spot.street}"}},
                **{
                    key: {"type": "Property", "value": value}
                    for key, value in _KINDS[(number - 1) % len(_KINDS)].items()
                },
            }
        )
    return entities
