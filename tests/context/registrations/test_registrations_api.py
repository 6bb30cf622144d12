"""Registrations as resources (ETSI GS CIM 009, clauses 5.2.9, 5.9.2 to 5.9.4, 5.10.1 and 5.10.2)."""

from typing import Any

import httpx
import pytest

PATH = "/csourceRegistrations"
SOURCE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def private_endpoints(settings: Any) -> None:
    """Tests register what runs beside them."""
    object.__setattr__(settings, "allow_private_endpoints", True)


def registration(number: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:ContextSourceRegistration:{number}",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Building"}]}],
        "endpoint": SOURCE,
        **members,
    }


async def create(client: httpx.AsyncClient, number: int = 1, **members: Any) -> str:
    response = await client.post(PATH, json=registration(number, **members))
    assert response.status_code == 201, response.text
    return str(registration(number)["id"])


async def found(client: httpx.AsyncClient, **query: Any) -> list[str]:
    response = await client.get(PATH, params=query)
    assert response.status_code == 200, response.text
    return [one["id"].rpartition(":")[2] for one in response.json()]


async def test_a_registration_comes_back_as_it_was_made(client: httpx.AsyncClient) -> None:
    body = registration(
        information=[
            {
                "entities": [{"type": "Vehicle", "id": "urn:ngsi-ld:Vehicle:1"}, {"type": ["A", "B"]}],
                "propertyNames": ["speed"],
                "relationshipNames": ["isParked"],
            }
        ],
        registrationName="the other city",
        operations=["retrieveOps", "createEntity"],
        mode="inclusive",
        location={"type": "Point", "coordinates": [21.9, 43.3]},
        contextSourceInfo=[{"key": "X-Auth", "value": "secret"}],
        management={"timeout": 500, "localOnly": True, "cooldown": 1000, "cacheDuration": "PT1M"},
        expiresAt="2099-01-01T00:00:00Z",
        refreshRate="PT1H",
        tenant="other",
        ownProperty="its value",
    )

    created = await client.post(PATH, json=body)
    shown = await client.get(created.headers["Location"].removeprefix("/ngsi-ld/v1"))

    assert created.status_code == 201
    assert created.headers["Location"] == f"/ngsi-ld/v1{PATH}/{body['id']}"
    assert shown.json() == body


async def test_a_registration_without_an_id_is_given_one(client: httpx.AsyncClient) -> None:
    body = registration()
    del body["id"]

    response = await client.post(PATH, json=body)

    assert response.status_code == 201
    assert "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:" in response.headers["Location"]


async def test_the_same_id_again_is_a_conflict(client: httpx.AsyncClient) -> None:
    await create(client)

    response = await client.post(PATH, json=registration())

    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (409, "AlreadyExists")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("type", "Registration"),
        ("id", "1"),
        ("information", None),
        ("information", []),
        ("information", [{}]),
        ("information", [{"entities": []}]),
        ("information", [{"entities": [{"id": "urn:a:b"}]}]),
        ("information", [{"entities": [{"type": "A", "idPattern": "("}]}]),
        ("information", [{"entities": [{"type": "A", "idPattern": "(?=a)"}]}]),
        ("information", [{"entities": [{"type": "A", "idPattern": "a" * 600}]}]),
        ("information", [{"propertyNames": []}]),
        ("information", [{"propertyNames": ["with space"]}]),
        ("endpoint", None),
        ("endpoint", "xxx"),
        ("endpoint", "ftp://example.org"),
        ("endpoint", "http://example.org?a=b"),
        ("mode", "other"),
        ("operations", ["fly"]),
        ("operations", []),
        ("expiresAt", "2018-11-29T14:53:15Z"),
        ("expiresAt", "soon"),
        ("location", {"type": "Point"}),
        ("observationInterval", {"endAt": "2020-01-01T00:00:00Z"}),
        ("observationInterval", {"startAt": "2021-01-01T00:00:00Z", "endAt": "2020-01-01T00:00:00Z"}),
        ("management", {"timeout": -1}),
        ("management", {"localOnly": "yes"}),
        ("management", {"other": 1}),
        ("refreshRate", "often"),
        ("tenant", "a b"),
        ("contextSourceInfo", [{"key": "accept", "value": "text/html"}]),
        ("contextSourceInfo", [{"key": "ngsildConformance", "value": "new"}]),
        ("localOnly", "yes"),
        ("contextSourceInfo", [{"key": "X-A", "value": "two\r\nlines"}]),
        ("contextSourceInfo", {"X-A": "b"}),
        ("contextSourceAlias", "two words"),
        ("own", None),
    ],
)
async def test_what_is_no_registration_is_refused(client: httpx.AsyncClient, member: str, value: Any) -> None:
    response = await client.post(PATH, json=registration(**{member: value}))

    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (400, "BadRequestData")
    assert (await client.get(f"{PATH}/{registration()['id']}")).status_code == 404


