"""Duty over HTTP: roster, plans, channels without their secrets, taking over, the log, handovers that two sign."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from tests.operations.duty.calling import an_alarm, asked, tick
from tests.web import DISPATCHER

from vidik.kernel.clock import iso, now
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.operations.duty import channels

# apprise loads what the standard library has deprecated; nothing of ours uses it.
pytestmark = pytest.mark.filterwarnings("ignore:.*imghdr:DeprecationWarning")
HOSTILE = "<script>alert(1)</script> {priority} %s '; DROP TABLE shift; -- \u202e\u0301"
SECRET_URL = "json://city:geheim-7@gateway.example/sms?:to={address}"


def principal(login: str, name: str, *roles: str) -> Principal:
    grants = frozenset(Grant(role) for role in roles)
    return Principal("token", "2", login, name, None, frozenset(roles), "city", grants)


PEOPLE = {
    "dispatcher": DISPATCHER,
    "ana": principal("ana", "Ана Јовић", "dispatcher"),
    "bora": principal("bora", "Бора Илић", "dispatcher"),
    "admin": principal("admin", "Администратор", "administrator"),
    "crew": principal("crew", "Екипа", "crew"),
}


@pytest.fixture
async def as_(app: Starlette) -> AsyncIterator[Any]:
    """Requests of a named person; people with accounts are dispatcher, ana and bora."""
    services: Services = app.state.services
    authenticator(services).sources.append(lambda _user, secret: PEOPLE.get(secret))
    async with services.database.platform() as connection:
        for login in ("dispatcher", "ana", "bora"):
            await connection.execute(
                "INSERT INTO platform.account (tenant, login, name, password_hash) VALUES ('city', %s, %s, 'x')",
                [login, PEOPLE[login].name],
            )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vidik.test") as browser:

        async def ask(who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {who}", **headers}
            return await browser.request(method, f"/api/duty{path}", json=body, headers=headers)

        yield ask


def shift(login: str = "ana", begins: float = -1, hours: float = 8, **fields: Any) -> dict[str, Any]:
    begin = now() + timedelta(hours=begins)
    return {
        "desk": "Центар",
        "login": login,
        "begins_at": iso(begin),
        "ends_at": iso(begin + timedelta(hours=hours)),
        **fields,
    }


PLAN = {
    "title": "Ноћ",
    "priorities": ["critical"],
    "after_minutes": 0,
    "steps": [{"desk": "Центар", "channels": ["web-push"]}],
}


class TestRoster:
    async def test_says_who_is_on_and_who_would_be_asked(self, as_: Any) -> None:
        made = await as_("dispatcher", "POST", "/shifts", shift())
        assert made.status_code == 201, made.text
        assert (await as_("dispatcher", "PUT", "/plans/night", {"plan": PLAN})).status_code == 200
        seen = (await as_("ana", "GET", "/now")).json()
        assert [one["person"] for one in seen["desks"][0]["on"]] == ["Ана Јовић"]
        assert seen["plans"][0]["people"] == [{"login": "ana", "person": "Ана Јовић"}]

    async def test_two_people_who_change_at_once_see_each_other(self, as_: Any) -> None:
        made = (await as_("dispatcher", "POST", "/shifts", shift())).json()
        path, longer = f"/shifts/{made['id']}", shift(hours=10)
        assert (await as_("dispatcher", "PUT", path, longer, **{"If-Match": '"1"'})).json()["version"] == 2
        second = await as_("dispatcher", "PUT", path, shift(hours=6), **{"If-Match": '"1"'})
        assert second.status_code == 412
        assert second.json()["current"]["ends_at"] == longer["ends_at"]
        assert (await as_("dispatcher", "PUT", path, longer)).status_code == 428

    async def test_a_repeat_is_one_shift_and_nobody_is_in_two_places(self, as_: Any) -> None:
        body = shift(client_id="9b2f0e52-8f0a-4d41-9a64-1f6a3f6f7a10")
        first, again = [(await as_("dispatcher", "POST", "/shifts", body)).json() for _ in range(2)]
        assert first["id"] == again["id"]
        refused = await as_("dispatcher", "POST", "/shifts", shift(desk="Други"))
        assert (refused.status_code, refused.json()["code"]) == (409, "on-duty-already")

    @pytest.mark.parametrize("body", [shift(hours=-1), shift(hours=100), shift("nobody"), shift(desk=" "), {}])
    async def test_refuses_nonsense(self, as_: Any, body: dict[str, Any]) -> None:
        assert (await as_("dispatcher", "POST", "/shifts", body)).status_code == 422

    async def test_is_for_those_who_may(self, as_: Any) -> None:
        assert (await as_("ana", "POST", "/shifts", shift())).status_code == 403
        assert (await as_("crew", "GET", "/now")).status_code == 403


class TestPlans:
    async def test_a_plan_that_could_reach_nobody_is_refused(self, as_: Any) -> None:
        for step in ({"person": "ghost", "channels": ["web-push"]}, {"person": "ana", "channels": ["pigeon"]}):
            refused = await as_("dispatcher", "PUT", "/plans/night", {"plan": PLAN | {"steps": [step]}})
            assert refused.status_code == 422
            assert refused.json()["field"].startswith("plan.steps.0")

    async def test_is_changed_over_the_version_that_was_seen(self, as_: Any) -> None:
        await as_("dispatcher", "PUT", "/plans/night", {"plan": PLAN})
        stale = await as_("dispatcher", "PUT", "/plans/night", {"plan": PLAN, "version": 0})
        assert stale.status_code == 412
        assert (await as_("dispatcher", "DELETE", "/plans/night?version=1")).status_code == 204


class TestChannels:
    async def test_never_show_their_secret(self, as_: Any, services: Services) -> None:
        body = {"title": "SMS", "kind": "sms", "url": SECRET_URL}
        answers = [
            await as_("admin", "PUT", "/channels/sms", body),
            await as_("admin", "PUT", "/channels/sms", {"title": "СМС", "kind": "sms"}),
            await as_("admin", "GET", "/channels"),
            await as_("admin", "PUT", "/channels/bad", body | {"url": "nonsense://geheim-7@x"}),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 422]
        async with services.database.session("city") as connection:
            cursor = await connection.execute("SELECT string_agg(content, '') AS all FROM platform.audit_record")
            row = await cursor.fetchone()
        assert row is not None
        assert "geheim" not in "".join(answer.text for answer in answers) + row["all"]
        assert channels.read(services.settings)["sms"].url == SECRET_URL
        assert (await as_("dispatcher", "PUT", "/channels/sms", body)).status_code == 403

    async def test_how_a_person_is_reached_is_theirs(self, as_: Any) -> None:
        body = {"language": "sr-Cyrl", "addresses": {"sms": "+381601234567"}}
        assert (await as_("ana", "PUT", "/contacts/ana", body)).json()["addresses"] == body["addresses"]
        assert (await as_("bora", "GET", "/contacts/ana")).status_code == 403
        assert (await as_("dispatcher", "GET", "/contacts/ana")).status_code == 200

    @pytest.mark.parametrize(
        "endpoint", ["http://push.example/1", "https://127.0.0.1/1", "https://10.1.2.3/", "file:///etc/passwd", "x"]
    )
    async def test_a_browser_cannot_lead_inside(
        self,
        as_: Any,
        endpoint: str,
        app: Starlette,
    ) -> None:
        services: Services = app.state.services
        services.settings = services.settings.model_copy(update={"allow_private_endpoints": False})
        body = {"endpoint": endpoint, "keys": {"p256dh": "B" * 87, "auth": "A" * 22}}
        assert (await as_("ana", "POST", "/browsers", body)).status_code in (400, 422)


class TestTakingOver:
    async def test_acknowledges_the_alarm_and_stops_the_calls(self, as_: Any, services: Services) -> None:
        await as_("dispatcher", "POST", "/shifts", shift())
        await as_("dispatcher", "PUT", "/plans/night", {"plan": PLAN})
        moment = now()
        await an_alarm(services.database, moment)
        await tick(services.database, moment)
        (call,) = (await as_("ana", "GET", "/now")).json()["escalations"]
        assert call["state"] == "waiting"
        assert (await as_("ana", "POST", f"/escalations/{call['id']}/take")).json()["ended_by"] == "Ана Јовић"
        again = await as_("bora", "POST", f"/escalations/{call['id']}/take")
        assert again.json()["values"] == {"person": "Ана Јовић"}
        await tick(services.database, moment + timedelta(hours=1))
        assert await asked(services.database) == [("ana", "web-push", "given_up")]
        async with services.database.session("city") as connection:
            row = await (await connection.execute("SELECT acknowledged_by FROM alarm")).fetchone()
        assert row == {"acknowledged_by": "Ана Јовић"}


class TestHandover:
    async def drawn_up(self, as_: Any) -> dict[str, Any]:
        end = now()
        body = {
            "desk": "Центар",
            "begins_at": iso(end - timedelta(hours=8)),
            "ends_at": iso(end - timedelta(seconds=1)),
            "note": HOSTILE,
        }
        answer = await as_("ana", "POST", "/handovers", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def test_says_what_happened_and_is_signed_by_two(self, as_: Any, services: Services) -> None:
        await an_alarm(services.database, now() - timedelta(hours=1))
        await as_("ana", "POST", "/log", {"desk": "Центар", "text": HOSTILE})
        made = await self.drawn_up(as_)
        path = f"/handovers/{made['id']}"
        assert (await as_("ana", "POST", f"{path}/sign", {"hash": made["hash"]})).json()["code"] == "four-eyes"
        assert (await as_("bora", "POST", f"{path}/sign", {"hash": "0" * 64})).json()["code"] == "other-hash"
        signed = (await as_("bora", "POST", f"{path}/sign", {"hash": made["hash"]})).json()
        assert (signed["outgoing"], signed["incoming"]) == ("Ана Јовић", "Бора Илић")
        for language, word in (
            ("en", "Standing at the end"),
            ("sr-Cyrl", "Подстаница Чаир"),
            ("sr-Latn", "Podstanica"),
        ):
            page = await as_("ana", "GET", f"{path}/report.html?language={language}")
            assert word in page.text
            assert "<script>" not in page.text
            printed = await as_("ana", "GET", f"{path}/report.pdf?language={language}")
            assert printed.content.startswith(b"%PDF-")

    async def test_what_was_signed_stands_in_the_database_too(self, as_: Any, services: Services) -> None:
        made = await self.drawn_up(as_)
        await as_("ana", "POST", "/log", {"desk": "Центар", "text": "x"})
        for statement in (
            "UPDATE handover SET facts = '{}'",
            "DELETE FROM handover",
            "DELETE FROM duty_log",
            "UPDATE duty_log SET text = 'y'",
            "UPDATE handover SET incoming_login = outgoing_login, incoming = 'x', signed_at = now()",
        ):
            with pytest.raises((psycopg.errors.RaiseException, psycopg.errors.CheckViolation)):
                await execute(services, statement)
        assert made["incoming"] is None

    async def test_the_future_is_not_handed_over(self, as_: Any) -> None:
        body = {"desk": "Ц", "begins_at": iso(now()), "ends_at": iso(now() + timedelta(hours=1))}
        assert (await as_("ana", "POST", "/handovers", body)).status_code == 422
        note = {"desk": "Ц", "text": "x", "at": iso(datetime(2100, 1, 1, tzinfo=UTC))}
        assert (await as_("ana", "POST", "/log", note)).status_code == 422


async def execute(services: Services, statement: str) -> None:
    async with services.database.transaction("city") as connection:
        await connection.execute(statement)
