"""Messages to people and handovers over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from vidik.kernel.forms import Number, RowId
from vidik.kernel.heavy import worked_out
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import CITYS
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations import journal
from vidik.operations.alarms import repository as alarms
from vidik.operations.alarms.alarm import acknowledge_alarm
from vidik.operations.duty import calls, handovers, messages
from vidik.operations.duty.api import Reader
from vidik.operations.duty.belonging import covers, of_escalation
from vidik.operations.duty.escalating import take_over
from vidik.operations.duty.facts import gather
from vidik.operations.duty.forms import HandoverForm, SignForm
from vidik.operations.duty.views import notice_view
from vidik.operations.incidents.service import actor_of
from vidik.operations.reaching import reaching

router = APIRouter(prefix="/duty", tags=["duty"])
Taker = Annotated[Principal, Depends(reaching("call", "escalation", of_escalation, see="duty.read"))]
Language = Annotated[Literal["en", "sr-Cyrl", "sr-Latn"], Query()]


@router.get("/notices")
async def list_notices(
    connection: Transaction,
    principal: Reader,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[Number | None, Query(description="Only messages with a smaller number (paging).")] = None,
) -> dict[str, Any]:
    """List messages to people with their state, newest first."""
    rows = await messages.newest_notices(connection, limit, before, principal.reach("duty.read"))
    return {"items": [notice_view(row) for row in rows], "next": rows[-1]["id"] if len(rows) == limit else None}


@router.post("/escalations/{escalation}/take")
async def take(escalation: RowId, connection: Transaction, principal: Taker) -> dict[str, Any]:
    """Take over what is being called for: nobody else is asked; an alarm is acknowledged in the person's name."""
    moment = now()
    await calls.lock(connection)
    row = await calls.find(connection, escalation)
    if row is None:
        raise NotFound(f"There is no call {escalation}.")
    if row["state"] == "acknowledged":
        raise Conflict(
            f"{row['ended_by']} has taken this over already.", code="taken", values={"person": row["ended_by"] or ""}
        )
    if row["state"] == "over":
        raise Conflict("This is over: nobody needs to take it any more.", code="call-over")
    if row["cause"] == "alarm":
        # Who is called may always answer, whosever the alarm is.
        whose = await of_escalation(connection, escalation) or CITYS
        if not principal.reaches("alarms.acknowledge", whose):
            raise Forbidden("Only who may acknowledge alarms takes one over.")
        await _acknowledge(connection, row["subject"], principal)
    await take_over(connection, row, actor_of(principal), moment)
    await audit.record(
        connection, principal, "duty.take", f"escalation:{escalation}", details={"subject": row["subject"]}
    )
    return {"id": str(escalation), "state": "acknowledged", "ended_by": principal.name, "ended_at": iso(moment)}


async def _acknowledge(connection: Connection, number: int, principal: Principal) -> None:
    alarm = await alarms.find_alarm(connection, number)
    if alarm is None or alarm.state not in ("unacknowledged", "latched_unacknowledged"):
        return
    acknowledged, event = acknowledge_alarm(alarm, person=principal.name, note=None, now=now())
    await alarms.update_alarms(connection, [acknowledged])
    await alarms.append_events(connection, [(number, event)])


@router.get("/handovers")
async def list_handovers(
    connection: Transaction, principal: Reader, limit: Annotated[int, Query(ge=1, le=200)] = 30
) -> dict[str, Any]:
    """List handovers whose facts one may all see, newest first."""
    rows = await handovers.newest(connection, 200)
    return {"items": [_view(row) for row in rows if _may_read(row, principal)][:limit]}


