"""A register of cameras from files: what gets in, and what does not."""

import json
from pathlib import Path

import pytest

from vidik.console.cameras_import import read_cameras
from vidik.kernel.errors import BadInput

OSM = """<osm version="0.6">
<node id="7" version="1" lat="43.32" lon="21.89">
<tag k="man_made" v="surveillance"/><tag k="surveillance:type" v="camera"/><tag k="surveillance:zone" v="traffic"/>
<tag k="camera:type" v="dome"/><tag k="camera:direction" v="NNE"/><tag k="operator" v="Град Ниш"/>
<tag k="contact:webcam" v="https://cameras.test/7"/></node>
<node id="8" version="1" lat="43.32" lon="21.89"><tag k="man_made" v="surveillance"/>
<tag k="surveillance:type" v="guard"/></node></osm>"""


def test_a_csv_brings_places_and_why_but_no_address_of_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    file.write_text(
        "id,name,longitude,latitude,purpose,direction,description,streamURL\n"
        "k 1,Трг,21.89,43.32,бројање возила,SW,гледај http://cameras.test,rtsp://cameras.test\n"
    )
    assert read_cameras(file, "nis") == [
        {
            "id": "urn:ngsi-ld:Camera:nis:k-1",
            "type": "Camera",
            "name": "Трг",
            "location": {"type": "Point", "coordinates": [21.89, 43.32]},
            "direction": 225.0,
            "purpose": "бројање возила",
        }
    ]


def test_geojson_is_read_alike(tmp_path: Path) -> None:
    file = tmp_path / "register.geojson"
    feature = {"id": "k2", "geometry": {"type": "Point", "coordinates": [21.9, 43.3]}, "properties": {"owner": "Град"}}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (camera,) = read_cameras(file, "nis")
    assert (camera["id"], camera["owner"]) == ("urn:ngsi-ld:Camera:nis:k2", "Град")


def test_an_openstreetmap_extract_gives_its_cameras(tmp_path: Path) -> None:
    import osmium

    (tmp_path / "city.osm").write_text(OSM)
    with osmium.SimpleWriter(str(tmp_path / "city.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(tmp_path / "city.osm")):
            writer.add(thing)
    (camera,) = read_cameras(tmp_path / "city.osm.pbf", "nis")
    assert camera["id"] == "urn:ngsi-ld:Camera:nis:osm-7"
    assert (camera["cameraUsage"], camera["cameraType"], camera["direction"]) == ("TRAFFIC", "DOME", 22.5)
    assert camera["operator"] == "Град Ниш"
    assert "cameras.test" not in json.dumps(camera)


@pytest.mark.parametrize(
    "text",
    [
        "id,longitude,latitude\n",
        "id,longitude,latitude\n,21,43\n",
        "id,longitude,latitude\nk1,far,43\n",
        "id,longitude,latitude\nk1,21,431\n",
    ],
)
def test_what_is_no_register_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "register.csv"
    file.write_text(text)
    with pytest.raises(BadInput):
        read_cameras(file, "nis")
