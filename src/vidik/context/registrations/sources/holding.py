"""What a registration would hold alone must not be here already (ETSI GS CIM 009, clauses 4.3.6.3 and 5.9.2.4)."""

from __future__ import annotations

from vidik.context.ngsild import problems
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.query.expressions import Leaf, Or
from vidik.context.ngsild.repository.conditions import Search
from vidik.context.registrations.sources.model import EntityInfo, Information, Registration
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict


async def check_held(call: Call, connection: Connection, registration: Registration) -> None:
    """Raises Conflict where an entity is here that an exclusive or redirect registration would hold alone."""
    if not registration.holds_alone:
        return
    for part in registration.information:
        for entity in part.entities or (None,):
            found = await _present(call, connection, part, entity)
            if found is not None:
                raise Conflict(
                    f"The entity {found} is here already, which this registration says is held elsewhere alone.",
                    field="information",
                    type_uri=problems.ERRORS + "Conflict",
                )


async def _present(call: Call, connection: Connection, part: Information, entity: EntityInfo | None) -> str | None:
    """The id of an entity here that has something of what a part of the information is about."""
    reader = call.broker.reader
    search = Search(attributes=None if part.attributes is None else sorted(part.attributes))
    if entity is not None:
        types = Or(tuple(Leaf(one) for one in sorted(entity.types)))
        search.kinds = await reader.kinds(call.tenant).select(connection, types)
        search.ids = None if entity.id is None else [entity.id]
        search.id_pattern = entity.pattern.pattern if entity.pattern is not None and entity.id is None else None
    page = await reader.page(connection, call.tenant, search, limit=1, offset=0)
    return page.entities[0].id if page.entities else None
