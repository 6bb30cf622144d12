"""What requests are told in return: the entity gets status, notes and the incident's number, whatever changed them.

It goes by how things stand and not by what happened: a request is told when what it was told last is not so any more.
So it does not matter by which way an incident was closed, merged, split or opened again, nor who was killed in between.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from vidik.context.jsonld import names
from vidik.context.store import entities as store
from vidik.context.store.document import Document, Instance
from vidik.context.store.states import EntityRow, EntityWrite
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.services import Services
from vidik.operations.journal import JournalReader
from vidik.operations.requests import gatherings, repository, view
from vidik.operations.requests.consumer import meet_unknown
from vidik.operations.requests.request import Standing, answer, signature

_AT_ONCE = 200
_TOPICS = frozenset({"incident", "request"})
_LATELY = timedelta(minutes=10)
_SWEEP = 30
"""Every so many looks it looks though nothing was told: what the journal may have kept back."""


class Settling:
    """Keeps what requests were told true; one object a worker process."""

    def __init__(self) -> None:
        self._readers: dict[str, JournalReader] = {}
        self._looks: dict[str, int] = {}

    async def run(self, services: Services, tenant: str) -> None:
        """Look at the requests of one tenant, if anything happened to requests or incidents."""
        async with services.database.session(tenant) as connection:
            reader = self._readers.get(tenant)
            if reader is None:
                reader = self._readers[tenant] = JournalReader()
                await reader.begin(connection)
                happened = True
                self._looks[tenant] = _SWEEP - 1
            else:
                happened = any(event["topic"] in _TOPICS for event in await reader.read(connection))
        look = self._looks.get(tenant, 0) + 1
        self._looks[tenant] = look % _SWEEP
        if look == _SWEEP:
            await _meet(services, tenant)
            await settle(services, tenant)
        elif happened:
            await settle(services, tenant, now() - _LATELY)


async def _meet(services: Services, tenant: str) -> None:
    """Meet what was there before the stream was followed, and what was not seen for whatever reason."""
    async with services.database.transaction(tenant) as connection:
        while await meet_unknown(services, connection, now()):
            pass


async def settle(services: Services, tenant: str, since: datetime | None = None) -> None:
    """Link what gathered, end alarms that are over, and tell requests how they stand: each in its own transaction.

    `since` looks only at what has changed after it.
    """
    async with services.database.transaction(tenant) as connection:
        await gatherings.link_gathered(connection)
    async with services.database.transaction(tenant) as connection:
        await gatherings.end_what_is_over(connection, services.settings, now())
    while True:
        async with services.database.transaction(tenant) as connection:
            if await _answer_some(connection, now(), since) < _AT_ONCE:
                return


async def _answer_some(connection: Connection, at: datetime, since: datetime | None) -> int:
    """Tell some entities how they stand; returns how many were to be told."""
    rows = await repository.to_tell(connection, _AT_ONCE, since)
    if not rows:
        return 0
    known = await store.load(connection, [row["entity_id"] for row in rows], for_update=True)
    writes = []
    for row in rows:
        standing = standing_of(row)
        said = answer(standing, at)
        # One whose entity is gone is told nothing; its row goes with the change that says so.
        await repository.set_told(connection, row["entity_id"], signature(standing), said["status"]["value"], at)
        if row["entity_id"] in known:
            writes.append(_write(known[row["entity_id"]], said, iso(at)))
    for told in await repository.find_many(connection, [row["entity_id"] for row in rows]):
        await view.tell(connection, told)
    await store.save(connection, writes)  # the last statement: it holds the lock of the change stream until the commit
    return len(rows)


def standing_of(row: Mapping[str, Any]) -> Standing:
    """Return how a row says that its request stands."""
    by_the_desk = row["incident"] is None and row["decision"] is not None
    return Standing(
        row["state"],
        row["number"],
        row["reason"] if by_the_desk else "",
        row["forwarded_to"] if by_the_desk else "",
        row["exercise_id"] is not None,
    )


def _write(row: EntityRow, said: Mapping[str, Instance], at: str) -> EntityWrite:
    document: Document = dict(row.document)
    changed: dict[str, list[Instance]] = {}
    for name, instance in said.items():
        iri = names.expand_attribute(name)
        stored = document.get(iri, [])
        instances = stored if isinstance(stored, list) else [stored]
        before = next((one for one in instances if "datasetId" not in one), None)
        new = {**instance, "createdAt": before["createdAt"] if before else at, "modifiedAt": at}
        others = [one for one in instances if "datasetId" in one]
        document[iri] = [new, *others] if others else new
        changed[iri] = [new]
    return EntityWrite(row.id, row.types, row.scope, document, row.expires_at, changed, row)
