"""The notification that goes out: its JSON, its headers, and its form as an MQTT message (clauses 5.3.1, 7.2). Pure."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from vidik.context.jsonld import packaged
from vidik.context.ngsild.http.exchange import CONTEXT_REL, GEO_JSON, LD_JSON
from vidik.context.subscriptions.model import Subscription
from vidik.context.subscriptions.repository import Owed
from vidik.kernel.clock import iso

_IDS: Final = uuid.UUID("5d0f6a6e-33a5-4f0e-9a3d-8d3f3a1c7b42")


@dataclass(frozen=True, slots=True)
class Message:
    """One notification, ready to send."""

    headers: dict[str, str]
    body: bytes

    def as_mqtt(self) -> bytes:
        """The headers as metadata beside the body (clause 7.2)."""
        return b'{"metadata":' + orjson.dumps(self.headers) + b',"body":' + self.body + b"}"


def compose(tenant: str | None, subscription: Subscription, owed: Sequence[Owed], moment: datetime) -> Message:
    """One notification about everything in `owed`; `tenant` is None for the default one.

    Its id depends on what is owed only, so that a receiver knows a notification that comes twice.
    """
    first, last = owed[0], owed[-1]
    tells_of_entities = subscription.about == "entities"
    name = f"{tenant}/{subscription.id}/{first.position}-{last.position}/{iso(first.owed_at)}"
    head = {
        "id": f"urn:ngsi-ld:Notification:{uuid.uuid5(_IDS, name)}",
        "type": "Notification" if tells_of_entities else "ContextSourceNotification",
        "subscriptionId": subscription.id,
        "notifiedAt": iso(moment),
    }
    if not tells_of_entities:
        # One at a time, because each has a trigger reason of its own (clause 5.3.2); it brings both members.
        return Message(_headers(tenant, subscription), orjson.dumps(head)[:-1] + b"," + first.payload[1:].encode())
    data = "[" + ",".join(one.payload for one in owed if one.payload) + "]"
    if subscription.endpoint.accept == GEO_JSON:
        data = f'{{"type":"FeatureCollection","features":{data}}}'
    body = orjson.dumps(head)[:-1] + b',"data":' + data.encode() + b"}"
    return Message(_headers(tenant, subscription), body)


def _headers(tenant: str | None, subscription: Subscription) -> dict[str, str]:
    accept = subscription.endpoint.accept
    headers = {"Content-Type": accept}
    if accept != LD_JSON:
        source = subscription.context.source
        address = source if isinstance(source, str) else _only_address(source)
        headers["Link"] = f'<{address}>; rel="{CONTEXT_REL}"; type="{LD_JSON}"'
    if tenant is not None:
        headers["NGSILD-Tenant"] = tenant
    return {**headers, **dict(subscription.endpoint.receiver_info)}


def _only_address(source: object) -> str:
    """The address that stands for a list of contexts: its only one besides the core context, else the core's."""
    if isinstance(source, list):
        own = [one for one in source if not (isinstance(one, str) and packaged.is_core(one))]
        if len(own) == 1 and isinstance(own[0], str):
            return own[0]
    return packaged.CORE_CONTEXT_URL
