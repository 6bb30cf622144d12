"""Turns committed changes into notifications that are owed, in the transaction that moves the cursor."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from vidik.context.ngsild.broker import Broker
from vidik.context.ngsild.http.exchange import GEO_JSON, LD_JSON, context_of_answer
from vidik.context.ngsild.representation.linked import Node, with_linked
from vidik.context.ngsild.representation.rendering import Json
from vidik.context.store.changes import Change, ChangeBatch
from vidik.context.subscriptions import content, repository, words
from vidik.context.subscriptions.former import add_former
from vidik.context.subscriptions.matching import Happening, concerns, happening, is_in_place, selectors_of
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.questions import Questions
from vidik.context.subscriptions.registry import Known, Registry
from vidik.context.subscriptions.repository import Owed
from vidik.context.subscriptions.words import Former
from vidik.kernel.clock import now
from vidik.kernel.database import Connection
from vidik.kernel.services import Services

KEPT_IN_ORDER: Final = 1000
"""As many notifications wait for one subscription in full; beyond it an entity's newest state stands for the others."""
KEPT_AT_MOST: Final = 10_000
"""As many entities wait for one subscription; beyond it the oldest are given up."""
CHANGES_AT_ONCE: Final = 1000
"""As many changes are held in memory with their entities; the worker's other tasks have their turn between."""
LARGE_PAYLOAD: Final = 1 << 16
"""So many characters told of one entity are a reason to give the other tasks their turn, too."""

_Found = tuple[Change, ChangeBatch, list[Subscription]]


@dataclass(frozen=True, slots=True)
class _Candidate:
    subscription: Subscription
    found: Happening


class SubscriptionConsumer:
    """Matches changes with subscriptions and writes down what is owed to whom."""

    name = words.CONSUMER

    async def prepare(self, services: Services, tenant: str) -> None:
        """Have the @contexts of new subscriptions at hand."""
        await Registry.of(services).prepare(tenant, services.database)

    async def handle(self, services: Services, tenant: str, connection: Connection, batch: ChangeBatch) -> None:
        """Take in one committed batch of changes."""
        await self.handle_all(services, tenant, connection, [batch])

    async def handle_all(
        self, services: Services, tenant: str, connection: Connection, batches: Sequence[ChangeBatch]
    ) -> None:
        """Take in committed batches at once, in the transaction that moves the cursor."""
        known = await Registry.of(services).refresh(tenant, connection)
        if not known.by_key:
            return
        found: list[_Found] = []
        for batch in batches:
            formers = words.valid_at(known.former, batch.position)
            found += [
                (change, batch, subscriptions)
                for change in batch.changes
                if change.operation != "late" and (subscriptions := _candidates(known, formers, change))
            ]
        for start in range(0, len(found), CHANGES_AT_ONCE):
            await self._take_in(services, tenant, connection, known, found[start : start + CHANGES_AT_ONCE])
        known.judged = batches[-1].position
        if known.former:
            await words.forget(connection, known.judged)

    async def _take_in(
        self, services: Services, tenant: str, connection: Connection, known: Known, found: Sequence[_Found]
    ) -> None:
        load = partial(Broker.of(services).reader.load, connection, tenant)
        current = await load(list({change.entity_id for change, _, _ in found}))
        moment = now()
        candidates = []
        for change, batch, subscriptions in found:
            here = happening(change, batch.recorded_at, current.get(change.entity_id))
            candidates += [
                _Candidate(one, here)
                for one in subscriptions
                if batch.position > one.since and one.is_listening(moment) and concerns(one, here)
            ]
        owed = []
        matching = await _matching(connection, candidates)
        await add_former(connection, [one.found for one in matching if one.subscription.show_changes])
        for one in matching:
            entities = await _entities(one, load)
            payload = ",".join(orjson.dumps(entity).decode() for entity in entities)
            if len(payload) > LARGE_PAYLOAD:
                await asyncio.sleep(0)  # a large entity that many follow would hold up everybody else
            owed.append(Owed(one.subscription.key, one.found.entity.id, one.found.recorded_at, payload))
        if owed:
            await repository.owe(connection, owed)
            await _keep_bounded(connection, known, Counter(one.subscription for one in owed))

    def committed(self, services: Services, tenant: str) -> None:
        """What `handle_all` wrote can be seen: wake the deliverer, forget what was valid before."""
        known = Registry.of(services).tenant(tenant)
        known.former = [one for one in known.former if one.until > known.judged]
        known.wake.set()


def _candidates(known: Known, formers: Sequence[Former], change: Change) -> list[Subscription]:
    attributes: Any = change.attributes
    if change.detail is not None:
        attributes = change.detail.before if change.operation == "deleted" else change.detail.after
    found = known.index.candidates(change.entity_id, change.types, attributes)
    return words.candidates(found, formers, change, attributes) if formers else found


async def _matching(connection: Connection, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates whose patterns, q and geoQ hold too, in their order."""
    placed = [one for one in candidates if is_in_place(one.subscription, one.found)]
    questions = Questions()
    for one in placed:
        subscription, entity = one.subscription, one.found.entity
        if subscription.query is not None and subscription.query_context is not None:
            questions.ask_query(subscription.query, subscription.query_context, entity)
        for pattern in selectors_of(subscription, one.found):
            if pattern is not None:
                questions.ask_pattern(entity.id, pattern)
    await questions.answer(connection)
    return [one for one in placed if _holds(one, questions)]


def _holds(one: _Candidate, questions: Questions) -> bool:
    subscription, entity = one.subscription, one.found.entity
    if subscription.selectors and not any(
        pattern is None or questions.matches(entity.id, pattern) for pattern in selectors_of(subscription, one.found)
    ):
        return False
    if subscription.query is None or subscription.query_context is None:
        return True
    return questions.fits(subscription.query, subscription.query_context, entity)


async def _entities(one: _Candidate, load: Any) -> list[Json]:
    """The entities that one change puts into a notification: itself, and linked ones where asked for."""
    subscription, found = one.subscription, one.found
    body = content.describe(found, subscription)
    if subscription.endpoint.accept == GEO_JSON:
        return [content.as_feature(body, found.entity, subscription)]
    entities = [body]
    if subscription.join is not None and found.change.operation != "deleted":
        entities = await with_linked(load, [Node(found.entity, subscription.view, body)], subscription.join)
    if subscription.endpoint.accept == LD_JSON:
        for entity in entities:
            entity["@context"] = context_of_answer(subscription.context)
    return entities


async def _keep_bounded(connection: Connection, known: Known, fresh: Counter[int]) -> None:
    """Let newer states stand for older ones where a subscription's queue has grown too long."""
    for key, number in fresh.items():
        waiting = known.owed[key] = known.owed.get(key, 0) + number
        if waiting > KEPT_IN_ORDER and waiting >= 2 * known.kept.get(key, 0):
            gone, kept = await repository.merge_owed(connection, key, KEPT_IN_ORDER, KEPT_AT_MOST)
            known.owed[key] = kept
            if gone:
                known.kept[key] = kept
                known.merged[key] = known.merged.get(key, 0) + gone
