"""Signing in through a provider over HTTP: who comes in, as what, and who does not."""

import json
from http.cookies import SimpleCookie
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from tests.kernel.identity.conftest import PASSWORD
from tests.kernel.identity.openid.made_up import ISSUER, KEYS, MadeUpProvider

from vidik.kernel import audit
from vidik.kernel.identity import authenticator
from vidik.kernel.identity.jobs import remove_ended
from vidik.kernel.identity.openid.client import ProviderClient
from vidik.kernel.identity.openid.config import Provider
from vidik.kernel.identity.openid.flow import OpenId

CITY: dict[str, Any] = {
    "name": "City",
    "name_sr": "Град",
    "issuer": ISSUER,
    "client_id": "vidik",
    "groups": {
        "dispeceri": {"role": "dispatcher"},
        "toplana": {"role": "utility_manager", "organisation": "toplana"},
    },
}


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"public_url": "https://vidik.test"})


@pytest.fixture
def browser(browser):
    """Browsers at the https address that people use."""

    def make() -> httpx.AsyncClient:
        client = browser()
        client.base_url = "https://vidik.test"
        return client

    return make


@pytest.fixture
def made_up():
    return MadeUpProvider()


@pytest.fixture
def configure(services, made_up):
    """Lets the city's file say something else than CITY."""

    def configure(**told: Any) -> None:
        client = ProviderClient(Provider.model_validate(CITY | told), made_up.transport)
        services.put(OpenId(services, client))

    configure()
    return configure


@pytest.fixture
def visitor(browser, configure):
    return browser()


async def arrive(visitor: httpx.AsyncClient, made_up: MadeUpProvider, then: str = "/tasks", **brought: Any) -> str:
    """Sign in at the provider, bring back what it gives; where the browser ends up."""
    sent = await visitor.get("/api/sign-in/begin", params={"then": then})
    assert sent.status_code == 303
    answer = await visitor.get(
        "/api/sign-in/callback",
        params={name: value for name, value in (made_up.agree(sent.headers["location"]) | brought).items() if value},
    )
    assert answer.status_code == 303
    return answer.headers["location"]


async def me(visitor: httpx.AsyncClient) -> dict[str, Any] | None:
    answer = await visitor.get("/api/session")
    return answer.json()["account"] if answer.status_code == 200 else None


async def recorded(services) -> list[dict[str, Any]]:
    async with services.database.platform() as connection:
        return list(reversed(await audit.newest(connection, "city", before=None, limit=50)))


class TestBegin:
    async def test_asks_with_state_nonce_and_challenge_and_comes_back_to_the_public_address(self, visitor):
        sent = await visitor.get("/api/sign-in/begin", headers={"Host": "evil.test"})

        address = urlsplit(sent.headers["location"])
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ISSUER}/authorize"
        assert asked["redirect_uri"] == "https://vidik.test/api/sign-in/callback"
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "openid profile email"
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
        cookie = SimpleCookie(sent.headers["set-cookie"])["__Host-vidik_sign_in"]
        assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "lax", "/")
        assert sent.headers["referrer-policy"] == "no-referrer"

    async def test_says_on_the_sign_in_screen_that_the_provider_does_not_answer(self, visitor, made_up, make_account):
        made_up.away = True
        await make_account("ana", ("dispatcher", None))

        sent = await visitor.get("/api/sign-in/begin", params={"then": "/tasks"})
        local = await visitor.post("/api/session", json={"login": "ana", "password": PASSWORD})

        assert sent.headers["location"] == "/sign-in?refused=provider-away&to=%2Ftasks"
        assert local.status_code == 204

    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": ISSUER + "/"},
            {"token_endpoint": "http://prijava.test/token"},
            {"jwks_uri": None},
            {"authorization_endpoint": "javascript:alert(1)"},
        ],
    )
    async def test_uses_no_provider_that_is_another_or_not_safe(self, visitor, made_up, metadata):
        made_up.metadata = metadata

        sent = await visitor.get("/api/sign-in/begin")

        assert sent.headers["location"] == "/sign-in?refused=provider-away"

    async def test_the_sign_in_screen_is_told_the_name_and_nothing_else(self, visitor):
        answer = await visitor.get("/api/sign-in")

        assert answer.json() == {"provider": {"name": "City", "name_sr": "Град"}}


