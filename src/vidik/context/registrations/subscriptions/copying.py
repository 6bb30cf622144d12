"""Subscriptions at other sources (ETSI GS CIM 009, clauses 5.8.1.4, 5.8.2.4 and 5.8.5.4).

What sources should have is worked out anew whenever a subscription or a registration has changed, and compared with
what they were given: so nothing is forgotten over a restart or a source that is away. The copy that a source gets is
reduced to what it registered and notifies us; `notified_api` hands on what it says.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg_pool import PoolTimeout

from vidik.context.ngsild.broker import Broker
from vidik.context.ngsild.http.exchange import LD_JSON
from vidik.context.ngsild.query import q
from vidik.context.ngsild.values import NULL
from vidik.context.registrations.forwarding.federation import Federation
from vidik.context.registrations.forwarding.requests import Answer, Errand, Sender
from vidik.context.registrations.sources import matching, own_properties
from vidik.context.registrations.sources.model import Information, Json, Registration
from vidik.context.registrations.sources.registry import Known
from vidik.context.registrations.subscriptions import copies
from vidik.context.registrations.subscriptions.copies import Copy
from vidik.context.registrations.subscriptions.hearing import Hearing
from vidik.context.registrations.subscriptions.watching import watch_of
from vidik.context.subscriptions import repository as subscriptions
from vidik.context.subscriptions.parsing import translated
from vidik.context.subscriptions.registry import read
from vidik.context.subscriptions.repository import Row
from vidik.kernel.clock import now
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

LISTEN_AGAIN_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 30.0
GIVEN_UP: Final = timedelta(days=1)
"""After so long a source that cannot be told that a copy has gone is not asked any more: it ends there by itself."""
PATH: Final = "/ngsi-ld/ex/remote-notify"
_OF_SPLIT: Final = ("q", "geoQ", "scopeQ")
_OURS: Final = ("id", "@id", "jsonldContext", "notification", "localOnly", "csf", "temporalQ")
_Wanted = dict[tuple[int, int], tuple[Registration, Json, str | None]]
"""By subscription and registration: the source, its copy, and the address of the @context that this is written in."""

_AWAY: Final = Answer(0, problem="the source did not answer before")

_log = get_logger("vidik.federation")


class Copying:
    """Keeps a tenant's subscriptions at other sources as they should be. One a tenant, in the worker."""

    def __init__(self, services: Services, tenant: str) -> None:
        self._services = services
        self._database = services.database
        self._tenant = tenant
        self._contexts = Broker.of(services).contexts
        self._federation = Federation.of(services)
        self._address = address(services.settings, tenant)
        self._done: tuple[int, int] | None = None
        self._again_at = 0.0
        self._away: set[int] = set()
        """Registrations whose sources did not answer in this turn: the rest of it is not tried on them."""

    async def run(self) -> None:
        """Bring sources what changes, when it changes, for ever."""
        if self._address is None:
            await asyncio.Event().wait()
        await asyncio.sleep(LISTEN_AGAIN_SECONDS)  # a start has better to do than to look at a hundred tenants
        hearing = Hearing.of(self._services)
        async with hearing.waiting(self._tenant) as changed:
            while True:
                try:
                    await self.turn()
                except (psycopg.Error, PoolTimeout, OSError) as error:
                    _log.warning("copies of subscriptions have to wait", error=str(error).strip())
                    await asyncio.sleep(LISTEN_AGAIN_SECONDS)
                    continue
                await hearing.wait(changed, min(max(self._again_at - time.monotonic(), 0.01), AGAIN_SECONDS))

    async def turn(self) -> None:
        """Bring sources what has changed since the last turn, and again what they did not take."""
        if self._address is None:
            return
        async with self._database.session(self._tenant) as connection:
            registrations, changed, has_copies = await copies.revisions(connection)
        if self._done == (registrations, changed) and time.monotonic() < self._again_at:
            return
        self._federation.registry.stale(self._tenant)  # in this process it hears of nothing
        known = await self._federation.registry.tenant(self._tenant)
        all_is_well = True
        if known.registrations or has_copies:
            all_is_well = await self._reconcile(known)
        self._done = registrations, changed
        # What expires changes no revision: where there are copies, they are looked at again anyway.
        self._again_at = time.monotonic() + AGAIN_SECONDS if has_copies or not all_is_well else float("inf")

    async def _reconcile(self, known: Known) -> bool:
        self._away.clear()
        wanted = await self._wanted(known)
        async with self._database.session(self._tenant) as connection:
            present = await copies.every(connection)
        there = {(one.subscription, one.registration): one for one in present if one.gone_at is None}
        sender = Sender(self._tenant, f"1.1 {known.alias}")
        outcomes = [await self._delete(sender, one) for one in present if one.gone_at is not None]
        outcomes += [await self._delete(sender, one) for place, one in there.items() if place not in wanted]
        for place, (registration, body, link) in wanted.items():
            copy = there.get(place)
            if copy is None:
                copy = Copy(f"urn:ngsi-ld:Subscription:{uuid.uuid4()}", *place, registration.body, None)
            if copy.sent != body:
                outcomes.append(await self._bring(sender, registration, copy, body, link))
        return all(outcomes)

    async def _wanted(self, known: Known) -> _Wanted:
        moment = now()
        sources = [
            one
            for one in known.registrations
            if one.is_in_force(moment) and one.mode != "auxiliary" and "createSubscription" in one.operations
        ]
        if not sources:
            return {}
        async with self._database.session(self._tenant) as connection:
            rows = await subscriptions.every(connection, "entities")
        found: _Wanted = {}
        for row in rows:
            if row.body.get("localOnly") or (row.expires_at is not None and row.expires_at <= moment):
                continue
            try:
                found |= await self._copies_of(row, sources)
            except VidikError as error:
                _log.warning("a subscription cannot be copied now", subscription=row.id, reason=error.detail)
        return found

    async def _copies_of(self, row: Row, sources: list[Registration]) -> _Wanted:
        asked = watch_of(await read(row, self._contexts), {}).asked
        own = await self._contexts.resolve(row.context)
        if "csf" in row.body:
            query = q.parse_q(row.body["csf"], "csf")
            async with self._database.session(self._tenant) as connection:
                fits = await own_properties.fit(connection, [(one, (query,), own) for one in sources])
            sources = [one for one, is_fitting in zip(sources, fits, strict=True) if is_fitting]
        found: _Wanted = {}
        for one in sources:
            parts = [part for part in one.information if any(matching.concerns(part, each) for each in asked)]
            if not parts:
                continue
            link = one.info.get("jsonldContext") or (row.context if isinstance(row.context, str) else None)
            words = await self._contexts.resolve(link) if link is not None else self._contexts.core
            body = reduced(translated(row.body, own, words), parts, words.compact)
            body["notification"]["endpoint"] = {"uri": self._address, "accept": LD_JSON}
            if one.is_local_only:
                body["localOnly"] = True
            found[row.key, one.key] = one, body, link
        return found

    async def _bring(
        self, sender: Sender, registration: Registration, copy: Copy, body: Json, link: str | None
    ) -> bool:
        """Give a source a copy, or what is new of it; False where it has to be tried again."""
        former = copy.sent
        if former is not None and "updateSubscription" not in registration.operations:
            return True
        # Known before the source is asked: it may notify before it has answered.
        await self._keep(replace(copy, source=registration.body))
        if former is None:
            errand = Errand(registration, "POST", "subscriptions", body={"id": copy.remote_id, **body}, link=link)
        else:
            patch = {**dict.fromkeys(former.keys() - body.keys(), NULL), **body}
            errand = Errand(registration, "PATCH", _path(copy), body=patch, link=link)
        answer = await self._asked(sender, errand)
        if not (answer.is_success or (former is None and answer.status == 409)):
            self._warn(registration, answer)
            return False
        await self._keep(replace(copy, source=registration.body, sent=body))
        return True

    async def _delete(self, sender: Sender, copy: Copy) -> bool:
        """Take a copy back; False where it has to be tried again."""
        moment = now()
        since = copy.gone_at or moment
        registration = Registration.of(copy.registration, copy.source, moment, moment)
        if "deleteSubscription" in registration.operations and moment - since < GIVEN_UP:
            if copy.gone_at is None:
                await self._keep(replace(copy, gone_at=moment))
            answer = await self._asked(sender, Errand(registration, "DELETE", _path(copy)))
            if not answer.is_success and answer.status != 404:
                self._warn(registration, answer)
                return False
        async with self._database.transaction(self._tenant) as connection:
            await copies.forget(connection, copy.remote_id)
        return True

    async def _asked(self, sender: Sender, errand: Errand) -> Answer:
        if errand.registration.key in self._away:
            return _AWAY
        answer = await self._federation.forwarder.send(sender, errand)
        if not answer.status:
            self._away.add(errand.registration.key)
        return answer

    async def _keep(self, copy: Copy) -> None:
        async with self._database.transaction(self._tenant) as connection:
            await copies.keep(connection, copy)

    def _warn(self, registration: Registration, answer: Answer) -> None:
        if answer is _AWAY:
            return
        problem = answer.problem or f"the source answered {answer.status}"
        _log.warning("a source did not take a subscription", registration=registration.id, problem=problem)


