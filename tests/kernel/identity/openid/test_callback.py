"""What comes back from the provider, forged and broken in every way, and the client's secret."""

import json

import pytest
from tests.kernel.identity.openid.made_up import KEYS
from tests.kernel.identity.openid.visiting import arrive, me, recorded


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
