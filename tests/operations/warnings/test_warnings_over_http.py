"""Warnings over HTTP: two people for a release, updates, cancellations, the public doors, browsers of citizens."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from lxml import etree
from starlette.applications import Starlette
from tests.web import DISPATCHER

from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.operations import web_push
from vidik.operations.warnings import jobs
from vidik.operations.warnings.telling import tell_due

REGISTER = Path(__file__).parents[3] / "src/vidik/operations/warnings/personal_data.yaml"
HOSTILE = "<script>alert('{x}')</script> ]]> & \u202e"
BROWSER = {
    "endpoint": "https://push.example/1",
    "keys": {
        "p256dh": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        "auth": "MDEyMzQ1Njc4OWFiY2RlZg",
    },
    "language": "sr-Latn",
}
BESIDE_THE_CURVE = base64.urlsafe_b64encode(b"\x04" + bytes(63) + b"\x01").rstrip(b"=").decode()


def person(login: str, *roles: str) -> Principal:
    grants = frozenset(Grant(role) for role in roles)
    return Principal("token", "2", login, login.capitalize(), None, frozenset(roles), "city", grants)


PEOPLE = {
    "dispatcher": DISPATCHER,
    "ana": person("ana", "dispatcher"),
    "bora": person("bora", "supervisor"),
    "crew": person("crew", "crew"),
}


@pytest.fixture
async def ask(app: Starlette) -> AsyncIterator[Any]:
    services: Services = app.state.services
    authenticator(services).sources.append(lambda _user, secret: PEOPLE.get(secret))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vidik.test") as browser:

        async def request(
            who: str | None, method: str, path: str, body: Any = None, version: int = 0
        ) -> httpx.Response:
            headers = {"Authorization": f"Bearer {who}"} if who else {}
            if version:
                headers["If-Match"] = f'"{version}"'
            return await browser.request(method, path, json=body, headers=headers)

        yield request


def content(**fields: Any) -> dict[str, Any]:
    texts = {"event": "Поплава", "headline": "Поплава на Нишави", "description": HOSTILE, "area": "Медијана"}
    return {
        "category": "Met",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Observed",
        "expires": iso(now() + timedelta(hours=6)),
        "sr": texts,
        "polygon": [[43.3, 21.8], [43.3, 21.9], [43.4, 21.9]],
        **fields,
    }


async def drafted(ask: Any, who: str = "ana", body: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    answer = await ask(who, "POST", "/api/warnings", {"content": body or content(), **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def released(ask: Any, draft: dict[str, Any], who: str = "bora") -> dict[str, Any]:
    answer = await ask(who, "POST", f"/api/warnings/{draft['id']}/release", None, draft["version"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class TestRelease:
    async def test_takes_another_person_who_may(self, ask: Any) -> None:
        draft = await drafted(ask, "bora")
        path = f"/api/warnings/{draft['id']}"
        own = await ask("bora", "POST", f"{path}/release", None, 1)
        assert (own.status_code, own.json()["code"]) == (403, "four-eyes")
        assert (await ask("ana", "POST", f"{path}/release", None, 1)).status_code == 403
        changed = (await ask("dispatcher", "PUT", path, {"content": content()}, 1)).json()
        # Whoever writes in a draft is one of its authors.
        assert (await ask("dispatcher", "POST", f"{path}/release", None, 2)).json()["code"] == "four-eyes"
        assert changed["authors"] == ["bora", "dispatcher"]
        assert (await ask("crew", "POST", "/api/warnings", {"content": content()})).status_code == 403

    async def test_is_of_what_was_seen(self, ask: Any) -> None:
        draft = await drafted(ask)
        await ask("ana", "PUT", f"/api/warnings/{draft['id']}", {"content": content(severity="Extreme")}, 1)
        stale = await ask("bora", "POST", f"/api/warnings/{draft['id']}/release", None, 1)
        assert stale.status_code == 412
        assert stale.json()["current"]["content"]["severity"] == "Extreme"

    async def test_the_database_refuses_what_the_program_would_let_through(self, ask: Any, services: Services) -> None:
        draft = await drafted(ask)
        with pytest.raises(psycopg.errors.CheckViolation):
            await execute(
                services,
                "UPDATE warning SET state = 'released', released_login = 'ana', released_by = 'Ana', identifier = 'x',"
                " sender = 'x', xml = 'x', sent_at = now()",
            )
        await released(ask, draft)
        for statement in ("UPDATE warning SET xml = 'y'", "DELETE FROM warning", "UPDATE warning SET authors = '{x}'"):
            with pytest.raises(psycopg.errors.RaiseException):
                await execute(services, statement)


class TestPublic:
    async def test_feed_page_and_document_carry_it_as_data(self, ask: Any) -> None:
        warning = await released(ask, await drafted(ask))
        feed = await ask(None, "GET", "/cap/feed.atom")
        entry = etree.fromstring(feed.content).find("{*}entry")
        assert entry.findtext("{*}title") == "Поплава на Нишави"
        document = await ask(None, "GET", f"/cap/{warning['identifier']}.xml")
        assert document.headers["content-type"].startswith("application/cap+xml")
        assert etree.fromstring(document.content).findtext("{*}info/{*}description") == HOSTILE
        page = (await ask(None, "GET", "/cap/?language=sr-Latn")).text
        assert "Poplava na Nišavi" in page
        assert "<script>alert" not in page
        assert (await ask(None, "GET", "/cap/none.xml")).status_code == 404

    async def test_drafts_and_exercises_are_not_public(self, ask: Any) -> None:
        await drafted(ask)
        exercise = await released(ask, await drafted(ask, body=content(status="Exercise")))
        assert exercise["exercise"]
        assert "entry" not in (await ask(None, "GET", "/cap/feed.atom")).text
        assert "Exercise" in (await ask(None, "GET", f"/cap/{exercise['identifier']}.xml")).text

    async def test_an_update_replaces_and_a_cancellation_ends(self, ask: Any) -> None:
        first = await released(ask, await drafted(ask))
        second = await released(ask, await drafted(ask, kind="Update", follows=int(first["id"])))
        third = await released(ask, await drafted(ask, kind="Cancel", follows=int(second["id"])))
        states = {one["id"]: one["state"] for one in (await ask("ana", "GET", "/api/warnings")).json()["items"]}
        assert [states[one["id"]] for one in (first, second, third)] == ["replaced", "cancelled", "released"]
        xml = etree.fromstring((await ask(None, "GET", f"/cap/{third['identifier']}.xml")).content)
        references = xml.findtext("{*}references").split()
        assert [one.split(",")[1] for one in references] == [first["identifier"], second["identifier"]]
        again = await ask(
            "ana", "POST", "/api/warnings", {"content": content(), "kind": "Update", "follows": first["id"]}
        )
        assert again.status_code in (409, 422)

    async def test_it_expires(self, ask: Any, services: Services) -> None:
        await released(ask, await drafted(ask))
        await execute(services, "UPDATE warning SET expires_at = now() - interval '1 second'")
        await jobs.expire(services, "city")
        assert (await ask("ana", "GET", "/api/warnings")).json()["items"][0]["state"] == "expired"
        assert "entry" not in (await ask(None, "GET", "/cap/feed.atom")).text


def at(moment: datetime) -> Callable[[], datetime]:
    """A clock that stands."""
    return lambda: moment


class TestBrowsersOfCitizens:
    async def test_a_push_service_that_does_not_answer_holds_up_no_other(
        self, ask: Any, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[str] = []
        under_way: list[str] = []
        all_told = asyncio.Event()

        async def tell(_settings: Any, _sender: Any, row: Any, *_: Any) -> web_push.Outcome:
            if row["host"] == "dead.example":
                under_way.append(row["endpoint"])
                await all_told.wait()
                return "failed"
            told.append(row["endpoint"])
            if len(told) == 30:
                all_told.set()
            return "sent"

        monkeypatch.setattr(web_push, "tell", tell)
        await execute(
            services,
            "INSERT INTO warning_browser (endpoint, host, p256dh, auth, language, ends_at)"
            " SELECT 'https://' || host || '/' || n, host, '', '', 'en', now() + interval '1 day'"
            " FROM generate_series(1, 150) AS n,"
            " LATERAL (SELECT CASE WHEN n <= 120 THEN 'dead.example' ELSE 'push.example' END AS host) AS h",
        )
        await released(ask, await drafted(ask))
        # Were the others behind it in the queue, this would never end.
        await asyncio.wait_for(tell_due(services, "city", now), 60)
        assert (len(told), len(under_way)) == (30, 120)
        assert await count(services, "warning_push") == 120

    async def test_are_told_once_in_their_language_and_forgotten_when_gone(
        self, ask: Any, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outcomes: list[web_push.Outcome] = ["failed", "sent", "gone"]
        told: list[Any] = []

        async def deliver(_sender: Any, _endpoint: str, _message: Any) -> web_push.Outcome:
            return outcomes[len(told) - 1]

        def compose(_settings: Any, _row: Any, said: Any, *_: Any) -> None:
            told.append(said)

        monkeypatch.setattr(web_push, "deliver", deliver)
        monkeypatch.setattr(web_push, "compose", compose)
        assert (await ask(None, "POST", "/cap/browsers", BROWSER)).status_code == 204
        await released(ask, await drafted(ask))
        moment = now()
        assert await tell_due(services, "city", at(moment)) == 1
        assert await tell_due(services, "city", at(moment + timedelta(seconds=5))) == 0
        assert await tell_due(services, "city", at(moment + timedelta(seconds=20))) == 1
        assert await tell_due(services, "city", at(moment + timedelta(hours=1))) == 0
        assert told[0]["title"] == "Poplava na Nišavi"
        await released(ask, await drafted(ask, body=content(status="Exercise")))
        assert await tell_due(services, "city", now) == 0
        await released(ask, await drafted(ask))
        await tell_due(services, "city", now)
        assert await count(services, "warning_browser") == 0

    async def test_one_that_cannot_be_written_to_keeps_nobody_else_from_being_told(
        self, ask: Any, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[str] = []

        async def deliver(_sender: Any, endpoint: str, _message: Any) -> web_push.Outcome:
            told.append(endpoint)
            return "sent"

        monkeypatch.setattr(web_push, "deliver", deliver)
        await ask(None, "POST", "/cap/browsers", BROWSER)
        # As an earlier version took it: a key that is no point of the curve.
        await execute(
            services,
            "INSERT INTO warning_browser (endpoint, p256dh, auth, language, ends_at) VALUES ('https://push.example/2',"
            f" '{BESIDE_THE_CURVE}', '{BROWSER['keys']['auth']}', 'en', now() + interval '1 day')",
        )
        await released(ask, await drafted(ask))
        moment = now()
        assert await tell_due(services, "city", at(moment)) == 2
        assert told == [BROWSER["endpoint"]]
        assert await tell_due(services, "city", at(moment + timedelta(hours=1))) == 1  # the other alone, later
        assert await count(services, "warning_push") == 1

    async def test_after_a_push_service_was_away_an_hour_only_what_still_stands_is_told(
        self, ask: Any, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        away = True
        told: list[str] = []

        async def tell(_settings: Any, _sender: Any, _row: Any, said: Any, *_: Any) -> web_push.Outcome:
            if not away:
                told.append(said["tag"])
            return "failed" if away else "sent"

        monkeypatch.setattr(web_push, "tell", tell)
        await ask(None, "POST", "/cap/browsers", BROWSER)
        begin = now()
        first = await released(ask, await drafted(ask))
        other = await released(ask, await drafted(ask))
        await tell_due(services, "city", at(begin))
        cancelled = await released(ask, await drafted(ask, kind="Cancel", follows=int(first["id"])))
        for minute in range(1, 60, 10):
            await tell_due(services, "city", at(begin + timedelta(minutes=minute)))
        away = False
        for minute in (70, 80, 90):
            await tell_due(services, "city", at(begin + timedelta(minutes=minute)))
        assert sorted(told) == sorted([other["identifier"], cancelled["identifier"]])

    async def test_what_is_over_is_owed_to_nobody(self, ask: Any, services: Services) -> None:
        await ask(None, "POST", "/cap/browsers", BROWSER)
        await released(ask, await drafted(ask))
        assert await count(services, "warning_push") == 1
        await execute(services, "UPDATE warning SET expires_at = now() - interval '1 second'")
        await jobs.expire(services, "city")
        assert await count(services, "warning_push") == 0

    @pytest.mark.parametrize(
        "change",
        [
            {"keys": {"p256dh": BESIDE_THE_CURVE, "auth": "MDEyMzQ1Njc4OWFiY2RlZg"}},
            {"endpoint": "https://push.example:99999/1"},
            {"endpoint": "https://push.example:x/1"},
            {"endpoint": "https://push.example/a b"},
            {"endpoint": "https://push.example/\x0b"},
            {"endpoint": "https://[::1/"},
        ],
    )
    async def test_what_no_message_could_be_sent_to_is_refused(self, ask: Any, change: dict[str, Any]) -> None:
        assert (await ask(None, "POST", "/cap/browsers", BROWSER | change)).status_code == 422

    @pytest.mark.parametrize("body", [{}, [], {**BROWSER, "name": "Ana"}, {**BROWSER, "endpoint": "ftp://x"}, "\x00"])
    async def test_nonsense_is_refused(self, ask: Any, body: Any) -> None:
        assert (await ask(None, "POST", "/cap/browsers", body)).status_code in (400, 422)

    async def test_leave_at_once_and_are_forgotten_after_a_year(self, ask: Any, services: Services) -> None:
        await ask(None, "POST", "/cap/browsers", BROWSER)
        await ask(None, "POST", "/cap/browsers/remove", {"endpoint": BROWSER["endpoint"]})
        assert await count(services, "warning_browser") == 0
        await ask(None, "POST", "/cap/browsers", BROWSER)
        await execute(services, "UPDATE warning_browser SET ends_at = now()")
        await jobs.forget(services, "city")
        assert await count(services, "warning_browser") == 0


async def test_every_column_is_in_the_register(connection: Connection) -> None:
    for table, described in yaml.safe_load(REGISTER.read_text("utf-8")).items():
        cursor = await connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = %s",
            [table],
        )
        columns = {row["column_name"] for row in await cursor.fetchall()}
        assert columns == set(described["personal"]) | set(described["not_personal"]), table
        for entry in described["personal"].values():
            assert set(entry) == {"purpose", "legal_basis", "retention"}


async def execute(services: Services, statement: str) -> None:
    async with services.database.transaction("city") as connection:
        await connection.execute(statement)


async def count(services: Services, table: str) -> int:
    async with services.database.session("city") as connection:
        row = await (await connection.execute(f"SELECT count(*) AS rows FROM {table}")).fetchone()
    assert row is not None
    return int(row["rows"])
