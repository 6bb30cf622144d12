"""The city that this installation serves: its name, centre and zone, read from a small file."""

import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from vidik.kernel.scripts import three_scripts
from vidik.kernel.settings import Settings

_PACKAGED = Path(__file__).with_name("cities")
_CODE = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True)
class City:
    """What every screen needs to know of the city; `centre` is longitude, latitude in WGS 84."""

    code: str
    name: dict[str, str]
    centre: tuple[float, float]
    zoom: float
    timezone: str

    def as_json(self) -> dict[str, Any]:
        """The city as the session endpoint shows it."""
        return asdict(self)


def load_city(settings: Settings) -> City:
    """The city of the settings: VIDIK_DATA/city.json when it is there, else the packaged file of its code."""
    return _load(settings.data / "city.json", settings.city)


@lru_cache(maxsize=8)
def _load(own: Path, code: str) -> City:
    path = own if own.is_file() else _PACKAGED / f"{code}.json"
    if not _CODE.fullmatch(code) or not path.is_file():
        known = ", ".join(sorted(file.stem for file in _PACKAGED.glob("*.json")))
        raise ValueError(f"VIDIK_CITY is {code!r}, but there is no {own} and the packaged cities are: {known}")
    text = orjson.loads(path.read_bytes())
    longitude, latitude = text["centre"]
    return City(
        code=code,
        name=three_scripts(text["name"]["en"], text["name"]["sr-Cyrl"]),
        centre=(float(longitude), float(latitude)),
        zoom=float(text["zoom"]),
        timezone=text["timezone"],
    )
