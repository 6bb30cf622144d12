"""Plans over HTTP: drafted, checked, frozen by a signature, amended in the open."""

import hashlib

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from tests.pilots.conftest import (
    METERS,
    a_draft,
    a_signal,
    a_specification,
    as_person,
    finished,
    given_meters,
    signed,
)

from vidik.kernel.database import Database
from vidik.pilots.plans.canonical import digest


class TestDrafts:
    async def test_an_incomplete_one_says_by_field_what_it_lacks(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/pilots/plans", json={"specification": {"title": "Идеја"}})
        assert answer.status_code == 201
        plan = answer.json()
        assert plan["state"] == "draft"
        assert plan["draft_hash"] is None
        fields = {problem["field"] for problem in plan["problems"]}
        assert {"service", "units", "baseline", "decision", "tariff"} <= fields

    async def test_a_list_shows_of_one_only_what_is_sound(self, client: httpx.AsyncClient) -> None:
        odd = {"title": 5, "service": "moon", "design": [], "baseline": "soon", "expected": {}, "fund": "EU"}
        assert (await client.post("/api/pilots/plans", json={"specification": odd})).status_code == 201
        (row,) = (await client.get("/api/pilots/plans")).json()["items"]
        assert {name: row[name] for name in odd} == dict.fromkeys(odd) | {"fund": "EU"}

    async def test_a_signal_without_a_source_is_a_problem(self, client: httpx.AsyncClient) -> None:
        plan = await a_draft(client, units=[{"name": "building", "unit": "KWH"}])
        assert [(one["field"], one["code"]) for one in plan["problems"]] == [("units.0", "signal-source")]

    async def test_a_price_of_another_unit_is_a_problem(self, client: httpx.AsyncClient) -> None:
        tariff = a_specification()["tariff"]
        tariff[0]["price"]["unit"] = "RSD/MTQ"
        plan = await a_draft(client, tariff=tariff)
        assert [one["field"] for one in plan["problems"]] == ["tariff.0.price.unit"]

    async def test_can_be_changed_and_discarded_until_frozen(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        plan = await a_draft(client)
        path = f"/api/pilots/plans/{plan['id']}"
        changed = (await client.put(path, json={"specification": a_specification(fund="EU")})).json()
        assert changed["draft_hash"] != plan["draft_hash"]
        await signed(client, changed)
        answer = await client.put(path, json={"specification": a_specification()})
        assert (answer.status_code, answer.json()["code"]) == (409, "plan-frozen")
        assert (await client.delete(path)).status_code == 409
        other = await a_draft(client)
        assert (await client.delete(f"/api/pilots/plans/{other['id']}")).status_code == 204

    @pytest.mark.parametrize(("person", "status"), [("nobody", 403), ("reader", 403), ("drafter", 201)])
    async def test_need_the_permission(self, client: httpx.AsyncClient, person: str, status: int) -> None:
        body = {"specification": {"title": "x"}}
        assert (await client.post("/api/pilots/plans", json=body, headers=as_person(person))).status_code == status


class TestFreezing:
    async def test_signs_what_was_seen_and_leaves_it_in_the_audit_record(
        self, client: httpx.AsyncClient, database: Database
    ) -> None:
        await given_meters(client)
        plan = await a_draft(client)
        frozen = await signed(client, plan)
        assert frozen["frozen"]["hash"] == plan["draft_hash"] == digest(frozen["canonical"])
        assert frozen["frozen"]["signed_by"] == "Јелена Илић"
        assert frozen["frozen"]["four_eyes"] is False
        assert set(frozen["frozen"]["digests"]) == {"building", "outdoor", *(f"neighbour {n}" for n in range(1, 15))}
        assert frozen["state"] == "ended"
        async with database.session("city") as connection:
            query = "SELECT content FROM platform.audit_record WHERE position = %s"
            row = await (await connection.execute(query, [frozen["frozen"]["audit_position"]])).fetchone()
        assert row is not None
        assert plan["draft_hash"] in row["content"]

    async def test_by_somebody_else_is_four_eyes(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        plan = await a_draft(client)
        body = {"hash": plan["draft_hash"], "statement": "Проверио сам."}
        answer = await client.post(f"/api/pilots/plans/{plan['id']}/freeze", json=body, headers=as_person("other"))
        assert answer.json()["frozen"]["four_eyes"] is True
        assert answer.json()["frozen"]["author"] == "Јелена Илић"

    async def test_of_another_text_than_was_seen_is_refused(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        plan = await a_draft(client)
        await client.put(f"/api/pilots/plans/{plan['id']}", json={"specification": a_specification(expected=0.3)})
        body = {"hash": plan["draft_hash"], "statement": "Сагласна сам."}
        answer = await client.post(f"/api/pilots/plans/{plan['id']}/freeze", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "hash-changed")

    async def test_needs_the_permission_to_sign(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        plan = await a_draft(client)
        body = {"hash": plan["draft_hash"], "statement": "Ја."}
        path = f"/api/pilots/plans/{plan['id']}/freeze"
        assert (await client.post(path, json=body, headers=as_person("drafter"))).status_code == 403

    async def test_cannot_be_undone_even_in_the_database(self, client: httpx.AsyncClient, database: Database) -> None:
        await given_meters(client)
        await signed(client, await a_draft(client))
        for statement in (
            "UPDATE pilot_frozen SET canonical = replace(canonical, '0.15', '0.05')",
            "DELETE FROM pilot_frozen",
            "UPDATE pilot_file SET name = 'other'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="stands"):
                async with database.transaction("city") as connection:
                    await connection.execute(statement)

    async def test_says_where_all_data_is_simulated(self, client: httpx.AsyncClient) -> None:
        await given_meters(client, simulated=True)
        frozen = await signed(client, await a_draft(client))
        assert frozen["simulated"] is True
        assert frozen["origins"]["simulated"] == 1


class TestAmendments:
    async def test_stay_visible_and_chained(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        plan = await signed(client, await a_draft(client))
        path = f"/api/pilots/plans/{plan['id']}/amendments"
        for number, fund in enumerate(("EU", "EBRD"), start=1):
            answer = await client.post(path, json={"changes": {"fund": fund}, "reason": f"Одлука {number}"})
            assert answer.status_code == 200, answer.text
        amended = answer.json()
        first, second = amended["amendments"]
        assert first["previous"] == amended["frozen"]["hash"]
        assert second["previous"] == first["hash"]
        assert amended["frozen"]["head"] == second["hash"]
        assert amended["effective"]["fund"] == "EBRD"
        assert first["after_start"] is True
        assert '"fund":"budget"' in amended["frozen"]["canonical"]

    async def test_must_leave_a_plan_that_holds(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        plan = await signed(client, await a_draft(client))
        path = f"/api/pilots/plans/{plan['id']}/amendments"
        answer = await client.post(path, json={"changes": {"reporting": {"first": "2024-06-01", "last": "2024-07-01"}},
                                               "reason": "x"})  # fmt: skip
        assert answer.status_code == 422
        assert (await client.post(path, json={"changes": {"colour": 1}, "reason": "x"})).status_code == 422


class TestOverlaps:
    async def test_the_same_unit_twice_is_refused_at_the_freeze(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        await signed(client, await a_draft(client))
        again = await a_draft(client, title="Исто још једном")
        assert again["overlaps"][0]["signals"] == ["building"]
        body = {"hash": again["draft_hash"], "statement": "Сагласна сам."}
        answer = await client.post(f"/api/pilots/plans/{again['id']}/freeze", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "overlapping-pilots")
        assert "Крива грејања" in answer.json()["detail"]

    async def test_a_draft_that_is_far_from_complete_is_told(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        first = await signed(client, await a_draft(client))
        whole = a_specification()
        begun = {name: whole[name] for name in ("units", "baseline", "reporting")}
        answer = await client.post("/api/pilots/plans", json={"specification": begun})
        draft = answer.json()
        asked = (await client.get(f"/api/pilots/plans/{draft['id']}/overlaps")).json()

        assert draft["problems"]
        assert [one["plan"] for one in draft["overlaps"]] == [first["id"]]
        assert [(one["plan"], one["signals"], one["twins"]) for one in asked["items"]] == [
            (first["id"], ["building"], [])
        ]

    async def test_a_draft_is_told_of_the_same_meter_under_another_name(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        first = await signed(client, await a_draft(client))
        copied = METERS.replace(b"date,building,", b"date,hall,")
        await client.post("/api/pilots/files", params={"name": "copy.csv"}, content=copied)
        hall = a_signal("hall", file=hashlib.sha256(copied).hexdigest())
        draft = await a_draft(client, title="Исто из друге датотеке", units=[hall])
        path = f"/api/pilots/plans/{draft['id']}"

        asked = (await client.get(f"{path}/overlaps")).json()["items"]

        assert [(one["plan"], one["signals"], one["twins"]) for one in asked] == [(first["id"], ["hall"], ["hall"])]
        shares = [{"plan": None, "share": "0.5"}, {"plan": asked[0]["plan"], "share": "0.5"}]
        agreed = draft["specification"] | {"allocation": {"rule": "Equally.", "shares": shares}}
        await signed(client, (await client.put(path, json={"specification": agreed})).json())

    async def test_units_that_cannot_be_read_or_are_not_said_yet_overlap_by_name_alone(
        self, client: httpx.AsyncClient
    ) -> None:
        await given_meters(client)
        first = await signed(client, await a_draft(client))
        units = [a_signal("building"), a_signal("gone", file="0" * 64)]
        drafts = [await a_draft(client, units=units), await a_draft(client, units=[])]

        asked = [(await client.get(f"/api/pilots/plans/{draft['id']}/overlaps")).json()["items"] for draft in drafts]

        assert [[(one["plan"], one["signals"]) for one in items] for items in asked] == [
            [(first["id"], ["building"])],
            [],
        ]

    async def test_an_allocation_is_written_into_both_plans(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        first = await signed(client, await a_draft(client))
        shares = [{"plan": None, "share": "0.4"}, {"plan": first["id"], "share": "0.6"}]
        second = await a_draft(client, title="Уз фасаду", allocation={"rule": "By heated area.", "shares": shares})
        await signed(client, second)
        amended = (await client.get(f"/api/pilots/plans/{first['id']}")).json()
        (link,) = amended["amendments"]
        assert link["kind"] == "allocation"
        assert amended["effective"]["allocation"]["shares"] == [
            {"plan": second["id"], "share": "0.4"},
            {"plan": None, "share": "0.6"},
        ]

    async def test_an_amended_allocation_is_amended_in_both_plans(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        first = await signed(client, await a_draft(client))
        shares = [{"plan": None, "share": "0.4"}, {"plan": first["id"], "share": "0.7"}]
        draft = await a_draft(client, title="Уз фасаду", allocation={"rule": "By heated area.", "shares": shares})
        assert [one["plan"] for one in draft["overlaps"]] == [first["id"]]  # also while the shares do not come to 1
        sound = {"rule": "By heated area.", "shares": [shares[0], shares[1] | {"share": "0.6"}]}
        specification = draft["specification"] | {"allocation": sound}
        changed = await client.put(f"/api/pilots/plans/{draft['id']}", json={"specification": specification})
        second = await signed(client, changed.json())
        equally = {
            "rule": "Equally.",
            "shares": [{"plan": None, "share": "0.5"}, {"plan": first["id"], "share": "0.5"}],
        }
        body = {"changes": {"allocation": equally}, "reason": "Agreed anew."}
        answer = await client.post(f"/api/pilots/plans/{second['id']}/amendments", json=body)
        assert answer.status_code == 200, answer.text
        other = (await client.get(f"/api/pilots/plans/{first['id']}")).json()["effective"]["allocation"]
        assert other["rule"] == "Equally."
        assert {one["plan"]: one["share"] for one in other["shares"]} == {None: "0.5", second["id"]: "0.5"}

    async def test_shares_that_do_not_sum_to_one_are_a_problem(self, client: httpx.AsyncClient) -> None:
        shares = [{"plan": None, "share": "0.4"}, {"plan": 1, "share": "0.5"}]
        plan = await a_draft(client, allocation={"rule": "x", "shares": shares})
        assert [one["field"] for one in plan["problems"]] == ["allocation"]

    async def test_a_donor_that_another_pilot_changes_is_refused(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        await signed(client, await a_draft(client))
        other = await a_draft(client, units=[a_signal("neighbour 1")], donors=[a_signal("building")])
        body = {"hash": other["draft_hash"], "statement": "Сагласна сам."}
        answer = await client.post(f"/api/pilots/plans/{other['id']}/freeze", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "donor-treated")


class TestPower:
    async def test_says_beforehand_what_the_plan_can_show(self, app: Starlette, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        plan = await a_draft(client)
        job = await finished(app, client, f"/api/pilots/plans/{plan['id']}/power")
        assert job["state"] == "done", job
        curve = job["result"]
        assert curve["power"][-1] > 0.9
        assert 0 < curve["detectable"] < 0.3
        assert curve["sentence"]["sr-Latn"]
        assert (await client.get(f"/api/pilots/plans/{plan['id']}/power")).json() == curve


class TestFiles:
    async def test_are_kept_once_and_described(self, client: httpx.AsyncClient) -> None:
        await given_meters(client)
        await given_meters(client)
        (file,) = (await client.get("/api/pilots/files")).json()["items"]
        assert file["columns"][1] == {"name": "building", "numeric": True, "kind": "amount"}
        assert (file["first"], file["last"], file["rows"]) == ("2023-01-01", "2025-06-30", 912)

    async def test_that_are_no_table_are_refused(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/pilots/files", content=b"hello\nworld\n")
        assert answer.status_code == 400