async def test_private_endpoints_are_refused_unless_the_city_allows_them(
    client: httpx.AsyncClient, settings: Any
) -> None:
    object.__setattr__(settings, "allow_private_endpoints", False)

    for endpoint in (
        "http://127.0.0.1:80",
        "http://[::1]/",
        "http://10.0.0.1",
        "http://169.254.1.1",
        "http://localhost",
    ):
        response = await client.post(PATH, json=registration(endpoint=endpoint))
        assert (response.status_code, response.json()["field"]) == (400, "endpoint")


async def test_an_exclusive_registration_says_of_which_entities(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json=registration(mode="exclusive"))
    pattern = [{"entities": [{"type": "Building", "idPattern": ".*"}], "propertyNames": ["level"]}]
    by_pattern = await client.post(PATH, json=registration(mode="exclusive", information=pattern))
    whole = [{"entities": [{"type": "Building", "id": "urn:ngsi-ld:Building:1"}]}]
    without_attributes = await client.post(PATH, json=registration(mode="exclusive", information=whole))

    assert (response.status_code, response.json()["field"]) == (400, "information.entities")
    assert (by_pattern.status_code, by_pattern.json()["field"]) == (400, "information.entities")
    assert (without_attributes.status_code, without_attributes.json()["field"]) == (400, "information.propertyNames")


async def test_an_auxiliary_source_is_only_read(client: httpx.AsyncClient) -> None:
    refused = await client.post(PATH, json=registration(mode="auxiliary", operations=["updateEntity"]))
    taken = await client.post(PATH, json=registration(mode="auxiliary", operations=["retrieveOps"]))

    assert (refused.status_code, refused.json()["field"]) == (400, "operations")
    assert taken.status_code == 201


async def test_a_registration_has_a_size_limit(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json=registration(description="x" * (1 << 20)))

    assert response.status_code == 413


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("exclusive", "exclusive", 409),
        ("exclusive", "redirect", 409),
        ("redirect", "exclusive", 409),
        ("redirect", "redirect", 201),
        ("exclusive", "inclusive", 201),
        ("inclusive", "exclusive", 201),
        ("auxiliary", "exclusive", 201),
    ],
)
async def test_what_is_held_exclusively_has_one_holder(
    client: httpx.AsyncClient, first: str, second: str, status: int
) -> None:
    information = [{"entities": [{"type": "Vehicle", "id": "urn:ngsi-ld:Vehicle:1"}], "propertyNames": ["speed"]}]
    await create(client, 1, information=information, mode=first)

    response = await client.post(PATH, json=registration(2, information=information, mode=second))

    assert response.status_code == status


async def test_exclusive_holders_of_different_things_do_not_disturb_one_another(client: httpx.AsyncClient) -> None:
    def of(number: int, name: str) -> list[Any]:
        return [{"entities": [{"type": "Vehicle", "id": f"urn:ngsi-ld:Vehicle:{number}"}], "propertyNames": [name]}]

    await create(client, 1, information=of(1, "speed"), mode="exclusive")
    await create(client, 2, information=of(2, "speed"), mode="exclusive")
    await create(client, 3, information=of(1, "colour"), mode="exclusive")


async def test_a_fragment_changes_its_members_and_removes_those_that_are_null(client: httpx.AsyncClient) -> None:
    registration_id = await create(client, expiresAt="2099-01-01T00:00:00Z", own="value")

    response = await client.patch(
        f"{PATH}/{registration_id}", json={"endpoint": "http://127.0.0.1:10", "expiresAt": None, "own": "other"}
    )
    shown = (await client.get(f"{PATH}/{registration_id}")).json()

    assert response.status_code == 204
    assert shown == {**registration(), "endpoint": "http://127.0.0.1:10", "own": "other"}


@pytest.mark.parametrize(
    "fragment",
    [{"type": "building"}, {"information": None}, {"endpoint": None}, {"mode": "other"}, {"id": "urn:a:b"}, {}],
)
async def test_a_fragment_that_breaks_a_registration_changes_nothing(
    client: httpx.AsyncClient, fragment: dict[str, Any]
) -> None:
    registration_id = await create(client)

    response = await client.patch(f"{PATH}/{registration_id}", json=fragment)

    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (400, "BadRequestData")
    assert (await client.get(f"{PATH}/{registration_id}")).json() == registration()


async def test_a_deleted_registration_is_gone(client: httpx.AsyncClient) -> None:
    registration_id = await create(client)

    assert (await client.delete(f"{PATH}/{registration_id}")).status_code == 204
    assert (await client.get(f"{PATH}/{registration_id}")).status_code == 404
    assert (await client.delete(f"{PATH}/{registration_id}")).status_code == 404
    assert (await client.patch(f"{PATH}/{registration_id}", json={"mode": "redirect"})).status_code == 404


