"""On-call plans and how people are reached, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Forbidden, NotFound, Unprocessable
from vidik.kernel.forms import Keepable, RowId
from vidik.kernel.identity import Principal, require_in_the_city
from vidik.kernel.identity import repository as accounts
from vidik.kernel.settings import Settings
from vidik.kernel.versions import Changed
from vidik.kernel.web import ServicesOf, Transaction
from vidik.operations import journal, web_push
from vidik.operations.duty import calls, channels, messages, roster
from vidik.operations.duty.api import Manager, Reader
from vidik.operations.duty.forms import BrowserForm, ChannelForm, ContactForm, EndpointForm, PlanForm
from vidik.operations.duty.plan import WEB_PUSH, Plan
from vidik.operations.duty.views import notice_view, plan_view

router = APIRouter(prefix="/duty", tags=["duty"])
Administrator = Annotated[Principal, Depends(require_in_the_city("accounts.manage"))]


@router.get("/plans")
async def list_plans(connection: Transaction, _: Reader) -> dict[str, Any]:
    """List the on-call plans."""
    return {"items": [plan_view(row) for row in await roster.plan_rows(connection)]}


@router.put("/plans/{code}")
async def write_plan(
    code: Keepable, body: PlanForm, connection: Transaction, services: ServicesOf, principal: Manager
) -> dict[str, Any]:
    """Write a plan, new (version 0) or over the version that the person saw."""
    _check_code(code)
    await calls.lock(connection)  # of two who make one plan at once, the second must see the first's
    row = await roster.find_plan(connection, code)
    _check_version(row, body.version)
    await _check_plan(connection, services, body.plan)
    row = await roster.write_plan(
        connection, code, body.plan, enabled=body.enabled, person=principal.name, moment=now()
    )
    view = plan_view(row)
    await journal.tell(connection, "shift", f"plan-{code}", {"plan": view})
    await audit.record(connection, principal, "duty.plan", f"on-call-plan:{code}", details=view)
    return view


@router.delete("/plans/{code}", status_code=204)
async def remove_plan(
    code: Keepable, connection: Transaction, principal: Manager, version: Annotated[RowId, Query(ge=1)]
) -> Response:
    """Take a plan away; what waits under it calls nobody any more."""
    row = await roster.find_plan(connection, code)
    if row is None:
        raise NotFound(f"There is no plan {code}.")
    _check_version(row, version)
    await roster.delete_plan(connection, code)
    await journal.tell(connection, "shift", f"plan-{code}", {"plan": {**plan_view(row), "removed": True}})
    await audit.record(connection, principal, "duty.plan-remove", f"on-call-plan:{code}", details=plan_view(row))
    return Response(status_code=204)


def _check_code(code: str) -> None:
    if not all(letter in "abcdefghijklmnopqrstuvwxyz0123456789-" for letter in code) or not 0 < len(code) <= 40:
        raise Unprocessable("A code has up to 40 of the characters a-z, 0-9 and -.", field="code", code="code-form")
    if code.startswith("-"):
        raise Unprocessable("A code begins with a letter or a number.", field="code", code="code-form")


def _check_version(row: Mapping[str, Any] | None, seen: int) -> None:
    if row is not None and row["version"] != seen:
        raise Changed(plan_view(row), row["changed_by"])
    if row is None and seen:
        raise NotFound("This plan was removed meanwhile.")


async def _check_plan(connection: Connection, services: ServicesOf, plan: Plan) -> None:
    """Refuse a plan that could never reach anybody: unknown people, unknown channels."""
    names = await roster.people(connection, services.settings.tenant)
    known = {WEB_PUSH, *await asyncio.to_thread(channels.read, services.settings)}
    for number, step in enumerate(plan.steps):
        for login in [step.person] if step.person else step.rota.people if step.rota else []:
            if login not in names:
                raise Unprocessable(
                    f"There is no account {login}.", field=f"plan.steps.{number}", code="unknown-person"
                )
        for channel in step.channels:
            if channel not in known:
                raise Unprocessable(
                    f"There is no channel {channel}.", field=f"plan.steps.{number}.channels", code="unknown-channel"
                )


@router.get("/channels")
async def list_channels(services: ServicesOf, _: Reader) -> dict[str, Any]:
    """List the channels; of their addresses, which carry passwords, nothing is ever shown."""
    return {"items": await asyncio.to_thread(_channel_views, services.settings)}


def _channel_views(settings: Settings) -> list[dict[str, Any]]:
    known = channels.read(settings)
    items = [{"code": one.code, "title": one.title, "kind": one.kind} for one in known.values()]
    return [*items, {"code": WEB_PUSH, "title": "Web push", "kind": "push"}]


@router.put("/channels/{code}")
async def write_channel(
    code: Keepable, body: ChannelForm, services: ServicesOf, principal: Administrator
) -> dict[str, Any]:
    """Write a channel: an address of apprise, with `{address}` where the person's own goes."""
    _check_code(code)
    if code == WEB_PUSH:
        raise Unprocessable("Web push is there by itself.", field="code", code="channel-web-push")
    standing = (await asyncio.to_thread(channels.read, services.settings)).get(code)
    url = body.url or (standing.url if standing else None)
    if url is None:
        raise Unprocessable("A new channel needs its address.", field="url", code="channel-without-address")
    provider = await asyncio.to_thread(channels.provider_of, url)
    channel = channels.Channel(code, body.title, body.kind, url)
    await asyncio.to_thread(channels.write, services.settings, channel)
    view = {"code": code, "title": body.title, "kind": body.kind, "provider": provider}
    async with services.database.transaction(services.settings.tenant) as connection:
        await audit.record(connection, principal, "duty.channel", f"channel:{code}", details=view)
    return view


