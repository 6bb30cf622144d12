"""Simulated crews: on duty by the doors that real phones use, driving along streets, working on what they are sent."""

import asyncio
import random
import uuid
from datetime import UTC, datetime
from typing import Any

import structlog

from vidik.demo.door import Door, DoorClosed
from vidik.demo.routes import Place, Streets, along

_log = structlog.get_logger(__name__)

_TELL_SECONDS = 12.0
_KMH = 24.0
_WORK_SECONDS = (240.0, 600.0)
_THINK_SECONDS = (15.0, 50.0)
_LOGIN = "service-demo"
_NAMESPACE = uuid.UUID("6e0c1f1e-3a5f-4c55-9d2f-0d7c5b5c1a10")

CREWS: list[dict[str, Any]] = [
    {"name": "Топлана 1", "organisation": "Градска топлана", "skills": ["heating", "inspection"],
     "vehicle": "комби, апарат за заваривање", "depot": (21.8823, 43.3229)},
    {"name": "Расвета 2", "organisation": "Расвета", "skills": ["electric", "inspection"],
     "vehicle": "возило с корпом", "depot": (21.9163, 43.3212)},
    {"name": "Водовод 3", "organisation": "Наисус", "skills": ["water", "pumps"],
     "vehicle": "камион с пумпом", "depot": (21.9085, 43.3134)},
    {"name": "Медијана 4", "organisation": "Медијана", "skills": ["waste", "trees", "roads"],
     "vehicle": "камион са хватаљком", "depot": (21.9351, 43.3171)},
]  # fmt: skip
ROUTINE: list[dict[str, Any]] = [
    {"title": "Преглед шахта топловода", "kind": "inspect", "skill": "heating", "priority": "low"},
    {"title": "Замена светиљке на стубу", "kind": "repair", "skill": "electric", "priority": "medium"},
    {"title": "Читање водомера главне зоне", "kind": "measure", "skill": "water", "priority": "low"},
    {"title": "Уклањање гране с коловоза", "kind": "clean", "skill": "trees", "priority": "high"},
    {"title": "Провера пумпи на кеју", "kind": "inspect", "skill": "pumps", "priority": "medium"},
    {"title": "Прање контејнера", "kind": "clean", "skill": "waste", "priority": "low"},
]
_NOTES = ("урађено, снимљено", "замењено, ради", "очишћено", "проверено, у реду")


async def drive_crews(door: Door, basemap: dict[str, Any], seed: int) -> None:
    """Make the demo's crews known, and let them live, until cancelled."""
    streets = Streets(basemap)
    crews = [await _known(door, crew) for crew in CREWS]
    await _open_routine(door, streets, crews, _chance(seed, "tasks"))
    async with asyncio.TaskGroup() as tasks:
        for crew in crews:
            tasks.create_task(_Crew(door, streets, crew, _chance(seed, crew["name"])).live())


def _chance(seed: int, of: str) -> random.Random:
    return random.Random(f"{seed} {of}")  # noqa: S311  (a demo)


async def _known(door: Door, crew: dict[str, Any]) -> dict[str, Any]:
    found = await door.get("/api/crews")
    known = next((one for one in found["items"] if one["name"] == crew["name"]), None)
    body = crew | {
        "depot": {"type": "Point", "coordinates": list(crew["depot"])},
        "members": [_LOGIN],
        "origin": "simulated",
    }
    made: dict[str, Any] = known or await door.post("/api/crews", json=body)
    if not made["on_duty"]:
        made = await door.post(f"/api/crews/{made['id']}/duty", json={"on_duty": True})
    return made


async def _open_routine(door: Door, streets: Streets, crews: list[dict[str, Any]], chance: random.Random) -> None:
    """A day's routine: a few tasks, some with a crew; opened once a day, whatever restarts."""
    today = datetime.now(UTC).date().isoformat()
    for number, task in enumerate(ROUTINE):
        place = chance.choice(streets.places)
        able = next(crew for crew in crews if task["skill"] in crew["skills"])
        body = task | {
            "place": {"type": "Point", "coordinates": list(place)},
            "instructions": "Симулирани задатак демо града.",
            "origin": "simulated",
            "crew": able["id"] if number % 3 else None,
            "client_id": str(uuid.uuid5(_NAMESPACE, f"{today} {number}")),
        }
        await door.post("/api/tasks", json=body)


class _Crew:
    """One crew: drives about, and does what it is sent, in its own time."""

    def __init__(self, door: Door, streets: Streets, crew: dict[str, Any], chance: random.Random) -> None:
        self._door, self._streets, self._chance = door, streets, chance
        self._id: int = crew["id"]
        longitude, latitude = crew["depot"]["coordinates"][:2]
        self._here: Place = (longitude, latitude)

    async def live(self) -> None:
        while True:
            try:
                await self._round()
            except DoorClosed as refused:
                # Off duty, or another desk was quicker: a crew shrugs and looks again.
                _log.info("a crew was refused", crew=self._id, reason=str(refused)[:200])
                await asyncio.sleep(_TELL_SECONDS * 2)

    async def _round(self) -> None:
        mine = await self._door.get(f"/api/tasks/mine?crew={self._id}")
        if not mine["crews"][0]["on_duty"]:
            await asyncio.sleep(_TELL_SECONDS * 2)
            return
        task = next((one for one in mine["tasks"] if one["state"] not in ("done", "failed")), None)
        if task is None:
            await self._drive(self._chance.choice(self._streets.places), steps=8)
            return
        if task["state"] == "assigned":
            await asyncio.sleep(self._chance.uniform(*_THINK_SECONDS))
            await self._act(task, "accept")
        elif task["state"] in ("accepted", "under_way"):
            if task["state"] == "accepted":
                await self._act(task, "depart")
            arrived = task["place"] is None or await self._drive(tuple(task["place"]["coordinates"][:2]), steps=10)
            if arrived:
                await self._act(task, "arrive")
        else:
            await self._work()
            await self._act(task, "done", self._chance.choice(_NOTES))

    async def _act(self, task: dict[str, Any], act: str, note: str = "") -> None:
        now = datetime.now(UTC).isoformat()
        change = {
            "client_id": str(uuid.uuid4()),
            "task": task["id"],
            "round": task["round"],
            "act": act,
            "at": now,
            "note": note,
        }
        await self._door.post("/api/tasks/sync", json={"crew": self._id, "client_time": now, "changes": [change]})

    async def _drive(self, target: Place, *, steps: int) -> bool:
        """Drive towards a place for some steps, saying where it is; True when it is there."""
        way = self._streets.way(self._here, target)
        for number, place in enumerate(along(way, _KMH / 3.6 * _TELL_SECONDS)):
            if number == steps:
                return False
            self._here = place
            await self._tell()
            await asyncio.sleep(_TELL_SECONDS)
        return True

    async def _work(self) -> None:
        left = self._chance.uniform(*_WORK_SECONDS)
        while left > 0:
            await self._tell()
            await asyncio.sleep(_TELL_SECONDS)
            left -= _TELL_SECONDS

    async def _tell(self) -> None:
        body = {
            "place": {"type": "Point", "coordinates": [round(self._here[0], 6), round(self._here[1], 6)]},
            "accuracy_metres": 6,
            "at": datetime.now(UTC).isoformat(),
        }
        await self._door.send(f"/api/crews/{self._id}/position", json=body)
