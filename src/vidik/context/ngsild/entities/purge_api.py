"""Purging entities over HTTP: DELETE /entities with a query (ETSI GS CIM 009, clauses 5.6.21 and 6.4.3.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from vidik.context.ngsild import problems
from vidik.context.ngsild.broker import Call, Mapped
from vidik.context.ngsild.entities import merge, writing
from vidik.context.ngsild.entities.merge import Result
from vidik.context.ngsild.http.exchange import Parameters
from vidik.context.ngsild.query import entity_maps, parameters
from vidik.context.store.states import EntityRow

_AT_ONCE: Final = 1000
_LIMITS: Final = ("type", "attrs", "q", "georel", "scopeQ")


def limited(asked: Parameters) -> Parameters:
    """What a purge is asked, as a query that is limited enough.

    Ids alone, or a pattern of them, are not (clause 5.6.21.4). Ids with the names of attributes are: the input data's
    only lists of such names are what is dropped and what is kept (5.6.21.3), though table 6.4.3.3-1 says `attrs`.
    Raises BadInput where nothing limits it.
    """
    if any(asked.get(name) for name in _LIMITS) or asked.flag("local"):
        return asked
    if asked.get("id") and (asked.names("drop") or asked.names("keep")):
        return asked.joined(Parameters.of({"local": "true"}))
    raise problems.bad_data(
        "A purge has at least one of type, attrs, q, georel or scopeQ, or id with drop or keep, or is local=true.",
        "type",
    )


async def purge_entities(call: Call) -> Response:
    """DELETE /entities: delete what a query finds, or of it the attributes in `drop`, or all but those in `keep`."""
    context = await call.reading_context()
    asked = limited(call.parameters)
    drop = parameters.expanded(asked.names("drop"), context, "drop")
    keep = parameters.expanded(asked.names("keep"), context, "keep")
    if drop is not None and keep is not None:
        raise problems.bad_data("drop and keep exclude one another.", "drop")
    found, types = parameters.search(asked, context)
    parameters.check_links(found.q, Parameters.of({}))  # a purge follows none (clause 5.6.21.4)
    if entity_maps.HEADER.lower() in call.request.headers:
        entity_map = await entity_maps.named(call)
        if entity_map is None:
            raise problems.not_found("The entity map is not there any more; what it held is not purged.")
        found.ids = Mapped([one for one in entity_map.ids if one is not None]).narrowed(found.ids)
    reader = call.broker.reader
    async with reader.session(call.tenant) as connection:
        if types is not None:
            found.kinds = await reader.kinds(call.tenant).select(connection, types)
        ids: list[str] = []
        while True:
            page = await reader.page(connection, call.tenant, found, limit=_AT_ONCE, offset=len(ids))
            ids += [one.id for one in page.entities]
            if not page.more:
                break
    rule = None if drop is None and keep is None else _without(drop, keep)
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        async with call.broker.services.database.transaction(call.tenant) as connection:
            if rule is None:
                await writing.batch_delete(connection, part)
            else:
                await writing.change_many(connection, part, rule)
            await call.note_write(connection, "purge", part)
    return Response(status_code=204)


def _without(drop: list[str] | None, keep: list[str] | None) -> Callable[[EntityRow, str], Result]:
    def rule(row: EntityRow, at: str) -> Result:
        gone = [name for name in row.document if (name not in keep if keep is not None else name in (drop or ()))]
        result = Result(dict(row.document))
        for attribute in gone:
            step = merge.delete_attribute(result.document, attribute, at, every=True)
            result = Result(step.document, {**result.changed, **step.changed}, [*result.updated, attribute])
        return result

    return rule
