"""HTTP push: a device posts its readings; 204 means that they are on disk."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vidik.intake.deadletters import PAYLOAD_LIMIT, repository
from vidik.intake.devices import DeviceDirectory, DeviceRecord
from vidik.intake.devices.belonging import belonging_of
from vidik.intake.message import Message, Outcome
from vidik.intake.pipeline import Pipeline
from vidik.kernel.clock import from_microseconds
from vidik.kernel.errors import Forbidden, NotFound, TooLarge, Unavailable, Unprocessable
from vidik.kernel.identity import Principal, require_principal
from vidik.kernel.services import Services
from vidik.kernel.web import get_services

router = APIRouter(tags=["push"])

BATCH_LIMIT = 4 * 1024 * 1024
_MOST_LINES = 10_000
_ROOM_SECONDS = 5.0
_STORE_SECONDS = 20.0
_NDJSON = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
_REFUSED_RESPONSES: dict[int | str, dict[str, Any]] = {
    413: {"description": "The message is larger than 256 KiB."},
    422: {"description": "The message, or some of its values, is in the dead letters; says field and reason."},
    503: {"description": "Not stored; send it again later."},
}


@router.post("/intake/{device_id}", status_code=204, responses=_REFUSED_RESPONSES)
async def push(device_id: str, request: Request) -> Response:
    """Take one message as the device's profile reads it; 204 once it is committed.

    With Content-Type application/x-ndjson every line is one message, and the answer is 200 with a result a line.
    """
    services = get_services(request)
    device = await _admitted(request, services, device_id)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() in _NDJSON:
        return await _push_lines(request, services, device)
    payload = await _body(request, PAYLOAD_LIMIT, "A message has at most 256 KiB.")
    (result,) = await _store(services, await _principal_id(request), device.device_id, [payload])
    if result["state"] == "failed":
        raise Unavailable("The message could not be stored; please send it again later.")
    if result["state"] == "rejected":
        raise _refused(result)
    return Response(status_code=204)


async def _push_lines(request: Request, services: Services, device: DeviceRecord) -> Response:
    body = await _body(request, BATCH_LIMIT, "A batch has at most 4 MiB.")
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        raise TooLarge(f"A batch has at most {_MOST_LINES} lines.")
    results = await _store(services, await _principal_id(request), device.device_id, lines)
    counts = dict.fromkeys(("accepted", "rejected", "failed"), 0)
    for result in results:
        counts[result["state"]] += 1
    if lines and counts["failed"] == len(lines):
        raise Unavailable("The batch could not be stored; please send it again later.")
    numbered = [{"line": number} | result for number, result in enumerate(results, 1)]
    return JSONResponse(counts | {"results": numbered})


async def _admitted(request: Request, services: Services, device_id: str) -> DeviceRecord:
    """The device, when the caller may bring its readings; raises Unauthenticated, Forbidden or NotFound."""
    principal = await require_principal(request, "intake.push")
    directory = services.get(DeviceDirectory)
    device = directory.get(device_id)
    if principal.kind == "device":
        # The same answer for a foreign device and for none: a credential must not find out what exists.
        if device is None or not directory.may_write(principal.id, device_id):
            raise Forbidden("This credential may not bring readings of this device.", field="device_id")
        return device
    if device is None or not await _reaches(services, principal, device):
        raise NotFound("This device is not registered.", field="device_id")
    if not device.enabled:
        raise Forbidden("You may not bring readings of this device.", field="device_id")
    return device


async def _reaches(services: Services, principal: Principal, device: DeviceRecord) -> bool:
    if principal.may("intake.push", device.organisation):
        return True
    async with services.database.session(services.settings.tenant) as connection:
        found = (await belonging_of(connection, [device.device_id])).get(device.device_id)
    return found is not None and principal.reaches("intake.push", found)


async def _principal_id(request: Request) -> str:
    principal: Principal = await require_principal(request, "intake.push")
    return principal.id if principal.kind == "device" else principal.actor


async def _body(request: Request, limit: int, sentence: str) -> bytes:
    """The whole body; stops reading at the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(sentence)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise TooLarge(sentence)
    return bytes(body)


async def _store(
    services: Services, principal_id: str, device_id: str, payloads: Sequence[bytes]
) -> list[dict[str, Any]]:
    """What became of each message, in order; waits until all are on disk."""
    pipeline = services.get(Pipeline)
    waiting = []
    times = []
    for payload in payloads:
        await _room(pipeline)
        times.append(_unique_microseconds())
        message = Message(
            principal_id=principal_id,
            device_id=device_id,
            payload=payload,
            received_at=times[-1],
            door="http",
            topic=f"/api/intake/{device_id}",
        )
        waiting.append(asyncio.ensure_future(pipeline.submit(message)))
    try:
        outcomes = await asyncio.wait_for(asyncio.gather(*waiting), _STORE_SECONDS)
    except TimeoutError:
        # It may still be stored later; the same message again is harmless then.
        raise Unavailable("The database does not answer just now; please send it again in a moment.") from None
    refused = [moment for moment, outcome in zip(times, outcomes, strict=True) if outcome is Outcome.REJECTED]
    reasons = await _reasons(services, device_id, refused)
    return [
        {"state": outcome.value} | (reasons.get(moment, {}) if outcome is Outcome.REJECTED else {})
        for moment, outcome in zip(times, outcomes, strict=True)
    ]


async def _room(pipeline: Pipeline) -> None:
    if pipeline.refusing:
        raise Unavailable(pipeline.refusing, code="disk-full")
    if not pipeline.full:
        return
    try:
        await asyncio.wait_for(pipeline.room(), _ROOM_SECONDS)
    except TimeoutError:
        raise Unavailable("Vidik takes in as much as it can; please send it again in a moment.") from None


async def _reasons(services: Services, device_id: str, received: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Field and reason of refused messages, read back from their dead letters."""
    if not received:
        return {}
    moments: dict[datetime, int] = {from_microseconds(moment): moment for moment in received}
    async with services.database.transaction(services.settings.tenant) as connection:
        rows = await repository.refusals(connection, device_id, list(moments))
    return {
        moments[row["received_at"]]: {
            "field": row["field"],
            "reason": row["reason"],
            "value": row["value"],
            "others": row["others"] or [],
        }
        for row in rows
    }


_last_microseconds = 0


def _unique_microseconds() -> int:
    """The time now; never the same twice in this process, so that a message's dead letter can be found by it."""
    global _last_microseconds
    _last_microseconds = max(time.time_ns() // 1000, _last_microseconds + 1)
    return _last_microseconds


def _refused(result: dict[str, Any]) -> Unprocessable:
    reason = result.get("reason", "the message was refused")
    field = result.get("field")
    detail = f"{field}: {reason}" if field else reason
    return Unprocessable(f"{detail}. The message is in the dead letters.", field=field, code="reading-refused")
