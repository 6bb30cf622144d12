"""Signing in through a provider over HTTP: who comes in, as what, and who does not."""

from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.kernel.identity.conftest import PASSWORD
from tests.kernel.identity.openid.made_up import ISSUER
from tests.kernel.identity.openid.visiting import CITY, arrive, me, recorded

from vidik.kernel.identity import authenticator
from vidik.kernel.identity.jobs import remove_ended
from vidik.kernel.identity.openid.client import ProviderClient
from vidik.kernel.identity.openid.config import Provider
from vidik.kernel.identity.openid.flow import OpenId


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
