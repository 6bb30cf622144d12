"""A batch of entities that are alike is stored as if they had come one by one."""

from typing import Any

import httpx
import orjson
import pytest

from vidik.context.jsonld import processing
from vidik.context.ngsild.entities.alike import FEWEST, sort_out
from vidik.context.ngsild.representation import validation
from vidik.context.store import changes, crowds
from vidik.kernel.database import Database

CONTEXT = processing.build({"ex": "https://x.example/", "p%": "https://x.example/100%25"}, {})
AT = "2026-03-04T12:00:00.5Z"
SEEN = "2026-03-04T11:00:00Z"
POINT = {"type": "Point", "coordinates": [21.9, 43.3]}
LINE = {"type": "LineString", "coordinates": [[21.9, 43.3], [21.8, 43.2]]}
STANDING = [
    {"power": {"type": "Property", "value": 5}},
    {"power": {"type": "Property", "value": 5.5, "observedAt": SEEN, "unitCode": "W%"}},
    {"power": {"type": "Property", "value": True}},
    {"p%": {"type": "Property", "value": "100 %b", "observedAt": SEEN}},
    {"location": {"type": "GeoProperty", "value": POINT}, "name": {"type": "Property", "value": "Ниш"}},
    {"location": {"type": "GeoProperty", "value": LINE, "observedAt": SEEN}},
    {"location": POINT, "power": 7, "state": "on"},
    {"isIn": {"type": "Relationship", "object": "urn:e:city"}},
    {"power": {"value": 1, "accuracy": {"value": 0.1}}},
    {"tags": {"type": "ListProperty", "valueList": [1, 2]}, "names": {"languageMap": {"sr": "Ниш"}}},
    {},
]
ONE_BY_ONE: list[dict[str, Any]] = [
    {"power": {"type": "Property", "value": None}},
    {"power": {"type": "Property"}},
    {"power": {"type": "Property", "value": "urn:ngsi-ld:null"}},
    {"power": {"type": ["Property"], "value": 5}},
    {"power": {"type": "Property", "value": 5, "observedAt": "yesterday"}},
    {"power": {"type": "Property", "value": 5, "observedAt": [SEEN]}},
    {"power": {"type": "Property", "value": 5, "unitCode": 7}},
    {"power": {"type": "Property", "value": 5, "expiresAt": "2030-01-01T00:00:00Z"}},
    {"power": [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}]},
    {"power": {"value": 1, "datasetId": "urn:d:1"}},
    {"power": 1, "https://uri.etsi.org/ngsi-ld/default-context/power": 2},
    {"power": 1, "scope": "/Nis"},
    {"power": 1, "expiresAt": "2030-01-01T00:00:00Z"},
    {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [200, 43.3]}}},
    {"a name": 1},
]


def lamps(attributes: dict[str, Any], count: int = FEWEST) -> list[dict[str, Any]]:
    return [
        orjson.loads(orjson.dumps({"id": f"urn:e:{place}", "type": "Lamp", **attributes})) for place in range(count)
    ]


class TestWhatIsFound:
    @pytest.mark.parametrize("attributes", STANDING)
    def test_is_what_is_found_in_each(self, attributes: dict[str, Any]) -> None:
        (alike,), others = sort_out(lamps(attributes), CONTEXT, validation.CREATE)
        assert others == []
        for place, item in enumerate(lamps(attributes)):
            assert alike.entity(place) == validation.parse_entity(item, CONTEXT)

    @pytest.mark.parametrize("attributes", ONE_BY_ONE)
    def test_is_nothing_where_one_is_unlike_the_others(self, attributes: dict[str, Any]) -> None:
        batch = [*lamps(dict.fromkeys(attributes, 1)), *lamps(attributes, 1)]
        batch[-1]["id"] = "urn:e:last"
        assert sort_out(batch, CONTEXT, validation.CREATE) == ([], batch)

    @pytest.mark.parametrize("wrong", [{"id": "no uri"}, {"id": "urn:ngsi-ld:null"}, {"id": 5}, {"type": "@id"}])
    def test_is_nothing_where_id_or_type_is_wrong(self, wrong: dict[str, Any]) -> None:
        batch = [{**lamp, **wrong, "id": wrong.get("id", lamp["id"])} for lamp in lamps({"power": 5})]
        assert sort_out(batch, CONTEXT, validation.CREATE)[0] == []

    def test_is_nothing_where_few_are_alike_or_one_is_there_twice(self) -> None:
        few = lamps({"power": 5}, FEWEST - 1)
        assert sort_out(few, CONTEXT, validation.CREATE) == ([], few)
        twice = [*lamps({"power": 5}), *lamps({"power": 6}, 1)]
        assert sort_out(twice, CONTEXT, validation.CREATE) == ([], twice)


