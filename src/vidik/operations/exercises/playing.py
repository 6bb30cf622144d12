"""The player: fires what is due, each event once, in one transaction with its row; clears away what is over.

Safe to be killed at any point and to be run by two at once: the exercise's row is locked first, what was fired is
marked in the transaction of its effects, and the clock is counted from the row.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from vidik.context.store import entities as store
from vidik.context.store.readings import EntityReading, ReadingWriter
from vidik.context.store.states import EntityWrite
from vidik.kernel import audit
from vidik.kernel.database import Connection
from vidik.kernel.errors import VidikError
from vidik.kernel.identity import system_principal
from vidik.kernel.scripts import three_scripts
from vidik.kernel.services import Services
from vidik.operations.exercises import repository, service
from vidik.operations.exercises.exercise import Exercise
from vidik.operations.exercises.scenario import Scenario
from vidik.operations.exercises.twinning import Twins, a_request
from vidik.operations.incidents import service as incidents
from vidik.operations.incidents.incident import VIDIK, Opening
from vidik.operations.incidents.types import incident_types

_HEARD = frozenset({"call", "incident"})
_log = structlog.get_logger(__name__)


async def play(services: Services, tenant: str, moment: datetime) -> int:
    """Fire what is due at a moment; returns how many events that were."""
    async with services.database.transaction(tenant) as connection:
        row = await repository.lock_running(connection)
        if row is None:
            return 0
        exercise = service.of_row(row)
        due = await repository.events(connection, row["id"], due=exercise.clock_at(moment))
        if not due:
            return 0
        player = _Player(connection, services, row, exercise, moment)
        for event in due:
            result = await player.fire(event)
            await repository.mark_fired(connection, row["id"], event["place"], result, moment)
        if any(event["action"]["do"] in _HEARD for event in due):
            await service.tell(connection, row["id"])
        # The last statements: they hold the lock of the change stream until the commit.
        await store.save(connection, player.requests)
        if player.readings:
            await ReadingWriter().write(connection, player.readings)
        return len(due)


async def end_what_is_over(services: Services, tenant: str, moment: datetime) -> None:
    """End the exercise whose clock has come to the end of its scenario, everything being fired."""
    async with services.database.transaction(tenant) as connection:
        row = await repository.lock_running(connection)
        if row is None:
            return
        exercise = service.of_row(row)
        if exercise.clock_at(moment) < exercise.length_seconds:
            return
        if await repository.events(connection, row["id"], due=exercise.length_seconds):
            return
        ended = await service.end(connection, row, moment)
        principal = system_principal("exercises", tenant, frozenset({"exercises.run"}))
        facts = {"scenario": row["scenario"], **ended["score"]["totals"]}
        await audit.record(connection, principal, "exercise.end", f"exercise:{row['id']}", details=facts)


class _Player:
    """Fires events of one exercise in one transaction; readings and requests are gathered and written last."""

    def __init__(
        self,
        connection: Connection,
        services: Services,
        row: Mapping[str, Any],
        exercise: Exercise,
        moment: datetime,
    ) -> None:
        self._connection = connection
        self._settings = services.settings
        self._id: int = row["id"]
        self._exercise = exercise
        self._moment = moment
        self._twins = Twins(services.settings, row["id"], Scenario.model_validate(row["definition"]))
        self.readings: list[EntityReading] = []
        self.requests: list[EntityWrite] = []

    async def fire(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Do one event and return what came of it; one that cannot be done says why, and the play goes on."""
        try:
            async with self._connection.transaction():
                return await self._do(event)
        except VidikError as error:
            _log.warning("an event of an exercise could not be done", event=event["event"], reason=str(error))
            return {"problem": error.code}

    async def _do(self, event: Mapping[str, Any]) -> dict[str, Any]:
        action = event["action"]
        match action["do"]:
            case "twins":
                count = await self._twins.prepare(self._connection)
                self.readings += self._twins.readings(self._exercise, action)
                return {"twins": count}
            case "readings":
                readings = self._twins.readings(self._exercise, action)
                self.readings += readings
                return {"readings": len(readings)}
            case "request":
                return await self._send_request(event["event"], action)
            case "incident":
                return await self._open_incident(event["event"], action)
            case _:
                return {}

    async def _send_request(self, event: str, action: Mapping[str, Any]) -> dict[str, Any]:
        write = a_request(self._id, event, action, self._moment)
        if write.entity_id in await store.load(self._connection, [write.entity_id]):
            return {}
        self.requests.append(write)
        return {"request": write.entity_id}

    async def _open_incident(self, event: str, action: Mapping[str, Any]) -> dict[str, Any]:
        title, place = action["title"], action["place"]
        types = incident_types(self._settings.data)
        opening = Opening(
            type=action["type"] if action["type"] in types else "other",
            severity=action["severity"],
            title=title["sr"],
            titles=three_scripts(title["en"], title["sr"]),
            opened_from="system",
            summary=action["summary"]["sr"],
            address=action["address"],
            place={"type": "Point", "coordinates": place} if place else None,
            origin="simulated",
            exercise_id=self._id,
            data={"exercise": str(self._id), "event": event},
        )
        incident = await incidents.open_incident(self._connection, opening, VIDIK, self._moment)
        return {"incident": str(incident.id), "number": incident.number}
