"""Alarms, plans and people for tests of duty, and an SMS gateway that can be down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.operations.factories import a_rule

from vidik.kernel.database import Database
from vidik.kernel.settings import Settings
from vidik.operations.alarms import repository
from vidik.operations.alarms.alarm import acknowledge_alarm, raise_alarm
from vidik.operations.alarms.repository import Description
from vidik.operations.alarms.service import terms_of
from vidik.operations.duty import channels, roster
from vidik.operations.duty.escalating import escalate
from vidik.operations.duty.plan import Plan
from vidik.operations.rules.signals import AlarmKey

MESSAGE = {"en": "Return at 61 °C.", "sr-Cyrl": "Поврат 61 °C.", "sr-Latn": "Povrat 61 °C."}


async def an_alarm(database: Database, at: datetime, entity: str = "urn:s01", priority: str = "critical") -> int:
    """Raise an alarm at a moment and return its number."""
    key = AlarmKey("return_high", entity, "")
    terms = terms_of(a_rule(priority=priority), key)
    raised, event = raise_alarm(
        key, None, terms=terms, value=61.0, threshold=50.0, observed_at=at, now=at, hidden_by=None
    )
    assert raised is not None
    assert event is not None
    described = Description("Подстаница Чаир", "heating", "real", MESSAGE, "returnTemperaturePrimary", "°C")
    async with database.transaction("city") as connection:
        (number,) = await repository.insert_alarms(connection, [(raised, described)])
        await repository.append_events(connection, [(number, event)])
    return number


async def acknowledge(database: Database, alarm: int, at: datetime, person: str = "Милица Петровић") -> None:
    async with database.transaction("city") as connection:
        found = await repository.find_alarm(connection, alarm)
        assert found is not None
        after, event = acknowledge_alarm(found, person=person, note=None, now=at)
        await repository.update_alarms(connection, [after])
        await repository.append_events(connection, [(alarm, event)])


async def a_plan(database: Database, since: datetime, **fields: Any) -> None:
    """An on-call plan `night`: ana by SMS at once, after five minutes bora."""
    definition = {
        "title": "Ноћ",
        "priorities": ["critical"],
        "after_minutes": 2,
        "rounds": 2,
        "steps": [{"person": "ana", "channels": ["sms"]}, {"person": "bora", "channels": ["sms"]}],
    } | fields
    async with database.transaction("city") as connection:
        plan = Plan.model_validate(definition)
        await roster.write_plan(connection, "night", plan, enabled=True, person="Милица", moment=since)
        for login in ("ana", "bora"):
            await roster.write_contact(connection, login, "sr-Latn", {"sms": f"+38160{len(login)}"}, "Милица", since)


async def tick(database: Database, at: datetime) -> None:
    """What the worker does each second, at a moment."""
    async with database.transaction("city") as connection:
        await escalate(connection, "city", at)


async def asked(database: Database) -> list[tuple[str, str, str]]:
    """Who was asked so far: login, channel, state."""
    async with database.session("city") as connection:
        rows = await (await connection.execute("SELECT login, channel, state FROM notice ORDER BY id")).fetchall()
    return [(row["login"], row["channel"], row["state"]) for row in rows]


@dataclass
class Gateway:
    """An SMS gateway as the outside sees it: what came, with its key; `down` answers 503."""

    port: int = 0
    down: bool = False
    loses_answers: bool = False
    attempts: list[str] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)


@contextmanager
def gateway() -> Iterator[Gateway]:
    found = Gateway()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers["Idempotency-Key"]
            found.attempts.append(key)
            if not found.down:
                found.taken[key] = body
            self.send_response(503 if found.down or found.loses_answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    found.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def connect(settings: Settings, gateway: Gateway) -> None:
    url = f"json://city:geheim-7@127.0.0.1:{gateway.port}/sms?:to={channels.ADDRESS}"
    channels.write(settings, channels.Channel("sms", "SMS", "sms", url))
