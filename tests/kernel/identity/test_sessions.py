"""Where somebody is signed in, ended by themselves or by an administrator; and the phones of crews."""

import pytest
from tests.kernel.identity.conftest import PASSWORD

from vidik.kernel import audit
from vidik.kernel.identity.agents import coarse

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def actions(services) -> list[str]:
    async with services.database.platform() as connection:
        records = await audit.newest(connection, "city", before=None, limit=50)
    return [record["action"] for record in reversed(records)]


class TestOwnSessions:
    async def test_are_listed_with_a_coarse_device_and_the_one_that_asks(self, make_account, sign_in, browser):
        await make_account("ana")
        here = await sign_in("ana")
        there = browser()
        await there.post("/api/session", json={"login": "ana", "password": PASSWORD}, headers={"User-Agent": FIREFOX})

        items = (await here.get("/api/sessions")).json()["items"]

        assert {(item["browser"], item["current"], item["began_by"]) for item in items} == {
            (None, True, "password"),
            ("Firefox, Linux", False, "password"),
        }

    async def test_one_or_all_others_can_be_ended(self, make_account, sign_in, services):
        await make_account("ana")
        here, second, third, fourth = [await sign_in("ana") for _ in range(4)]
        mine = next(item for item in (await second.get("/api/sessions")).json()["items"] if item["current"])

        one = await here.delete(f"/api/sessions/{mine['id']}")
        others = await here.delete("/api/sessions")

        assert (one.status_code, others.json()) == (204, {"ended": 2})
        assert [(await client.get("/api/session")).status_code for client in (here, second, third, fourth)] == [
            200,
            401,
            401,
            401,
        ]
        assert (await actions(services))[-2:] == ["session.revoke", "session.end_others"]

    async def test_of_somebody_else_are_not_there(self, make_account, sign_in):
        await make_account("ana")
        await make_account("petar")
        ana, petar = await sign_in("ana"), await sign_in("petar")
        session = (await ana.get("/api/sessions")).json()["items"][0]["id"]

        assert (await petar.delete(f"/api/sessions/{session}")).status_code == 404
        assert (await petar.delete("/api/sessions/99999999999999999999")).status_code == 422


class TestSessionsOfOthers:
    async def test_an_administrator_sees_and_ends_them(self, administrator, make_account, sign_in, services):
        account = await make_account("ana")
        ana = await sign_in("ana")

        listed = (await administrator.get(f"/api/accounts/{account}/sessions")).json()["items"]
        ended = await administrator.delete(f"/api/accounts/{account}/sessions")

        assert [item["current"] for item in listed] == [False]
        assert ended.json() == {"ended": 1}
        assert (await ana.get("/api/session")).status_code == 401
        assert (await actions(services))[-1] == "session.end_all"

    async def test_who_administers_one_organisation_reaches_its_people_only(self, make_account, sign_in):
        await make_account("chief", ("administrator", "toplana"), organisation="toplana")
        theirs = await make_account("ana", organisation="toplana")
        others = await make_account("petar", organisation="parking")
        chief = await sign_in("chief")

        assert (await chief.get(f"/api/accounts/{theirs}/sessions")).status_code == 200
        for method in ("GET", "DELETE"):
            assert (await chief.request(method, f"/api/accounts/{others}/sessions")).status_code == 404

    async def test_nobody_else_sees_them(self, make_account, sign_in):
        account = await make_account("ana", ("supervisor", None))
        client = await sign_in("ana")

        assert (await client.get(f"/api/accounts/{account}/sessions")).status_code == 403


