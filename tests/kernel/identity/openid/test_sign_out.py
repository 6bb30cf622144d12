"""Signing out here and at the provider, from this side and from theirs."""

from time import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from tests.kernel.identity.conftest import PASSWORD
from tests.kernel.identity.openid.made_up import ISSUER, KEYS, MadeUpProvider
from tests.kernel.identity.openid.visiting import arrive, me, recorded


class TestSignOut:
    async def test_leads_to_the_provider_without_a_token_in_the_address(self, visitor, made_up):
        await arrive(visitor, made_up)

        answer = await visitor.delete("/api/session", headers={"Origin": "https://vidik.test"})

        assert answer.json() == {
            "logout": f"{ISSUER}/logout?client_id=vidik&post_logout_redirect_uri=https%3A%2F%2Fvidik.test%2F"
        }
        assert await me(visitor) is None

    async def test_ends_here_also_when_the_provider_is_away_or_has_no_sign_out(self, visitor, made_up, configure):
        made_up.metadata = {"end_session_endpoint": None}
        await arrive(visitor, made_up)

        answer = await visitor.delete("/api/session", headers={"Origin": "https://vidik.test"})

        assert answer.status_code == 204
        assert await me(visitor) is None

    async def test_of_a_local_account_stays_here(self, visitor, make_account):
        await make_account("ana")
        await visitor.post("/api/session", json={"login": "ana", "password": PASSWORD})

        answer = await visitor.delete("/api/session")

        assert answer.status_code == 204


class TestBackChannelLogout:
    async def test_ends_the_session_that_the_provider_names_and_no_other(self, visitor, made_up, browser):
        made_up.claims = {"sid": "a"}
        await arrive(visitor, made_up)
        made_up.claims = {"sid": "b"}
        elsewhere = browser()
        await arrive(elsewhere, made_up)

        answer = await said(browser(), made_up, sid="a")

        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert await me(visitor) is None
        assert await me(elsewhere) is not None

    async def test_ends_all_sessions_of_a_person_and_says_so_in_the_record(self, visitor, made_up, browser, services):
        await arrive(visitor, made_up)

        assert (await said(browser(), made_up, sub="s-2")).status_code == 200
        assert await me(visitor) is not None
        assert (await said(browser(), made_up, sub="s-1")).status_code == 200

        assert await me(visitor) is None
        assert (await recorded(services))[-1]["action"] == "session.end"

    async def test_leaves_what_began_after_it(self, visitor, made_up, browser):
        await arrive(visitor, made_up)

        assert (await said(browser(), made_up, sub="s-1", iat=int(time()) - 60)).status_code == 200

        assert await me(visitor) is not None

    @pytest.mark.parametrize(
        "told",
        [
            {"events": None},
            {"events": {"http://schemas.openid.net/event/other": {}}},
            {"nonce": "n"},
            {"sub": None},
            {"aud": "another"},
            {"iss": "https://other.test"},
            {"exp": 1},
            {"iat": 1},
        ],
    )
    async def test_believes_no_token_that_does_not_hold(self, visitor, made_up, browser, told):
        await arrive(visitor, made_up)

        answer = await said(browser(), made_up, **({"sub": "s-1"} | told))

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert await me(visitor) is not None

    async def test_believes_no_stranger(self, visitor, made_up, browser):
        await arrive(visitor, made_up)
        made_up.key = RSAKey.generate_key(2048, {"kid": KEYS[0].kid})

        assert (await said(browser(), made_up, sub="s-1")).status_code == 400
        assert await me(visitor) is not None


async def said(provider: httpx.AsyncClient, made_up: MadeUpProvider, **claims: Any) -> httpx.Response:
    """What Vidik answers when the provider says that somebody has signed out there."""
    return await provider.post("/api/sign-in/logout", data={"logout_token": made_up.logout_token(claims)})
