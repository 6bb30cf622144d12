"""The streets that the search knows: read beside the event loop, and again when the map changes."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from vidik.console import streets
from vidik.console.streets import Streets
from vidik.kernel.settings import Settings


def write_map(folder: Path, *names: str, changed: int) -> None:
    features = [
        {"properties": {"name": name}, "geometry": {"type": "LineString", "coordinates": [[21.9, 43.3], [21.91, 43.3]]}}
        for name in names
    ]
    file = folder / "basemap.json"
    file.write_text(json.dumps({"layers": {"streets": {"features": features}}}))
    os.utime(file, ns=(changed, changed))


async def test_they_are_read_beside_the_event_loop_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[threading.Thread] = []
    read = streets.street_names

    def watched(basemap: Any) -> Any:
        readers.append(threading.current_thread())
        return read(basemap)

    monkeypatch.setattr(streets, "street_names", watched)
    write_map(tmp_path, "Обреновићева", changed=1)
    known = Streets(Settings(data=tmp_path))

    assert [name for name, _ in (await known.named()).values()] == ["Обреновићева"]
    await known.named()

    assert len(readers) == 1
    assert readers[0] is not threading.current_thread()


async def test_another_map_has_other_streets(tmp_path: Path) -> None:
    write_map(tmp_path, "Обреновићева", changed=1)
    known = Streets(Settings(data=tmp_path))
    await known.named()

    write_map(tmp_path, "Вождова", changed=2)

    assert [name for name, _ in (await known.named()).values()] == ["Вождова"]


async def test_without_a_map_there_are_none(tmp_path: Path) -> None:
    assert await Streets(Settings(data=tmp_path, city="atlantis")).named() == {}