class TestCrewPhone:
    @pytest.fixture
    async def crew(self, make_account, sign_in):
        await make_account("mira", ("crew", "toplana"), organisation="toplana")
        client = await sign_in("mira")
        answer = await client.post("/api/crew-phones", json={"name": "Toplana 3"})
        assert answer.status_code == 204
        return client

    async def test_is_registered_under_a_name_by_who_is_signed_in_on_it(self, crew, services):
        session = (await crew.get("/api/session")).json()

        assert session["phone"] == "Toplana 3"
        assert (await crew.get("/api/sessions")).json()["items"][0]["phone"] == "Toplana 3"
        assert (await actions(services))[-1] == "phone.register"

    async def test_once_revoked_hears_so_until_somebody_signs_in(self, crew, make_account, sign_in, services):
        await make_account("chief", ("supervisor", "toplana"), organisation="toplana")
        chief = await sign_in("chief")
        phone = (await chief.get("/api/crew-phones")).json()["items"][0]
        assert (phone["name"], phone["people"], phone["revoked_at"]) == ("Toplana 3", ["Mira"], None)

        revoked = await chief.delete(f"/api/crew-phones/{phone['id']}")

        refused = await crew.get("/api/sessions")
        assert revoked.status_code == 204
        assert (refused.status_code, refused.json()["code"]) == (401, "phone-revoked")
        assert refused.json()["values"] == {"phone": "Toplana 3"}
        assert (await crew.get("/api/session")).json()["code"] == "phone-revoked"
        assert (await actions(services))[-1] == "phone.revoke"
        again = await crew.post("/api/session", json={"login": "mira", "password": PASSWORD})
        assert again.status_code == 204
        assert (await crew.get("/api/session")).json()["phone"] is None
        assert (await chief.delete(f"/api/crew-phones/{phone['id']}")).status_code == 404

    async def test_keeps_its_name_for_the_next_person_who_signs_in_on_it(self, crew, make_account):
        await make_account("jovan", ("crew", "toplana"))
        await crew.delete("/api/session")

        await crew.post("/api/session", json={"login": "jovan", "password": PASSWORD})

        assert (await crew.get("/api/session")).json()["phone"] == "Toplana 3"

    async def test_is_seen_and_revoked_within_its_organisation_only(self, crew, make_account, sign_in):
        await make_account("other", ("supervisor", "parking"))
        other = await sign_in("other")

        assert (await other.get("/api/crew-phones")).json() == {"items": []}
        assert (await other.delete("/api/crew-phones/1")).status_code == 404
        assert (await crew.get("/api/crew-phones")).status_code == 403
        assert (await crew.delete("/api/crew-phones/1")).status_code == 403

    async def test_is_seen_and_revoked_where_the_crews_are_of_who_uses_it(
        self, crew, make_account, sign_in, services, drawn
    ):
        async with services.database.transaction("city") as connection:
            await connection.execute(
                "INSERT INTO crew (name, organisation, depot, changed_by, changed_at)"
                """ VALUES ('Т3', 'toplana', '{"type": "Point", "coordinates": [21.92, 43.31]}', 'x', now())"""
            )
            await connection.execute("INSERT INTO crew_member (crew, login, name) SELECT id, 'mira', '' FROM crew")
        await drawn("medijana", 21.9)
        await drawn("palilula", 22.9)
        await make_account("near", ("supervisor", None, "medijana"))
        await make_account("far", ("supervisor", None, "palilula"))
        near, far = await sign_in("near"), await sign_in("far")

        assert [item["name"] for item in (await near.get("/api/crew-phones")).json()["items"]] == ["Toplana 3"]
        assert (await far.get("/api/crew-phones")).json() == {"items": []}
        assert (await far.delete("/api/crew-phones/1")).status_code == 404
        assert (await near.delete("/api/crew-phones/1")).status_code == 204

    async def test_is_not_registered_by_who_works_no_tasks_or_without_a_name(self, make_account, sign_in, crew):
        await make_account("auditor", ("auditor", None))
        auditor = await sign_in("auditor")

        assert (await auditor.post("/api/crew-phones", json={"name": "x"})).status_code == 403
        for name in ("", "x" * 61, "a\0b", 7):
            assert (await crew.post("/api/crew-phones", json={"name": name})).status_code == 422
        assert (await crew.post("/api/crew-phones", json={"name": "  "})).status_code == 409

    async def test_a_cookie_that_nobody_gave_is_nothing(self, browser):
        client = browser()
        client.cookies.set("vidik_phone", "made-up")

        assert (await client.get("/api/sessions")).json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537 (KHTML) Chrome/140 Mobile Safari/537", "Chrome, Android"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/140 Safari/537 Edg/140", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604", "Safari, iPhone"),
        ("python-httpx/0.28", None),
        ("\0<script>", None),
        (None, None),
    ],
)
def test_a_browser_is_told_coarsely(agent, told):
    assert coarse(agent) == told
