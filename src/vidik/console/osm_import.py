"""`vidik import osm`: draws the base map from an OpenStreetMap extract (.osm.pbf), bounded in size."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import osmium
import shapely
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from shapely.geometry.base import BaseGeometry

from vidik.kernel.basemap import ATTRIBUTION, FILE_NAME
from vidik.kernel.errors import BadInput, VidikError
from vidik.kernel.settings import get_settings

MAX_BYTES = 8_000_000
_METRES_PER_DEGREE = 111_320
_DIGITS = 5  # about a metre
_OUTLIERS_PERCENT = 0.5

STREETS = {
    "motorway": "motorway", "motorway_link": "motorway", "trunk": "motorway", "trunk_link": "motorway",
    "primary": "main", "primary_link": "main", "secondary": "main", "secondary_link": "main",
    "tertiary": "street", "tertiary_link": "street", "unclassified": "street", "residential": "street",
    "living_street": "street", "road": "street", "pedestrian": "path", "service": "service",
    "footway": "path", "cycleway": "path", "path": "path", "steps": "path", "track": "path",
}  # fmt: skip
RAILWAYS = {"rail", "light_rail", "tram", "narrow_gauge"}
WATERWAYS = {"river", "canal", "stream"}
GREEN = {
    "leisure": {"park", "garden", "nature_reserve", "golf_course", "pitch", "common"},
    "landuse": {"forest", "grass", "meadow", "recreation_ground", "cemetery", "village_green", "orchard", "vineyard",
                "allotments"},
    "natural": {"wood", "scrub", "grassland", "heath"},
}  # fmt: skip

# What goes, in this order, when the map would be too large: detail first, then what nobody misses.
_DETAIL_METRES = (1.5, 4.0, 10.0, 20.0)
_LEAVE_OUT: tuple[tuple[str, ...], ...] = ((), ("buildings",), ("buildings", "path"), ("buildings", "path", "service"))


@dataclass
class Drawing:
    """Shapes by layer, each with its properties, as read from the extract."""

    layers: dict[str, list[tuple[BaseGeometry, dict[str, str]]]] = field(
        default_factory=lambda: {"streets": [], "railways": [], "water": [], "green": [], "buildings": []}
    )

    def add(self, layer: str, shape: BaseGeometry, properties: dict[str, str]) -> None:
        """Take one shape in."""
        self.layers[layer].append((shape, properties))


def import_osm(
    file: Path,
    target: Path,
    *,
    buildings: bool = True,
    max_bytes: int = MAX_BYTES,
    tell: Callable[[str, int], None] = lambda _step, _count: None,
) -> dict[str, int]:
    """Draw `file` into `target`; returns how many shapes each layer has, and `bytes`. Raises BadInput.

    `tell` hears of each step and how many objects it has seen.
    """
    if not file.is_file():
        raise BadInput(f"There is no file {file}.")
    drawing = read_extract(file, buildings=buildings, tell=tell)
    if not drawing.layers["streets"]:
        raise BadInput(f"There is no street in {file}: is it an OpenStreetMap extract?")
    tell("writing", 0)
    content, layers = _bounded(drawing, max_bytes, file.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(target)
    return {**{name: len(layer["features"]) for name, layer in layers.items()}, "bytes": len(content)}


def read_extract(
    file: Path, *, buildings: bool = True, tell: Callable[[str, int], None] = lambda _step, _count: None
) -> Drawing:
    """The streets, railways, water, green and buildings of an extract, as shapes in degrees. Raises BadInput."""
    drawing = Drawing()
    factory = osmium.geom.WKBFactory()
    keys = ["highway", "railway", "waterway", "natural", "leisure", "landuse", *(["building"] if buildings else [])]
    try:
        objects = osmium.FileProcessor(str(file)).with_areas().with_filter(osmium.filter.KeyFilter(*keys))
        for count, thing in enumerate(objects):
            if count % 2_000 == 0:
                tell("reading", count)
            if isinstance(thing, osmium.osm.Way):
                _take_way(drawing, factory, thing)
            elif isinstance(thing, osmium.osm.Area):
                _take_area(drawing, factory, thing, buildings)
    except RuntimeError as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    return drawing


def _take_way(drawing: Drawing, factory: Any, way: Any) -> None:
    tags = way.tags
    properties = {"name": tags["name"]} if "name" in tags else {}
    highway = STREETS.get(tags.get("highway", ""))
    if highway is not None and tags.get("area") != "yes" and tags.get("tunnel") not in ("yes", "building_passage"):
        layer, properties = "streets", {**properties, "class": highway}
    elif tags.get("railway") in RAILWAYS and tags.get("tunnel") != "yes":
        layer, properties = "railways", {"class": tags["railway"]}
    elif tags.get("waterway") in WATERWAYS and tags.get("tunnel") is None:
        layer, properties = "water", {**properties, "class": tags["waterway"]}
    else:
        return
    try:
        drawing.add(layer, shapely.from_wkb(factory.create_linestring(way)), properties)
    except (RuntimeError, osmium.InvalidLocationError, shapely.errors.ShapelyError):
        return  # a way whose nodes the extract cut off


def _take_area(drawing: Drawing, factory: Any, area: Any, buildings: bool) -> None:
    tags = area.tags
    if (
        tags.get("natural") == "water"
        or tags.get("waterway") in ("riverbank", "dock")
        or tags.get("landuse") == "basin"
    ):
        layer = "water"
    elif any(tags.get(key) in kinds for key, kinds in GREEN.items()):
        layer = "green"
    elif buildings and tags.get("building", "no") != "no":
        layer = "buildings"
    else:
        return
    try:
        shape = shapely.from_wkb(factory.create_multipolygon(area))
    except (RuntimeError, osmium.InvalidLocationError, shapely.errors.ShapelyError):
        return
    drawing.add(layer, shape, {"name": tags["name"]} if layer != "buildings" and "name" in tags else {})


def _bounded(drawing: Drawing, max_bytes: int, source: str) -> tuple[bytes, dict[str, Any]]:
    bounds = _bounds([shape for shape, _ in drawing.layers["streets"]])
    content, layers = b"", {}
    for left_out in _LEAVE_OUT:
        for detail in _DETAIL_METRES:
            layers = _layers(drawing, detail, left_out)
            content = _write(layers, bounds, source)
            if len(content) <= max_bytes:
                return content, layers
    raise BadInput(
        f"The map of {source} would take {len(content) / 1e6:.0f} MB even when simplified; "
        "cut the extract to the city first (osmium extract --bbox)."
    )


def _layers(drawing: Drawing, detail: float, left_out: tuple[str, ...]) -> dict[str, Any]:
    tolerance = detail / _METRES_PER_DEGREE
    return {
        name: {
            "type": "FeatureCollection",
            "features": list(
                _features((each for each in shapes if each[1].get("class") not in left_out), tolerance, name)
            ),
        }
        for name, shapes in drawing.layers.items()
        if name not in left_out and shapes
    }


def _features(
    shapes: Iterable[tuple[BaseGeometry, dict[str, str]]], tolerance: float, layer: str
) -> Iterator[dict[str, Any]]:
    smallest = (tolerance * 4) ** 2 if layer in ("green", "buildings", "water") else 0.0
    for shape, properties in shapes:
        simple = shape.simplify(tolerance, preserve_topology=layer != "buildings")
        if simple.is_empty or (simple.area < smallest and simple.geom_type.endswith("Polygon")):
            continue
        if simple.geom_type == "MultiPolygon" and len(simple.geoms) == 1:
            simple = simple.geoms[0]
        yield {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": simple.geom_type, "coordinates": _rounded(simple.__geo_interface__["coordinates"])},
        }


def _rounded(coordinates: Any) -> Any:
    if isinstance(coordinates[0], float):
        return [round(coordinates[0], _DIGITS), round(coordinates[1], _DIGITS)]
    return [_rounded(each) for each in coordinates]


def _bounds(streets: list[BaseGeometry]) -> list[float]:
    """Where the streets are: an extract with complete ways reaches far out along a few of them."""
    points = shapely.get_coordinates(streets)
    west, south = np.percentile(points, _OUTLIERS_PERCENT, axis=0)
    east, north = np.percentile(points, 100 - _OUTLIERS_PERCENT, axis=0)
    return [round(float(side), _DIGITS) for side in (west, south, east, north)]


def _write(layers: dict[str, Any], bounds: list[float], source: str) -> bytes:
    return json.dumps(
        {
            "attribution": ATTRIBUTION,
            "source": source,
            "drawn_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "bounds": bounds,
            "layers": layers,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def import_osm_command(
    file: Annotated[Path, typer.Argument(help="OpenStreetMap extract of the city, .osm.pbf.")],
    buildings: Annotated[bool, typer.Option(help="Draw buildings as well.")] = True,
    target: Annotated[Path | None, typer.Option(help="Where to (default: the data folder's basemap.json).")] = None,
) -> None:
    """Draw the base map of the console from an OpenStreetMap extract."""
    console = Console(stderr=True)
    place = target or get_settings().data / FILE_NAME
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[seen]}"), TimeElapsedColumn(),
        console=console,
    ) as progress:  # fmt: skip
        bar = progress.add_task(file.name, total=None, seen="")

        def tell(step: str, count: int) -> None:
            progress.update(bar, description=f"{file.name}: {step}", seen=f"{count:,} objects" if count else "")

        try:
            drawn = import_osm(file, place, buildings=buildings, tell=tell)
        except VidikError as error:
            progress.stop()
            console.print(f"[red]{error.detail}[/red]", highlight=False)
            raise typer.Exit(1) from error
    size = drawn.pop("bytes")
    shapes = ", ".join(f"{count:,} {name}" for name, count in drawn.items())
    console.print(f"{place}: {shapes}; {size / 1e6:.1f} MB. {ATTRIBUTION}", highlight=False)
