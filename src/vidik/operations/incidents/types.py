"""Kinds of incidents as data: the package's `types.yaml`, replaced or joined by files of the city."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog
import yaml
from pydantic import Field, ValidationError

from vidik.operations.incidents.incident import Severity
from vidik.operations.rules.basis import Strict, Text

_log = structlog.get_logger(__name__)
FALLBACK = "technical_fault"


ANY_OTHER = "other"
"""The type of what is of no other; by itself it says nothing."""


class GroupOpening(Strict):
    """Groups of alarms that open an incident of this type by themselves: of which services, and from how many on."""

    services: list[str] = Field(min_length=1, description="Services of the group; * is any.")
    at_least: int = Field(5, ge=2, le=1000)


class IncidentType(Strict):
    """A kind of incident. `procedure` is the code of the procedure that is proposed for it."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")
    title: Text
    severity: Severity
    service: str | None = None
    procedure: str | None = None
    opens_on_groups: GroupOpening | None = None

    def takes(self, service: str, alarms: int) -> bool:
        """Whether a group of so many alarms of a service opens an incident of this type."""
        opening = self.opens_on_groups
        return opening is not None and alarms >= opening.at_least and bool({service, "*"} & set(opening.services))


@cache
def packaged_types() -> Mapping[str, IncidentType]:
    """Return the types that come with Vidik, in order, by code."""
    text = files("vidik.operations.incidents").joinpath("types.yaml").read_text("utf-8")
    return {found.code: found for found in _read(text)}


def incident_types(folder: Path) -> Mapping[str, IncidentType]:
    """Return every type by code, those of the city's folder (`incident-types/*.yaml`) first.

    A file with a mistake is left out, and the log says why.
    """
    own: dict[str, IncidentType] = {}
    for file in sorted((folder / "incident-types").glob("*.yaml")):
        try:
            own |= {found.code: found for found in _read(file.read_text("utf-8"))}
        except (ValidationError, yaml.YAMLError, OSError, UnicodeDecodeError, TypeError) as error:
            _log.error("a file of incident types is left out", file=file.name, reason=str(error))
    return own | {code: found for code, found in packaged_types().items() if code not in own}


def _read(text: str) -> Sequence[IncidentType]:
    items: list[Any] = yaml.safe_load(text) or []
    return [IncidentType.model_validate(item) for item in items]