async def test_names_are_shown_in_the_words_of_the_reader(client: httpx.AsyncClient) -> None:
    registration_id = await create(client, information=[{"entities": [{"type": "https://a.example/B"}]}])
    response = await client.post(
        PATH,
        json={**registration(2), "@context": [{"House": "https://a.example/B"}]}
        | {"information": [{"entities": [{"type": "House"}]}]},
        headers={"Content-Type": "application/ld+json"},
    )
    assert response.status_code == 201

    second = (await client.get(f"{PATH}/{registration(2)['id']}")).json()

    assert second["information"] == [{"entities": [{"type": "https://a.example/B"}]}]
    assert await found(client, type="https://a.example/B") == ["1", "2"], registration_id


async def test_a_query_finds_sources_by_what_they_have(client: httpx.AsyncClient) -> None:
    speed = [{"entities": [{"type": "Vehicle", "idPattern": ".*:1.$"}], "propertyNames": ["speed"]}]
    await create(client, 1)
    await create(client, 2, information=speed)
    await create(client, 3, information=[{"propertyNames": ["speed"]}])

    assert await found(client, type="Building") == ["1", "3"]
    assert await found(client, type="Vehicle") == ["2", "3"]
    assert await found(client, type="Vehicle,Building") == ["1", "2", "3"]
    assert await found(client, type="Tower") == ["3"]
    assert await found(client, attrs="speed") == ["1", "2", "3"]
    assert await found(client, attrs="colour") == ["1"]
    assert await found(client, type="Vehicle", id="urn:ngsi-ld:Vehicle:12") == ["2"]
    assert await found(client, type="Vehicle", id="urn:ngsi-ld:Vehicle:22") == []
    assert await found(client, id="urn:ngsi-ld:ContextSourceRegistration:3") == ["3"]


async def test_a_query_finds_sources_by_their_own_properties(client: httpx.AsyncClient) -> None:
    await create(client, 1, quality="good", score=3)
    await create(client, 2, quality="bad", score=1)

    assert await found(client, csf='quality=="good"') == ["1"]
    assert await found(client, type="Building", csf="score<2") == ["2"]


async def test_a_query_finds_sources_by_place_and_time(client: httpx.AsyncClient) -> None:
    await create(client, 1, location={"type": "Point", "coordinates": [21.9, 43.3]})
    await create(client, 2, observationInterval={"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"})
    await create(client, 3, managementInterval={"startAt": "2020-01-01T00:00:00Z"})
    near = {"type": "Building", "georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[21.9,43.31]"}
    past = {"type": "Building", "timerel": "before", "timeAt": "2020-06-01T00:00:00Z"}

    assert await found(client, **near) == ["1"]
    assert await found(client, **{**near, "coordinates": "[20.9,43.31]"}) == []
    assert await found(client, type="Building") == ["1"]
    assert await found(client, **past) == ["2"]
    assert await found(client, **past, timeproperty="modifiedAt") == ["3"]
    assert await found(client, **{**past, "timerel": "after", "timeAt": "2022-01-01T00:00:00Z"}) == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"id": "1"},
        {"type": "A", "csf": "(a"},
        {"type": "A", "georel": "within"},
        {"type": "A", "timerel": "before"},
        {"type": "A", "timerel": "once", "timeAt": "2020-01-01T00:00:00Z"},
        {"type": "A", "idPattern": "("},
        {"type": "A", "limit": 0},
    ],
)
async def test_a_query_with_a_mistake_is_refused(client: httpx.AsyncClient, query: dict[str, Any]) -> None:
    response = await client.get(PATH, params=query)

    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (400, "BadRequestData")


async def test_pages_are_counted_and_linked(client: httpx.AsyncClient) -> None:
    for number in range(1, 4):
        await create(client, number)

    response = await client.get(PATH, params={"type": "Building", "limit": 1, "offset": 1, "count": "true"})

    assert [one["id"] for one in response.json()] == [registration(2)["id"]]
    assert response.headers["NGSILD-Results-Count"] == "3"
    assert 'rel="next"' in response.headers["Link"]
    assert 'rel="prev"' in response.headers["Link"]


async def test_who_may_only_read_does_not_see_keys_to_other_brokers(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    keys = [{"key": "Authorization", "value": "Bearer x"}]
    registration_id = await create(
        client, contextSourceInfo=keys, endpoint="https://anna:word@peer.example:8443/broker"
    )

    shown = await client.get(f"{PATH}/{registration_id}", headers={"Authorization": "Bearer reader"})

    assert shown.json()["contextSourceInfo"] == [{"key": "Authorization", "value": "…"}]
    assert shown.json()["endpoint"] == "https://peer.example:8443/broker"
