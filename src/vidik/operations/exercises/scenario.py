"""Scenarios as data: who is in them, what happens when, and by when people should have done what."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

import structlog
import yaml
from pydantic import Field, ValidationError, model_validator

from vidik.kernel.errors import NotFound
from vidik.operations.incidents.incident import Severity
from vidik.operations.rules.basis import Scalar, Strict, Text

_log = structlog.get_logger(__name__)
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,60}$")]
Minutes = Annotated[float, Field(ge=0, le=480)]
Position = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""Longitude and latitude, degrees (WGS 84)."""
Deed = Literal[
    "alarm_acknowledged",
    "incident_opened",
    "command_taken",
    "procedure_started",
    "procedure_ended",
    "crew_sent",
    "crew_arrived",
    "task_done",
    "warning_drafted",
    "warning_released",
    "contained",
    "closed",
]
PAST_MINUTES = 180
"""How long before the beginning a twin has its first values: holds of rules look back at most so far."""


class Twin(Strict):
    """An asset of the exercise: the nearest real one of the type lends its name, or `name` does where there is none."""

    code: Code
    type: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]{1,60}$")]
    name: Text
    place: Position
    values: dict[AttributeName, Scalar] = Field(min_length=1, max_length=30)


class _Event(Strict):
    id: Code
    at: Minutes
    title: Text


class Readings(_Event):
    """Twins report values; `since` says for how many minutes they have been so already (what rules hold for)."""

    do: Literal["readings"]
    twins: list[Code] = Field(min_length=1, max_length=50)
    values: dict[AttributeName, Scalar] = Field(min_length=1, max_length=30)
    since: Annotated[float, Field(ge=0, le=PAST_MINUTES - 10)] = 0


class Course(_Event):
    """A number of twins moves evenly from one value to another in some minutes, reported every so many."""

    do: Literal["course"]
    twins: list[Code] = Field(min_length=1, max_length=50)
    attribute: AttributeName
    begin: float
    end: float
    minutes: Annotated[float, Field(gt=0, le=480)]
    every: Annotated[float, Field(ge=0.5, le=60)] = 2


class OpenedIncident(_Event):
    """Another service has opened an incident and passes it on."""

    do: Literal["incident"]
    type: Code
    severity: Severity
    summary: Text
    address: str = Field("", max_length=300)
    place: Position | None = None


class Caller(_Event):
    """Somebody calls or writes: people must decide what it means."""

    do: Literal["call"]
    caller: Text
    text: Text


class CitizensRequest(_Event):
    """Somebody reports by the citizens' application: a request comes in by the same door, marked as exercise."""

    do: Literal["request"]
    service_code: str = Field(min_length=1, max_length=100)
    text: Text
    address: str = Field("", max_length=300)
    place: Position | None = None


Event = Annotated[Readings | Course | OpenedIncident | Caller | CitizensRequest, Field(discriminator="do")]


class Target(Strict):
    """By when people should have done something: minutes of its clock after an event (or the beginning)."""

    what: Deed
    within: Annotated[float, Field(gt=0, le=480)]
    after: Code | None = None


class Scenario(Strict):
    """One scenario. `minutes` is its length on its own clock, which may run faster than people's."""

    code: Code
    title: Text
    purpose: Text
    minutes: Annotated[float, Field(ge=1, le=480)]
    twins: list[Twin] = Field([], max_length=100)
    events: list[Event] = Field(min_length=1, max_length=200)
    targets: list[Target] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        twins, events = [twin.code for twin in self.twins], [event.id for event in self.events]
        for what, codes in (("twin", twins), ("event", events)):
            for code in codes:
                if codes.count(code) > 1:
                    raise ValueError(f"two of it have the name {what} {code}")
        for event in self.events:
            last = event.at + event.minutes if isinstance(event, Course) else event.at
            if last > self.minutes:
                raise ValueError(f"{event.id} goes on after the end")
            for code in event.twins if isinstance(event, Readings | Course) else ():
                if code not in twins:
                    raise ValueError(f"{event.id} names the twin {code}, which there is not")
        for target in self.targets:
            if target.after is not None and target.after not in events:
                raise ValueError(f"a target counts from {target.after}, which there is not")
        return self


@cache
def packaged_scenarios() -> Mapping[str, Scenario]:
    """Return the scenarios that come with Vidik, by code, in the order of their files."""
    folder = files("vidik.operations.exercises").joinpath("scenarios")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    found = [Scenario.model_validate(yaml.safe_load(folder.joinpath(name).read_text("utf-8"))) for name in names]
    return {scenario.code: scenario for scenario in found}


def scenarios(folder: Path) -> Mapping[str, Scenario]:
    """Return every scenario by code, those of the city's folder (`exercises/*.yaml`) first.

    A file with a mistake is left out, and the log says why.
    """
    own: dict[str, Scenario] = {}
    for file in sorted((folder / "exercises").glob("*.yaml")):
        try:
            scenario = Scenario.model_validate(yaml.safe_load(file.read_text("utf-8")))
            own[scenario.code] = scenario
        except (ValidationError, yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            _log.error("a scenario is left out", file=file.name, reason=str(error))
    return own | {code: found for code, found in packaged_scenarios().items() if code not in own}


def scenario_of(folder: Path, code: str) -> Scenario:
    """Return a scenario by code; raises NotFound."""
    found = scenarios(folder).get(code)
    if found is None:
        raise NotFound(f"There is no scenario {code}.", field="scenario")
    return found
