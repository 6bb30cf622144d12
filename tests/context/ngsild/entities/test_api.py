"""Entities over HTTP, clause by clause (ETSI GS CIM 009, 6.4 to 6.7)."""

from typing import Any

import httpx
import pytest

PARKING = "urn:ngsi-ld:OffStreetParking:nis:centar"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def parking(**changes: Any) -> dict[str, Any]:
    return {
        "id": PARKING,
        "type": "OffStreetParking",
        "name": {"type": "LanguageProperty", "languageMap": {"sr": "Центар", "en": "Centre"}},
        "availableSpotNumber": {
            "type": "Property",
            "value": 121,
            "observedAt": "2026-01-01T10:00:00Z",
            "unitCode": "C62",
        },
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [21.8958, 43.3209]}},
        "refSensor": {"type": "Relationship", "object": "urn:ngsi-ld:Device:7"},
        **changes,
    }


@pytest.fixture
async def entities(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client, and one entity in the memory."""
    response = await client.post("/entities", json=parking())
    assert response.status_code == 201
    return client


async def stored(client: httpx.AsyncClient, entity_id: str = PARKING, **parameters: str) -> dict[str, Any]:
    response = await client.get(f"/entities/{entity_id}", params=parameters)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    return body


class TestCreate:
    async def test_it_says_where_the_entity_is(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/entities", json=parking())
        assert response.status_code == 201
        assert response.headers["location"] == f"/ngsi-ld/v1/entities/{PARKING}"
        assert await stored(client) == parking()

    async def test_one_that_is_there_is_a_conflict(self, entities: httpx.AsyncClient) -> None:
        response = await entities.post("/entities", json=parking(availableSpotNumber=1))
        assert response.status_code == 409
        assert problem(response)["type"] == ERRORS + "AlreadyExists"
        assert await stored(entities) == parking()

    async def test_several_types_and_scopes(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json={"id": "urn:x:1", "type": ["A", "B"], "scope": ["/Nis", "Nis/Centar"]})
        assert await stored(client, "urn:x:1") == {
            "id": "urn:x:1",
            "type": ["A", "B"],
            "scope": ["/Nis", "/Nis/Centar"],
        }

    async def test_an_entity_that_has_expired_is_gone(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json={"id": "urn:x:1", "type": "A", "expiresAt": "2020-01-01T00:00:00Z"})
        assert (await client.get("/entities/urn:x:1")).status_code == 404

    async def test_an_id_may_have_slashes(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/entities", json={"id": "https://x.example/a/b?c", "type": "A"})
        assert response.status_code == 201
        assert (await client.get("/entities/https%3A%2F%2Fx.example%2Fa%2Fb%3Fc")).json()["type"] == "A"


class TestRetrieve:
    async def test_what_is_not_there_is_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/entities/urn:ngsi-ld:Nothing:1")
        assert response.status_code == 404
        assert problem(response)["type"] == ERRORS + "ResourceNotFound"

    async def test_an_id_is_a_uri(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/entities/nothing")
        assert response.status_code == 400
        assert problem(response)["field"] == "id"

    async def test_simplified(self, entities: httpx.AsyncClient) -> None:
        for parameters in ({"options": "keyValues"}, {"options": "simplified"}, {"format": "simplified"}):
            assert await stored(entities, **parameters) == {
                "id": PARKING,
                "type": "OffStreetParking",
                "name": {"languageMap": {"sr": "Центар", "en": "Centre"}},
                "availableSpotNumber": 121,
                "location": {"type": "Point", "coordinates": [21.8958, 43.3209]},
                "refSensor": "urn:ngsi-ld:Device:7",
            }

    async def test_concise(self, entities: httpx.AsyncClient) -> None:
        assert await stored(entities, format="concise") == {
            "id": PARKING,
            "type": "OffStreetParking",
            "name": {"languageMap": {"sr": "Центар", "en": "Centre"}},
            "availableSpotNumber": {"value": 121, "observedAt": "2026-01-01T10:00:00Z", "unitCode": "C62"},
            "location": {"type": "Point", "coordinates": [21.8958, 43.3209]},
            "refSensor": {"object": "urn:ngsi-ld:Device:7"},
        }

    async def test_concise_comes_back_as_it_was(self, entities: httpx.AsyncClient) -> None:
        concise = await stored(entities, format="concise")
        await entities.post("/entities", json={**concise, "id": "urn:x:2"})
        assert await stored(entities, "urn:x:2") == {**parking(), "id": "urn:x:2"}

    async def test_one_language(self, entities: httpx.AsyncClient) -> None:
        name = (await stored(entities, lang="sr-Latn,sr;q=0.9"))["name"]
        assert name == {"type": "Property", "value": "Центар", "lang": "sr"}
        assert (await stored(entities, lang="fr", options="keyValues"))["name"] == "Centre"

    async def test_some_attributes(self, entities: httpx.AsyncClient) -> None:
        assert (await stored(entities, attrs="refSensor")).keys() == {"id", "type", "refSensor"}
        response = await entities.get(f"/entities/{PARKING}", params={"attrs": "nothing"})
        assert response.status_code == 404

    async def test_the_systems_times(self, entities: httpx.AsyncClient) -> None:
        body = await stored(entities, options="sysAttrs")
        assert body["createdAt"] <= body["modifiedAt"]
        assert body["refSensor"]["createdAt"] == body["refSensor"]["modifiedAt"]

    async def test_as_geojson(self, entities: httpx.AsyncClient) -> None:
        response = await entities.get(
            f"/entities/{PARKING}?attrs=refSensor", headers={"Accept": "application/geo+json"}
        )
        assert response.headers["content-type"] == "application/geo+json"
        body = response.json()
        assert body.pop("@context")
        assert body == {
            "id": PARKING,
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [21.8958, 43.3209]},
            "properties": {
                "type": "OffStreetParking",
                "refSensor": {"type": "Relationship", "object": "urn:ngsi-ld:Device:7"},
            },
        }


class TestMergePatch:
    async def test_members_are_merged_and_null_deletes(self, entities: httpx.AsyncClient) -> None:
        patch = {"availableSpotNumber": {"value": 100}, "refSensor": "urn:ngsi-ld:null", "note": "new"}
        response = await entities.patch(f"/entities/{PARKING}", json=patch)
        assert (response.status_code, response.content) == (204, b"")
        body = await stored(entities)
        assert body["availableSpotNumber"]["value"] == 100
        assert body["availableSpotNumber"]["unitCode"] == "C62"
        assert body["note"] == {"type": "Property", "value": "new"}
        assert "refSensor" not in body

    async def test_the_requests_time_is_for_observed_attributes(self, entities: httpx.AsyncClient) -> None:
        moment = "2026-01-01T11:00:00Z"
        patch = {"availableSpotNumber": {"value": 99}, "note": "new"}
        await entities.patch(f"/entities/{PARKING}", json=patch, params={"observedAt": moment})
        body = await stored(entities)
        assert body["availableSpotNumber"]["observedAt"] == moment
        assert "observedAt" not in body["note"]

    async def test_it_takes_merge_patch_json(self, entities: httpx.AsyncClient) -> None:
        headers = {"Content-Type": "application/merge-patch+json"}
        response = await entities.patch(f"/entities/{PARKING}", content=b'{"note": 1}', headers=headers)
        assert response.status_code == 204


class TestReplace:
    async def test_the_new_entity_stands_alone_but_keeps_its_birthday(self, entities: httpx.AsyncClient) -> None:
        born = (await stored(entities, options="sysAttrs"))["createdAt"]
        response = await entities.put(f"/entities/{PARKING}", json={"id": PARKING, "type": "OffStreetParking", "a": 1})
        assert response.status_code == 204
        body = await stored(entities, options="sysAttrs")
        assert body["createdAt"] == born
        assert body["a"]["value"] == 1
        assert "name" not in body

    async def test_what_is_not_there_is_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.put("/entities/urn:x:1", json={"id": "urn:x:1", "type": "A"})
        assert response.status_code == 404


class TestDelete:
    async def test_it_is_gone(self, entities: httpx.AsyncClient) -> None:
        assert (await entities.delete(f"/entities/{PARKING}")).status_code == 204
        assert (await entities.get(f"/entities/{PARKING}")).status_code == 404
        assert (await entities.delete(f"/entities/{PARKING}")).status_code == 404

    async def test_a_type_that_does_not_fit_protects_it(self, entities: httpx.AsyncClient) -> None:
        assert (await entities.delete(f"/entities/{PARKING}?type=Vehicle")).status_code == 404
        assert await stored(entities) == parking()


class TestAppend:
    async def test_attributes_are_added_and_replaced(self, entities: httpx.AsyncClient) -> None:
        response = await entities.post(f"/entities/{PARKING}/attrs", json={"note": "new", "availableSpotNumber": 5})
        assert response.status_code == 204
        body = await stored(entities, options="keyValues")
        assert (body["note"], body["availableSpotNumber"]) == ("new", 5)

    async def test_no_overwrite_says_what_was_left(self, entities: httpx.AsyncClient) -> None:
        response = await entities.post(
            f"/entities/{PARKING}/attrs?options=noOverwrite", json={"note": "new", "availableSpotNumber": 5}
        )
        assert response.status_code == 207
        assert response.json()["updated"][0].endswith("/note")
        (refused,) = response.json()["notUpdated"]
        assert refused["attributeName"].endswith("/availableSpotNumber")
        assert (await stored(entities, options="keyValues"))["availableSpotNumber"] == 121

    async def test_a_type_is_added(self, entities: httpx.AsyncClient) -> None:
        await entities.post(f"/entities/{PARKING}/attrs", json={"type": "Garage"})
        assert set((await stored(entities))["type"]) == {"OffStreetParking", "Garage"}

    async def test_instances_of_several_datasets_stand_side_by_side(self, entities: httpx.AsyncClient) -> None:
        by_camera = {"type": "Property", "value": 7, "datasetId": "urn:d:camera"}
        await entities.post(f"/entities/{PARKING}/attrs", json={"availableSpotNumber": by_camera})
        both = (await stored(entities))["availableSpotNumber"]
        assert [one["value"] for one in both] == [121, 7]
        simple = (await stored(entities, options="keyValues"))["availableSpotNumber"]
        assert simple == {"dataset": {"@none": 121, "urn:d:camera": 7}}
        one = (await stored(entities, datasetId="urn:d:camera"))["availableSpotNumber"]
        assert one == by_camera


class TestUpdateAttributes:
    async def test_an_instance_is_replaced_whole(self, entities: httpx.AsyncClient) -> None:
        response = await entities.patch(f"/entities/{PARKING}/attrs", json={"availableSpotNumber": {"value": 5}})
        assert response.status_code == 204
        assert (await stored(entities))["availableSpotNumber"] == {"type": "Property", "value": 5}

    @pytest.mark.parametrize(
        ("given", "added"), [("/Nis", ["scope"]), (["/Park", "/Nis"], ["scope"]), ("/Park", []), (None, [])]
    )
    async def test_what_was_appended_names_the_scope(
        self, client: httpx.AsyncClient, given: Any, added: list[str]
    ) -> None:
        await client.post("/entities", json={"id": "urn:x:1", "type": "A", "scope": "/Park", "a": 1})
        fragment = {"a": 2, "b": 3, **({"scope": given} if given else {})}

        answer = await client.post("/entities/urn:x:1/attrs?options=noOverwrite", json=fragment)

        assert answer.status_code == 207
        names = [name.rpartition("/")[2] for name in answer.json()["updated"]]
        assert names == ["b", *added]
        assert [one["attributeName"].rpartition("/")[2] for one in answer.json()["notUpdated"]] == ["a"]

    async def test_what_was_updated_names_the_scope(self, client: httpx.AsyncClient) -> None:
        path = "/entities/urn:x:1/attrs"
        await client.post("/entities", json={"id": "urn:x:1", "type": "A", "scope": "/Park", "a": 1})
        null = {"type": "Property", "value": "urn:ngsi-ld:null"}
        for scope in ("/Nis", "urn:ngsi-ld:null"):
            answer = await client.patch(path, json={"scope": scope, "absent": null})
            assert (answer.status_code, answer.json()["updated"]) == (207, ["scope"])

    async def test_a_scope_is_updated_only_where_there_is_one(self, entities: httpx.AsyncClient) -> None:
        response = await entities.patch(f"/entities/{PARKING}/attrs", json={"scope": "/Nis"})
        assert response.status_code == 207
        assert "scope" not in await stored(entities)


class TestOneAttribute:
    async def test_a_partial_update_leaves_the_rest(self, entities: httpx.AsyncClient) -> None:
        response = await entities.patch(f"/entities/{PARKING}/attrs/availableSpotNumber", json={"value": 5})
        assert response.status_code == 204
        assert (await stored(entities))["availableSpotNumber"] == {**parking()["availableSpotNumber"], "value": 5}

    async def test_a_replacement_does_not(self, entities: httpx.AsyncClient) -> None:
        response = await entities.put(f"/entities/{PARKING}/attrs/availableSpotNumber", json={"value": 5})
        assert response.status_code == 204
        assert (await stored(entities))["availableSpotNumber"] == {"type": "Property", "value": 5}

    async def test_delete(self, entities: httpx.AsyncClient) -> None:
        assert (await entities.delete(f"/entities/{PARKING}/attrs/refSensor")).status_code == 204
        assert "refSensor" not in await stored(entities)
        assert (await entities.delete(f"/entities/{PARKING}/attrs/refSensor")).status_code == 404

    async def test_delete_one_dataset_or_all(self, entities: httpx.AsyncClient) -> None:
        path = f"/entities/{PARKING}/attrs"
        await entities.post(path, json={"availableSpotNumber": {"value": 7, "datasetId": "urn:d:camera"}})
        await entities.delete(f"{path}/availableSpotNumber?datasetId=urn:d:camera")
        assert (await stored(entities))["availableSpotNumber"]["value"] == 121
        await entities.post(path, json={"availableSpotNumber": {"value": 7, "datasetId": "urn:d:camera"}})
        await entities.delete(f"{path}/availableSpotNumber?deleteAll=true")
        assert "availableSpotNumber" not in await stored(entities)

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    async def test_what_is_not_there_is_not_found(self, entities: httpx.AsyncClient, method: str) -> None:
        response = await entities.request(method, f"/entities/{PARKING}/attrs/nothing", json={"value": 5})
        assert response.status_code == 404

    async def test_the_scope_is_no_attribute(self, entities: httpx.AsyncClient) -> None:
        response = await entities.patch(f"/entities/{PARKING}/attrs/scope", json={"value": "/Nis"})
        assert response.status_code == 400
