"""Who this context source is (ETSI GS CIM 009, clauses 5.2.40, 5.15.1 and 6.33)."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from vidik.context.ngsild.broker import Call
from vidik.context.ngsild.http.exchange import JSON, LD_JSON, answer
from vidik.context.registrations.forwarding.federation import Federation
from vidik.kernel.clock import iso, now


async def retrieve_identity(call: Call) -> Response:
    """GET /info/sourceIdentity: the name of this tenant in Via headers, and since when it is there."""
    kind = call.accept(JSON, LD_JSON)
    context = await call.reading_context()
    known = await Federation.of(call.broker.services).registry.tenant(call.tenant)
    moment = now()
    body = {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{known.alias}",
        "type": "ContextSourceIdentity",
        "contextSourceAlias": known.alias,
        "contextSourceUptime": _duration(moment - call.broker.contexts.started_at),
        "contextSourceTimeAt": iso(moment),
    }
    return answer(body, kind, context)


def _duration(span: timedelta) -> str:
    """A duration as ISO 8601 writes it, in whole seconds."""
    hours, rest = divmod(int(span.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"PT{hours}H{minutes}M{seconds}S"