class TestFirstSignIn:
    async def test_makes_an_account_with_the_role_of_the_group(self, visitor, made_up, services):
        assert await arrive(visitor, made_up) == "/tasks"

        account = await me(visitor)
        assert account is not None
        assert (account["login"], account["name"], account["roles"]) == ("ana", "Ана Анић", ["dispatcher"])
        assert [record["action"] for record in await recorded(services)] == ["account.create", "session.begin"]
        assert made_up.forms[0]["code_verifier"]

    async def test_takes_the_organisation_of_the_group(self, visitor, made_up):
        made_up.claims = {"groups": ["toplana"]}

        await arrive(visitor, made_up)

        account = await me(visitor)
        assert account is not None
        assert (account["organisation"], account["roles"]) == ("toplana", ["utility_manager"])

    @pytest.mark.parametrize("groups", [[], ["others"], None, "others", {"dispeceri": 1}, [["dispeceri"]], 7])
    async def test_makes_no_account_without_a_group_that_the_city_names(self, visitor, made_up, services, groups):
        made_up.claims = {"groups": groups}

        assert await arrive(visitor, made_up) == "/sign-in?refused=not-admitted&to=%2Ftasks"

        assert await me(visitor) is None
        assert [record["reason"] for record in await recorded(services)] == ["not admitted"]
        async with services.database.platform() as connection:
            rows = await (await connection.execute("SELECT FROM platform.account")).fetchall()
        assert rows == []

    async def test_never_becomes_a_local_account_of_the_same_login(self, visitor, made_up, make_account):
        local = await make_account("ana", ("administrator", None))

        await arrive(visitor, made_up)

        account = await me(visitor)
        assert account is not None
        assert (account["login"], account["roles"]) == ("ana-2", ["dispatcher"])
        assert account["id"] != str(local)

    async def test_finds_groups_at_the_userinfo_endpoint_when_the_token_has_none(self, visitor, made_up):
        made_up.claims = {"groups": None}
        made_up.userinfo = {"sub": "s-1", "groups": ["dispeceri"]}

        assert await arrive(visitor, made_up) == "/tasks"

    async def test_believes_no_userinfo_of_somebody_else(self, visitor, made_up):
        made_up.claims = {"groups": None}
        made_up.userinfo = {"sub": "s-2", "groups": ["dispeceri"]}

        assert await arrive(visitor, made_up) == "/sign-in?refused=token-refused&to=%2Ftasks"

    @pytest.mark.parametrize(
        ("claims", "place"),
        [
            ({"email": "ana@nis.rs", "email_verified": True}, "/tasks"),
            ({"email": "ana@NIS.rs", "email_verified": True}, "/tasks"),
            ({"email": "ana@nis.rs", "email_verified": False}, "/sign-in?refused=not-admitted&to=%2Ftasks"),
            ({"email": "ana@evil.nis.rs", "email_verified": True}, "/sign-in?refused=not-admitted&to=%2Ftasks"),
            ({"email": "ana@nis.rs@evil", "email_verified": True}, "/sign-in?refused=not-admitted&to=%2Ftasks"),
        ],
    )
    async def test_lets_in_verified_addresses_of_the_named_domains_only(
        self, visitor, made_up, configure, claims, place
    ):
        configure(email_domains=["nis.rs"])
        made_up.claims = claims

        assert await arrive(visitor, made_up) == place

    @pytest.mark.parametrize(
        ("acr", "place"), [("mfa", "/tasks"), ("pwd", "/sign-in?refused=not-admitted&to=%2Ftasks")]
    )
    async def test_lets_in_with_the_claims_that_the_city_requires(self, visitor, made_up, configure, acr, place):
        configure(required_claims={"acr": "mfa"})
        made_up.claims = {"acr": acr}

        assert await arrive(visitor, made_up) == place

    async def test_keeps_hostile_names_as_text(self, visitor, made_up):
        made_up.claims = {"name": "\0<script>\u202e\ud800" + "x" * 400, "preferred_username": "\0../ ' OR 1=1 --"}

        assert await arrive(visitor, made_up) == "/tasks"

        account = await me(visitor)
        assert account is not None
        assert account["name"].startswith("<script>")
        assert len(account["name"]) == 200
        assert account["login"] == "or-1-1"


