"""Plans on the city's memory: signals found, read, compared with the freeze; and the worker's daily round."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette
from tests.operations.factories import store_together
from tests.pilots.conftest import BASELINE, REPORTING, START, a_draft, as_person, finished, signed

from vidik.context.jsonld import names
from vidik.context.store.readings import AttributeMeta, Target
from vidik.kernel.clock import now
from vidik.kernel.database import Database
from vidik.kernel.services import Services
from vidik.pilots.jobs import watch_all, work_off
from vidik.pilots.plans import repository

ENERGY = names.expand_attribute("energyConsumed")


def a_meter(number: int, origin: str) -> Target:
    """A heat meter whose energy is counted in kWh."""
    document: dict[str, Any] = {
        names.expand_attribute("name"): {"type": "Property", "value": f"Топлотно бројило {number}"},
        names.expand_attribute("dataOrigin"): {"type": "Property", "value": origin},
    }
    entity = f"urn:ngsi-ld:HeatMeter:nis:{number}"
    meta: Mapping[str, AttributeMeta] = {ENERGY: AttributeMeta("Property", "KWH")}
    return Target(entity, (names.expand_type("HeatMeter"),), meta, f"urn:ngsi-ld:Device:{number}", lambda: document)


def a_signal(number: int, **other: Any) -> dict[str, Any]:
    return {
        "name": f"meter {number}",
        "entity": f"urn:ngsi-ld:HeatMeter:nis:{number}",
        "attribute": "energyConsumed",
        "kind": "amount",
        "unit": "KWH",
    } | other


@pytest.fixture
async def memory(database: Database) -> Database:
    """Three meters that tell their day's energy at noon, for two and a half years."""
    generator = np.random.default_rng(3)
    begin = datetime.fromisoformat(START).replace(hour=12, tzinfo=UTC)
    for number in (1, 2, 3):
        days = np.arange(900)
        amounts = (100 + 30 * np.cos(2 * np.pi * days / 365.25)) * generator.normal(1, 0.03, len(days))
        story = [{"energyConsumed": round(float(amount), 3)} for amount in amounts]
        await store_together(database, a_meter(number, "simulated"), story, begin, timedelta(days=1))
    return database


def a_plan(**other: Any) -> dict[str, Any]:
    return {
        "units": [a_signal(1)],
        "donors": [a_signal(2), a_signal(3)],
        "temperature": None,
        "model": "mean_week",
    } | other


class TestSignals:
    async def test_are_found_by_words_in_any_script(self, client: httpx.AsyncClient, memory: Database) -> None:
        items = (await client.get("/api/pilots/signals", params={"q": "toplotno 2"})).json()["items"]
        (item,) = items
        assert item == {
            "entity": "urn:ngsi-ld:HeatMeter:nis:2",
            "name": "Топлотно бројило 2",
            "type": "HeatMeter",
            "attribute": "energyConsumed",
            "unit": "KWH",
            "origin": "simulated",
            "kind": "amount",
            "first": "2023-01-01",
            "last": "2025-06-18",
        }

    async def test_that_are_not_there_or_in_another_unit_are_problems(
        self, client: httpx.AsyncClient, memory: Database
    ) -> None:
        donors = [a_signal(2), a_signal(9), a_signal(3, attribute="colour")]
        plan = await a_draft(client, **a_plan(donors=donors))
        assert [(one["field"], one["code"]) for one in plan["problems"]] == [
            ("donors.1.entity", "no-entity"),
            ("donors.2.attribute", "no-attribute"),
        ]
        price = {"value": "1", "unit": "RSD/MWH", "source": "x", "year": 2025}
        units = {"units": [a_signal(1, unit="MWH")], "donors": [], "tariff": [{"price": price}], "emissions": None}
        plan = await a_draft(client, **a_plan(**units))
        assert [(one["field"], one["code"]) for one in plan["problems"]] == [("units.0.unit", "unit-differs")]
        assert plan["draft_hash"] is None


class TestData:
    async def test_a_reading_changed_after_the_freeze_is_shown(
        self, app: Starlette, client: httpx.AsyncClient, memory: Database
    ) -> None:
        plan = await signed(client, await a_draft(client, **a_plan()))
        assert plan["simulated"] is True
        path = f"/api/pilots/plans/{plan['id']}"
        job = await finished(app, client, f"{path}/watch")
        assert job["state"] == "done", job
        assert (await client.get(f"{path}/watch")).json()["changes"] == []
        async with memory.transaction("city") as connection:
            await connection.execute(
                "UPDATE observation SET number = number * 1.5 WHERE observed_at::date = '2024-05-05'"
                " AND series = (SELECT min(series) FROM series WHERE attribute = %s)",
                [ENERGY],
            )
        await finished(app, client, f"{path}/watch")
        watch = (await client.get(f"{path}/watch")).json()
        assert watch["data_changed"] is True
        assert [change["signal"] for change in watch["changes"]] == ["meter 1"]
        (row,) = (await client.get("/api/pilots/plans")).json()["items"]
        assert row["data_changed"] is True

    async def test_readings_of_the_reporting_period_change_nothing_of_the_freeze(
        self, app: Starlette, client: httpx.AsyncClient, memory: Database
    ) -> None:
        plan = await signed(client, await a_draft(client, **a_plan()))
        path = f"/api/pilots/plans/{plan['id']}"
        late = datetime(2025, 6, 20, 12, tzinfo=UTC)
        await store_together(memory, a_meter(1, "simulated"), [{"energyConsumed": 99.0}] * 5, late, timedelta(days=1))
        await finished(app, client, f"{path}/watch")
        assert (await client.get(f"{path}/watch")).json()["changes"] == []

    async def test_a_unit_without_data_in_the_baseline_cannot_be_frozen(
        self, client: httpx.AsyncClient, memory: Database
    ) -> None:
        early = {"baseline": {"first": "2020-01-01", "last": "2020-12-31"}, "reporting": REPORTING}
        plan = await a_draft(client, **a_plan(**early))
        body = {"hash": plan["draft_hash"], "statement": "Сагласна сам."}
        answer = await client.post(f"/api/pilots/plans/{plan['id']}/freeze", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "no-data")


