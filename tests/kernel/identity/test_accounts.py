"""Accounts, tokens and the audit record over HTTP."""

import hashlib
import json

import pytest
from tests.kernel.identity.conftest import PASSWORD

from vidik.kernel.identity.jobs import note_audit_head, remove_ended

NEW = {"login": "Mira", "name": "Mira Ilić", "roles": ["dispatcher"], "password": "zeleno-drvo-u-parku"}


class TestAccounts:
    async def test_an_administrator_makes_one_and_its_person_signs_in(self, administrator, sign_in):
        answer = await administrator.post("/api/accounts", json=NEW)

        assert answer.status_code == 201
        assert answer.json()["login"] == "mira"
        assert "password" not in answer.json()
        client = await sign_in("mira", "zeleno-drvo-u-parku")
        assert (await client.get("/api/session")).json()["account"]["roles"] == ["dispatcher"]

    async def test_a_generated_password_is_shown_once_and_works(self, administrator, sign_in):
        made = (await administrator.post("/api/accounts", json=NEW | {"password": None})).json()

        listed = (await administrator.get("/api/accounts")).json()["items"]

        assert await sign_in("mira", made["password"])
        assert [item["login"] for item in listed] == ["admin", "mira"]
        assert "password" not in listed[1]
        assert listed[1]["password_initial"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"password": "short"}, "password-short"),
            ({"password": "Password123!"}, "password-common"),
            ({"password": "aaaaaaaaaaaa"}, "password-common"),
            ({"password": "mira-the-great"}, "password-login"),
            ({"password": "x" * 300}, "password-long"),
            ({"login": "no spaces"}, "login-form"),
            ({"roles": ["emperor"]}, "bad-input"),
        ],
    )
    async def test_says_what_is_wrong(self, administrator, change, code):
        answer = await administrator.post("/api/accounts", json=NEW | change)

        assert answer.status_code == 400
        assert answer.json()["code"] == code

    async def test_a_login_is_taken_once(self, administrator):
        await administrator.post("/api/accounts", json=NEW)

        assert (await administrator.post("/api/accounts", json=NEW)).status_code == 409

    async def test_losing_a_role_ends_the_sessions(self, administrator, sign_in):
        made = (await administrator.post("/api/accounts", json=NEW)).json()
        client = await sign_in("mira", NEW["password"])

        await administrator.patch(f"/api/accounts/{made['id']}", json={"roles": ["crew"]})

        assert (await client.get("/api/session")).status_code == 401

    async def test_a_new_password_is_generated_shown_once_and_ends_the_sessions(self, administrator, sign_in):
        made = (await administrator.post("/api/accounts", json=NEW)).json()
        client = await sign_in("mira", NEW["password"])

        answer = (await administrator.patch(f"/api/accounts/{made['id']}", json={"new_password": True})).json()

        assert (await client.get("/api/session")).status_code == 401
        again = await sign_in("mira", answer["password"])
        assert (await again.get("/api/session")).status_code == 200
        assert answer["password_initial"] is True

    async def test_a_disabled_account_is_out_at_once(self, administrator, sign_in):
        made = (await administrator.post("/api/accounts", json=NEW)).json()
        client = await sign_in("mira", NEW["password"])

        answer = await administrator.patch(f"/api/accounts/{made['id']}", json={"enabled": False})

        assert answer.json()["enabled"] is False
        assert (await client.get("/api/session")).status_code == 401

    async def test_the_last_administrator_stays(self, administrator):
        (own,) = (await administrator.get("/api/accounts")).json()["items"]

        for change in ({"enabled": False}, {"roles": ["dispatcher"]}, {"ends_at": "2020-01-01T00:00:00Z"}):
            answer = await administrator.patch(f"/api/accounts/{own['id']}", json=change)
            assert answer.json()["code"] == "last-administrator"

    async def test_an_administrator_of_one_organisation_stays_inside_it(self, make_account, sign_in, administrator):
        await make_account("local", ("administrator", "Toplana"), organisation="Toplana")
        local = await sign_in("local")
        (city_wide, *_) = (await administrator.get("/api/accounts")).json()["items"]
        inside = {"organisation": "Toplana", "roles": [{"role": "crew", "organisation": "Toplana"}]}

        made = await local.post("/api/accounts", json=NEW | inside)
        wider = await local.post("/api/accounts", json=NEW | inside | {"login": "x2", "roles": ["crew"]})
        elsewhere = await local.post("/api/accounts", json=NEW | {"login": "x3", "organisation": "Medijana"})
        taken = await local.patch(f"/api/accounts/{city_wide['id']}", json={"enabled": False})

        codes = [answer.status_code for answer in (made, wider, elsewhere, taken)]
        assert codes == [201, 403, 403, 404]
        assert [item["login"] for item in (await local.get("/api/accounts")).json()["items"]] == ["local", "mira"]

    async def test_nobody_gives_a_password_to_who_may_do_more_than_they(self, make_account, sign_in):
        mayor = await make_account("mayor", ("administrator",), organisation="Toplana")
        elsewhere = await make_account("both", ("crew", "Toplana"), ("dispatcher", "Parking"), organisation="Toplana")
        await make_account("local", ("administrator", "Toplana"), organisation="Toplana")
        local = await sign_in("local")

        for account in (mayor, elsewhere):
            for change in ({"new_password": True}, {"enabled": False}, {"name": "x"}, {"organisation": None}):
                answer = await local.patch(f"/api/accounts/{account}", json=change)
                assert (answer.status_code, answer.json()["code"]) == (403, "out-of-reach")
            assert (await local.delete(f"/api/accounts/{account}/sessions")).status_code == 403
        roles = [{"role": "dispatcher", "organisation": "Parking"}]
        assert (await local.patch(f"/api/accounts/{elsewhere}", json={"roles": roles})).status_code == 200
        assert (await local.patch(f"/api/accounts/{elsewhere}", json={"roles": []})).status_code == 403

    async def test_an_administrator_of_one_area_manages_who_acts_there_and_nobody_else(
        self, make_account, sign_in, drawn
    ):
        await drawn("medijana", 21.9)
        await drawn("palilula", 22.9)
        await make_account("local", ("administrator", None, "medijana"))
        theirs = await make_account("ana", ("dispatcher", "toplana", "medijana"))
        others = await make_account("petar", ("dispatcher", "toplana", "palilula"))
        wide = await make_account("jelena", ("dispatcher", "toplana"), organisation="toplana")
        local = await sign_in("local")
        area = {"roles": [{"role": "crew", "organisation": "toplana", "area": "medijana"}], "organisation": "toplana"}
        wider = {"roles": [{"role": "crew", "organisation": "toplana"}], "login": "x2"}

        made = await local.post("/api/accounts", json=NEW | area)
        codes = [
            (await local.patch(f"/api/accounts/{account}", json={"enabled": False})).status_code
            for account in (theirs, others, wide)
        ]

        assert (made.status_code, (await local.post("/api/accounts", json=NEW | wider)).status_code) == (201, 403)
        assert codes == [200, 404, 404]
        listed = (await local.get("/api/accounts")).json()["items"]
        assert [item["login"] for item in listed] == ["ana", "local", "mira"]

    async def test_needs_the_permission(self, make_account, sign_in, browser):
        await make_account("ana", ("dispatcher", None))
        client = await sign_in("ana")

        assert (await client.get("/api/accounts")).status_code == 403
        assert (await browser().get("/api/accounts")).status_code == 401


