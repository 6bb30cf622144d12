"""The reader of the change stream that meets requests: known within a second, judged by rules, told to the desks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vidik.context.jsonld import names
from vidik.context.store import entities as store
from vidik.context.store.changes import Change, ChangeBatch
from vidik.kernel.database import Connection
from vidik.kernel.services import Services
from vidik.operations import journal
from vidik.operations.entities import REQUEST_TYPES, value_of
from vidik.operations.requests import repository, view
from vidik.operations.requests.gatherings import look_at
from vidik.operations.requests.request import CLOSING, facts_of

_AT_ONCE = 500
_TYPES = frozenset(REQUEST_TYPES)
_ANSWERED = frozenset(
    names.expand_attribute(name)
    for name in (
        "status", "requestState", "updated_datetime", "status_notes", "incidentNumber", "agency_responsible",
    )
)  # fmt: skip
_STATUS = names.expand_attribute("status")
_STATE = names.expand_attribute("requestState")


def _are_of_requests(types: Sequence[str]) -> bool:
    return not _TYPES.isdisjoint(types)


class RequestConsumer:
    """Follows citizens' requests of each tenant."""

    name = "operations.requests"

    async def handle(self, services: Services, tenant: str, connection: Connection, batch: ChangeBatch) -> None:
        """Take in one committed batch of changes."""
        await self.handle_all(services, tenant, connection, [batch])

    async def handle_all(
        self, services: Services, _: str, connection: Connection, batches: Sequence[ChangeBatch]
    ) -> None:
        """Take in committed batches at once, in the transaction that moves the cursor."""
        found: dict[str, datetime] = {}
        changed: dict[str, list[Change]] = {}
        for batch in batches:
            for change in batch.changes_for(_are_of_requests):
                if change.operation != "late" and _are_of_requests(change.types):
                    found.setdefault(change.entity_id, batch.recorded_at)
                    changed.setdefault(change.entity_id, []).append(change)
        if found:
            await _take_in(services, connection, found, changed)

    def committed(self, services: Services, tenant: str) -> None:
        """Nothing waits for it: the journal wakes those who show requests."""


async def meet_unknown(services: Services, connection: Connection, at: datetime) -> int:
    """Take in requests that were there before anybody followed them; returns how many there were, some at a time."""
    found = await repository.unknown(connection, REQUEST_TYPES, _AT_ONCE)
    if found:
        await _take_in(services, connection, dict.fromkeys(found, at), {})
    return len(found)


async def _take_in(
    services: Services,
    connection: Connection,
    found: Mapping[str, datetime],
    changed: Mapping[str, Sequence[Change]],
) -> None:
    rows = await store.load(connection, sorted(found))
    known = await repository.known(connection, found)
    gone = await repository.forget(connection, [one for one in found if one not in rows])
    for entity_id in sorted(gone):
        await journal.tell(connection, "request", entity_id, view.gone(entity_id, found[entity_id]))
    fresh: list[str] = []
    others: list[str] = []
    for entity_id, row in rows.items():
        before = known.get(entity_id)
        said = before["told"] if before else None
        if said and not _stands(row.document, said):
            await repository.untold(connection, entity_id)
        elif said and all(_is_ours(change) for change in changed.get(entity_id, ())):
            continue  # our own answer, of which the desks were told with it
        received_at = before["seen_at"] if before else found[entity_id]
        facts = facts_of(entity_id, row.document, received_at)
        is_fresh = await repository.put(connection, entity_id, facts, received_at)
        (fresh if is_fresh else others).append(entity_id)
    if fresh:
        await look_at(connection, services.settings, fresh)
    for standing in await repository.find_many(connection, [*fresh, *others]):
        await view.tell(connection, standing)


def _is_ours(change: Change) -> bool:
    """Whether it may be the desk's answer; a sender who changes words alone changes nothing that the stream tells."""
    return bool(change.attributes) and _ANSWERED.issuperset(change.attributes)


def _stands(document: Mapping[str, Any], said: Mapping[str, str]) -> bool:
    """Whether an entity still says what it was told; its sender may close it, but not open what was closed."""
    closed = value_of(document, _STATUS) == "closed"
    return value_of(document, _STATE) == said.get("state") and (closed or said.get("state") not in CLOSING)
