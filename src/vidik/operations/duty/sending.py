"""Carrying messages out: claimed, sent, marked; what fails is tried again with the same key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from vidik.context.subscriptions.http_sender import HttpSender
from vidik.kernel.logs import get_logger
from vidik.kernel.services import Services
from vidik.operations import web_push
from vidik.operations.duty import channels, messages, roster
from vidik.operations.duty.backoff import GIVEN_UP_AFTER, wait_after
from vidik.operations.duty.escalating import tell
from vidik.operations.duty.phrases import Text, say
from vidik.operations.duty.plan import WEB_PUSH

LEASE = timedelta(minutes=2)
AT_ONCE = 20
_DEFAULT_LANGUAGE = "sr-Latn"

_log = get_logger("vidik.duty")


async def send_due(services: Services, tenant: str, moment: datetime) -> int:
    """Send what is due at a moment; returns how many messages were tried.

    Each is claimed in a transaction of its own, before it leaves: a kill in between lets the lease run out, and the
    message goes again with the same key.
    """
    async with services.database.transaction(tenant) as connection:
        claimed = await messages.claim(connection, moment, LEASE, AT_ONCE)
    if not claimed:
        return 0
    known = await asyncio.to_thread(channels.read, services.settings)
    sender = HttpSender(allow_private=services.settings.allow_private_endpoints)
    try:
        await asyncio.gather(*(_send_one(services, tenant, row, known, sender, moment) for row in claimed))
    finally:
        sender.close()
    return len(claimed)


async def _send_one(
    services: Services,
    tenant: str,
    row: Mapping[str, Any],
    known: Mapping[str, channels.Channel],
    sender: HttpSender,
    moment: datetime,
) -> None:
    async with services.database.transaction(tenant) as connection:
        contact = (await roster.contacts(connection, [row["login"]])).get(row["login"])
        browsers = await roster.browsers(connection, row["login"]) if row["channel"] == WEB_PUSH else []
    asked = row["escalation"] is not None
    page = f"/incidents/{row['facts']['incident']}" if row["facts"]["kind"] == "procedure" and not asked else "/duty"
    address = f"{services.settings.public_url.rstrip('/')}{page}" if services.settings.public_url else None
    text = say(
        row["facts"],
        contact["language"] if contact else _DEFAULT_LANGUAGE,
        asked=asked,
        exercise=row["exercise_id"] is not None,
        address=address,
    )
    gone: list[str] = []
    if row["channel"] == WEB_PUSH:
        problem, gone = await _push(services, row, browsers, text, page, sender)
    else:
        problem = await _by_provider(row, known.get(row["channel"]), contact, text)
    async with services.database.transaction(tenant) as connection:
        for endpoint in gone:
            await roster.delete_browser(connection, endpoint)
        if problem is None:
            await messages.mark_sent(connection, row["id"], moment)
        else:
            again_at = moment + wait_after(row["attempts"])
            last = again_at > row["made_at"] + GIVEN_UP_AFTER
            await messages.mark_failed(connection, row["id"], problem, moment, None if last else again_at)
            _log.warning("a message did not leave", notice=row["id"], channel=row["channel"], problem=problem)
        await tell(connection, [row["id"]])


async def _by_provider(
    row: Mapping[str, Any], channel: channels.Channel | None, contact: Mapping[str, Any] | None, text: Text
) -> str | None:
    """Send by apprise; returns what is wrong, or None."""
    if channel is None:
        return "no-channel"
    address = (contact["addresses"] if contact else {}).get(channel.code)
    if address is None and channels.ADDRESS in channel.url:
        return "no-address"
    taken = await channels.send(channel, address or "", text.title, text.body, str(row["key"]))
    return None if taken else "not-taken"


async def _push(
    services: Services,
    row: Mapping[str, Any],
    browsers: list[dict[str, Any]],
    text: Text,
    page: str,
    sender: HttpSender,
) -> tuple[str | None, list[str]]:
    """Send to every browser of a person; one that takes it is enough. Returns what is wrong, and who is gone."""
    content = {"title": text.title, "body": text.body, "tag": str(row["key"]), "url": page}
    ttl_seconds = int(LEASE.total_seconds()) * 60
    # At once: one after the other, many slow browsers of a person would outlast the lease.
    outcomes = await asyncio.gather(
        *(web_push.tell(services.settings, sender, one, content, row["key"].hex, ttl_seconds) for one in browsers)
    )
    gone = [one["endpoint"] for one, outcome in zip(browsers, outcomes, strict=True) if outcome == "gone"]
    if "sent" in outcomes:
        return None, gone
    return ("not-taken" if "failed" in outcomes else "no-address"), gone