@router.delete("/channels/{code}", status_code=204)
async def remove_channel(code: Keepable, services: ServicesOf, principal: Administrator) -> Response:
    """Forget a channel."""
    if not await asyncio.to_thread(channels.forget, services.settings, code):
        raise NotFound(f"There is no channel {code}.")
    async with services.database.transaction(services.settings.tenant) as connection:
        await audit.record(connection, principal, "duty.channel-remove", f"channel:{code}")
    return Response(status_code=204)


@router.post("/channels/{code}/try", status_code=202)
async def try_channel(
    code: Keepable, connection: Transaction, services: ServicesOf, principal: Reader
) -> dict[str, Any]:
    """Send the asking person a message by a channel."""
    if code != WEB_PUSH and code not in await asyncio.to_thread(channels.read, services.settings):
        raise NotFound(f"There is no channel {code}.")
    number = await messages.insert_trial(connection, principal.login, principal.name, code, now())
    (row,) = await messages.notices(connection, [number])
    mine = {"organisations": [], "areas": [], "people": [principal.login]}
    await journal.tell(connection, "notice", number, notice_view(row) | mine)
    await audit.record(connection, principal, "duty.channel-try", f"channel:{code}")
    return notice_view(row)


@router.get("/contacts/{login}")
async def read_contact(login: Keepable, connection: Transaction, principal: Reader) -> dict[str, Any]:
    """Return how a person is reached: their own, or those of an organisation for who manages duty there."""
    await _own_or_manager(connection, login, principal)
    row = (await roster.contacts(connection, [login])).get(login)
    browsers = len(await roster.browsers(connection, login))
    if row is None:
        return {"login": login, "language": "sr-Latn", "addresses": {}, "browsers": browsers, "changed_at": None}
    kept = {name: row[name] for name in ("login", "language", "addresses")}
    return {**kept, "browsers": browsers, "changed_at": iso(row["changed_at"])}


@router.put("/contacts/{login}")
async def write_contact(
    login: Keepable, body: ContactForm, connection: Transaction, services: ServicesOf, principal: Reader
) -> dict[str, Any]:
    """Write how a person is reached."""
    await _own_or_manager(connection, login, principal)
    if login not in await roster.people(connection, services.settings.tenant):
        raise NotFound("There is no account with this login.")
    await roster.write_contact(connection, login, body.language, body.addresses, principal.name, now())
    view = await read_contact(login, connection, principal)
    # Which channels, not the addresses: the record is kept longer than they are.
    details = {"language": body.language, "channels": sorted(body.addresses)}
    await audit.record(connection, principal, "duty.contact", f"login:{login}", details=details)
    return view


async def _own_or_manager(connection: Connection, login: str, principal: Principal) -> None:
    if login == principal.login or principal.may("duty.manage", None):
        return
    row = await accounts.account_by_login(connection, principal.tenant, login)
    if row is None or not principal.may("duty.manage", row["organisation"]):
        raise Forbidden("Only who manages duty sees how others are reached.")


@router.get("/push-key")
async def read_push_key(services: ServicesOf, _: Reader) -> dict[str, Any]:
    """Return the key with which a browser allows messages."""
    return {"key": await asyncio.to_thread(web_push.public_key, services.settings)}


@router.post("/browsers", status_code=204)
async def add_browser(body: BrowserForm, connection: Transaction, services: ServicesOf, principal: Reader) -> Response:
    """Send this person's messages to this browser, too."""
    web_push.check_subscription(body.endpoint, body.keys.p256dh, body.keys.auth, services.settings)
    await roster.write_browser(connection, principal.login, body.endpoint, body.keys.p256dh, body.keys.auth, now())
    await audit.record(connection, principal, "duty.browser", f"login:{principal.login}")
    return Response(status_code=204)


@router.post("/browsers/remove", status_code=204)
async def remove_browser(body: EndpointForm, connection: Transaction, principal: Reader) -> Response:
    """Send nothing to this browser any more."""
    await roster.delete_browser(connection, body.endpoint, principal.login)
    await audit.record(connection, principal, "duty.browser-remove", f"login:{principal.login}")
    return Response(status_code=204)
