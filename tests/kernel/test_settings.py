"""Settings: read from the environment, or given."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from vidik.kernel.settings import Settings


def test_the_environment_names_fields_in_either_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDIK_DATA", str(tmp_path))
    monkeypatch.setenv("vidik_port", "8081")
    monkeypatch.setenv("VIDIK_UNKNOWN", "ignored")

    settings = Settings()

    assert (settings.data, settings.port, settings.city) == (tmp_path, 8081, "nis")


def test_what_is_given_stands_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDIK_CITY", "beograd")

    assert Settings(city="nis").city == "nis"


def test_a_value_that_is_none_names_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDIK_PORT", "door")

    with pytest.raises(ValidationError, match="port"):
        Settings()
