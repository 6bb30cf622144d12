"""What other sources have of an entity that one of them notified (ETSI GS CIM 009, clause 5.8.6, splitEntities)."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from vidik.context.ngsild.broker import Broker
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.registrations.forwarding.federation import Federation
from vidik.context.registrations.forwarding.requests import Errand, Sender
from vidik.context.registrations.reading.merging import Part, read_entity
from vidik.context.registrations.sources.matching import Asked, covers, matching
from vidik.context.registrations.sources.model import Information, Json, Registration
from vidik.kernel.clock import now
from vidik.kernel.errors import VidikError
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services

_log = get_logger("vidik.federation")


async def parts_of(services: Services, tenant: str, entity: Stored, told_by: Json) -> list[Part]:
    """What all sources but the one that told of an entity have of it; `told_by` is that one's registration."""
    known = await Federation.of(services).registry.tenant(tenant)
    types, moment = frozenset(entity.types), now()
    asked = Asked(types, frozenset((entity.id,)), None)
    others = {
        one.key: (one, part)
        for one in known.of_types(types)
        if one.is_in_force(moment) and one.body["endpoint"] != told_by["endpoint"] and one.id != told_by["id"]
        if "retrieveEntity" in one.operations
        for part in matching(one, asked)
        if covers(part, entity.id, types)
    }
    sender = Sender(tenant, f"1.1 {known.alias}")
    found = await asyncio.gather(*(_part(services, sender, entity.id, *other) for other in others.values()))
    return [one for one in found if one is not None]


async def _part(
    services: Services, sender: Sender, entity_id: str, registration: Registration, information: Information
) -> Part | None:
    contexts = Broker.of(services).contexts
    address = registration.info.get("jsonldContext")
    try:
        words = contexts.core if address is None else await contexts.resolve(address)
        asked = {"options": "sysAttrs"}
        if information.attributes is not None:
            asked["attrs"] = ",".join(sorted(words.compact(one) for one in information.attributes))
        if registration.is_local_only:
            asked["local"] = "true"
        path = f"entities/{quote(entity_id, safe=':')}"
        told = await Federation.of(services).forwarder.send(
            sender, Errand(registration, "GET", path, asked, link=address)
        )
        if not told.is_success or not isinstance(told.content, dict):
            return None
        part = read_entity({name: one for name, one in told.content.items() if name != "@context"}, words)
    except (VidikError, AttributeError) as error:
        _log.info("a source's part of an entity cannot be read", registration=registration.id, reason=str(error))
        return None
    is_there = part.id == entity_id and (part.expires_at is None or part.expires_at > now())
    return Part(part, registration.mode) if is_there else None
