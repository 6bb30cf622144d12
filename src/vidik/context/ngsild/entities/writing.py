"""What the operations do to entities: load, change by the pure rules, store. One call is one transaction's work."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from vidik.context.ngsild import problems
from vidik.context.ngsild.entities import merge, renewing
from vidik.context.ngsild.entities.alike import Alike
from vidik.context.ngsild.entities.merge import Result
from vidik.context.ngsild.entities.renewing import Mode
from vidik.context.ngsild.http.conditional import Preconditions
from vidik.context.ngsild.query import selections
from vidik.context.ngsild.representation.validation import EntityInput
from vidik.context.store import entities, expiry, renewals
from vidik.context.store.crowds import Crowd
from vidik.context.store.renewals import Frame, Held, Renewal
from vidik.context.store.states import EntityRow, EntityWrite
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, VidikError

Change = Callable[[EntityRow, str], Result]


@dataclass(slots=True)
class BatchOutcome:
    """What became of each entity of a batch."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    errors: list[tuple[str, VidikError]] = field(default_factory=list)


@dataclass(slots=True)
class Creation:
    """An entity to create; `AlreadyExists` is its error."""

    entity: EntityInput

    @property
    def entity_id(self) -> str:
        """The id of the new entity."""
        return str(self.entity.id)


@dataclass(slots=True)
class Modification:
    """A change of one entity by a rule of `merge`; NotFound where it is not (or not of the selected type).

    `entity` is what the request said of type, scope and expiry.
    """

    entity_id: str
    rule: Change
    selection: selections.TypeSelection | None = None
    entity: EntityInput | None = None
    types: Literal["add", "replace"] = "add"
    scope: Literal["add", "replace"] = "replace"
    preconditions: Preconditions | None = None


Task = Creation | Modification


async def perform(connection: Connection, tasks: Sequence[Task]) -> list[Result | Exception]:
    """Do tasks of different entities with one load and one save; each has its own result, or its own error.

    Raises what the whole of them fails by: Conflict when somebody else creates one of the entities meanwhile.
    """
    rows = await entities.load(connection, [task.entity_id for task in tasks], for_update=True)
    at = iso(now())
    writes: list[EntityWrite] = []
    outcomes: list[Result | Exception] = []
    for task in tasks:
        try:
            write, result = _performed(task, rows.get(task.entity_id), at)
        except Exception as error:
            outcomes.append(error)
            continue
        outcomes.append(result)
        if write is not None:
            writes.append(write)
    await _save(connection, writes)
    return outcomes


def _performed(task: Task, row: EntityRow | None, at: str) -> tuple[EntityWrite | None, Result]:
    """What a task writes (None: nothing changes) and its result; raises its error."""
    if isinstance(task, Creation):
        if row is not None:
            raise problems.already_exists(task.entity_id)
        result = merge.create(task.entity.attributes, at)
        return _new(task.entity, result), result
    row = _selected(row, task.entity_id, task.selection)
    result = task.rule(row, at)
    # Last, because a condition only counts where the request would be done without it (RFC 9110, 13.2.1).
    if task.preconditions is not None:
        task.preconditions.check(row.version)
    write = _changed(row, result)
    if task.entity is not None:
        _apply_head(write, task.entity, task.types, task.scope)
    same = (write.types, write.scope, write.expires_at) == (row.types, row.scope, row.expires_at)
    return (None if same and not result.changed else write), result


async def change_many(connection: Connection, ids: Sequence[str], rule: Change) -> None:
    """Change those entities that are there by one rule; what it leaves alone is not written."""
    at = iso(now())
    rows = await entities.load(connection, ids, for_update=True)
    results = [(row, rule(row, at)) for row in rows.values()]
    await _save(connection, [_changed(row, result) for row, result in results if result.changed])


async def expire_attributes(connection: Connection) -> None:
    """Delete the attributes whose time has passed, as if somebody had."""
    due = await expiry.take_due(connection)
    if not due:
        return
    await change_many(connection, due, lambda row, at: merge.expire(row.document, at))
    rows = await entities.load(connection, due)
    turns = [(one.id, expiry.next_expiry(one.document)) for one in rows.values()]
    await expiry.note(connection, [(entity_id, moment) for entity_id, moment in turns if moment is not None])


async def delete(
    connection: Connection,
    entity_id: str,
    selection: selections.TypeSelection | None = None,
    preconditions: Preconditions | None = None,
) -> None:
    """Delete an entity; raises NotFound or PreconditionFailed."""
    if selection is not None or preconditions is not None:
        row = await _existing(connection, entity_id, selection)
        if preconditions is not None:
            preconditions.check(row.version)
    if not await entities.delete(connection, [entity_id]):
        raise problems.not_found(f"There is no entity {entity_id}.")


