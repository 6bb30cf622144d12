"""Entities as the body of an answer, wherever they were found: plain, as GeoJSON, or joined with what they link to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems, values
from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.exchange import GEO_JSON, Parameters
from vidik.context.ngsild.representation import linked
from vidik.context.ngsild.representation.rendering import Stored, View, feature, render
from vidik.context.store.document import LOCATION


async def shown_entity(
    call: Call, entity: Stored, view: View, kind: str, context: ActiveContext, beyond: linked.Load | None = None
) -> Any:
    """The body for one entity; raises NotFound when the view leaves nothing of it.

    `beyond` finds linked entities that are not here.
    """
    body: Any = render(entity, view)
    if not body:
        raise problems.not_found(f"The entity {entity.id} has none of these members.")
    join = linked.parse_join(call.parameters)
    if kind == GEO_JSON:
        return feature(entity, view, _geometry_property(call.parameters, context))
    if join is not None:
        bodies = await linked.joined(_loader(call), [entity], view, join, beyond)
        return bodies if len(bodies) > 1 else bodies[0]
    return body


async def shown_page(
    call: Call,
    asked: Parameters,
    page: Sequence[Stored],
    view: View,
    join: linked.Join | None,
    kind: str,
    context: ActiveContext,
    beyond: linked.Load | None = None,
) -> Any:
    """The body for a page of entities; those of which the view leaves nothing are left out."""
    if kind == GEO_JSON:
        name = _geometry_property(asked, context)
        return {"type": "FeatureCollection", "features": [feature(one, view, name) for one in page]}
    if join is not None:
        return await linked.joined(_loader(call), page, view, join, beyond)
    return [shown for one in page if (shown := render(one, view))]


def _loader(call: Call) -> linked.Load:
    """How linked entities are found."""

    async def load(ids: Sequence[str]) -> Mapping[str, Stored]:
        async with call.broker.reader.session(call.tenant) as connection:
            return await call.broker.reader.load(connection, call.tenant, ids)

    return load


def _geometry_property(asked: Parameters, context: ActiveContext) -> str:
    name = asked.get("geometryProperty")
    return LOCATION if name is None else context.expand(values.name(name, "geometryProperty"))