class TestLaterSignIn:
    async def test_is_the_same_account_by_issuer_and_subject_whatever_the_name(self, visitor, made_up):
        await arrive(visitor, made_up)
        first = await me(visitor)
        made_up.claims = {"preferred_username": "ana.petrovic", "name": "Ана Петровић"}

        await arrive(visitor, made_up)

        again = await me(visitor)
        assert first is not None
        assert again is not None
        assert (again["id"], again["login"], again["name"]) == (first["id"], "ana", "Ана Петровић")

    async def test_follows_the_groups(self, visitor, made_up, services):
        await arrive(visitor, made_up)
        made_up.claims = {"groups": ["toplana", "dispeceri"]}

        await arrive(visitor, made_up)

        account = await me(visitor)
        assert account is not None
        assert account["roles"] == ["dispatcher", "utility_manager"]
        change = (await recorded(services))[-2]
        assert (change["action"], change["reason"]) == ("account.change", "provider")

    async def test_without_a_group_ends_roles_and_every_session_at_once(self, visitor, made_up, browser, configure):
        await arrive(visitor, made_up)
        elsewhere = browser()
        made_up.claims = {"groups": []}

        place = await arrive(elsewhere, made_up)

        assert place == "/sign-in?refused=not-admitted&to=%2Ftasks"
        assert await me(visitor) is None

    async def test_of_an_account_that_was_switched_off_is_refused(self, visitor, made_up, administrator):
        await arrive(visitor, made_up)
        account = await me(visitor)
        assert account is not None
        await administrator.patch(f"/api/accounts/{account['id']}", json={"enabled": False})

        assert await arrive(visitor, made_up) == "/sign-in?refused=not-admitted&to=%2Ftasks"

    async def test_is_asked_for_again_after_the_stated_time_and_tokens_rest_then_too(
        self, visitor, made_up, configure, services, browser
    ):
        configure(session_minutes=60, tokens_days=7)
        await arrive(visitor, made_up)
        made = await visitor.post("/api/tokens", json={"name": "scada", "scopes": ["alarms.read"]})
        program = browser()
        program.headers["Authorization"] = f"Bearer {made.json()['token']}"
        assert (await program.get("/api/session")).status_code == 200
        async with services.database.platform() as connection:
            row = await (await connection.execute("SELECT expires_at - now() AS left FROM platform.session")).fetchone()
            assert 3500 < row["left"].total_seconds() <= 3600
            await connection.execute("UPDATE platform.account_link SET tokens_until = now()")
            await connection.execute("UPDATE platform.session SET expires_at = now()")
            await connection.execute("NOTIFY vidik_identity")
        authenticator(services).forget()

        assert await me(visitor) is None
        assert (await program.get("/api/session")).status_code == 401

    async def test_a_person_of_the_provider_gets_no_password_here(self, visitor, made_up, administrator):
        await arrive(visitor, made_up)
        account = await me(visitor)
        assert account is not None

        answer = await administrator.patch(f"/api/accounts/{account['id']}", json={"new_password": True})

        assert (answer.status_code, answer.json()["code"]) == (409, "no-password")
        listed = (await administrator.get("/api/accounts")).json()["items"]
        assert {row["login"]: (row["kind"], row["provider"]) for row in listed} == {
            "admin": ("person", False),
            "ana": ("person", True),
        }

    async def test_that_never_comes_again_ends_in_the_account_being_erased(self, visitor, made_up, services):
        await arrive(visitor, made_up)
        await remove_ended(services, "city")
        assert await me(visitor) is not None
        async with services.database.platform() as connection:
            await connection.execute("UPDATE platform.account_link SET vouched_at = now() - interval '181 days'")

        await remove_ended(services, "city")

        assert (await recorded(services))[-1]["reason"] == "not vouched for by the provider for 180 days"
        await arrive(visitor, made_up)
        account = await me(visitor)
        assert account is not None
        assert account["login"] == "ana"

    async def test_of_another_city_is_another_person(self, visitor, made_up, services, settings, browser):
        await arrive(visitor, made_up)
        other = services.settings.model_copy(update={"tenant": "medijana"})
        neighbour = OpenId(
            type(services)(settings=other, database=services.database),
            ProviderClient(Provider.model_validate(CITY | {"groups": {"x": {"role": "auditor"}}}), made_up.transport),
        )
        services.put(neighbour)

        place = await arrive(visitor, made_up)

        assert place == "/sign-in?refused=not-admitted&to=%2Ftasks"
        account = await me(visitor)
        assert account is not None  # the session in the first city stands
        assert account["roles"] == ["dispatcher"]


