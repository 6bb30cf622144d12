"""Telling browsers of citizens about a warning: owed rows, tried again while the warning stands."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from vidik.context.subscriptions.http_sender import HttpSender
from vidik.kernel.services import Services
from vidik.kernel.tasks import end_tasks
from vidik.operations import web_push
from vidik.operations.warnings import page, repository
from vidik.operations.warnings.cap import languages_of
from vidik.operations.warnings.content import Content

LEASE = timedelta(minutes=2)
AT_ONCE = 100
PER_HOST = 10
"""A push service that does not answer holds up so many messages at a time, never those of the others."""
_CLAIM_EVERY_SECONDS = 0.5
_TTL_SECONDS = 6 * 3600
_LONGEST = 600


async def tell_due(services: Services, tenant: str, clock: Callable[[], datetime]) -> int:
    """Send what is owed to browsers until nothing is due by the clock; returns how many were tried."""
    sender = HttpSender(allow_private=services.settings.allow_private_endpoints)
    running: dict[asyncio.Task[web_push.Outcome], dict[str, Any]] = {}
    tried = 0
    try:
        while True:
            busy = Counter(row["host"] for row in running.values())
            async with services.database.transaction(tenant) as connection:
                owed = await repository.claim_pushes(
                    connection, clock(), LEASE, limit=AT_ONCE - len(running), per_host=PER_HOST, busy=busy
                )
            running |= {asyncio.create_task(_tell(services, row, sender)): row for row in owed}
            tried += len(owed)
            if not running:
                return tried
            done, _ = await asyncio.wait(running, timeout=_CLAIM_EVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if done:
                await _settle(services, tenant, [(running.pop(task), task.result()) for task in done], clock())
    finally:
        await end_tasks(*running)
        sender.close()


async def _settle(
    services: Services, tenant: str, outcomes: Sequence[tuple[dict[str, Any], web_push.Outcome]], moment: datetime
) -> None:
    async with services.database.transaction(tenant) as connection:
        gone = [row["endpoint"] for row, outcome in outcomes if outcome == "gone"]
        if gone:
            await repository.remove_browsers(connection, gone)
        for row, outcome in outcomes:
            again = moment + timedelta(seconds=min(15 << min(row["attempts"] - 1, 6), _LONGEST))
            await repository.settle_push(
                connection, row["warning"], row["browser"], again if outcome == "failed" else None
            )


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