@router.post("/handovers", status_code=201)
async def hand_over(body: HandoverForm, connection: Transaction, principal: Reader) -> dict[str, Any]:
    """Draw up and sign what the shift leaves: the facts are frozen, with their hash."""
    moment = now()
    if body.ends_at > moment:
        raise Unprocessable(
            "What has not happened yet cannot be handed over: `ends_at` lies ahead.",
            field="ends_at",
            code="handover-ahead",
        )
    facts = await gather(connection, body.begins_at, body.ends_at, principal.reach("duty.read"))
    text, hashed = handovers.hash_of(
        {
            "desk": body.desk,
            "begins_at": iso(body.begins_at),
            "ends_at": iso(body.ends_at),
            "note": body.note,
            "outgoing": principal.name,
            "outgoing_login": principal.login,
            "drawn_up_at": iso(moment),
            "facts": facts,
        }
    )
    values = body.model_dump(include={"desk", "begins_at", "ends_at", "note", "client_id"})
    number = await handovers.insert(
        connection,
        {**values, "facts": text, "hash": hashed, "at": moment, "login": principal.login, "person": principal.name},
    )
    if number is None:
        known = await handovers.of_client(connection, body.client_id) if body.client_id else None
        if known is None:
            raise NotFound("This handover is gone.")
        return _view(known)
    view = _view(await _existing(connection, number, principal))
    await journal.tell(connection, "shift", f"handover-{number}", {"handover": view})
    await audit.record(connection, principal, "duty.hand-over", f"handover:{number}", details={"hash": hashed})
    return view


@router.get("/handovers/{handover}")
async def read_handover(handover: RowId, connection: Transaction, principal: Reader) -> dict[str, Any]:
    """Return one handover with what was signed."""
    row = await _existing(connection, handover, principal)
    return {**_view(row), "content": orjson.loads(row["facts"])}


@router.get("/handovers/{handover}/report.html")
async def read_page(
    handover: RowId, connection: Transaction, principal: Reader, language: Language = "sr-Cyrl"
) -> Response:
    """Return the report of a handover as a page."""
    from vidik.operations.duty import report

    row = await _existing(connection, handover, principal)
    content = orjson.loads(row["facts"])
    return Response(report.page(content, _view(row), language), media_type="text/html; charset=utf-8")


@router.get("/handovers/{handover}/report.pdf")
async def read_pdf(
    handover: RowId, services: ServicesOf, principal: Reader, language: Language = "sr-Cyrl"
) -> Response:
    """Return the report of a handover as PDF."""
    from vidik.operations.duty import report

    # Drawing takes a second: the connection is given back before.
    async with services.database.session(services.settings.tenant) as connection:
        row = await _existing(connection, handover, principal)
    printed = await worked_out(report.pdf, orjson.loads(row["facts"]), _view(row), language)
    headers = {"Content-Disposition": f'inline; filename="handover-{handover}.pdf"'}
    return Response(printed, media_type="application/pdf", headers=headers)


@router.post("/handovers/{handover}/sign")
async def sign(handover: RowId, body: SignForm, connection: Transaction, principal: Reader) -> dict[str, Any]:
    """Take over: sign what the out-going person signed. Somebody else must do it."""
    row = await _existing(connection, handover, principal, lock=True)
    if row["signed_at"] is not None:
        raise Conflict(f"{row['incoming']} has signed this already.", code="signed", values={"person": row["incoming"]})
    if row["outgoing_login"] == principal.login:
        raise Forbidden("Who hands over does not take over: another person signs.", code="four-eyes")
    if row["hash"] != body.hash:
        raise Conflict("This is not what was handed over: read it again.", code="other-hash", field="hash")
    await handovers.sign(connection, handover, principal.login, principal.name, now())
    view = _view(await _existing(connection, handover, principal))
    await journal.tell(connection, "shift", f"handover-{handover}", {"handover": view})
    await audit.record(connection, principal, "duty.take-over", f"handover:{handover}", details={"hash": row["hash"]})
    return view


async def _existing(
    connection: Connection, handover: int, principal: Principal, *, lock: bool = False
) -> Mapping[str, Any]:
    row = await handovers.find(connection, handover, lock=lock)
    if row is None or not _may_read(row, principal):
        raise NotFound(f"There is no handover {handover}.")
    return row


def _may_read(row: Mapping[str, Any], principal: Principal) -> bool:
    """Whether somebody may see everything that a handover tells; what one drew up or signed, one may."""
    if principal.login in (row["outgoing_login"], row["incoming_login"]):
        return True
    reach = principal.reach("duty.read")
    return reach.is_everywhere or covers(reach, orjson.loads(row["facts"])["facts"].get("places", []))


def _view(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("desk", "note", "hash", "outgoing", "outgoing_login", "incoming")}
    times = {
        name: iso(row[name]) if row[name] else None for name in ("begins_at", "ends_at", "drawn_up_at", "signed_at")
    }
    return {"id": str(row["id"]), **kept, **times}
