"""Telling browsers of citizens about a warning: owed rows, tried again while the warning stands."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from vidik.context.subscriptions.http_sender import HttpSender
from vidik.kernel.services import Services
from vidik.operations import web_push
from vidik.operations.warnings import page, repository
from vidik.operations.warnings.cap import languages_of
from vidik.operations.warnings.content import Content

LEASE = timedelta(minutes=2)
AT_ONCE = 50
_TTL_SECONDS = 6 * 3600
_LONGEST = 600


async def tell_due(services: Services, tenant: str, moment: datetime) -> int:
    """Send what is owed to browsers; returns how many were tried."""
    async with services.database.transaction(tenant) as connection:
        owed = await repository.claim_pushes(connection, moment, LEASE, AT_ONCE)
    if not owed:
        return 0
    sender = HttpSender(allow_private=services.settings.allow_private_endpoints)
    try:
        outcomes = await asyncio.gather(*(_tell(services, row, sender) for row in owed))
    finally:
        sender.close()
    async with services.database.transaction(tenant) as connection:
        gone = [row["endpoint"] for row, outcome in zip(owed, outcomes, strict=True) if outcome == "gone"]
        if gone:
            await repository.remove_browsers(connection, gone)
        for row, outcome in zip(owed, outcomes, strict=True):
            again = moment + timedelta(seconds=min(15 << min(row["attempts"] - 1, 6), _LONGEST))
            await repository.settle_push(
                connection, row["warning"], row["browser"], again if outcome == "failed" else None
            )
    return len(owed)


async def _tell(services: Services, row: dict[str, Any], sender: HttpSender) -> web_push.Outcome:
    content = Content.model_validate(row["content"])
    said = dict(languages_of(content))
    texts = said.get(row["language"]) or said["sr-Cyrl"]
    mark = f"{page.words(row['kind'].lower(), row['language'])}: " if row["kind"] != "Alert" else ""
    told = {
        "title": mark + texts.headline,
        # A push service takes 4 kB in all (RFC 8291, 4).
        "body": texts.description[:_LONGEST],
        "tag": row["identifier"],
        "url": f"/cap/?language={row['language']}#{row['identifier']}",
    }
    return await web_push.tell(services.settings, sender, row, told, f"w{row['warning']}", _TTL_SECONDS)
