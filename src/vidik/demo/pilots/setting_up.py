"""Sets the demo's pilots up as people would: hand in meters, write a plan, sign it, ask for the verdict."""

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import structlog

from vidik.demo.door import Door
from vidik.demo.pilots.meters import as_csv
from vidik.demo.pilots.recorded import recorded_plan
from vidik.demo.pilots.stories import Story, stories

_log = structlog.get_logger(__name__)

_STATEMENT = "Прочитао сам план и потписујем га за град (демо)."
_ROUTINE = "Проверено: ништа се није променило у коришћењу (демо)."
_LOOK_SECONDS = 0.5


async def set_up_pilots(
    door: Door, today: date, seed: int, recordings: Path | None, tell: Callable[[int, int], None]
) -> None:
    """Bring every pilot of the demo as far as its verdict, and the recorded one as far as its first question.

    What is there already is left alone, so a restart goes on where it was cut. `tell` hears (done, all).
    """
    standing = await _by_file(door)
    all_of_them = stories()
    for done, story in enumerate(all_of_them):
        tell(done, len(all_of_them))
        plan = standing.get(_file_of(story)) or await _hand_in(door, story, today, seed)
        await _decide(door, plan)
    tell(len(all_of_them), len(all_of_them))
    recorded = await asyncio.to_thread(recorded_plan, recordings) if recordings else None
    if recorded is not None and not standing.keys() & recorded.files.keys():
        files = {name: await _file(door, name, data, simulated=False) for name, data in recorded.files.items()}
        plan = await _frozen(door, recorded.specification(files))
        await _done(door, await door.post(f"/api/pilots/plans/{plan['id']}/watch"))


def _file_of(story: Story) -> str:
    return f"{story.key}.csv"


async def _by_file(door: Door) -> dict[str, dict[str, Any]]:
    """The plans that stand, the oldest of each, by the name of the file that their first meter is read from.

    A plan's title is no mark: releases of the demo have changed theirs, and a person may.
    """
    names = {file["file"]: file["name"] for file in (await door.get("/api/pilots/files"))["items"]}
    found: dict[str, dict[str, Any]] = {}
    for plan in sorted((await door.get("/api/pilots/plans"))["items"], key=lambda plan: plan["id"]):
        if plan["state"] == "draft":
            continue
        whole = await door.get(f"/api/pilots/plans/{plan['id']}")
        name = names.get(whole["specification"]["units"][0].get("file"))
        if name is not None:
            found.setdefault(name, plan)
    return found


async def _hand_in(door: Door, story: Story, today: date, seed: int) -> dict[str, Any]:
    stretch = story.stretch(today)
    columns = await asyncio.to_thread(story.columns, stretch, seed)
    content = await asyncio.to_thread(as_csv, stretch, columns, hourly=story.hourly)
    file = await _file(door, _file_of(story), content, simulated=True)
    return await _frozen(door, story.specification(columns, stretch, file))


async def _file(door: Door, name: str, content: bytes, *, simulated: bool) -> str:
    kept = await door.post(
        "/api/pilots/files",
        params={"name": name, "simulated": simulated},
        content=content,
        headers={"Content-Type": "text/csv"},
    )
    return str(kept["file"])


async def _frozen(door: Door, specification: dict[str, Any]) -> dict[str, Any]:
    draft = await door.post("/api/pilots/plans", json={"specification": specification})
    signature = {"hash": draft["draft_hash"], "statement": _STATEMENT}
    return await door.post(f"/api/pilots/plans/{draft['id']}/freeze", json=signature)


async def _decide(door: Door, plan: dict[str, Any]) -> None:
    if plan["state"] != "ended":
        return
    address = f"/api/pilots/plans/{plan['id']}"
    await _done(door, await door.post(f"{address}/watch"))
    seen = await door.get(f"{address}/watch")
    for event in seen["events"]:
        if event["answer"] is None:
            answer = {"answer": "routine", "note": _ROUTINE}
            await door.post(f"{address}/events/{event['id']}/answer", json=answer)
    verdict = {"decision": seen["rule_decision"], "note": "По правилу из плана (демо)."}
    await _done(door, await door.post(f"{address}/verdict", json=verdict))


async def _done(door: Door, started: dict[str, Any]) -> None:
    while True:
        job = await door.get(f"/api/pilots/jobs/{started['job']}")
        if job["state"] == "failed":
            _log.warning("a pilot could not be computed", plan=job["plan"], reason=job["error"])
            return
        if job["state"] == "done":
            return
        await asyncio.sleep(_LOOK_SECONDS)