class TestTokens:
    async def test_acts_within_its_scopes_until_it_is_revoked(self, administrator, browser):
        made = (await administrator.post("/api/tokens", json={"name": "import", "scopes": ["rules.manage"]})).json()
        program = browser()
        program.headers["authorization"] = f"Bearer {made['token']}"

        allowed = await program.post("/rules")
        refused = await program.get("/api/accounts")
        itself = (await program.get("/api/session")).json()["account"]
        await administrator.delete(f"/api/tokens/{made['id']}")
        revoked = await program.post("/rules")

        assert (allowed.status_code, refused.status_code, revoked.status_code) == (200, 403, 401)
        assert itself["kind"] == "token"
        assert itself["permissions"] == ["rules.manage"]

    async def test_cannot_make_tokens_or_sign_in_places(self, administrator, browser):
        scopes = {"name": "all", "scopes": ["accounts.manage", "rules.manage"]}
        made = (await administrator.post("/api/tokens", json=scopes)).json()
        program = browser()
        program.headers["authorization"] = f"Bearer {made['token']}"

        assert (await program.post("/api/tokens", json=scopes)).status_code == 403
        assert (await program.get("/api/sessions")).status_code == 403

    async def test_cannot_have_more_than_its_owner(self, make_account, sign_in):
        await make_account("ana", ("dispatcher", None))
        client = await sign_in("ana")

        beyond = await client.post("/api/tokens", json={"name": "x", "scopes": ["accounts.manage"]})
        unknown = await client.post("/api/tokens", json={"name": "x", "scopes": ["everything"]})

        assert (beyond.status_code, unknown.status_code) == (403, 400)

    async def test_follows_its_owner(self, administrator, browser, make_account, sign_in):
        account = await make_account("ana", ("supervisor", None))
        client = await sign_in("ana")
        made = (await client.post("/api/tokens", json={"name": "x", "scopes": ["rules.manage"]})).json()
        program = browser()
        program.headers["authorization"] = f"Bearer {made['token']}"
        assert (await program.post("/rules")).status_code == 200

        await administrator.patch(f"/api/accounts/{account}", json={"roles": ["crew"]})

        assert (await program.post("/rules")).status_code == 403

    async def test_is_listed_without_its_secret_and_only_to_its_owner(self, make_account, sign_in, administrator):
        await make_account("ana", ("dispatcher", None))
        client = await sign_in("ana")
        made = (await client.post("/api/tokens", json={"name": "x", "scopes": ["alarms.read"]})).json()

        own = await client.get("/api/tokens")
        others = await client.get("/api/tokens", params={"owner": "all"})
        everybodys = await administrator.get("/api/tokens", params={"owner": "all"})
        mine = await administrator.get("/api/tokens")

        assert [item["name"] for item in own.json()["items"]] == ["x"]
        assert made["token"] not in own.text
        assert others.status_code == 403
        assert len(everybodys.json()["items"]) == 1
        assert mine.json()["items"] == []

    async def test_a_wrong_or_strange_credential_is_nobody(self, browser):
        for header in ("Bearer vdk_wrong", "Bearer ", "Bearer x", "Basic !!!", "Basic bm9jb2xvbg==", "Digest x"):
            answer = await browser().get("/api/session", headers={"authorization": header})
            assert answer.status_code == 401, header


