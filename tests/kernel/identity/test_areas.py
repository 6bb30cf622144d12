"""Areas: drawn, changed and removed by whoever manages all accounts, named by grants, compared exactly by the table."""

import random

import pytest
from shapely.geometry import Point, Polygon, shape

MEDIJANA = {
    "type": "Polygon",
    "coordinates": [[[21.9, 43.3], [21.95, 43.3], [21.95, 43.33], [21.9, 43.33], [21.9, 43.3]]],
}
# Two parts, the first with a hole.
SCATTERED = {
    "type": "MultiPolygon",
    "coordinates": [
        [
            [[22.0, 43.2], [22.1, 43.2], [22.1, 43.3], [22.05, 43.35], [22.0, 43.3], [22.0, 43.2]],
            [[22.03, 43.23], [22.07, 43.23], [22.07, 43.27], [22.03, 43.27], [22.03, 43.23]],
        ],
        [[[22.2, 43.2], [22.25, 43.2], [22.22, 43.26], [22.2, 43.2]]],
    ],
}
NEW = {"name": "Медијана", "shape": MEDIJANA}


class TestDrawing:
    async def test_an_administrator_draws_names_redraws_and_removes_an_area(self, administrator):
        made = await administrator.put("/api/areas/medijana", json=NEW)
        again = await administrator.put("/api/areas/medijana", json=NEW)
        redrawn = await administrator.put("/api/areas/medijana", json={"name": "М", "shape": SCATTERED, "version": 1})
        late = await administrator.put("/api/areas/medijana", json=NEW | {"version": 1})

        assert (made.status_code, made.json()["version"]) == (200, 1)
        assert (again.status_code, again.json()["code"]) == (409, "area-there")
        assert (redrawn.json()["name"], redrawn.json()["shape"]) == ("М", SCATTERED)
        assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
        assert (late.json()["current"]["name"], late.json()["values"]["changed_by"]) == (
            "М",
            redrawn.json()["changed_by"],
        )
        assert [one["code"] for one in (await administrator.get("/api/areas")).json()["items"]] == ["medijana"]
        assert (await administrator.delete("/api/areas/medijana?version=2")).status_code == 204
        assert (await administrator.get("/api/areas")).json()["items"] == []

    @pytest.mark.parametrize(
        "bad",
        [
            {"type": "Point", "coordinates": [21.9, 43.3]},
            {"type": "Polygon", "coordinates": [[[21.9, 43.3], [21.95, 43.3], [21.95, 43.33], [21.9, 43.33]]]},
            {"type": "Polygon", "coordinates": [[[21.9, 43.3]] * 4]},
            {"type": "Polygon", "coordinates": [[[21.9, 93.3], [21.95, 43.3], [21.95, 43.33], [21.9, 93.3]]]},
            {"type": "Polygon", "coordinates": []},
        ],
        ids=["point", "open ring", "no area", "off the globe", "no ring"],
    )
    async def test_what_is_no_shape_is_refused(self, administrator, bad):
        answer = await administrator.put("/api/areas/medijana", json=NEW | {"shape": bad})

        assert answer.status_code == 422

    async def test_only_who_manages_every_account_draws(self, make_account, sign_in, administrator):
        await make_account("toplana", ("administrator", "toplana"))
        await make_account("desk", ("dispatcher", None))

        refused = await (await sign_in("toplana")).put("/api/areas/medijana", json=NEW)

        assert (refused.status_code, refused.json()["code"]) == (403, "whole-city")
        assert (await (await sign_in("desk")).put("/api/areas/medijana", json=NEW)).status_code == 403
        assert (await (await sign_in("desk")).get("/api/areas")).status_code == 200


class TestGrants:
    async def test_a_role_in_an_area_is_given_shown_and_keeps_the_area_from_going(self, administrator, sign_in):
        await administrator.put("/api/areas/medijana", json=NEW)
        held = {"role": "dispatcher", "organisation": None, "area": "medijana"}
        new = {"login": "mira", "name": "Mira", "roles": [held], "password": "zeleno-drvo-u-parku"}

        made = await administrator.post("/api/accounts", json=new)
        removed = await administrator.delete("/api/areas/medijana?version=1")

        assert (made.status_code, made.json()["roles"]) == (201, [held])
        assert (removed.status_code, removed.json()["code"]) == (409, "area-in-use")
        assert removed.json()["values"] == {"logins": "mira"}
        mira = (await (await sign_in("mira", "zeleno-drvo-u-parku")).get("/api/session")).json()["account"]
        assert mira["reach"]["alarms.acknowledge"] == [{"organisation": None, "area": "medijana"}]
        assert (await administrator.get("/api/areas")).json()["items"][0]["logins"] == ["mira"]

    async def test_a_role_in_an_area_that_is_not_there_is_refused(self, administrator):
        new = {"login": "mira", "name": "Mira", "roles": [{"role": "dispatcher", "area": "nowhere"}]}

        answer = await administrator.post("/api/accounts", json=new)

        assert (answer.status_code, answer.json()["code"]) == (400, "unknown-area")

    async def test_nobody_gives_a_role_beyond_their_own_places(self, administrator, make_account, sign_in):
        await administrator.put("/api/areas/medijana", json=NEW)
        await make_account("chief", ("administrator", "toplana"), organisation="toplana")
        chief = await sign_in("chief")
        new = {"login": "mira", "name": "Mira", "organisation": "toplana"}

        within = {"role": "dispatcher", "organisation": "toplana", "area": "medijana"}
        beyond = {"role": "dispatcher", "organisation": None, "area": "medijana"}

        assert (await chief.post("/api/accounts", json=new | {"roles": [beyond]})).status_code == 403
        assert (await chief.post("/api/accounts", json=new | {"roles": [within]})).status_code == 201


async def test_the_table_finds_the_areas_that_exact_geometry_finds(administrator, services):
    await administrator.put("/api/areas/medijana", json=NEW)
    await administrator.put("/api/areas/scattered", json={"name": "Р", "shape": SCATTERED})
    drawn = {"medijana": shape(MEDIJANA), "scattered": shape(SCATTERED)}
    dice = random.Random(7)
    spots = [(dice.uniform(21.88, 22.28), dice.uniform(43.18, 43.37)) for _ in range(400)]
    corners = [[(x, y), (x + dice.uniform(0.001, 0.05), y), (x, y + dice.uniform(0.001, 0.05))] for x, y in spots]

    async with services.database.session("city") as connection:
        cursor = await connection.execute(
            "SELECT areas_of(jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(x, y))) AS at,"
            "       areas_touching(ring::polygon) AS touching"
            "  FROM unnest(%s::float8[], %s::float8[], %s::text[]) AS spot (x, y, ring)",
            [
                [x for x, _ in spots],
                [y for _, y in spots],
                ["(" + ",".join(f"({x},{y})" for x, y in ring) + ")" for ring in corners],
            ],
        )
        rows = await cursor.fetchall()

    for spot, ring, row in zip(spots, corners, rows, strict=True):
        assert row["at"] == [code for code, area in drawn.items() if area.contains(Point(spot))]
        assert row["touching"] == [code for code, area in drawn.items() if area.intersects(Polygon(ring))]
