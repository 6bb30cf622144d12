"""What citizens report, as data: the package's `services.yaml`, replaced or joined by files of the city."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog
import yaml
from pydantic import Field, ValidationError

from vidik.operations.incidents.types import FALLBACK, IncidentType
from vidik.operations.rules.basis import Strict, Text

_log = structlog.get_logger(__name__)
_NEAR_M = 200
_WITHIN_HOURS = 24


class RequestService(Strict):
    """A thing that citizens report: `incident` is the type of incident that is proposed for it."""

    code: str = Field(min_length=1, max_length=100)
    title: Text
    incident: str = Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")
    service: str | None = Field(None, pattern=r"^[a-z_]{2,30}$")
    near_m: float = Field(_NEAR_M, gt=0, le=20_000)
    within_hours: float = Field(_WITHIN_HOURS, gt=0, le=24 * 60)


@cache
def packaged_services() -> Mapping[str, RequestService]:
    """Return the services that come with Vidik, in order, by code."""
    return _by_code(files("vidik.operations.requests").joinpath("services.yaml").read_text("utf-8"))


def request_services(folder: Path) -> Mapping[str, RequestService]:
    """Return every service by code, those of the city's folder (`request-services/*.yaml`) first.

    A file with a mistake is left out, and the log says why.
    """
    own: dict[str, RequestService] = {}
    for file in sorted((folder / "request-services").glob("*.yaml")):
        try:
            own |= _by_code(file.read_text("utf-8"))
        except (ValidationError, yaml.YAMLError, OSError, UnicodeDecodeError, TypeError) as error:
            _log.error("a file of request services is left out", file=file.name, reason=str(error))
    return own | {code: found for code, found in packaged_services().items() if code not in own}


def _by_code(text: str) -> dict[str, RequestService]:
    items: Sequence[Any] = yaml.safe_load(text) or []
    return {found.code: found for found in map(RequestService.model_validate, items)}


def incident_type_of(service: RequestService | None, types: Mapping[str, IncidentType]) -> str:
    """Return the type of incident that is proposed for a service; an unknown code is a technical fault."""
    return service.incident if service is not None and service.incident in types else FALLBACK
