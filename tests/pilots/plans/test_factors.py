"""Published prices and emission factors, as the form of a plan gets them."""

import httpx
import pytest
from tests.pilots.conftest import a_draft


async def test_are_offered_by_the_unit_that_a_plan_measures(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/pilots/factors", params={"unit": "MWH"})).json()

    grid = {one["id"]: one["factor"] for one in found["emissions"] if one["of"] == "electricity"}
    assert grid["electricity-ifi-efficiency-2021"]["value"] == "678"
    assert all(one["source"] and one["year"] and one["approach"] for one in grid.values())
    assert len({one["value"] for one in grid.values()}) > 4
    assert found["tariffs"][0]["bands"][0]["price"]["unit"] == "RSD/MWH"
    assert (await client.get("/api/pilots/factors", params={"unit": "KMT"})).json() == {"emissions": [], "tariffs": []}


async def test_are_taken_into_a_plan_as_they_are_offered(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/pilots/factors", params={"unit": "KWH"})).json()

    for one in found["emissions"]:
        plan = await a_draft(client, emissions=one["factor"], tariff=found["tariffs"][1]["bands"])
        assert [problem for problem in plan["problems"] if problem["field"].startswith(("emissions", "tariff"))] == []
        assert plan["specification"]["emissions"]["approach"] == one["factor"]["approach"]


@pytest.mark.parametrize("unit", ["", "K" * 41])
async def test_a_unit_must_be_one(client: httpx.AsyncClient, unit: str) -> None:
    assert (await client.get("/api/pilots/factors", params={"unit": unit})).status_code == 422
