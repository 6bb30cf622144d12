"""`vidik import cameras`: a register of cameras from CSV, GeoJSON or OpenStreetMap, through the public NGSI-LD door."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from vidik.console import cameras
from vidik.kernel.errors import BadInput, VidikError
from vidik.kernel.settings import get_settings

_CONTEXT = '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
_AT_ONCE = 200
_USAGES = {"ALPR": "ANPR/LPR", "ANPR": "ANPR/LPR"}
_TYPES = {"fixed": "FIXED", "dome": "DOME", "panning": "PTZ"}
_COMPASS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")


def read_cameras(file: Path, city: str) -> list[dict[str, Any]]:
    """Read the cameras of a file (.csv, .geojson, .json, .osm.pbf) as entities in short names. Raises BadInput.

    CSV has columns `id`, `longitude`, `latitude` (degrees, WGS 84) and those of the register (`name` and
    `cameras.SHOWN`); GeoJSON the same as properties of points, the id as `id`. Other columns are left out: addresses of
    pictures and streams do not get in by this door.
    """
    if not file.is_file():
        raise BadInput(f"There is no file {file}.")
    rows = _osm_rows(file) if file.name.endswith(".pbf") else _rows(file)
    found = [_entity(row, city, place) for place, row in enumerate(rows, 1)]
    if not found:
        raise BadInput(f"There is no camera in {file}.")
    return found


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        text = file.read_text("utf-8-sig")
        if file.suffix == ".csv":
            yield from csv.DictReader(text.splitlines())
            return
        for feature in json.loads(text)["features"]:
            longitude, latitude = feature["geometry"]["coordinates"][:2]
            known = {"id": feature.get("id"), "longitude": longitude, "latitude": latitude}
            yield {**known, **feature["properties"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{file} cannot be read as a register of cameras: {error}") from error


def _osm_rows(file: Path) -> Iterator[dict[str, Any]]:
    import osmium

    try:
        nodes = osmium.FileProcessor(str(file), osmium.osm.NODE).with_filter(osmium.filter.KeyFilter("man_made"))
        node: Any
        for node in nodes:
            tags: dict[str, str] = {tag.k: tag.v for tag in node.tags}
            kind = tags.get("surveillance:type", "camera")
            if tags.get("man_made") != "surveillance" or kind not in ("camera", *_USAGES):
                continue
            zone = tags.get("surveillance:zone", "")
            yield {
                "id": f"osm-{node.id}",
                "name": tags.get("name") or tags.get("ref"),
                "longitude": node.location.lon,
                "latitude": node.location.lat,
                "cameraUsage": _USAGES.get(kind, "TRAFFIC" if zone == "traffic" else "SURVEILLANCE"),
                "cameraType": _TYPES.get(tags.get("camera:type", "")),
                "direction": _degrees(tags.get("camera:direction") or tags.get("direction")),
                "operator": tags.get("operator"),
                "dataProvider": "© OpenStreetMap contributors, ODbL 1.0",
            }
    except RuntimeError as error:
        raise BadInput(f"{file} cannot be read: {error}") from error


def _degrees(text: str | None) -> float | None:
    """Return the degrees clockwise from north of "NNE" or "22.5"; None for anything else."""
    if text in _COMPASS:
        return _COMPASS.index(text) * 22.5
    found = re.fullmatch(r"\d{1,3}(\.\d+)?", text or "")
    return float(found[0]) % 360 if found else None


def _entity(row: Mapping[str, Any], city: str, place: int) -> dict[str, Any]:
    key = re.sub(r"[^A-Za-z0-9_-]+", "-", str(row.get("id") or "")).strip("-")
    if not key:
        raise BadInput(f"Camera {place} has no id.", field="id")
    try:
        longitude, latitude = float(row["longitude"]), float(row["latitude"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"Camera {place} ({key}) has no place in degrees.", field="longitude") from error
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise BadInput(f"Camera {place} ({key}) lies outside of the world.", field="longitude")
    values = {name: _value(name, row[name]) for name in sorted(cameras.SHOWN) if row.get(name) not in (None, "")}
    shown = {name: kept for name, value in values.items() if (kept := cameras.without_addresses(value)) is not None}
    return {
        "id": f"urn:ngsi-ld:{cameras.TYPE}:{city}:{key}",
        "type": cameras.TYPE,
        "name": str(row.get("name") or key),
        "location": {"type": "Point", "coordinates": [longitude, latitude]},
        **shown,
    }


def _value(name: str, value: Any) -> Any:
    if name == "direction" and isinstance(value, str):
        return _degrees(value.strip())
    if name == "cameraOrientation" and isinstance(value, str):
        return {"comments": value}
    return value


def write_cameras(entities: list[dict[str, Any]], client: httpx.Client) -> None:
    """Create or update the entities through the batch door. Raises BadInput with what it refused, and why."""
    for first in range(0, len(entities), _AT_ONCE):
        answer = client.post(
            "/ngsi-ld/v1/entityOperations/upsert",
            params={"options": "update"},
            json=entities[first : first + _AT_ONCE],
            headers={"Link": _CONTEXT},
        )
        if answer.status_code not in (201, 204):
            raise BadInput(f"Vidik refused cameras ({answer.status_code}): {answer.text[:400]}")


def import_cameras_command(
    file: Annotated[Path, typer.Argument(help="The register: .csv, .geojson, or an OpenStreetMap extract .osm.pbf.")],
    address: Annotated[str | None, typer.Option(help="Vidik's address (default: this machine).")] = None,
    token: Annotated[str, typer.Option(envvar="VIDIK_TOKEN", prompt=True, hide_input=True, help="An API token.")] = "",
) -> None:
    """Bring a register of cameras in: places, owners, purposes; never a picture."""
    console, settings = Console(stderr=True), get_settings()
    base = address or f"http://127.0.0.1:{settings.port}"
    try:
        entities = read_cameras(file, settings.city)
        with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            write_cameras(entities, client)
    except (VidikError, httpx.HTTPError) as error:
        said = error.detail if isinstance(error, VidikError) else f"{base} cannot be reached: {error}"
        console.print(f"[red]{said}[/red]", highlight=False)
        raise typer.Exit(1) from error
    console.print(f"{len(entities):,} cameras from {file.name}.", highlight=False)
