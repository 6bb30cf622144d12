"""Requests about a snapshot: the header NGSILD-Snapshot (ETSI GS CIM 009, clauses 5.5.15 and 6.3.22)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from psycopg.errors import DeadlockDetected, UndefinedTable
from psycopg_pool import PoolClosed
from starlette.responses import Response

from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.snapshots import repository
from vidik.kernel.clock import now
from vidik.kernel.errors import Conflict

Handler = Callable[[Call], Awaitable[Response]]
HEADER: Final = "NGSILD-Snapshot"
# What is told to others (subscriptions) or about them (registrations) stays with the living memory.
_RESOURCES: Final = frozenset(("entities", "entityOperations", "temporal", "types", "attributes", "entityMaps"))


async def answer_inside(call: Call, handler: Handler) -> Response:
    """Answer a request about the snapshot that it names, by its header."""
    tenant = call.tenant
    await _enter(call)
    snapshot_id = str(call.snapshot)
    try:
        response = await handler(call)
    except (UndefinedTable, DeadlockDetected, PoolClosed):
        # Somebody deletes it while the request is under way, or its time passed, and its tables go with it. Who
        # deletes holds its row until they are gone.
        async with call.broker.services.database.transaction(tenant) as connection:
            if await repository.get(connection, snapshot_id, for_update=True) is not None:
                raise
        raise _unknown(snapshot_id) from None
    response.headers[HEADER] = snapshot_id
    return response


async def _enter(call: Call) -> None:
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
        raise _unknown(snapshot_id)
    if snapshot.status == "preparing":
        raise Conflict(f"The snapshot {snapshot_id} is being prepared still.", field=HEADER)
    call.snapshot = snapshot_id
    call.tenant = snapshot.tenant


def _unknown(snapshot_id: str) -> Exception:
    return problems.not_found(f"There is no snapshot {snapshot_id}.")
