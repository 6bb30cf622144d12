"""The past of what was deleted is found by what it was (ETSI GS CIM 009, clauses 4.5.7, 4.8, 4.11, 5.6.6 and 5.7.4)."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidik.context.jobs import expire_entities, settle_pasts
from vidik.context.store import packing
from vidik.kernel.clock import iso, now
from vidik.kernel.services import Services

TEMPORAL = "/temporal/entities"
LAMP = "urn:ngsi-ld:Lamp:gone"
OTHER = "urn:ngsi-ld:Lamp:there"
EVER = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}
NOON = {"timerel": "between", "timeAt": "2026-03-01T12:00:00Z", "endTimeAt": "2026-03-01T13:00:00Z"}
NULL = "urn:ngsi-ld:null"


def at(time: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-03-01T{time}:00Z", **more}


def place(longitude: float) -> dict[str, Any]:
    return {
        "type": "GeoProperty",
        "value": {"type": "Point", "coordinates": [longitude, 43.3]},
        "observedAt": "2026-03-01T12:00:00Z",
    }


async def found(client: httpx.AsyncClient, **asked: str) -> dict[str, Any]:
    """What a query by type finds, by the last word of each id."""
    answer = await client.get(TEMPORAL, params={"type": "Lamp", **EVER, **asked})
    assert answer.status_code == 200, answer.text
    return {one["id"].rpartition(":")[2]: one for one in answer.json()}


def services_of(client: httpx.AsyncClient) -> Services:
    services: Services = client._transport.app.state.services  # type: ignore[attr-defined]  # an ASGI transport
    return services


@pytest.fixture
async def lamps(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Two lamps alike; one was changed twice, lost an attribute, and was deleted."""
    for entity_id, scope, longitude in ((LAMP, "/Park", 21.9), (OTHER, "/Street", 20.5)):
        entity = {
            "id": entity_id,
            "type": "Lamp",
            "scope": scope,
            "power": at("12:00", 10, unitCode="WTT"),
            "state": at("12:00", "on"),
            "note": at("12:00", "new"),
            "location": place(longitude),
        }
        assert (await client.post("/entities", json=entity)).status_code == 201
        for minute, value in (("12:10", 20), ("12:20", 30)):
            answer = await client.patch(
                f"/entities/{entity_id}/attrs", json={"power": at(minute, value, unitCode="WTT")}
            )
            assert answer.status_code == 204
    assert (await client.delete(f"/entities/{LAMP}/attrs/note")).status_code == 204
    assert (await client.delete(f"/entities/{LAMP}")).status_code == 204
    return client


