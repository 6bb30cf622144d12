"""Sources read over entity maps of their own, so that their pages stand still (ETSI GS CIM 009, 5.14.4.4, 5.14.5.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vidik.context.registrations.forwarding.requests import Answer, Errand
from vidik.context.registrations.forwarding.sharing import Sharing

OF_ENTITIES: Final = "createEntityMapQueryEntity"
OF_PAST: Final = "createEntityMapQueryTemporal"
_REFUSED: Final = 400
_LONGEST_ADDRESS: Final = 2_000


async def send(sharing: Sharing, errand: Errand, operation: str) -> Answer:
    """What a source answers; while a map is made here, one that can make a map, too, answers over that of its own.

    `operation` is the one by which it says that it can. One that refuses a map is asked without.
    """
    mapped = sharing.call.mapped
    registration = errand.registration
    # A registration of several parts is several questions, and the map of one is not that of another.
    is_able = errand.method == "GET" and operation in registration.operations and len(registration.information) == 1
    if mapped is None or mapped.linked is None or not is_able:
        return await sharing.send(errand)
    known = mapped.linked.get(registration.id)
    wanted = {"entityMap": "true"} | ({"entityMapLifetime": mapped.lifetime} if mapped.lifetime else {})
    over = replace(errand, parameters={**errand.parameters, **wanted}, entity_map=known)
    told = await sharing.send(over)
    if told.status == _REFUSED:
        return await sharing.send(errand)
    given = told.headers.get("ngsild-entitymap")
    if told.is_success and given and len(given) <= _LONGEST_ADDRESS:
        mapped.linked[registration.id] = given.rpartition("/entityMaps/")[2]
    return told