async def batch_create(
    connection: Connection, batch: Sequence[EntityInput], alike: Sequence[Alike] = ()
) -> BatchOutcome:
    """Create those entities that are not there yet."""
    outcome = BatchOutcome()
    present = set(await entities.load(connection, ids_of(batch, alike)))
    writes: list[EntityWrite] = []
    at = iso(now())
    known, crowds = _newcomers(alike, present, at, outcome)
    outcome.errors += [(str(one.id), problems.already_exists(str(one.id))) for one in known]
    for entity in batch:
        entity_id = str(entity.id)
        if entity_id in present:
            outcome.errors.append((entity_id, problems.already_exists(entity_id)))
            continue
        present.add(entity_id)
        writes.append(_new(entity, merge.create(entity.attributes, at)))
        outcome.created.append(entity_id)
    await _save(connection, writes, crowds)
    return outcome


async def batch_upsert(
    connection: Connection,
    batch: Sequence[EntityInput],
    alike: Sequence[Alike] = (),
    *,
    mode: Literal["replace", "update"],
) -> BatchOutcome:
    """Create what is missing; replace or update what is there."""

    def apply(document: dict[str, Any], entity: EntityInput, at: str) -> Result:
        if mode == "replace":
            return merge.replace(document, entity.attributes, at)
        return merge.append(document, entity.attributes, at)

    return await _batch(connection, batch, apply, alike, "append" if mode == "update" else mode, create_missing=True)


def _newcomers(
    alike: Sequence[Alike], present: Container[str], at: str, outcome: BatchOutcome
) -> tuple[list[EntityInput], list[Crowd]]:
    """Of entities that are alike those that are there, and the others as they are created."""
    known = [group.entity(place) for group in alike for place, one in enumerate(group.ids) if one in present]
    crowds = [new.crowd(at) for group in alike if (new := group.missing_in(present)).ids]
    outcome.created += [entity_id for crowd in crowds for entity_id in crowd.ids]
    return known, crowds


async def batch_update(
    connection: Connection, batch: Sequence[EntityInput], alike: Sequence[Alike] = (), *, overwrite: bool
) -> BatchOutcome:
    """Append to what is there; entities that are not are errors."""

    def apply(document: dict[str, Any], entity: EntityInput, at: str) -> Result:
        return merge.append(document, entity.attributes, at, overwrite=overwrite)

    return await _batch(connection, batch, apply, alike, "append" if overwrite else None)


async def batch_merge(
    connection: Connection, batch: Sequence[EntityInput], alike: Sequence[Alike] = ()
) -> BatchOutcome:
    """Merge patch what is there; entities that are not are errors."""

    def apply(document: dict[str, Any], entity: EntityInput, at: str) -> Result:
        return merge.merge(document, entity.attributes, at)

    return await _batch(connection, batch, apply, alike, "merge")


async def batch_delete(connection: Connection, ids: Sequence[str]) -> BatchOutcome:
    """Delete those entities that are there."""
    gone = await entities.delete(connection, list(dict.fromkeys(ids)))
    outcome = BatchOutcome()
    for one in ids:
        if one in gone:
            gone.discard(one)
            outcome.updated.append(one)
        else:
            outcome.errors.append((one, problems.not_found(f"There is no entity {one}.")))
    return outcome