class TestCallback:
    @pytest.mark.parametrize(
        ("brought", "reason"),
        [
            ({"state": "another"}, "sign-in-expired"),
            ({"state": None}, "sign-in-expired"),
            ({"iss": "https://evil.test"}, "token-refused"),
            ({"error": "access_denied"}, "sign-in-cancelled"),
            ({"error": "server_error", "error_description": "<b>boo</b>"}, "provider-refused"),
            ({"code": None}, "provider-refused"),
        ],
    )
    async def test_refuses_what_does_not_fit_and_repeats_nothing_of_it(self, visitor, made_up, brought, reason):
        place = await arrive(visitor, made_up, **brought)

        assert place == f"/sign-in?refused={reason}&to=%2Ftasks"
        assert await me(visitor) is None

    async def test_takes_an_answer_once_and_from_the_browser_that_began_only(self, visitor, made_up, browser):
        sent = await visitor.get("/api/sign-in/begin")
        brought = made_up.agree(sent.headers["location"])
        stranger = browser()

        places = [
            (await client.get("/api/sign-in/callback", params=brought)).headers["location"]
            for client in (stranger, visitor, visitor)
        ]

        assert places == ["/sign-in?refused=sign-in-expired", "/", "/sign-in?refused=sign-in-expired"]

    @pytest.mark.parametrize(
        "then",
        [
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "/a\r\nX: y",
            "/api/docs",
            "",
            "/ж",
        ],
    )
    async def test_leads_nowhere_but_into_the_console(self, visitor, made_up, then):
        assert await arrive(visitor, made_up, then) == "/"

    @pytest.mark.parametrize("then", ["/tasks?state=open&x=1", "/incidents/7", "/phone", "/asset/urn:ngsi-ld:A:1"])
    async def test_leads_where_the_person_wanted_to_go(self, visitor, made_up, then):
        assert await arrive(visitor, made_up, then) == then

    async def test_refuses_a_token_that_does_not_hold_and_records_why(self, visitor, made_up, services):
        made_up.claims = {"nonce": "another"}

        place = await arrive(visitor, made_up)

        assert place == "/sign-in?refused=token-refused&to=%2Ftasks"
        assert [record["reason"] for record in await recorded(services)] == ["token: nonce"]

    async def test_asks_for_keys_again_when_they_were_changed_and_once_only(self, visitor, made_up):
        await arrive(visitor, made_up)
        made_up.key, made_up.published = KEYS[1], KEYS[1:]

        assert await arrive(visitor, made_up) == "/tasks"

        assert made_up.asked.count("/keys") == 2
        made_up.published = KEYS[:1]
        made_up.key = KEYS[0]
        assert await arrive(visitor, made_up) == "/tasks"
        made_up.key = KEYS[1]
        assert await arrive(visitor, made_up) == "/sign-in?refused=token-refused&to=%2Ftasks"

    async def test_a_provider_that_goes_away_later_is_noticed_before_a_browser_is_sent_there(
        self, visitor, made_up, monkeypatch
    ):
        monkeypatch.setattr("vidik.kernel.identity.openid.flow.JUST_NOW_SECONDS", 0.0)
        await arrive(visitor, made_up)
        made_up.away = True

        sent = await visitor.get("/api/sign-in/begin")

        assert sent.headers["location"] == "/sign-in?refused=provider-away"

    async def test_a_stranger_cannot_have_the_provider_asked_and_the_record_written_without_end(
        self, visitor, made_up, services
    ):
        made_up.claims = {"groups": []}
        places = [await arrive(visitor, made_up) for _ in range(23)]

        assert places[0] == "/sign-in?refused=not-admitted&to=%2Ftasks"
        assert places[-1] == "/sign-in?refused=too-many-requests&to=%2Ftasks"
        assert len(await recorded(services)) == made_up.asked.count("/token") < 23

    async def test_of_many_colleagues_at_one_address_is_not_braked(self, made_up, browser, configure):
        places = {await arrive(browser(), made_up) for _ in range(23)}

        assert places == {"/tasks"}

    async def test_says_that_the_provider_went_away_in_between(self, visitor, made_up):
        sent = await visitor.get("/api/sign-in/begin")
        brought = made_up.agree(sent.headers["location"])
        made_up.away = True

        answer = await visitor.get("/api/sign-in/callback", params=brought)

        assert answer.headers["location"] == "/sign-in?refused=provider-away"

    async def test_keeps_tokens_out_of_logs_and_of_the_record(self, visitor, made_up, services, caplog, capfd):
        await arrive(visitor, made_up)
        made_up.claims = {"aud": "another"}
        await arrive(visitor, made_up)

        written = caplog.text + "".join(capfd.readouterr()) + json.dumps(await recorded(services))
        assert "an-access-token" not in written
        assert "eyJ" not in written
        assert "the-code" not in written


