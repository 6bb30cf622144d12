"""HTTP: dead letters, shown, replayed and discarded."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from vidik.intake.deadletters import repository
from vidik.intake.deadletters.reasons import described
from vidik.intake.deadletters.replay import MOST_AT_ONCE, replay
from vidik.kernel import audit
from vidik.kernel.clock import iso
from vidik.kernel.errors import BadInput, NotFound
from vidik.kernel.forms import Form, Keepable, RowId
from vidik.kernel.identity import Principal, require
from vidik.kernel.web import ServicesOf, Transaction

router = APIRouter(tags=["dead letters"])

Reader = Annotated[Principal, Depends(require("deadletters.read"))]
Replayer = Annotated[Principal, Depends(require("deadletters.replay"))]
State = Literal["open", "replayed", "discarded"]

_SHOWN_BYTES = 4096


class Filter(Form):
    """Which open dead letters, when they are not named one by one."""

    device_id: str | None = None
    reason: str | None = None


class ReplayRequest(Form):
    """Dead letters to offer again: by number, or (oldest first, 1,000 at once) by filter."""

    ids: list[int] | None = Field(None, min_length=1, max_length=MOST_AT_ONCE)
    filter: Filter | None = None


class DiscardRequest(Form):
    """Dead letters that nobody needs, and why."""

    ids: list[int] = Field(min_length=1, max_length=MOST_AT_ONCE)
    reason: str = Field(min_length=1, max_length=500)


@router.get("/dead-letters")
async def list_dead_letters(
    principal: Reader,
    connection: Transaction,
    device_id: Keepable | None = None,
    reason: Keepable | None = None,
    state: State | Literal["all"] = "open",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: RowId | None = None,
) -> dict[str, Any]:
    """Dead letters from the newest back, and how many each reason has; `next` is the following `before`."""
    criteria = {
        "device_id": device_id,
        "reason": reason,
        "state": None if state == "all" else state,
        "limit": limit,
        "before": before,
        "shown_bytes": _SHOWN_BYTES,
    }
    reach = principal.reach("deadletters.read")
    rows = await repository.listed(connection, criteria, reach)
    counts = await repository.counted(connection, criteria, reach)
    return {
        "items": [_shown(row) for row in rows],
        "next": rows[-1]["id"] if len(rows) == limit else None,
        "counts_by_reason": [described(row["reason"]) | {"count": row["count"]} for row in counts],
    }


@router.get("/dead-letters/{letter}/payload")
async def show_payload(letter: RowId, principal: Reader, connection: Transaction) -> Response:
    """The payload as it came, up to 256 KiB."""
    row = await repository.payload(connection, letter, principal.reach("deadletters.read"))
    if row is None:
        raise NotFound("There is no such dead letter.")
    # Bytes of a stranger: never shown by the browser, always a download.
    headers = {
        "Content-Disposition": f'attachment; filename="dead-letter-{letter}.bin"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(bytes(row["payload"]), media_type="application/octet-stream", headers=headers)


@router.post("/dead-letters/replay")
async def replay_dead_letters(body: ReplayRequest, principal: Replayer, services: ServicesOf) -> dict[str, Any]:
    """Offer dead letters to the pipeline again; answers when each one's outcome is on disk."""
    if (body.ids is None) == (body.filter is None):
        raise BadInput("Name dead letters by `ids`, or choose them by `filter`.", field="ids")
    ids = body.ids
    if ids is None:
        criteria = (body.filter or Filter()).model_dump() | {"state": "open", "limit": MOST_AT_ONCE}
        async with services.database.transaction(services.settings.tenant) as connection:
            ids = await repository.open_ids(connection, criteria, principal.reach("deadletters.replay"))
    done = await replay(services, principal, ids)
    return {
        "replayed": done.accepted + done.rejected,
        "accepted": done.accepted,
        "rejected": done.rejected,
        "cut": done.cut,
    }


@router.post("/dead-letters/discard")
async def discard_dead_letters(body: DiscardRequest, principal: Replayer, connection: Transaction) -> dict[str, Any]:
    """Close dead letters that nobody needs; they are kept for their 30 days."""
    reach = principal.reach("deadletters.replay")
    number = await repository.decide(connection, body.ids, "discarded", principal.actor, body.reason, reach)
    if number:
        await audit.record(
            connection,
            principal,
            "deadletter.discard",
            f"{number} dead letters",
            reason=body.reason,
            details={"first": min(body.ids), "last": max(body.ids)},
        )
    return {"discarded": number}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    payload, encoding = _readable(bytes(row["payload"]))
    return {
        "id": row["id"],
        "device_id": row["device_id"],
        "principal_id": row["principal_id"],
        "door": row["door"],
        "topic": row["topic"],
        "received_at": iso(row["received_at"]),
        "field": row["field"],
        **described(row["reason"]),
        "value": row["value"],
        "others": [other | described(other["reason"]) for other in row["others"] or []],
        "payload": payload,
        "payload_encoding": encoding,
        "size": row["size"],
        "state": row["state"],
        "replayed_at": _iso(row["decided_at"]) if row["state"] == "replayed" else None,
        "decided_at": _iso(row["decided_at"]),
        "decided_by": row["decided_by"],
        "note": row["note"],
    }


def _readable(payload: bytes) -> tuple[str, Literal["text", "base64"]]:
    """The payload as text when it is text, else as base64; a character that the cut went through is left out."""
    whole = payload if len(payload) < _SHOWN_BYTES else _up_to_a_character(payload)
    try:
        text = whole.decode()
    except UnicodeDecodeError:
        return base64.b64encode(payload).decode(), "base64"
    return (text, "text") if "\0" not in text else (base64.b64encode(payload).decode(), "base64")


def _up_to_a_character(payload: bytes) -> bytes:
    """Drop the beginning of a UTF-8 character at the end of cut bytes."""
    for back in range(1, 4):
        if payload[-back] >= 0xC0:  # a leading byte: its character may not be whole
            return payload[:-back]
        if payload[-back] < 0x80:
            break
    return payload


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
