"""Tasks over HTTP: listed, opened, given to crews, closed; their photos; and what a crew's phone brings."""

import asyncio
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound, TooLarge
from vidik.kernel.forms import Keepable, Number, RowId
from vidik.kernel.heavy import worked_out
from vidik.kernel.identity import Principal, require
from vidik.kernel.identity.reach import Belonging
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations.incidents import repository as incidents
from vidik.operations.reaching import may_act, must_reach, reaching
from vidik.operations.tasks import crews_service, photos, repository, service, skills, sync
from vidik.operations.tasks.forms import Asked, Assigning, Closing, Deciding, Editing, Opening, Sync
from vidik.operations.tasks.service import Verb
from vidik.operations.tasks.view import event_view, photo_view, task_views
from vidik.operations.version_header import read_version

router = APIRouter(tags=["tasks"])
Reader = Annotated[Principal, Depends(require("incidents.read"))]
Worker = Annotated[Principal, Depends(require("tasks.work"))]
Manager = Annotated[Principal, Depends(require("tasks.manage"))]
_reaching = partial(reaching, "task", "task", repository.belonging, see="incidents.read")
ReaderOfOne = Annotated[Principal, Depends(_reaching())]
# Who decides about a task that is seen depends on the crew that has it: service.may_decide.
ManagerOfOne = Annotated[Principal, Depends(_reaching(needs="tasks.manage"))]
Seen = Annotated[int, Depends(read_version)]
_PICTURE = {"Cache-Control": "private, max-age=31536000, immutable", "Content-Security-Policy": "default-src 'none'"}


def _tagged(response: Response, view: dict[str, Any]) -> dict[str, Any]:
    response.headers["ETag"] = f'"{view["version"]}"'
    return view