class TestClientSecret:
    @pytest.fixture
    def secret(self, tmp_path):
        path = tmp_path / "secret"
        path.write_text("a & b")
        return str(path)

    @pytest.mark.parametrize(
        ("credential", "tried"),
        [("vidik:a+%26+b", ["vidik:a+%26+b"]), ("vidik:a & b", ["vidik:a+%26+b", "vidik:a & b"])],
    )
    async def test_is_sent_encoded_and_to_providers_that_do_not_decode_as_it_is(
        self, visitor, made_up, configure, secret, credential, tried
    ):
        configure(client_secret_file=secret)
        made_up.credential = credential

        assert await arrive(visitor, made_up) == "/tasks"
        assert made_up.credentials == tried

    async def test_goes_into_the_form_where_the_provider_takes_nothing_else(self, visitor, made_up, configure, secret):
        configure(client_secret_file=secret)
        made_up.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

        assert await arrive(visitor, made_up) == "/tasks"
        assert (made_up.forms[0]["client_id"], made_up.forms[0]["client_secret"]) == ("vidik", "a & b")

    async def test_that_cannot_be_read_is_said_as_a_refusal(self, visitor, made_up, configure, tmp_path):
        configure(client_secret_file=str(tmp_path / "none"))

        assert await arrive(visitor, made_up) == "/sign-in?refused=provider-refused&to=%2Ftasks"

    async def test_that_is_wrong_lets_nobody_in(self, visitor, made_up, configure, secret, services):
        configure(client_secret_file=secret)
        made_up.credential = "vidik:another"

        assert await arrive(visitor, made_up) == "/sign-in?refused=token-refused&to=%2Ftasks"
        assert "a & b" not in json.dumps(await recorded(services))


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
