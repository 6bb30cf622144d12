"""Twins in the city's memory: made at the beginning, given readings, taken away at the end."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from vidik.context.jsonld import names
from vidik.context.ngsild.temporal import writing as temporal_writing
from vidik.context.store import entities as store
from vidik.context.store.document import Document
from vidik.context.store.readings import AttributeMeta, EntityReading, Target
from vidik.context.store.states import EntityWrite
from vidik.intake.library import ProfileLibrary
from vidik.kernel.clock import iso, to_microseconds
from vidik.kernel.database import Connection
from vidik.kernel.scripts import three_scripts
from vidik.kernel.settings import Settings
from vidik.operations.entities import NAME, NAME_IN_LANGUAGES, ORIGIN, english_name_of, name_of, value_of
from vidik.operations.exercises import repository
from vidik.operations.exercises.exercise import Exercise
from vidik.operations.exercises.scenario import CitizensRequest, Scenario, Twin
from vidik.operations.rules.model import REQUEST_TYPE
from vidik.operations.twins import ID_PREFIX, twin_id, twin_type

MARK, MARK_EN = "ВЕЖБА", "EXERCISE"
_TWIN_OF = names.expand_attribute("twinOf")
_NEAR_DEGREES = 0.02
"""About two kilometres: an asset further away has nothing to do with the scenario's place."""


class Twins:
    """The twins of one exercise, with the units that device profiles give their attributes."""

    def __init__(self, settings: Settings, exercise: int, scenario: Scenario) -> None:
        self._exercise = exercise
        self._twins = {twin.code: twin for twin in scenario.twins}
        profiles = ProfileLibrary(settings.data / "profiles").profiles.values()
        self._births: dict[str, Document] = {}
        self._units: dict[str, dict[str, AttributeMeta]] = {}
        for profile in profiles:
            known = self._units.setdefault(profile.entity_type, {})
            known |= {spec.iri: AttributeMeta(spec.kind, spec.unit_code) for spec in profile.attributes}

    async def prepare(self, connection: Connection) -> int:
        """Say what each twin is born with: the name and links of the nearest real asset, and the mark.

        Their first readings make them. Returns how many there are.
        """
        used: list[str] = []
        for code, twin in self._twins.items():
            asset = await repository.nearest_asset(connection, names.expand_type(twin.type), *twin.place, used)
            near = asset if asset is not None and _is_near(asset["document"], twin) else None
            if near is not None:
                used.append(near["id"])
            # All readings of a batch must know it: which of them makes the entity is not said.
            self._births[code] = _birth(twin, near)
        return len(self._births)

    def readings(self, exercise: Exercise, action: Mapping[str, Any]) -> list[EntityReading]:
        """Return the readings of an action; of the one that makes the twins, their first values."""
        found = []
        for code in action.get("twins", self._twins):
            twin = self._twins[code]
            values = action.get("values", twin.values)
            target = self._target(twin)
            expanded = {names.expand_attribute(name): value for name, value in values.items()}
            found += [
                EntityReading(target, to_microseconds(exercise.observed_at(at)), expanded) for at in action["observed"]
            ]
        return found

    def _target(self, twin: Twin) -> Target:
        return Target(
            entity_id=twin_id(self._exercise, twin.code),
            types=(names.expand_type(twin_type(twin.type)),),
            meta=self._units.get(twin.type, {}),
            provided_by=twin_id(self._exercise, "player"),
            birth=partial(dict, self._births.get(twin.code, {})),
        )


def _birth(twin: Twin, asset: Mapping[str, Any] | None) -> Document:
    name = name_of(asset["id"], asset["document"]) if asset else twin.name.sr
    name_en = english_name_of(asset["document"]) if asset else twin.name.en
    document: Document = {
        NAME: {"type": "Property", "value": f"{MARK} · {name}"},
        ORIGIN: {"type": "Property", "value": "simulated"},
        names.LOCATION: {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(twin.place)}},
    }
    if name_en:
        in_languages = three_scripts(f"{MARK_EN} · {name_en}", f"{MARK} · {name}")
        document[NAME_IN_LANGUAGES] = {"type": "LanguageProperty", "languageMap": in_languages}
    if asset is None:
        return document
    document[_TWIN_OF] = {"type": "Property", "value": asset["id"]}
    for iri, content in _links(asset["document"]):
        document[iri] = {"type": "Relationship", "object": content["object"]}
    document[names.LOCATION] = {"type": "GeoProperty", "value": value_of(asset["document"], names.LOCATION)}
    return document


def _links(document: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for iri, content in document.items():
        if isinstance(content, dict) and content.get("type") == "Relationship":
            yield iri, content


def _is_near(document: Mapping[str, Any], twin: Twin) -> bool:
    place = value_of(document, names.LOCATION)
    if not isinstance(place, dict) or place.get("type") != "Point":
        return False
    longitude, latitude = map(float, place["coordinates"][:2])
    return abs(longitude - twin.place[0]) < _NEAR_DEGREES and abs(latitude - twin.place[1]) < _NEAR_DEGREES


def a_request(exercise: int, event: str, action: Mapping[str, Any], moment: datetime) -> EntityWrite:
    """Return the citizen's request that an event sends, as a twin: its id names the exercise, its text says so."""
    at = iso(moment)
    said: dict[str, Any] = {
        "service_code": action["service_code"],
        "description": f"{MARK} · {action['text']['sr']}",
        "address_string": action["address"],
        "requested_datetime": at,
        "status": "open",
        "dataOrigin": "simulated",
    }
    document: Document = {
        names.expand_attribute(name): {"type": "Property", "value": value, "createdAt": at, "modifiedAt": at}
        for name, value in said.items()
        if value
    }
    if action["place"]:
        place = {"type": "Point", "coordinates": list(action["place"])}
        document[names.LOCATION] = {"type": "GeoProperty", "value": place, "createdAt": at, "modifiedAt": at}
    types = [names.expand_type(twin_type(REQUEST_TYPE))]
    changed = {iri: [content] for iri, content in document.items()}
    return EntityWrite(_request_id(exercise, event), types, None, document, None, changed, None)


def _request_id(exercise: int, event: str) -> str:
    return twin_id(exercise, f"request-{event}")


async def take_away(connection: Connection, exercise: int, scenario: Scenario) -> None:
    """Delete the twins and requests of an exercise; the alarms' reader ends their alarms.

    The transaction's last statement.
    """
    requests = [_request_id(exercise, event.id) for event in scenario.events if isinstance(event, CitizensRequest)]
    await store.delete(connection, [twin_id(exercise, twin.code) for twin in scenario.twins] + requests)


async def forget_past(connection: Connection) -> int:
    """Remove the readings of twins that were taken away: they were never the city's. How many twins that were."""
    gone = await repository.twins_gone(connection, ID_PREFIX)
    for one in gone:
        await temporal_writing.delete_entity(connection, one)
    return len(gone)