class TestAudit:
    async def test_is_read_verified_and_exported(self, administrator):
        await administrator.post("/api/accounts", json=NEW)

        page = (await administrator.get("/api/audit", params={"limit": 1})).json()
        rest = (await administrator.get("/api/audit", params={"before": page["next"]})).json()
        verified = (await administrator.get("/api/audit/verify")).json()
        exported = await administrator.get("/api/audit/export")

        assert page["items"][0]["action"] == "account.create"
        assert [item["action"] for item in rest["items"]] == ["session.begin"]
        assert verified["holds"] is True
        assert verified["records"] == 2
        lines = exported.text.splitlines()
        assert json.loads(lines[-1])["record"]["action"] == "audit.export"
        first = lines[0][lines[0].index('"record":') + 9 : -1].encode()
        assert hashlib.sha256(bytes(32) + first).hexdigest() == json.loads(lines[0])["hash"]

    async def test_needs_a_role_in_the_whole_city(self, make_account, sign_in):
        await make_account("ana", ("auditor", "Toplana"))
        await make_account("iva", ("auditor", None))

        assert (await (await sign_in("ana")).get("/api/audit")).status_code == 403
        assert (await (await sign_in("iva")).get("/api/audit")).status_code == 200


class TestRetention:
    async def test_removes_what_has_ended(self, make_account, sign_in, services, administrator):
        await make_account("gone")
        await sign_in("gone")
        async with services.database.platform() as connection:
            await connection.execute("UPDATE account SET ends_at = now() - interval '31 days' WHERE login = 'gone'")
            await connection.execute("UPDATE sign_in_throttle SET last_attempt = now() - interval '2 days'")
            await connection.execute("UPDATE sign_in_known SET last_success = now() - interval '91 days'")
            await connection.execute("UPDATE session SET expires_at = now() - interval '1 minute'")

        await remove_ended(services, "city")
        await note_audit_head(services, "city")

        async with services.database.platform() as connection:
            left = {}
            for table in ("account", "session", "sign_in_throttle", "sign_in_known"):
                row = await (await connection.execute(f"SELECT count(*) AS count FROM {table}")).fetchone()
                left[table] = row["count"]
        assert left == {"account": 1, "session": 0, "sign_in_throttle": 0, "sign_in_known": 0}

    async def test_what_stands_stays(self, administrator, services):
        await remove_ended(services, "city")

        assert (await administrator.get("/api/session")).status_code == 200


class TestPasswordCost:
    async def test_a_hash_of_another_cost_is_renewed_at_sign_in(self, make_account, sign_in, services):
        from vidik.kernel.identity.passwords import passwords

        await make_account("ana")
        async with services.database.platform() as connection:
            await connection.execute("UPDATE account SET password_hash = %s", [await passwords(128).hash(PASSWORD)])

        await sign_in("ana")

        async with services.database.platform() as connection:
            row = await (await connection.execute("SELECT password_hash FROM account")).fetchone()
        assert "m=64," in row["password_hash"]
