"""What the desk decides of a request: refuse it, forward it, take that back. Never commits; the door does the audit."""

from datetime import datetime

from psycopg.rows import DictRow

from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, NotFound
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import Belonging
from vidik.kernel.versions import Changed
from vidik.operations.reaching import may_act
from vidik.operations.requests import repository, view
from vidik.operations.requests.request import Decision


async def get(connection: Connection, entity_id: str, principal: Principal) -> DictRow:
    """Return a request; raises NotFound for one that is not there, or that the person may not see."""
    return _there(await repository.find(connection, entity_id), entity_id, principal)


def _there(row: DictRow | None, entity_id: str, principal: Principal) -> DictRow:
    if row is None or not principal.reaches("requests.read", Belonging.of(row)):
        raise NotFound(f"There is no request {entity_id}.")
    return row


async def decide(
    connection: Connection,
    entity_id: str,
    version: int,
    decision: Decision | None,
    principal: Principal,
    at: datetime,
    *,
    reason: str = "",
    to: str = "",
) -> DictRow:
    """Refuse or forward a request that nobody works on, or take that back (None); returns it as it stands then.

    Raises NotFound or Forbidden when it is out of reach, Changed when it is no longer the version that was seen,
    Conflict when its state does not allow it.
    """
    row = _there(await repository.find(connection, entity_id, lock=True), entity_id, principal)
    may_act(principal, "requests.manage", Belonging.of(row))
    if version != row["version"]:
        raise Changed(view.brief(row), row["changed_by"] or "Its sender")
    allowed = ("new", "withdrawn") if decision is not None else ("refused", "forwarded")
    if row["state"] not in allowed:
        verb = decision or "taken back"
        raise Conflict(
            f"The request is {row['state'].replace('_', ' ')} and cannot be {verb}.",
            code="request-state",
            values={"state": row["state"], "verb": verb},
        )
    await repository.decide(connection, entity_id, decision, reason, to, at, principal.name)
    after = await get(connection, entity_id, principal)
    await view.tell(connection, after)
    return after
