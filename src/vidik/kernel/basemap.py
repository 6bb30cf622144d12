"""The base map: the city's own streets from a file; no tile server on the internet is asked for anything.

`load_basemap` gives the file in the data folder, or else the packaged one of the demo city.
"""

from pathlib import Path

from vidik.kernel.errors import NotFound
from vidik.kernel.settings import Settings

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
FILE_NAME = "basemap.json"
_PACKAGED = Path(__file__).parent / "basemaps"


def basemap_file(settings: Settings) -> Path:
    """The file that the base map is read from. Raises NotFound when there is none for this city."""
    for file in (settings.data / FILE_NAME, _PACKAGED / f"{settings.city}.json"):
        if file.is_file():
            return file
    raise NotFound(
        f"There is no base map of {settings.city} yet. Make one with: vidik import osm FILE.pbf", code="no-basemap"
    )


def load_basemap(settings: Settings) -> bytes:
    """The base map as JSON: {attribution, bounds, layers: {streets, railways, water, green, buildings}}.

    Each layer is a GeoJSON FeatureCollection (WGS 84); streets carry `name` and `class` (motorway, main, street,
    service, path). Raises NotFound.
    """
    return basemap_file(settings).read_bytes()
