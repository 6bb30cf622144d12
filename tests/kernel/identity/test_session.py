"""Signing in and out over HTTP."""

import asyncio
import json

import pytest
from starlette.requests import Request
from tests.kernel.identity.conftest import PASSWORD

from vidik.kernel import audit
from vidik.kernel.errors import Unauthenticated
from vidik.kernel.identity import authenticate, authenticator, require_principal_anew


class TestSignIn:
    async def test_sets_a_cookie_that_scripts_and_other_sites_cannot_use(self, make_account, browser):
        await make_account("ana", ("dispatcher", None))

        answer = await browser().post("/api/session", json={"login": " Ana ", "password": PASSWORD})

        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("vidik_session=")
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie

    async def test_the_cookie_is_secure_over_https(self, make_account, browser):
        await make_account("ana")
        client = browser()
        client.base_url = "https://vidik.test"

        answer = await client.post("/api/session", json={"login": "ana", "password": PASSWORD})

        assert "secure" in answer.headers["set-cookie"].lower()

    async def test_says_the_same_for_a_wrong_password_an_unknown_login_and_an_ended_account(
        self, make_account, browser, services
    ):
        await make_account("ana")
        await make_account("ended")
        async with services.database.platform() as connection:
            await connection.execute("UPDATE account SET enabled = false WHERE login = 'ended'")
        client = browser()

        wrong = await client.post("/api/session", json={"login": "ana", "password": "wrong"})
        unknown = await client.post("/api/session", json={"login": "nobody", "password": "wrong"})
        ended = await client.post("/api/session", json={"login": "ended", "password": PASSWORD})

        assert wrong.status_code == unknown.status_code == ended.status_code == 401
        assert wrong.json() == unknown.json() == ended.json()
        assert wrong.headers["content-type"] == "application/problem+json"

    async def test_a_service_without_password_cannot_sign_in(self, make_account, browser):
        await make_account("robot", ("administrator", None), password=None)

        answer = await browser().post("/api/session", json={"login": "robot", "password": ""})

        assert answer.status_code == 401

    async def test_is_recorded_whether_it_goes_well_or_not(self, make_account, browser, sign_in, services):
        await make_account("ana")
        await browser().post("/api/session", json={"login": "ana", "password": "wrong"})
        await browser().post("/api/session", json={"login": "my-secret-password", "password": "wrong"})
        client = await sign_in("ana")
        await client.delete("/api/session")

        async with services.database.platform() as connection:
            records = await audit.newest(connection, "city", before=None, limit=10)

        assert [record["action"] for record in reversed(records)] == [
            "session.refuse",
            "session.refuse",
            "session.begin",
            "session.end",
        ]
        assert "my-secret-password" not in json.dumps(records)


class TestThrottle:
    async def test_an_account_waits_after_a_few_wrong_passwords_even_with_the_right_one(self, make_account, browser):
        await make_account("ana")
        client = browser()
        for _ in range(5):
            refused = await client.post("/api/session", json={"login": "ana", "password": "wrong"})
            assert refused.status_code == 401

        answer = await client.post("/api/session", json={"login": "ana", "password": PASSWORD})

        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1

    async def test_attempts_at_once_do_not_all_pass(self, make_account, browser):
        await make_account("ana")
        client = browser()

        answers = await asyncio.gather(
            *(client.post("/api/session", json={"login": "ana", "password": "wrong"}) for _ in range(12))
        )

        assert [answer.status_code for answer in answers].count(401) == 5

    async def test_a_stranger_cannot_lock_out_somebody_who_signs_in_from_their_usual_place(
        self, make_account, browser, sign_in, app
    ):
        await make_account("ana")
        await sign_in("ana")
        stranger = browser()
        stranger._transport.client = ("203.0.113.9", 1)
        for _ in range(6):
            last = await stranger.post("/api/session", json={"login": "ana", "password": "wrong"})
        assert last.status_code == 429

        assert await sign_in("ana")

    async def test_is_forgotten_after_the_right_password(self, make_account, browser, sign_in):
        await make_account("ana")
        for _ in range(3):
            for _ in range(3):
                await browser().post("/api/session", json={"login": "ana", "password": "wrong"})
            await sign_in("ana")