async def _batch(
    connection: Connection,
    batch: Sequence[EntityInput],
    apply: Callable[[dict[str, Any], EntityInput, str], Result],
    alike: Sequence[Alike] = (),
    mode: Mode | None = None,
    *,
    create_missing: bool = False,
) -> BatchOutcome:
    """Bring in a batch in order; an entity that is there twice is changed twice and written once.

    `mode` says what `apply` does, where many can be changed by it at once.
    """
    outcome = BatchOutcome()
    frame = renewing.frame_of(alike, mode)
    if frame is not None and await renewals.is_followed(connection):
        frame = None
    held = await renewals.hold(connection, ids_of(batch, alike), frame) if alike else None
    at = iso(now())
    crowds, renewed, known = _together(alike, held or {}, at, mode, frame, create_missing=create_missing)
    outcome.created += [entity_id for crowd in crowds for entity_id in crowd.ids]
    outcome.updated += [entity_id for renewal in renewed for entity_id in renewal.crowd.ids]
    batch = [*known, *batch]
    rows = await entities.load(connection, ids_of(batch), for_update=held is None) if batch else {}
    writes: dict[str, EntityWrite] = {}
    for entity in batch:
        entity_id = str(entity.id)
        row = rows.get(entity_id)
        if row is None and not create_missing:
            outcome.errors.append((entity_id, problems.not_found(f"There is no entity {entity_id}.")))
            continue
        try:
            pending = writes.get(entity_id)
            first = pending is None
            if pending is None and row is None:
                writes[entity_id] = _new(entity, merge.create(entity.attributes, at))
                outcome.created.append(entity_id)
                continue
            if pending is None and row is not None:
                pending = _changed(row, Result(row.document))
            assert pending is not None  # noqa: S101  one of the two branches above made it
            result = apply(pending.document, entity, at)
        except VidikError as error:
            outcome.errors.append((entity_id, error))
            continue
        if result.not_updated:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in result.not_updated.items())
            outcome.errors.append((entity_id, problems.bad_data(f"Not all was updated. {reasons}")))
        pending.document = result.document
        pending.changed = {**pending.changed, **result.changed}
        _apply_head(pending, entity, "replace" if mode == "replace" else "add", "replace")
        if mode == "replace":
            pending.scope, pending.expires_at = entity.scope, entity.expires_at
        writes[entity_id] = pending
        if first:
            outcome.updated.append(entity_id)
    await _save(connection, list(writes.values()), crowds, renewed)
    return outcome


def _together(
    alike: Sequence[Alike],
    held: Mapping[str, Held],
    at: str,
    mode: Mode | None,
    frame: Frame | None,
    *,
    create_missing: bool,
) -> tuple[list[Crowd], list[Renewal], list[EntityInput]]:
    """Of entities that are alike those that are created, those changed at once, those changed one by one."""
    crowds: list[Crowd] = []
    renewed: list[Renewal] = []
    known: list[EntityInput] = []
    for group in alike:
        new = group.missing_in(held)
        if create_missing and new.ids:
            crowds.append(new.crowd(at))
        elif new.ids:
            known += map(new.entity, range(len(new.ids)))
        if len(new.ids) == len(group.ids):
            continue
        renewal, others = renewing.renewed(group, held, at, mode, frame)
        renewed += [renewal] if renewal else []
        known += map(group.entity, others)
    return crowds, renewed, known


async def _existing(connection: Connection, entity_id: str, selection: selections.TypeSelection | None) -> EntityRow:
    row = (await entities.load(connection, [entity_id], for_update=True)).get(entity_id)
    return _selected(row, entity_id, selection)


def _selected(row: EntityRow | None, entity_id: str, selection: selections.TypeSelection | None) -> EntityRow:
    if row is None or (selection is not None and not selections.matches_types(selection, row.types)):
        raise problems.not_found(f"There is no entity {entity_id}{' of this type' if row else ''}.")
    return row


async def _save(
    connection: Connection,
    writes: Sequence[EntityWrite],
    crowds: Sequence[Crowd] = (),
    renewed: Sequence[Renewal] = (),
) -> None:
    try:
        await entities.save(connection, writes, crowds, renewed)
    except Conflict as conflict:
        single = len(writes) == 1 and not crowds and not renewed
        raise problems.already_exists(writes[0].entity_id if single else "of the batch") from conflict


def ids_of(batch: Sequence[EntityInput], alike: Sequence[Alike] = ()) -> list[str]:
    """The ids in a batch."""
    return [*dict.fromkeys(str(entity.id) for entity in batch), *(one for group in alike for one in group.ids)]


def _new(entity: EntityInput, result: Result) -> EntityWrite:
    return EntityWrite(
        entity_id=str(entity.id),
        types=list(entity.types or ()),
        scope=entity.scope,
        document=result.document,
        expires_at=entity.expires_at,
        changed=result.changed,
        before=None,
    )


def _changed(row: EntityRow, result: Result) -> EntityWrite:
    return EntityWrite(
        entity_id=row.id,
        types=row.types,
        scope=row.scope,
        document=result.document,
        expires_at=row.expires_at,
        changed=result.changed,
        before=row,
    )


def _apply_head(write: EntityWrite, entity: EntityInput, types: str, scope: str) -> None:
    if entity.types:
        added = [one for one in entity.types if one not in write.types]
        write.types = list(entity.types) if types == "replace" else [*write.types, *added]
    if "scope" in entity.nulls:
        write.scope = None
    elif entity.scope is not None and scope == "replace":
        write.scope = entity.scope
    elif entity.scope is not None and scope == "add":
        write.scope = list(dict.fromkeys([*(write.scope or ()), *entity.scope]))
    if "expiresAt" in entity.nulls:
        write.expires_at = None
    elif entity.expires_at is not None:
        write.expires_at = entity.expires_at