class TestFinding:
    async def test_by_type_as_by_id(self, lamps: httpx.AsyncClient) -> None:
        shown = await found(lamps)
        assert shown.keys() == {"gone", "there"}
        assert shown["gone"] == (await lamps.get(f"{TEMPORAL}/{LAMP}", params=EVER)).json()
        assert [(one["value"], one["unitCode"]) for one in shown["gone"]["power"]] == [
            (10, "WTT"),
            (20, "WTT"),
            (30, "WTT"),
        ]
        assert shown["gone"]["scope"][0]["value"] == "/Park"

    @pytest.mark.parametrize(
        "asked",
        [
            {"id": f"{LAMP},urn:ngsi-ld:Lamp:none"},
            {"idPattern": "gone$"},
            {"scopeQ": "/Park", "timeproperty": "modifiedAt"},
            {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[21.9,43.3]"},
        ],
    )
    async def test_by_what_it_was(self, lamps: httpx.AsyncClient, asked: dict[str, str]) -> None:
        assert (await found(lamps, **asked)).keys() == {"gone"}
        without_type = {**EVER, "local": "true", **asked}
        assert [one["id"] for one in (await lamps.get(TEMPORAL, params=without_type)).json()] == [LAMP]

    @pytest.mark.parametrize("q", ["power==20", 'power>25;state=="on"', 'note=="new"', "!colour", "power=10..12"])
    async def test_by_its_values(self, lamps: httpx.AsyncClient, q: str) -> None:
        assert (await found(lamps, q=q.replace("=10..12", "==10..12"))).keys() == {"gone", "there"}
        assert (await found(lamps, q="power==21")).keys() == set()

    async def test_by_attributes_that_it_once_had(self, lamps: httpx.AsyncClient) -> None:
        for name in ("power", "note"):
            assert (await found(lamps, attrs=name)).keys() == {"gone", "there"}
        assert (await found(lamps, attrs="colour")).keys() == set()
        assert (await lamps.delete(f"/entities/{OTHER}/attrs/note")).status_code == 204
        assert (await found(lamps, attrs="note")).keys() == {"gone", "there"}

    async def test_by_a_query_that_is_sent(self, lamps: httpx.AsyncClient) -> None:
        times = {**EVER, "timeproperty": "modifiedAt"}
        body = {
            "type": "Query",
            "entities": [{"type": "Lamp"}],
            "temporalQ": times,
            "q": "power==20",
            "scopeQ": "/Park",
        }
        answer = await lamps.post("/temporal/entityOperations/query", json=body)
        assert [one["id"] for one in answer.json()] == [LAMP]

    async def test_not_outside_its_time(self, lamps: httpx.AsyncClient) -> None:
        assert (await found(lamps, **NOON)).keys() == {"gone", "there"}
        assert (await found(lamps, timeAt="2026-03-01T12:21:00Z")).keys() == set()
        assert (await found(lamps, timerel="before", timeAt="2026-03-01T12:00:00Z")).keys() == set()

    async def test_not_as_a_type_or_attribute_that_is_there(self, lamps: httpx.AsyncClient) -> None:
        assert (await lamps.delete(f"/entities/{OTHER}")).status_code == 204
        assert (await lamps.get("/types")).json()["typeList"] == []
        assert (await lamps.get("/attributes")).json()["attributeList"] == []
        assert (await lamps.get("/entities", params={"type": "Lamp"})).json() == []

    async def test_packed_or_not(self, lamps: httpx.AsyncClient) -> None:
        before = await found(lamps)
        assert await packing.pack_closed_days(services_of(lamps).database, "city", date(2026, 4, 1))
        assert await found(lamps) == before
        assert [one["power"] for one in (await found(lamps, **NOON)).values()] == [
            one["power"] for one in before.values()
        ]
        assert (await found(lamps, timeAt="2026-03-02T00:00:00Z")).keys() == set()


class TestForms:
    async def test_pages_and_count_have_both(self, lamps: httpx.AsyncClient) -> None:
        seen = []
        for offset in ("0", "1"):
            asked = {"type": "Lamp", **EVER, "limit": "1", "offset": offset, "count": "true"}
            page = await lamps.get(TEMPORAL, params=asked)
            assert page.headers["NGSILD-Results-Count"] == "2"
            assert ('rel="next"' in page.headers.get("Link", "")) is (offset == "0")
            seen += [one["id"] for one in page.json()]
        assert seen == [LAMP, OTHER]
        turned = await lamps.get(TEMPORAL, params={"type": "Lamp", **EVER, "orderBy": "id;desc", "local": "true"})
        assert [one["id"] for one in turned.json()] == [OTHER, LAMP]

    async def test_what_has_nothing_in_the_range_takes_no_place_on_a_page(self, client: httpx.AsyncClient) -> None:
        for number in range(6):
            entity = {"id": f"urn:ngsi-ld:Lamp:{number}", "type": "Lamp", "power": at(f"12:0{number}", number)}
            assert (await client.post("/entities", json=entity)).status_code == 201
            assert (await client.delete(f"/entities/{entity['id']}")).status_code == 204
        asked = {"type": "Lamp", "timerel": "after", "timeAt": "2026-03-01T12:04:00Z", "limit": "2", "count": "true"}
        page = await client.get(TEMPORAL, params=asked)
        assert [one["power"][0]["value"] for one in page.json()] == [4, 5]
        assert page.headers["NGSILD-Results-Count"] == "2"

    async def test_a_search_by_values_goes_on_after_a_batch(
        self, lamps: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("vidik.context.ngsild.temporal.search._BATCH", 1)
        assert (await found(lamps, q="power==20")).keys() == {"gone", "there"}
        assert [*await found(lamps, q="power==20", orderBy="id;desc", local="true")] == ["there", "gone"]

    async def test_the_last_ones_simplified_and_aggregated(self, lamps: httpx.AsyncClient) -> None:
        shown = (await found(lamps, lastN="2", format="temporalValues", attrs="power"))["gone"]["power"]
        assert shown["values"] == [[20, "2026-03-01T12:10:00Z"], [30, "2026-03-01T12:20:00Z"]]
        asked = {"options": "aggregatedValues", "aggrMethods": "sum,max", "attrs": "power", **NOON}
        power = (await found(lamps, **asked))["gone"]["power"]
        assert (power["sum"][0][0], power["max"][0][0]) == (60, 30)

    async def test_an_entity_map_holds_it(self, lamps: httpx.AsyncClient) -> None:
        first = await lamps.get(TEMPORAL, params={"type": "Lamp", **EVER, "entityMap": "true", "limit": "1"})
        header = {"NGSILD-EntityMap": first.headers["NGSILD-EntityMap"]}
        second = await lamps.get(TEMPORAL, params={"type": "Lamp", **EVER, "limit": "1", "offset": "1"}, headers=header)
        assert [one["id"] for page in (first, second) for one in page.json()] == [LAMP, OTHER]


class TestDeletion:
    async def test_it_is_an_instance_of_every_attribute_that_was_there(self, lamps: httpx.AsyncClient) -> None:
        shown = (await found(lamps, timeproperty="deletedAt", options="sysAttrs"))["gone"]
        assert shown.keys() == {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt"} | {
            "power", "state", "note", "location",
        }  # fmt: skip
        (power,), (note,), (scope,) = shown["power"], shown["note"], shown["scope"]
        assert (power["type"], power["value"], power["deletedAt"]) == ("Property", NULL, shown["deletedAt"])
        assert (note["value"], scope["value"], scope["deletedAt"]) == (NULL, [], shown["deletedAt"])
        assert shown["createdAt"] <= note["deletedAt"] <= shown["modifiedAt"] <= shown["deletedAt"]
        assert (
            shown
            == (
                await lamps.get(f"{TEMPORAL}/{LAMP}", params={"timeproperty": "deletedAt", "options": "sysAttrs"})
            ).json()
        )
        assert "deletedAt" not in (await found(lamps))["gone"]
        assert "deletedAt" not in (await found(lamps, options="sysAttrs"))["there"]

    async def test_who_was_deleted_since_then(self, lamps: httpx.AsyncClient) -> None:
        asked = {"timeproperty": "deletedAt", "options": "sysAttrs"}
        moment = (await found(lamps, **asked))["gone"]["deletedAt"]
        assert (await found(lamps, **asked, timeAt=moment)).keys() == {"gone"}
        assert (await found(lamps, **asked, timeAt=moment, scopeQ="/#")).keys() <= {"gone"}
        assert (await found(lamps, **asked, timeAt=moment, q="power")).keys() == {"gone"}
        later = iso(datetime.fromisoformat(moment) + timedelta(microseconds=1))
        assert (await found(lamps, **asked, timeAt=later)).keys() == set()
        simple = await found(lamps, timeproperty="deletedAt", timeAt=moment, format="temporalValues")
        assert simple["gone"]["power"]["values"] == [[NULL, moment]]

    async def test_it_is_a_modification_and_no_observation(self, lamps: httpx.AsyncClient) -> None:
        power = (await found(lamps, timeproperty="modifiedAt"))["gone"]["power"]
        assert [one["value"] for one in power] == [10, 20, 30, NULL]
        assert [one["value"] for one in (await found(lamps))["gone"]["power"]] == [10, 20, 30]
        assert [one["value"] for one in (await found(lamps, timeproperty="createdAt"))["gone"]["power"]] == [10, 20, 30]

    async def test_every_kind_and_dataset_ends(self, client: httpx.AsyncClient) -> None:
        entity = {
            "id": LAMP,
            "type": "Lamp",
            "power": [at("12:00", 1), at("12:00", 2, datasetId="urn:x:meter")],
            "owner": {"type": "Relationship", "object": "urn:x:1"},
            "name": {"type": "LanguageProperty", "languageMap": {"en": "lamp"}},
        }
        await client.post("/entities", json=entity)
        await client.delete(f"/entities/{LAMP}")
        shown = (await found(client, timeproperty="deletedAt"))["gone"]
        assert [(one.get("datasetId"), one["value"]) for one in shown["power"]] == [(None, NULL), ("urn:x:meter", NULL)]
        assert (shown["owner"][0]["object"], shown["name"][0]["languageMap"]) == (NULL, {"@none": NULL})

    async def test_what_was_deleted_by_batch_purge_or_time_is_found_too(self, client: httpx.AsyncClient) -> None:
        def lamp(name: str, **more: Any) -> dict[str, Any]:
            return {"id": f"urn:ngsi-ld:Lamp:{name}", "type": "Lamp", "power": at("12:00", 1), **more}

        soon = iso(now() + timedelta(milliseconds=200))
        for one in (lamp("batch"), lamp("purge"), lamp("time", expiresAt=soon)):
            assert (await client.post("/entities", json=one)).status_code == 201
        batch = await client.post("/entityOperations/delete", json=[lamp("batch")["id"]])
        purge = await client.delete("/entities", params={"type": "Lamp", "idPattern": "purge"})
        assert (batch.status_code, purge.status_code) == (204, 204)
        while datetime.now(UTC) < datetime.fromisoformat(soon):
            assert "time" in await found(client)
        assert (await found(client)).keys() == {"batch", "purge", "time"}  # nobody has come by to delete it
        await expire_entities(services_of(client), "city")
        shown = await found(client, timeproperty="deletedAt", options="sysAttrs")
        assert shown.keys() == {"batch", "purge", "time"}
        assert shown["time"]["deletedAt"] >= soon


class TestAfterwards:
    async def test_an_entity_of_that_id_takes_it_up(self, lamps: httpx.AsyncClient) -> None:
        ended = (await found(lamps, timeproperty="deletedAt"))["gone"]["power"][0]["deletedAt"]
        again = {"id": LAMP, "type": "Lamp", "scope": "/Bridge", "power": at("12:30", 40)}
        assert (await lamps.post("/entities", json=again)).status_code == 201
        shown = await found(lamps, timeproperty="deletedAt", options="sysAttrs")
        assert [one["deletedAt"] for one in shown["gone"]["power"]] == [ended]
        assert "deletedAt" not in shown["gone"]
        assert [one["value"] for one in (await found(lamps))["gone"]["power"]] == [10, 20, 30, 40]
        assert (await lamps.delete(f"/entities/{LAMP}")).status_code == 204
        shown = await found(lamps, timeproperty="deletedAt")
        assert len(shown["gone"]["power"]) == 2
        assert len(shown["gone"]["state"]) == 1

    async def test_a_scope_ends_with_its_entity(self, lamps: httpx.AsyncClient) -> None:
        asked = {"timeproperty": "deletedAt"}
        ended = (await found(lamps, **asked))["gone"]["scope"][0]["deletedAt"]
        await lamps.post("/entities", json={"id": LAMP, "type": "Lamp", "scope": "/Bridge", "power": at("12:30", 40)})
        assert [one["deletedAt"] for one in (await found(lamps, **asked))["gone"]["scope"]] == [ended]
        assert [
            one["value"]
            for one in (await found(lamps, timeAt="2026-11-01T00:00:00Z", timeproperty="modifiedAt"))["gone"]["scope"]
        ] == ["/Park", [], "/Bridge"]

    async def test_its_past_is_deleted_by_its_id_and_then_nothing_is_left(self, lamps: httpx.AsyncClient) -> None:
        assert (await lamps.delete(f"{TEMPORAL}/{LAMP}")).status_code == 204
        for timeproperty in ("observedAt", "modifiedAt", "deletedAt"):
            assert "gone" not in await found(lamps, timeproperty=timeproperty)
        async with services_of(lamps).database.session("city") as connection:
            cursor = await connection.execute(
                "SELECT (SELECT count(*) FROM entity_gone) AS gone,"
                " (SELECT count(DISTINCT entity) FROM series) AS series"
            )
            assert await cursor.fetchone() == {"gone": 0, "series": 1}

    async def test_its_past_without_an_attribute(self, lamps: httpx.AsyncClient) -> None:
        assert (await lamps.delete(f"{TEMPORAL}/{LAMP}/attrs/power")).status_code == 204
        assert "power" not in (await found(lamps, timeproperty="deletedAt"))["gone"]
        assert (await found(lamps, attrs="power")).keys() == {"there"}
        assert (await found(lamps, attrs="state")).keys() == {"gone", "there"}

    async def test_more_may_be_told_of_its_past_and_it_stays_deleted(self, lamps: httpx.AsyncClient) -> None:
        more = {"power": [at("12:05", 15)], "colour": [at("12:05", "red")]}
        assert (await lamps.post(f"{TEMPORAL}/{LAMP}/attrs", json=more)).status_code == 204
        shown = (await found(lamps))["gone"]
        assert [one["value"] for one in shown["power"]] == [10, 15, 20, 30]
        ended = (await found(lamps, timeproperty="deletedAt", options="sysAttrs"))["gone"]
        assert "deletedAt" in ended
        assert "colour" not in ended
        assert (await lamps.delete(f"/entities/{LAMP}")).status_code == 404
        assert (await lamps.delete(f"/entities/{LAMP}/attrs/colour")).status_code == 404
        since = iso(now())
        instance = shown["power"][0]["instanceId"]
        assert (await lamps.patch(f"{TEMPORAL}/{LAMP}/attrs/power/{instance}", json={"value": 11})).status_code == 204
        corrected = await found(lamps, timeproperty="modifiedAt", timeAt=since)
        assert [one["value"] for one in corrected["gone"]["power"]] == [11]

    async def test_no_value_stays_outside_its_history(self, lamps: httpx.AsyncClient) -> None:
        async with services_of(lamps).database.session("city") as connection:
            cursor = await connection.execute("SELECT document, place FROM entity_gone")
            row = await cursor.fetchone()
        assert row is not None
        assert row["place"] is None
        assert sorted(map(str, row["document"].values())) == [
            "{'type': 'GeoProperty'}",
            "{'type': 'Property', 'unitCode': 'WTT'}",
            "{'type': 'Property'}",
        ]


async def test_a_snapshot_of_the_past_holds_it_with_its_end(lamps: httpx.AsyncClient) -> None:
    query = {"type": "Query", "entities": [{"type": "Lamp"}], "temporalQ": {**EVER, "timeproperty": "modifiedAt"}}
    made = await lamps.post("/snapshots", json={"type": "Snapshot", "snapshotTemporalQueries": [query]})
    assert made.status_code == 201, made.text
    here = {"NGSILD-Snapshot": made.headers["Location"].rpartition("/")[2]}
    ended = await found(lamps, timeproperty="deletedAt", options="sysAttrs")
    assert (await lamps.delete(f"{TEMPORAL}/{LAMP}")).status_code == 204

    asked = {"type": "Lamp", **EVER, "timeproperty": "deletedAt", "options": "sysAttrs"}
    answer = await lamps.get(TEMPORAL, params=asked, headers=here)
    assert [(one["id"], one["deletedAt"], one["power"]) for one in answer.json()] == [
        (LAMP, ended["gone"]["deletedAt"], ended["gone"]["power"])
    ]
    assert (await found(lamps)).keys() == {"there"}


@pytest.mark.parametrize("is_packed", [False, True])
async def test_when_a_past_ended_is_noted_until_more_is_told_of_it(client: httpx.AsyncClient, is_packed: bool) -> None:
    services = services_of(client)
    await client.post("/entities", json={"id": LAMP, "type": "Lamp", "power": at("12:00", 1)})
    await client.delete(f"/entities/{LAMP}")
    if is_packed:
        await packing.pack_closed_days(services.database, "city", date(2026, 4, 1))
    await settle_pasts(services, "city")

    end = datetime(2026, 3, 2, tzinfo=UTC) if is_packed else datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert await _latest(client) == end
    assert (await found(client, timeAt="2026-03-01T12:00:00Z")).keys() == {"gone"}
    assert (await found(client, timeAt="2026-03-01T12:00:01Z")).keys() == set()
    assert (await found(client, timeproperty="deletedAt")).keys() == {"gone"}

    later = {"power": [{**at("12:00", 1), "observedAt": "2026-03-05T12:00:00Z"}]}
    assert (await client.post(f"{TEMPORAL}/{LAMP}/attrs", json=later)).status_code == 204
    told = (await found(client, timeAt="2026-03-03T00:00:00Z"))["gone"]["power"]
    await settle_pasts(services, "city")
    path = f"{TEMPORAL}/{LAMP}/attrs/power/{told[0]['instanceId']}"
    assert (await client.patch(path, json={"observedAt": "2026-03-09T12:00:00Z"})).status_code == 204
    assert await _latest(client) is None
    assert (await found(client, timeAt="2026-03-08T00:00:00Z")).keys() == {"gone"}


async def _latest(client: httpx.AsyncClient) -> datetime | None:
    async with services_of(client).database.session("city") as connection:
        cursor = await connection.execute("SELECT latest FROM entity_gone")
        row = await cursor.fetchone()
    assert row is not None
    latest: datetime | None = row["latest"]
    return latest


@pytest.mark.parametrize("is_packed", [False, True])
async def test_what_was_deleted_before_is_found_by_its_history(lamps: httpx.AsyncClient, is_packed: bool) -> None:
    services = services_of(lamps)
    before = await found(lamps, timeproperty="deletedAt")
    async with services.database.transaction("city") as connection:
        await connection.execute(
            "UPDATE entity_gone SET document = '{}', scope = NULL, created_at = NULL, modified_at = NULL"
        )
    if is_packed:
        await packing.pack_closed_days(services.database, "city", now().date() + timedelta(days=1))
    async with services.database.transaction("city") as connection:
        await connection.execute(import_module("vidik.migrations.tenant.versions.t0035_departed").TOLD_BY_HISTORY)

    after = await found(lamps, timeproperty="deletedAt")

    del before["gone"]["scope"]
    assert after == before
    assert (await found(lamps)).keys() == (await found(lamps, attrs="note")).keys() == {"gone", "there"}
    again = {"id": LAMP, "type": "Lamp", "power": at("12:30", 40)}
    assert (await lamps.post("/entities", json=again)).status_code == 201
    ended = (await found(lamps, timeproperty="deletedAt"))["gone"]
    assert ended.keys() == (
        {"id", "type", "note"} if is_packed else {"id", "type", "power", "state", "note", "location"}
    )


ATTRIBUTES = ("power", "state")
steps = st.tuples(
    st.sampled_from(["create", "set", "set", "drop", "delete", "delete", "batch", "forget"]),
    st.integers(0, 1),
    st.sampled_from(ATTRIBUTES),
    st.sampled_from(["Lamp", "Tree"]),
)
_examples = itertools.count()


@dataclass
class Model:
    """What should be known of one entity."""

    kind: str = ""
    there: set[str] | None = None
    """Its attributes; None where it is not there."""
    values: dict[str, list[int]] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)

    def said(self, attribute: str, value: int) -> None:
        assert self.there is not None
        self.there.add(attribute)
        self.values.setdefault(attribute, []).append(value)

    def ended(self, attributes: set[str]) -> None:
        for one in attributes:
            self.ends[one] = self.ends.get(one, 0) + 1


@given(st.lists(steps, min_size=1, max_size=14))
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
async def test_a_query_by_type_gives_what_happened(
    client: httpx.AsyncClient, happening: list[tuple[str, int, str, str]]
) -> None:
    example = next(_examples)
    models = [Model(), Model()]
    for number, (what, which, attribute, kind) in enumerate(happening):
        model, entity_id = models[which], f"urn:ngsi-ld:E{example}:{which}"
        given_one = {"type": "Property", "value": number, "observedAt": f"2026-03-01T12:{number:02}:00Z"}
        if what == "create" and model.there is None:
            entity = {"id": entity_id, "type": f"{kind}{example}", attribute: given_one}
            assert (await client.post("/entities", json=entity)).status_code == 201
            model.kind, model.there = kind, set()
            model.said(attribute, number)
        elif what == "set" and model.there is not None:
            answer = await client.post(f"/entities/{entity_id}/attrs", json={attribute: given_one})
            assert answer.status_code == 204
            model.said(attribute, number)
        elif what == "drop" and model.there is not None and attribute in model.there:
            assert (await client.delete(f"/entities/{entity_id}/attrs/{attribute}")).status_code == 204
            model.there.discard(attribute)
            model.ended({attribute})
        elif what in ("delete", "batch") and model.there is not None:
            if what == "delete":
                answer = await client.delete(f"/entities/{entity_id}")
            else:
                answer = await client.post("/entityOperations/delete", json=[entity_id])
            assert answer.status_code == 204
            model.ended(model.there)
            model.there = None
        elif what == "forget" and model.kind:
            answer = await client.delete(f"{TEMPORAL}/{entity_id}")
            assert answer.status_code == 204
            models[which] = Model() if model.there is None else Model(model.kind, model.there)

    for kind in ("Lamp", "Tree"):
        values = await _told(client, f"{kind}{example}", "observedAt")
        ends = await _told(client, f"{kind}{example}", "deletedAt")
        for which, model in enumerate(models):
            entity_id = f"urn:ngsi-ld:E{example}:{which}"
            is_it = model.kind == kind
            assert values.get(entity_id, {}) == (model.values if is_it else {})
            counts = {name: len(each) for name, each in ends.get(entity_id, {}).items()}
            assert counts == (model.ends if is_it else {})


async def _told(client: httpx.AsyncClient, kind: str, timeproperty: str) -> dict[str, dict[str, list[Any]]]:
    """The values by entity and attribute, read a page of one entity at a time."""
    found: dict[str, dict[str, list[Any]]] = {}
    for offset in itertools.count():
        asked = {"type": kind, **EVER, "timeproperty": timeproperty, "limit": "1", "offset": str(offset)}
        page = await client.get(TEMPORAL, params=asked)
        assert page.status_code == 200
        for one in page.json():
            found[one["id"]] = {name: [each["value"] for each in one[name]] for name in ATTRIBUTES if name in one}
        if 'rel="next"' not in page.headers.get("Link", ""):
            return found
    raise AssertionError
