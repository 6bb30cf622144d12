"""The base map: from the data folder, from the package, or from an OpenStreetMap extract."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vidik.console.osm_import import import_osm
from vidik.kernel.basemap import load_basemap
from vidik.kernel.errors import BadInput, NotFound
from vidik.kernel.settings import Settings


class TestLoading:
    def test_the_demo_city_has_its_streets_in_the_package(self, tmp_path: Path) -> None:
        basemap = json.loads(load_basemap(Settings(data=tmp_path, city="nis")))

        assert basemap["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"
        assert len(basemap["layers"]["streets"]["features"]) == 566
        west, south, east, north = basemap["bounds"]
        assert west < 21.8958 < east
        assert south < 43.3209 < north

    def test_a_file_in_the_data_folder_comes_first(self, tmp_path: Path) -> None:
        (tmp_path / "basemap.json").write_bytes(b'{"layers": {}}')

        assert load_basemap(Settings(data=tmp_path, city="nis")) == b'{"layers": {}}'

    def test_says_how_to_make_one(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="vidik import osm"):
            load_basemap(Settings(data=tmp_path, city="atlantis"))


class TestImport:
    def test_draws_the_centre_of_helsinki(self, shared_data: Path, tmp_path: Path) -> None:
        target = tmp_path / "basemap.json"

        drawn = import_osm(shared_data / "osm" / "helsinki.osm.pbf", target)

        basemap = json.loads(target.read_text())
        streets = basemap["layers"]["streets"]["features"]
        assert drawn["streets"] == len(streets) > 1_500
        assert drawn["railways"] > 100
        assert drawn["green"] > 100
        assert {street["properties"]["class"] for street in streets} <= {
            "motorway",
            "main",
            "street",
            "service",
            "path",
        }
        assert any(street["properties"].get("name") == "Mannerheimintie" for street in streets)
        assert basemap["bounds"] == pytest.approx([24.935, 60.164, 24.953, 60.179], abs=0.002)
        assert basemap["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"

    def test_draws_heidelberg_within_the_bounds_of_size(self, shared_data: Path, tmp_path: Path) -> None:
        target = tmp_path / "basemap.json"

        drawn = import_osm(shared_data / "osm" / "heidelberg.osm.pbf", target)

        assert drawn["streets"] > 20_000
        assert target.stat().st_size == drawn["bytes"] < 8_000_000

    def test_leaves_detail_out_when_the_map_would_be_too_large(self, shared_data: Path, tmp_path: Path) -> None:
        source = shared_data / "osm" / "helsinki.osm.pbf"

        whole = import_osm(source, tmp_path / "whole.json")
        small = import_osm(source, tmp_path / "small.json", max_bytes=300_000)

        assert small["bytes"] <= 300_000 < whole["bytes"]
        assert "buildings" not in small

    def test_refuses_what_cannot_be_made_small_enough(self, shared_data: Path, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="cut the extract"):
            import_osm(shared_data / "osm" / "helsinki.osm.pbf", tmp_path / "map.json", max_bytes=1_000)

        assert not (tmp_path / "map.json").exists()

    @pytest.mark.parametrize("content", [b"", b"not a map", b"\x00" * 64])
    def test_refuses_files_that_are_something_else(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "file.osm.pbf"
        file.write_bytes(content)

        with pytest.raises(BadInput):
            import_osm(file, tmp_path / "map.json")

    def test_says_when_there_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="no file"):
            import_osm(tmp_path / "absent.osm.pbf", tmp_path / "map.json")


def test_the_command_says_what_it_drew(shared_data: Path, tmp_path: Path) -> None:
    import typer

    from vidik.console.osm_import import import_osm_command

    app = typer.Typer()
    app.command()(import_osm_command)
    target = tmp_path / "map.json"
    result = CliRunner().invoke(app, [str(shared_data / "osm" / "helsinki.osm.pbf"), "--target", str(target)])

    assert result.exit_code == 0, result.output
    assert "OpenStreetMap" in result.output
    assert target.exists()
