"""The past together with other sources (ETSI GS CIM 009, clauses 4.5.6, 5.7.3, 5.7.4 and 6.3.10)."""

from typing import Any

import pytest
from tests.context.registrations.conftest import Peers

ID = "urn:ngsi-ld:Building:1"
PAST = "peer/ngsi-ld/v1/temporal/entities"
OPERATIONS = ["retrieveTemporal", "queryTemporal"]
SINCE = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}


def at(day: int) -> str:
    return f"2026-01-{day:02}T00:00:00Z"


def value(number: float, day: int, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": number, "observedAt": at(day), **members}


def building(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Building:{number}", "type": "Building", **attributes}


async def bring_in(client: Any, number: int = 1, **attributes: Any) -> None:
    response = await client.post("/temporal/entities", params={"local": "true"}, json=building(number, **attributes))
    assert response.status_code == 201, response.text


def days(instances: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(int(one["observedAt"][8:10]), one["value"]) for one in instances]


async def test_instances_of_all_stand_in_the_order_of_time_and_none_twice(
    client: Any, peers: Peers, register: Any
) -> None:
    await bring_in(client, level=[value(2, 2), value(4, 4)])
    await register(operations=OPERATIONS)
    there = building(level=[value(1, 1), value(9, 2), value(3, 3)], name=[value(5, 5)])
    peers.answer("GET", f"{PAST}/{ID}", content=there)

    body = (await client.get(f"/temporal/entities/{ID}")).json()

    assert days(body["level"]) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert days(body["name"]) == [(5, 5)]


async def test_pairs_of_value_and_time_are_put_together(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, level=[value(2, 2)])
    await register(operations=OPERATIONS)
    there = building(level={"type": "Property", "values": [[1, at(1)], [9, at(2)], [3, at(3)]]})
    peers.answer("GET", f"{PAST}/{ID}", content=there)

    body = (await client.get(f"/temporal/entities/{ID}", params={"options": "temporalValues"})).json()

    assert [number for number, _ in body["level"]["values"]] == [1, 2, 3]
    assert peers.asked[0].url.params["options"] == "temporalValues"


async def test_last_n_counts_after_merging(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, level=[value(2, 2), value(4, 4)])
    await register(operations=OPERATIONS)
    peers.answer("GET", f"{PAST}/{ID}", content=building(level=[value(1, 1), value(3, 3)]))

    body = (await client.get(f"/temporal/entities/{ID}", params={"lastN": "2"})).json()

    assert days(body["level"]) == [(3, 3), (4, 4)]


async def test_a_part_of_a_source_s_past_makes_the_whole_a_part(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, level=[value(2, 2), value(4, 4)])
    await register(operations=OPERATIONS)
    peers.answer(
        "GET",
        f"{PAST}/{ID}",
        status=206,
        content=building(level=[value(1, 1), value(3, 3)]),
        **{"Content-Range": f"date-time {at(1)}-{at(3)}/*"},
    )

    response = await client.get(f"/temporal/entities/{ID}", params=SINCE)

    assert response.status_code == 206
    assert response.headers["Content-Range"].startswith("date-time 2026-01-01T00:00:00")
    assert days(response.json()["level"]) == [(1, 1), (2, 2), (3, 3)]


DAILY = {**SINCE, "options": "aggregatedValues", "aggrMethods": "max,avg", "aggrPeriodDuration": "P1D"}


async def test_aggregates_of_different_periods_stand_side_by_side(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, level=[value(2, 2), value(4, 4)])
    await register(operations=OPERATIONS)
    (mine, later) = (await client.get(f"/temporal/entities/{ID}?local=true", params=DAILY)).json()["level"]["max"]
    between = [7, mine[2], later[1]]
    there = {"type": "Property", "max": [between], "avg": [between]}
    peers.answer("GET", f"{PAST}/{ID}", content=building(level=there, name=there))

    response = await client.get(f"/temporal/entities/{ID}", params=DAILY)

    assert response.json()["level"] == {
        "type": "Property",
        "max": [mine, between, later],
        "avg": [mine, between, later],
    }
    assert response.json()["name"] == there
    assert "NGSILD-Warning" not in response.headers


@pytest.mark.parametrize(("there", "shown"), [(9, 9), (1, 2)])
async def test_of_the_same_period_extremes_are_put_together_and_averages_warned_of(
    client: Any, peers: Peers, register: Any, there: int, shown: int
) -> None:
    await bring_in(client, level=[value(2, 2)])
    await register(operations=OPERATIONS)
    ((_, start, end),) = (await client.get(f"/temporal/entities/{ID}?local=true", params=DAILY)).json()["level"]["max"]
    triples = [[there, start, end]]
    peers.answer("GET", f"{PAST}/{ID}", content=building(level={"type": "Property", "max": triples, "avg": triples}))

    response = await client.get(f"/temporal/entities/{ID}", params=DAILY)

    level = response.json()["level"]
    assert (level["max"], level["avg"]) == ([[shown, start, end]], [[2, start, end]])
    assert "aggregates of level are left out" in response.headers["NGSILD-Warning"]


async def test_aggregates_that_are_none_are_not_read(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, level=[value(2, 2)])
    await register(operations=OPERATIONS)
    for wrong in ([5], [[5, "today", "tomorrow"]], [[5, at(1)]], 5):
        peers.answer("GET", f"{PAST}/{ID}", content=building(level={"type": "Property", "max": wrong}))
        response = await client.get(f"/temporal/entities/{ID}", params=DAILY)
        assert response.json()["level"]["max"][0][0] == 2
        assert response.headers["NGSILD-Warning"].startswith("111")


async def test_an_entity_may_be_elsewhere_only(client: Any, peers: Peers, register: Any) -> None:
    await register(operations=OPERATIONS)
    peers.answer("GET", f"{PAST}/{ID}", content=building(level=[value(1, 1)]))

    assert days((await client.get(f"/temporal/entities/{ID}")).json()["level"]) == [(1, 1)]


async def test_what_a_client_has_of_us_is_not_all_there_is(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, level=[value(2, 2)])
    version = (await client.get(f"/temporal/entities/{ID}")).headers["ETag"]
    await register(operations=OPERATIONS)
    peers.answer("GET", f"{PAST}/{ID}", content=building(level=[value(1, 1)]))

    response = await client.get(f"/temporal/entities/{ID}", headers={"If-None-Match": version})

    assert (response.status_code, days(response.json()["level"])) == (200, [(1, 1), (2, 2)])


async def test_what_nobody_has_is_not_found(client: Any, peers: Peers, register: Any) -> None:
    await register(operations=OPERATIONS)

    assert (await client.get(f"/temporal/entities/{ID}")).status_code == 404


@pytest.mark.parametrize("by_post", [False, True])
async def test_a_query_finds_what_all_have_in_the_order_of_ids(
    client: Any, peers: Peers, register: Any, by_post: bool
) -> None:
    await bring_in(client, 2, level=[value(2, 2)])
    await register(operations=OPERATIONS)
    there = [building(1, level=[value(1, 1)]), building(2, level=[value(3, 3)]), building(3, level=[value(3, 3)])]
    peers.answer("GET", PAST, content=there)

    if by_post:
        query = {"type": "Query", "entities": [{"type": "Building"}], "temporalQ": SINCE}
        response = await client.post("/temporal/entityOperations/query", params={"limit": "2"}, json=query)
    else:
        response = await client.get("/temporal/entities", params={**SINCE, "type": "Building", "limit": "2"})

    first, second = response.json()
    assert (first["id"][-1], days(first["level"])) == ("1", [(1, 1)])
    assert (second["id"][-1], days(second["level"])) == ("2", [(2, 2), (3, 3)])
    assert 'rel="next"' in response.headers["Link"]
    assert dict(peers.asked[0].url.params) == {**SINCE, "type": "Building", "limit": "3"}


async def test_a_source_of_some_attributes_adds_to_what_a_filter_finds(
    client: Any, peers: Peers, register: Any
) -> None:
    await bring_in(client, level=[value(2, 2)])
    await register(operations=OPERATIONS, information=[{"entities": [{"type": "Building"}], "propertyNames": ["name"]}])
    peers.answer("GET", PAST, content=[building(1, name=[value(1, 1)]), building(2, name=[value(1, 1)])])

    body = (await client.get("/temporal/entities", params={**SINCE, "type": "Building", "q": "level>1"})).json()

    assert [(one["id"], "name" in one) for one in body] == [(ID, True)]
    assert "q" not in peers.asked[0].url.params
    assert peers.asked[0].url.params["attrs"] == "name"


async def test_only_sources_of_that_time_and_operation_are_asked(client: Any, peers: Peers, register: Any) -> None:
    before = {"startAt": "2019-01-01T00:00:00Z", "endAt": "2020-01-01T00:00:00Z"}
    await register("old", operations=OPERATIONS, observationInterval=before)
    await register("now")

    response = await client.get("/temporal/entities", params={**SINCE, "type": "Building"})

    assert (response.json(), peers.asked) == ([], [])


@pytest.mark.parametrize(
    "content",
    ["x", [1], building(level=[5]), building(level=[{"type": "Property", "value": 1, "observedAt": "soon"}]), {"a": 1}],
)
async def test_an_answer_that_cannot_be_read_leaves_the_rest(
    client: Any, peers: Peers, register: Any, content: Any
) -> None:
    await bring_in(client, level=[value(2, 2)])
    registration_id = await register(operations=OPERATIONS)
    peers.answer("GET", f"{PAST}/{ID}", content=content)

    response = await client.get(f"/temporal/entities/{ID}")

    assert days(response.json()["level"]) == [(2, 2)]
    assert registration_id in response.headers["NGSILD-Warning"]


async def test_a_source_that_does_not_answer_is_warned_of(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, level=[value(2, 2)])
    await register(operations=OPERATIONS, management={"timeout": 200})
    peers.late("GET", f"{PAST}/{ID}")

    response = await client.get(f"/temporal/entities/{ID}")

    assert response.status_code == 200
    assert "no answer within 0.2 seconds" in response.headers["NGSILD-Warning"]


async def test_names_come_back_in_the_words_of_the_request(client: Any, peers: Peers, register: Any) -> None:
    context = "https://vidik.rs/ns/city.jsonld"
    name = "https://smartdatamodels.org/dataModel.Parking/availableSpotNumber"
    await register(operations=OPERATIONS, contextSourceInfo=[{"key": "jsonldContext", "value": context}])
    peers.answer("GET", f"{PAST}/{ID}", content=building(availableSpotNumber=[value(1, 1)]))

    body = (await client.get(f"/temporal/entities/{ID}")).json()

    assert days(body[name]) == [(1, 1)]
    assert peers.asked[0].headers["Link"].startswith(f"<{context}>")


async def test_entities_of_several_sources_are_counted(client: Any, peers: Peers, register: Any) -> None:
    await bring_in(client, 1, level=[value(2, 2)])
    await register(operations=OPERATIONS)
    there = [building(2, level=[value(3, 3)])]
    peers.answer("GET", PAST, content=there, **{"NGSILD-Results-Count": "40"})

    asked = {**SINCE, "type": "Building", "limit": "1", "count": "true"}
    response = await client.get("/temporal/entities", params=asked)

    assert [one["id"][-1] for one in response.json()] == ["1"]
    assert response.headers["NGSILD-Results-Count"] == "41"
    assert peers.asked[0].url.params["count"] == "true"


async def test_pages_of_a_source_are_read_as_far_as_the_page_that_is_asked_for(
    client: Any, peers: Peers, register: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(operations=OPERATIONS)
    monkeypatch.setattr("vidik.context.ngsild.query.parameters.MAXIMUM_LIMIT", 2)
    there = [building(1, level=[value(1, 1)]), building(2, level=[value(2, 2)])]
    peers.answer("GET", PAST, content=there, Link='</x>;rel="next"')

    response = await client.get("/temporal/entities", params={**SINCE, "type": "Building", "limit": "2", "offset": "1"})

    assert [one["id"][-1] for one in response.json()] == ["2"]
    assert [request.url.params.get("offset") for request in peers.asked] == [None, "2"]
    too_far = {**SINCE, "type": "Building", "offset": "10000"}
    assert (await client.get("/temporal/entities", params=too_far)).status_code == 403


async def test_what_was_deleted_here_is_found_by_its_type_beside_what_others_have(
    client: Any, peers: Peers, register: Any
) -> None:
    for number in (1, 2):
        entity = building(number, level=value(number, number))
        assert (await client.post("/entities", params={"local": "true"}, json=entity)).status_code == 201
        assert (await client.delete(f"/entities/{entity['id']}", params={"local": "true"})).status_code == 204
    await register(operations=OPERATIONS)
    there = [building(1, level=[value(3, 3)], createdAt=at(1), modifiedAt=at(3))]
    peers.answer("GET", PAST, content=there)

    asked = {"type": "Building", **SINCE, "options": "sysAttrs"}
    first, second = (await client.get("/temporal/entities", params=asked)).json()

    assert (days(first["level"]), days(second["level"])) == ([(1, 1), (3, 3)], [(2, 2)])
    assert "deletedAt" not in first  # it is there still, at the source
    assert "deletedAt" in second
