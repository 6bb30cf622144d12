"""Finding entities by their past: candidates in order, a batch at a time, until the page is full (clause 5.7.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.problems import too_complex
from vidik.context.ngsild.query.expressions import Expression
from vidik.context.ngsild.repository import terms
from vidik.context.ngsild.repository.conditions import Condition, Search
from vidik.context.ngsild.repository.entities import Page
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.ngsild.temporal import scope_past
from vidik.context.ngsild.temporal.endings import ended
from vidik.context.ngsild.temporal.instances import InstanceFilter, Trial
from vidik.context.ngsild.temporal.query import TemporalQuery
from vidik.context.store import history
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.document import SCOPE
from vidik.context.store.history import Series
from vidik.kernel.database import Connection

MAXIMUM_CANDIDATES: Final = 20_000
_BATCH: Final = 200


@dataclass(slots=True)
class PastSearch:
    """A query of the past by its instances."""

    call: Call
    connection: Connection
    search: Search
    """Without q, place and scopes."""
    query: TemporalQuery
    asked: InstanceFilter | None
    """q and place."""
    scopes: Expression[str] | None = None

    async def page(self, limit: int, offset: int, *, count: bool) -> Page:
        """A page of what fits; raises TooComplexQuery where too many entities had to be looked at."""
        found: list[Stored] = []
        fitting = 0
        search, reader = self.search, self.call.broker.reader
        for _ in range(0, MAXIMUM_CANDIDATES, _BATCH):
            batch = await reader.page(self.connection, self.call.tenant, search, limit=_BATCH, offset=0)
            for entity in await self._fitting(batch.entities):
                fitting += 1
                if offset < fitting <= offset + limit + 1:
                    found.append(entity)
            if not batch.more or (fitting > offset + limit and not count):
                return Page(found[:limit], len(found) > limit, fitting if count else None)
            # The past is ordered by id alone.
            sign = "<" if search.order.sql.startswith("id DESC") else ">"
            search = replace(search, beyond=Condition(f"id {sign} %s", (batch.entities[-1].id,)))
        raise too_complex(f"The query looks at the past of more than {MAXIMUM_CANDIDATES} entities; narrow it.")

    async def _fitting(self, entities: list[Stored]) -> list[Stored]:
        """Those that fit, in order."""
        if not entities:
            return []
        ids = [one.id for one in entities]
        attributes = {*(() if self.asked is None else self.asked.attributes), SCOPE}
        series = await history.series_of(self.connection, ids, sorted(attributes))
        by_time = self.query.is_by_time
        rows: Mapping[int, SeriesRows] = await history.read(
            self.connection,
            [one.number for one in series if one.attribute != SCOPE],
            self.query.start if by_time else None,
            self.query.end if by_time else None,
        )
        rows = ended(entities, [one for one in series if one.attribute != SCOPE], rows, self.query)
        by_entity: dict[str, list[Series]] = defaultdict(list)
        for one in series:
            if one.attribute != SCOPE:
                by_entity[one.entity_id].append(one)
        if self.scopes is not None:
            during = await self._during(entities, [one for one in series if one.attribute == SCOPE], self.scopes)
            entities = [one for one in entities if during[one.id]]
            if self.query.time_property == "observedAt":
                rows = {
                    one.number: scope_past.within(rows[one.number], during[one.entity_id])
                    for one in series
                    if one.attribute != SCOPE
                }
        if self.asked is None:
            return entities
        trial = Trial(self.asked, self.query)
        for entity in entities:
            trial.enter(entity, by_entity[entity.id], rows)
        trial.answer(await terms.matches(self.connection, trial.documents, trial.questions))
        return [one for one in entities if trial.fits(one)]

    async def _during(
        self, entities: list[Stored], series: list[Series], scopes: Expression[str]
    ) -> dict[str, list[scope_past.Window]]:
        """When in the range the scopes of each entity matched."""
        had = await history.read(self.connection, [one.number for one in series])
        return scope_past.windows_of(scopes, entities, {one.entity_id: one for one in series}, had, self.query)
