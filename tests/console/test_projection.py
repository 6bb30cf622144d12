"""What the live city keeps of its assets, whatever comes first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vidik.console import listing, search
from vidik.console.catalogue import Catalogue
from vidik.console.projection import Asset, Projection, summary
from vidik.context.jsonld import names
from vidik.intake.library import ProfileLibrary
from vidik.kernel.scripts import fold

BIN = "urn:ngsi-ld:WasteContainer:nis:new"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MICROSECONDS = int(NOW.timestamp() * 1_000_000)


@pytest.fixture
def projection(tmp_path: Path) -> Projection:
    return Projection(Catalogue(ProfileLibrary(tmp_path).profiles))


def put(projection: Projection, entity_id: str, **attributes: dict[str, Any]) -> Asset:
    asset = projection.put(
        {
            "id": entity_id,
            "types": [names.expand_type("WasteContainer")],
            "document": {names.expand_attribute(name): attribute for name, attribute in attributes.items()},
            "observed_at": NOW,
            "modified_at": NOW,
        },
        MICROSECONDS,
    )
    assert asset is not None
    return asset


def read(projection: Projection) -> str:
    """The asset as it is read from the store; its state then."""
    return put(projection, BIN).state


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


SERBIAN = {"type": "Property", "value": "Контејнер 12, Обилићев венац"}
IN_LANGUAGES = {
    "type": "LanguageProperty",
    "languageMap": {"en": "Container 12, Obilićev venac", "sr-Cyrl": "Контејнер 12, Обилићев венац"},
}


def test_an_asset_bears_its_english_name_beside_the_one_that_it_is_called_by(projection: Projection) -> None:
    named = put(projection, BIN, name=SERBIAN, nameLocalized=IN_LANGUAGES)
    assert (named.name, named.name_en) == ("Контејнер 12, Обилићев венац", "Container 12, Obilićev venac")
    assert summary(named)["name_en"] == "Container 12, Obilićev venac"
    assert listing.columns([named], MICROSECONDS)["name_en"] == {"all": "Container 12, Obilićev venac"}


@pytest.mark.parametrize("other", [{}, {"en": ["Container"]}, {"en": ""}, {"de": "Tonne"}])
def test_an_asset_without_an_english_name_has_none(projection: Projection, other: dict[str, Any]) -> None:
    assert put(projection, BIN, name=SERBIAN, nameLocalized={"languageMap": other}).name_en is None
    assert put(projection, BIN, name=SERBIAN).name_en is None


@pytest.mark.parametrize("typed", ["container 12", "kontejner 12", "контејнер"])
@pytest.mark.parametrize(
    ("script", "title"), [("en", "Container 12, Obilićev venac"), ("sr-Latn", "Контејнер 12, Обилићев венац")]
)
def test_an_asset_is_found_by_each_of_its_names_and_called_by_the_reader_s(
    projection: Projection, typed: str, script: str, title: str
) -> None:
    named = put(projection, BIN, name=SERBIAN, nameLocalized=IN_LANGUAGES)
    hits = search.find_assets(fold(typed).split(), [named], script)
    assert [hit.title for hit in hits] == [title]