@router.get("/tasks")
async def list_tasks(
    connection: Transaction,
    principal: Reader,
    state: repository.Which = "active",
    crew: Annotated[Number | None, Query()] = None,
    incident: Annotated[Number | None, Query()] = None,
    organisation: Annotated[Keepable | None, Query(description="Only what its crews have or had.")] = None,
    q: Annotated[Keepable | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 300,
    after: Annotated[Number | None, Query(description="Only tasks with a smaller number (paging).")] = None,
) -> dict[str, Any]:
    """List tasks: `active` (not over) worst first, other lists newest first; with how many stand in each state."""
    reach = principal.reach("incidents.read")
    rows = await repository.list_tasks(
        connection,
        which=state,
        limit=limit,
        after=after,
        crew=crew,
        incident=incident,
        words=q,
        organisation=organisation,
        reach=reach,
    )
    following = rows[-1]["id"] if state != "active" and len(rows) == limit else None
    counts = await repository.count_by_state(connection, reach)
    return {"items": task_views(rows), "counts": counts, "next": following}


@router.post("/tasks", status_code=201)
async def open_task(
    body: Opening, connection: Transaction, principal: Manager, services: ServicesOf, response: Response
) -> dict[str, Any]:
    """Open a task, and give it to a crew when one is named; the same `client_id` again answers 200 with the first."""
    if body.skill is not None:
        skills.check_skills(services.settings, [body.skill], "skill")
    values = body.model_dump(exclude={"crew"})
    values["client_id"] = str(body.client_id) if body.client_id else None
    if body.incident is not None:
        find = incidents.belonging
        await must_reach(connection, body.incident, principal, "incident", find, see="incidents.read")
    view, new = await service.open_task(connection, values, principal, crew=body.crew)
    may_act(principal, "tasks.manage", Belonging.of(view))
    if not new:
        response.status_code = 200
        return _tagged(response, view)
    details = {"title": view["title"], "incident": view["incident"], "crew": body.crew}
    await audit.record(connection, principal, "task.open", f"task:{view['id']}", details=details)
    return _tagged(response, view)


@router.post("/tasks/suggest")
async def suggest(body: Asked, principal: Manager, services: ServicesOf) -> dict[str, Any]:
    """Return the crews that the caller may send in the order in which they should be sent, with reasons."""
    place = body.place.point if body.place else None
    async with services.database.session(services.settings.tenant) as connection:
        crews = await crews_service.crews_for(connection, principal)
    # Ways through the streets take a while: the connection is given back before.
    return await crews_service.suggest(crews, services.settings, skill=body.skill, place=place, priority=body.priority)


@router.get("/tasks/mine")
async def read_mine(
    connection: Transaction, principal: Worker, crew: Annotated[Number | None, Query()] = None
) -> dict[str, Any]:
    """Return my crews, their tasks, and what my phone brought too late; `crew` for whoever administers it."""
    return await sync.mine(connection, principal, crew)


@router.post("/tasks/sync")
async def take_changes(body: Sync, connection: Transaction, principal: Worker) -> dict[str, Any]:
    """Take in what a crew's phone kept: each change is accepted, known already, or refused with the reason."""
    changes = [change.brought() for change in body.changes]
    outcomes = await sync.take_changes(connection, body.crew, changes, body.client_time, principal)
    fresh = [one for one in outcomes if one["result"] != "known"]
    mine = await sync.mine(connection, principal, body.crew)
    if fresh:
        done = {one["client_id"]: one["reason"] or one["result"] for one in fresh}
        await audit.record(connection, principal, "task.sync", f"crew:{body.crew}", details={"changes": done})
    return {"server_time": iso(now()), "outcomes": outcomes, **mine}


@router.get("/tasks/skills")
async def list_skills(services: ServicesOf, _: Reader) -> dict[str, Any]:
    """List what crews can do and tasks may ask for."""
    items = [{"code": code, "text": text} for code, text in skills.skills_of(services.settings).items()]
    return {"items": items}


async def _whole(connection: Connection, task: int) -> dict[str, Any]:
    row = await service.row_of(connection, task)
    events = [event_view(event) for event in await repository.events_of(connection, task)]
    pictures = [photo_view(photo) for photo in await repository.photos_of(connection, task)]
    (view,) = task_views([row])
    return view | {"events": events, "pictures": pictures}


@router.get("/tasks/{task}")
async def read_task(task: RowId, connection: Transaction, _: ReaderOfOne, response: Response) -> dict[str, Any]:
    """Return one task with its history and its photos."""
    return _tagged(response, await _whole(connection, task))


@router.patch("/tasks/{task}")
async def edit_task(
    task: RowId,
    body: Editing,
    connection: Transaction,
    principal: ManagerOfOne,
    seen: Seen,
    services: ServicesOf,
    response: Response,
) -> dict[str, Any]:
    """Change what is typed of a task."""
    if body.skill is not None:
        skills.check_skills(services.settings, [body.skill], "skill")
    edits = body.model_dump(exclude_unset=True)
    for name in ("title", "kind", "instructions", "address", "priority"):
        if name in edits and edits[name] is None:
            del edits[name]
    view = await service.edit(connection, task, edits, principal, version=seen)
    details = {"changed": sorted(edits)}
    await audit.record(connection, principal, "task.change", f"task:{task}", details=details)
    return _tagged(response, view)


async def _decide(
    connection: Connection, task: int, verb: Verb, principal: Principal, response: Response, **how: Any
) -> dict[str, Any]:
    view = await service.decide(connection, task, verb, principal, **how)
    details = {"crew": how["crew"]} if how.get("crew") else {"state": view["state"]}
    reason = how.get("note") or None
    await audit.record(connection, principal, f"task.{verb}", f"task:{task}", reason=reason, details=details)
    return _tagged(response, view)


def _how(body: BaseModel, seen: int) -> dict[str, Any]:
    return body.model_dump() | {"version": seen}


@router.post("/tasks/{task}/assign")
async def assign(
    task: RowId,
    body: Assigning,
    connection: Transaction,
    principal: ManagerOfOne,
    seen: Seen,
    response: Response,
) -> dict[str, Any]:
    """Give a task to a crew, also when another has it."""
    return await _decide(connection, task, "assign", principal, response, **_how(body, seen))


@router.post("/tasks/{task}/close")
async def close(
    task: RowId,
    body: Closing,
    connection: Transaction,
    principal: ManagerOfOne,
    seen: Seen,
    response: Response,
) -> dict[str, Any]:
    """Say for a crew that called how its task ended."""
    return await _decide(connection, task, "close", principal, response, **_how(body, seen))


@router.post("/tasks/{task}/photos", status_code=201)
async def add_photo(
    task: RowId,
    request: Request,
    services: ServicesOf,
    principal: Worker,
    crew: Annotated[Number | None, Query(description="The crew that took it; without, the desk adds it.")] = None,
) -> dict[str, Any]:
    """Add a photo (the body: JPEG, PNG or WebP, 12 MB at most); its metadata is thrown away."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > photos.LARGEST_BYTES:
        raise TooLarge("A photo may have 12 MB at most.", code="photo-too-large")
    # Before the transaction: a slow phone, or a large picture, must not hold a connection.
    photo = await worked_out(photos.clean_photo, await request.body())
    async with services.database.transaction(services.settings.tenant) as connection:
        row = await service.row_of(connection, task, lock=True)
        if crew is not None:
            await sync.crew_for(connection, crew, principal)
            if task not in await repository.tasks_ever_given(connection, crew, [task]):
                raise Conflict("This task was never given to your crew.", code="task-of-others")
        elif not principal.may("tasks.manage"):
            raise Conflict("Say which crew took the photo.", field="crew")
        else:
            await must_reach(connection, task, principal, "task", repository.belonging, see="incidents.read")
            service.may_decide(row, principal)
        known = await repository.photos_of(connection, task)
        found = next((one for one in known if one["sha256"] == photo.sha256), None)
        if found is not None:
            return photo_view(found)
        if len(known) >= photos.MOST_A_TASK:
            raise Conflict(f"A task keeps {photos.MOST_A_TASK} photos at most.", code="too-many-photos")
        # On the disk before the commit: a row never points to nothing.
        await asyncio.to_thread(photos.keep, services.settings.data, photo)
        values = {
            "sha256": photo.sha256,
            "given_sha256": photo.given_sha256,
            "media_type": photos.MEDIA_TYPE,
            "bytes": len(photo.content),
            "width": photo.width,
            "height": photo.height,
            "added_at": now(),
            "added_by": principal.name,
        }
        await repository.insert_photo(connection, task, values)
        await service.tell(connection, row["id"])
        details = {"sha256": photo.sha256, "crew": crew}
        await audit.record(connection, principal, "task.photo", f"task:{task}", details=details)
        return photo_view({"task": task, **values})


@router.get("/tasks/{task}/photos/{sha256}")
async def read_photo(
    task: RowId, sha256: Keepable, connection: Transaction, _: ReaderOfOne, services: ServicesOf
) -> Response:
    """Return one photo."""
    known = await repository.photos_of(connection, task)
    if not any(one["sha256"] == sha256 for one in known):
        raise NotFound(f"Task {task} has no such photo.")
    content = await asyncio.to_thread(photos.read, services.settings.data, sha256)
    return Response(content, media_type=photos.MEDIA_TYPE, headers=_PICTURE)


# Last: what stands above has a name of its own.
@router.post("/tasks/{task}/{verb}")
async def decide(
    task: RowId,
    verb: Literal["withdraw", "cancel", "reopen"],
    body: Deciding,
    connection: Transaction,
    principal: ManagerOfOne,
    seen: Seen,
    response: Response,
) -> dict[str, Any]:
    """Take a task back from its crew, say that it is not needed any more, or begin again with one that was over."""
    return await _decide(connection, task, verb, principal, response, **_how(body, seen))