@pytest.mark.parametrize("attributes", STANDING)
def test_the_documents_are_those_of_single_ones(attributes: dict[str, Any]) -> None:
    (alike,), _ = sort_out(lamps(attributes), CONTEXT, validation.CREATE)
    crowd = alike.crowd(AT)
    for document, detail in zip(crowd.documents(), crowds.details_of(crowd), strict=True):
        stored = orjson.loads(document)
        assert list(stored) == [column.attribute for column in crowd.columns]
        assert all((one["createdAt"], one["modifiedAt"]) == (AT, AT) for one in stored.values())
        assert detail.after == {name: [instance] for name, instance in stored.items()}


class TestOverHttp:
    @pytest.mark.parametrize("operation", ["create", "upsert"])
    async def test_a_crowd_says_the_same_as_single_entities(self, client: httpx.AsyncClient, operation: str) -> None:
        attributes = {
            "power": {"type": "Property", "value": 5, "unitCode": "WTT", "observedAt": SEEN},
            "state": {"type": "Property", "value": "on"},
            "level": {"type": "Property", "value": 7},
            "location": {"type": "GeoProperty", "value": POINT},
            "isIn": {"type": "Relationship", "object": "urn:e:city"},
        }
        batch = lamps(attributes)
        batch[3]["power"] = {"type": "Property", "value": 6, "observedAt": "2026-03-05T11:00:00Z"}
        single = {**batch[3], "id": "urn:e:single"}
        assert (await client.post("/entities", json=single)).status_code == 201
        response = await client.post(f"/entityOperations/{operation}", json=batch)
        assert (response.status_code, response.json()) == (201, [one["id"] for one in batch])
        for path in ("/entities/urn:e:{}?options=sysAttrs", "/temporal/entities/urn:e:{}"):
            answers = [(await client.get(path.format(name))).content for name in ("3", "single")]
            assert _without_times(answers[0]) == _without_times(answers[1].replace(b"urn:e:single", b"urn:e:3"))
        found = await client.get(
            "/entities?type=Lamp&georel=near;maxDistance==10&geometry=Point&coordinates=[21.9,43.3]"
        )
        assert len(found.json()) == FEWEST + 1

    @pytest.mark.parametrize("followed", [False, True])
    async def test_the_stream_says_each_birth(
        self, client: httpx.AsyncClient, database: Database, followed: bool
    ) -> None:
        if followed:
            endpoint = {"uri": "http://127.0.0.1:9/notify"}
            about = {"type": "Subscription", "entities": [{"type": "Lamp"}], "notification": {"endpoint": endpoint}}
            assert (await client.post("/subscriptions", json=about)).status_code == 201
        batch = lamps({"power": {"type": "Property", "value": 5, "observedAt": SEEN}, "state": "on"})
        await client.post("/entityOperations/upsert", json=batch)
        await client.post("/entities", json={**batch[0], "id": "urn:e:single"})
        async with database.session("city") as connection:
            of_crowd, of_single = await changes.read_after(connection, 0)
        (single,) = of_single.changes
        assert [change.entity_id for change in of_crowd.changes] == [one["id"] for one in batch]
        for change in of_crowd.changes:
            assert (change.types, change.operation) == (single.types, "created")
            assert change.attributes == single.attributes
            assert (change.detail is None, single.detail is None) == (not followed, not followed)
            if change.detail is not None and single.detail is not None:
                assert _stripped(change.detail.after) == _stripped(single.detail.after)
                assert (change.detail.before, change.detail.scope) == ({}, None)

    async def test_who_is_there_or_was_is_written_with_the_newcomers(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json={"id": "urn:e:0", "type": "Lamp", "power": 1, "state": "on"})
        await client.post("/entities", json={"id": "urn:e:1", "type": "Lamp", "power": 2})
        await client.delete("/entities/urn:e:1")
        batch = [*lamps({"power": 5}), {"id": "urn:e:bad", "type": "Lamp", "power": None}]
        response = await client.post("/entityOperations/upsert", json=batch)
        assert response.status_code == 207
        assert sorted(response.json()["success"]) == sorted(one["id"] for one in batch[:-1])
        assert (await client.get("/entities/urn:e:0?options=keyValues")).json() == batch[0]
        past = (await client.get("/temporal/entities/urn:e:1?options=temporalValues&timeproperty=modifiedAt")).json()
        assert [value for value, _ in past["power"]["values"]] == [2, "urn:ngsi-ld:null", 5]
        refused = await client.post("/entityOperations/create", json=lamps({"power": 6}, FEWEST + 1))
        assert (refused.status_code, refused.json()["success"]) == (207, [f"urn:e:{FEWEST}"])


def _without_times(answer: bytes) -> Any:
    """An answer without the times that are those of writing, and the ids that are made of them."""
    return _stripped(orjson.loads(answer))


def _stripped(found: Any) -> Any:
    if isinstance(found, list):
        return [_stripped(one) for one in found]
    if isinstance(found, dict):
        written = ("createdAt", "modifiedAt", "instanceId")
        return {name: _stripped(one) for name, one in found.items() if name not in written}
    return found