def address(settings: Settings, tenant: str) -> str | None:
    """Where sources notify a tenant; None where nobody has said how this Vidik is reached from outside."""
    base = settings.public_url
    if base is None and settings.allow_private_endpoints:
        base = f"http://{settings.host}:{settings.port}"
    if base is None:
        return None
    own = "" if tenant == settings.tenant else f"/{quote(tenant)}"
    return f"{base.rstrip('/')}{PATH}{own}"


def reduced(body: Mapping[str, Any], parts: list[Information], word: Any) -> Json:
    """A subscription as a source gets it: of what it registered, without what only the whole entity can answer.

    With `splitEntities` a source has but a part of an entity, so that filters are for us to look at.
    """
    left_out = (*_OURS, *(_OF_SPLIT if body.get("splitEntities") else ()))
    copy: Json = {name: value for name, value in body.items() if name not in left_out}
    copy["notification"] = {"format": "normalized"}
    known = [one for part in parts for one in part.entities]
    if known and len(known) == sum(bool(part.entities) for part in parts) and all(one.id for one in known):
        copy["entities"] = [{"id": one.id, "type": "|".join(sorted(word(kind) for kind in one.types))} for one in known]
    held = [part.attributes for part in parts]
    if all(names is not None for names in held):
        every = {word(name) for names in held for name in names or ()}
        asked = body.get("watchedAttributes")
        copy["watchedAttributes"] = sorted(every if asked is None else every & set(asked)) or sorted(every)
    if "timeInterval" in copy:
        copy.pop("watchedAttributes", None)
    return copy


def _path(copy: Copy) -> str:
    return f"subscriptions/{quote(copy.remote_id, safe=':')}"
