"""What the live city keeps of its assets, whatever comes first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vidik.console.catalogue import Catalogue
from vidik.console.projection import Projection
from vidik.context.jsonld import names
from vidik.intake.library import ProfileLibrary

BIN = "urn:ngsi-ld:WasteContainer:nis:new"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MICROSECONDS = int(NOW.timestamp() * 1_000_000)


@pytest.fixture
def projection(tmp_path: Path) -> Projection:
    return Projection(Catalogue(ProfileLibrary(tmp_path).profiles))


def read(projection: Projection) -> str:
    """The asset as it is read from the store; its state then."""
    row = {
        "id": BIN,
        "types": [names.expand_type("WasteContainer")],
        "document": {},
        "observed_at": NOW,
        "modified_at": NOW,
    }
    asset = projection.put(row, MICROSECONDS)
    assert asset is not None
    return asset.state


def hear(projection: Projection, *, cleared_at: datetime | None) -> Any:
    alarm = {"id": 7, "entity_id": BIN, "priority": "high", "cleared_at": cleared_at, "hidden_by": None}
    return projection.set_alarm(alarm, of_silence=False, now=MICROSECONDS)


def test_an_alarm_that_is_heard_of_before_its_asset_is_read_shows_on_it(projection: Projection) -> None:
    assert hear(projection, cleared_at=None) is None
    assert read(projection) == "high"
    assert hear(projection, cleared_at=NOW) is projection.assets[BIN]
    assert projection.assets[BIN].state == "normal"


def test_an_alarm_that_is_over_before_its_asset_is_read_does_not(projection: Projection) -> None:
    hear(projection, cleared_at=None)
    hear(projection, cleared_at=NOW)
    assert read(projection) == "normal"