class TestDailyRound:
    async def test_computes_what_has_come_further_and_nothing_else(
        self, services: Services, client: httpx.AsyncClient, memory: Database
    ) -> None:
        plan = await signed(client, await a_draft(client, **a_plan()))
        future = {"baseline": BASELINE, "reporting": {"first": "2090-01-01", "last": "2090-12-31"}}
        await signed(client, await a_draft(client, **a_plan(**future, units=[a_signal(2)], donors=[a_signal(3)])))
        await watch_all(services, "city")
        await work_off(services, "city")
        rows = (await client.get("/api/pilots/plans")).json()["items"]
        assert [row["id"] for row in rows if row["computed_at"]] == [plan["id"]]
        await watch_all(services, "city")
        async with services.database.transaction("city") as connection:
            assert await repository.take_job(connection, now(), now()) is None

    async def test_takes_up_the_job_of_a_worker_that_went_silent(
        self, services: Services, client: httpx.AsyncClient, memory: Database
    ) -> None:
        plan = await signed(client, await a_draft(client, **a_plan()))
        answer = await client.post(f"/api/pilots/plans/{plan['id']}/watch")
        again = await client.post(f"/api/pilots/plans/{plan['id']}/watch")
        assert again.json() == answer.json()
        long_ago = now() - timedelta(hours=1)
        async with services.database.transaction("city") as connection:
            assert await repository.take_job(connection, long_ago, long_ago) is not None
        await work_off(services, "city")
        job = (await client.get(f"/api/pilots/jobs/{answer.json()['job']}")).json()
        assert (job["state"], job["done"], job["of"]) == ("done", 3, 3)


class TestCandidates:
    async def test_are_compared_and_asked_what_if_without_saving(self, client: httpx.AsyncClient) -> None:
        assumed = (await client.get("/api/pilots/candidates", params={"ranked": False})).json()
        assert assumed["ranking"] is None
        assert {service["provability"] for service in assumed["services"]} == {None}
        compared = (await client.get("/api/pilots/candidates")).json()
        same = ("currency", "budget", "discount_rate", "horizon_years", "view", "overrides")
        assert [assumed[name] for name in same] == [compared[name] for name in same]
        assert len(compared["services"]) == 7
        assert len(compared["ranking"]["triples"]) == 35
        body = {"overrides": {"lighting": {"saving_fraction": 0.01}}}
        answer = await client.post("/api/pilots/candidates/rank", json=body, headers=as_person("reader"))
        assert answer.status_code == 200, answer.text
        assert "lighting" not in answer.json()["recommended"]
        assert (await client.get("/api/pilots/candidates")).json()["overrides"] == {}
        refused = await client.post("/api/pilots/candidates/rank", json={"overrides": {"zoo": {"cost": 1}}})
        assert refused.status_code == 422

    async def test_can_be_made_the_citys_own(self, client: httpx.AsyncClient) -> None:
        body = {"budget": 2e8, "reason": "Ребаланс"}
        assert (await client.put("/api/pilots/candidates", json=body, headers=as_person("reader"))).status_code == 403
        kept = (await client.put("/api/pilots/candidates", json=body)).json()
        assert (kept["budget"], kept["changed_by"]) == (2e8, "Јелена Илић")
        assert (await client.get("/api/pilots/candidates")).json()["budget"] == 2e8

    async def test_take_what_the_citys_own_data_can_show_where_nobody_said_otherwise(
        self, services: Services, client: httpx.AsyncClient, memory: Database
    ) -> None:
        async def of(service: str) -> dict[str, Any]:
            found = (await client.get("/api/pilots/candidates")).json()["services"]
            return next(candidate for candidate in found if candidate["service"] == service)

        plan = await a_draft(client, **a_plan())
        draft, service = plan["id"], plan["specification"]["service"]
        before = await of(service)
        assert before["detectable_from"] == {"kind": "register"}
        await client.post(f"/api/pilots/plans/{draft}/power")
        await work_off(services, "city")
        power = (await client.get(f"/api/pilots/plans/{draft}/power")).json()

        measured = await of(service)
        assert measured["detectable_fraction"] == power["detectable"] != before["detectable_fraction"]
        assert measured["detectable_from"]["kind"] == "plan"
        assert (measured["detectable_from"]["plan"], measured["detectable_from"]["placebos"]) == (
            draft,
            power["placebos"],
        )
        assert (measured["provability"] < before["provability"]) == (
            measured["detectable_fraction"] > before["detectable_fraction"]
        )

        said = {"overrides": {service: {"detectable_fraction": 0.2}}, "reason": "Звали смо катедру"}
        await client.put("/api/pilots/candidates", json=said)
        kept = await of(service)
        assert (kept["detectable_fraction"], kept["detectable_from"]) == (0.2, {"kind": "city"})
