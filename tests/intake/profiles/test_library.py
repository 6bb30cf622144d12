"""The shipped profiles, their documentation and their speed."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from vidik.context.jsonld import names
from vidik.intake.profiles import LIBRARY, load_profiles
from vidik.intake.profiles.model import AttributePart, CsvPart, DevicePart, EntityPart, ProfileFile, TimePart

PROFILES = load_profiles()
DOCUMENT = Path(__file__).parents[3] / "docs" / "integrators" / "profiles.md"


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_name_is_defined_in_the_citys_context(name: str) -> None:
    profile = PROFILES[name]

    assert not profile.type_iri.startswith(names.DEFAULT_VOCABULARY)
    for spec in profile.attributes:
        assert not spec.iri.startswith(names.DEFAULT_VOCABULARY), spec.name
        assert names.compact(spec.iri) == spec.name


@pytest.mark.parametrize("part", [ProfileFile, EntityPart, TimePart, DevicePart, CsvPart, AttributePart])
def test_every_key_is_explained(part: type[BaseModel]) -> None:
    text = DOCUMENT.read_text()
    section = {
        "ProfileFile": "## The profile", "EntityPart": "## `entity`", "TimePart": "## `time`",
        "DevicePart": "## `device`", "CsvPart": "## `csv`", "AttributePart": "## `attributes`",
    }[part.__name__]  # fmt: skip
    explained = set(re.findall(r"^\| `(\w+)`", text.split(section, 1)[1].split("\n## ", 1)[0], re.MULTILINE))

    assert explained == set(part.model_fields)


def test_every_shipped_profile_is_listed() -> None:
    text = DOCUMENT.read_text()

    assert [file.stem for file in sorted(LIBRARY.glob("*.yaml")) if f"`{file.stem}`" not in text] == []