class TestSession:
    async def test_tells_account_city_and_version(self, make_account, sign_in):
        await make_account("ana", ("dispatcher", None), ("utility_manager", "JKP Medijana"))
        client = await sign_in("ana")

        answer = (await client.get("/api/session")).json()

        assert answer["account"]["login"] == "ana"
        assert answer["account"]["roles"] == ["dispatcher", "utility_manager"]
        assert "alarms.acknowledge" in answer["account"]["permissions"]
        assert answer["city"]["name"] == {"en": "Niš", "sr-Cyrl": "Ниш", "sr-Latn": "Niš"}
        assert answer["city"]["centre"] == [21.8958, 43.3209]
        assert answer["version"]

    async def test_needs_a_session(self, browser):
        assert (await browser().get("/api/session")).status_code == 401

    async def test_ends_at_sign_out(self, make_account, sign_in):
        await make_account("ana")
        client = await sign_in("ana")
        cookie = client.cookies["vidik_session"]

        assert (await client.delete("/api/session")).status_code == 204

        again = await client.get("/api/session", headers={"cookie": f"vidik_session={cookie}"})
        assert again.status_code == 401

    async def test_can_be_listed_and_revoked_elsewhere(self, make_account, sign_in):
        await make_account("ana")
        here, there = await sign_in("ana"), await sign_in("ana")
        assert (await there.get("/api/session")).status_code == 200
        sessions = (await here.get("/api/sessions")).json()["items"]
        assert len(sessions) == 2

        for session in sessions:
            assert (await here.delete(f"/api/sessions/{session['id']}")).status_code in (204, 401)

        assert (await there.get("/api/session")).status_code == 401

    @pytest.mark.parametrize(
        "ending",
        [
            "UPDATE session SET expires_at = now()",
            "UPDATE session SET last_seen_at = now() - interval '9 hours'",
            "UPDATE account SET enabled = false",
            "UPDATE account SET ends_at = now()",
        ],
    )
    async def test_ends_by_itself(self, make_account, sign_in, services, ending):
        await make_account("ana")
        client = await sign_in("ana")
        async with services.database.platform() as connection:
            await connection.execute(ending)

        assert (await client.get("/api/session")).status_code == 401


class TestCache:
    async def test_hot_requests_cost_no_query_and_a_revocation_elsewhere_is_heard(
        self, make_account, sign_in, services, monkeypatch
    ):
        await make_account("ana")
        client = await sign_in("ana")
        async with authenticator(services).following():
            await asyncio.sleep(0.3)
            await client.get("/api/session")
            with monkeypatch.context() as patched:
                patched.setattr(services.database, "platform", None)
                for _ in range(10):
                    assert (await client.get("/api/session")).status_code == 200
            async with services.database.platform() as connection:
                await connection.execute("DELETE FROM session")
            await asyncio.sleep(0.3)

            assert (await client.get("/api/session")).status_code == 401


class TestOrigin:
    async def test_another_site_cannot_act_with_the_cookie(self, administrator):
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "http://evil.test"},
            {"origin": "null"},
        ):
            answer = await administrator.post("/rules", headers=headers)
            assert answer.status_code == 403, headers
            assert answer.json()["code"] == "cross-origin"

    async def test_the_console_and_programs_can(self, administrator):
        for headers in ({"sec-fetch-site": "same-origin"}, {"origin": "http://vidik.test"}, {}):
            assert (await administrator.post("/rules", headers=headers)).status_code == 200, headers

    async def test_signing_in_from_another_site_is_refused(self, make_account, browser):
        await make_account("ana")

        answer = await browser().post(
            "/api/session",
            json={"login": "ana", "password": PASSWORD},
            headers={"origin": "http://evil.test"},
        )

        assert answer.status_code == 403


class TestPassword:
    async def test_can_be_changed_by_its_owner_and_ends_every_other_session(self, make_account, sign_in):
        await make_account("ana")
        here, there = await sign_in("ana"), await sign_in("ana")
        body = {"current": PASSWORD, "new": "crvena-jabuka-na-stolu"}

        answer = await here.put("/api/session/password", json=body)

        assert answer.status_code == 204
        assert (await here.get("/api/session")).status_code == 200
        assert (await there.get("/api/session")).status_code == 401
        await sign_in("ana", "crvena-jabuka-na-stolu")

    async def test_needs_the_current_one(self, make_account, sign_in):
        await make_account("ana")
        client = await sign_in("ana")

        answer = await client.put("/api/session/password", json={"current": "wrong", "new": "crvena-jabuka-na-stolu"})

        assert answer.status_code == 401


class TestLongRequests:
    async def test_a_request_is_asked_once_and_a_live_stream_anew(self, app, make_account, sign_in, services):
        await make_account("ana", ("dispatcher", None))
        cookie = (await sign_in("ana")).cookies["vidik_session"]
        headers = [(b"cookie", f"vidik_session={cookie}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "app": app}
        request = Request(scope)
        assert await authenticate(request) is not None
        async with services.database.platform() as connection:
            await connection.execute("DELETE FROM session")
        authenticator(services).forget()

        assert await authenticate(request) is not None
        with pytest.raises(Unauthenticated):
            await require_principal_anew(request, "context.read")
