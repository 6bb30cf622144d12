"""Requests about a snapshot: the header NGSILD-Snapshot (ETSI GS CIM 009, clauses 5.5.15 and 6.3.22)."""

from __future__ import annotations

from typing import Final

from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.snapshots import repository
from vidik.kernel.clock import now
from vidik.kernel.errors import Conflict

HEADER: Final = "NGSILD-Snapshot"
# What is told to others (subscriptions) or about them (registrations) stays with the living memory.
_RESOURCES: Final = frozenset(("entities", "entityOperations", "temporal", "types", "attributes", "entityMaps"))


async def enter(call: Call) -> None:
    """Turn a request to the snapshot that it names.

    Raises NotFound where there is no such snapshot, NotSupported for what a snapshot has not, Conflict where it is
    not filled yet: what is not in it would otherwise seem not to be.
    """
    if call.segments[0] not in _RESOURCES:
        raise problems.not_supported(f"A snapshot has entities and their past, but no {call.segments[0]}.")
    snapshot_id = values.uri(call.request.headers[HEADER].strip(), HEADER)
    moment = now()
    async with call.broker.services.database.session(call.tenant) as connection:
        snapshot = await repository.get(connection, snapshot_id)
        if snapshot is not None and snapshot.status != "preparing":
            await repository.use(connection, snapshot_id, moment)
    if snapshot is None:
        raise problems.not_found(f"There is no snapshot {snapshot_id}.")
    if snapshot.status == "preparing":
        raise Conflict(f"The snapshot {snapshot_id} is being prepared still.", field=HEADER)
    call.snapshot = snapshot_id
    call.tenant = snapshot.tenant
