"""Reading shared with other sources (ETSI GS CIM 009, clauses 4.3.6, 5.7 and 6.3.17 to 6.3.18)."""

import json
import time
from typing import Any

import pytest
from tests.context.registrations.buildings import ENTITIES, ID, REDIRECTION, building, create, prop
from tests.context.registrations.conftest import Peers


async def test_an_entity_that_only_a_source_has_is_retrieved(client: Any, peers: Peers, register: Any) -> None:
    await register()
    peers.answer("GET", f"{ENTITIES}/{ID}", content=building(level=prop(3)))

    response = await client.get(f"/entities/{ID}")

    assert response.json() == building(level=prop(3))
    (asked,) = peers.asked
    assert asked.headers["Via"].startswith("1.1 vidik-")
    assert "NGSILD-Warning" not in response.headers


async def test_the_newest_instance_counts_whoever_has_it(client: Any, peers: Peers, register: Any) -> None:
    await register()
    old, new = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    await create(client, here=prop(1), older=prop(1, observedAt=old), newer=prop(1, observedAt=new))
    there = building(there=prop(2), older=prop(2, observedAt=new), newer=prop(2, observedAt=old))
    peers.answer("GET", f"{ENTITIES}/{ID}", content=there)

    shown = (await client.get(f"/entities/{ID}", params={"options": "keyValues"})).json()

    assert shown == building(here=1, there=2, older=2, newer=1)


async def test_an_auxiliary_source_only_fills_gaps(client: Any, peers: Peers, register: Any) -> None:
    await register(mode="auxiliary")
    await create(client, level=prop(1))
    peers.answer(
        "GET", f"{ENTITIES}/{ID}", content=building(level=prop(2, observedAt="2099-01-01T00:00:00Z"), a=prop(2))
    )

    shown = (await client.get(f"/entities/{ID}", params={"options": "keyValues"})).json()

    assert shown == building(level=1, a=2)


async def test_what_is_held_exclusively_is_asked_of_its_holder(client: Any, peers: Peers, register: Any) -> None:
    information = [{"entities": [{"type": "Building", "id": ID}], "propertyNames": ["level"]}]
    await register(mode="exclusive", information=information)
    await create(client, level=prop(1), name=prop("here"))
    peers.answer("GET", f"{ENTITIES}/{ID}", content=building(level=prop(9)))

    shown = (await client.get(f"/entities/{ID}", params={"options": "keyValues"})).json()

    assert shown == building(level=9, name="here")
    assert peers.asked[0].url.params["attrs"] == "level"


async def test_what_is_redirected_comes_from_there_alone(client: Any, peers: Peers, register: Any) -> None:
    await register(mode="redirect")
    await create(client, level=prop(1), name=prop("here"))
    peers.answer("GET", f"{ENTITIES}/{ID}", content=building(level=prop(9)))

    assert (await client.get(f"/entities/{ID}", params={"options": "keyValues"})).json() == building(level=9)


@pytest.mark.parametrize("status", [404, 500])
async def test_what_others_hold_alone_is_not_answered_from_here(
    client: Any, peers: Peers, register: Any, status: int
) -> None:
    information = [{"entities": [{"type": "Building", "id": ID}], "propertyNames": ["level"]}]
    await register(mode="exclusive", information=information)
    await create(client, level=prop(1), name=prop("here"))
    peers.answer("GET", f"{ENTITIES}/{ID}", status=status)
    peers.answer("GET", ENTITIES, status=status)

    shown = await client.get(f"/entities/{ID}", params={"options": "keyValues"})
    queried = await client.get("/entities", params={"type": "Building", "options": "keyValues"})
    asked_by_it = await client.get("/entities", params={"type": "Building", "q": "level==1"})

    assert (shown.json(), queried.json(), asked_by_it.json()) == (building(name="here"), [building(name="here")], [])
    assert ("NGSILD-Warning" in shown.headers) == (status == 500)


async def test_the_name_of_an_attribute_beside_a_body_is_in_the_words_of_that_body(
    client: Any, peers: Peers, register: Any
) -> None:
    await register(mode="redirect", operations=REDIRECTION)
    peers.answer("PATCH", f"{ENTITIES}/{ID}/attrs/niveau", status=204)
    words = {"niveau": "https://example.org/niveau", "Haus": "https://example.org/Haus"}

    response = await client.patch(
        f"/entities/{ID}/attrs/niveau",
        json={"type": "Property", "value": 1, "@context": words},
        headers={"Content-Type": "application/ld+json"},
    )

    assert response.status_code == 204, response.text
    assert json.loads(peers.asked[0].content)["@context"][0] == words


async def test_local_asks_nobody(client: Any, peers: Peers, register: Any) -> None:
    await register()

    assert (await client.get(f"/entities/{ID}", params={"local": "true"})).status_code == 404
    assert (await client.get("/entities", params={"type": "Building", "local": "true"})).json() == []
    assert peers.asked == []


async def test_other_types_and_expired_registrations_ask_nobody(client: Any, peers: Peers, register: Any) -> None:
    await register(information=[{"entities": [{"type": "Vehicle"}]}])

    assert (await client.get("/entities", params={"type": "Building"})).json() == []
    assert peers.asked == []


async def test_a_source_that_does_not_answer_leaves_the_rest(client: Any, peers: Peers, register: Any) -> None:
    registration_id = await register(management={"timeout": 200})
    await create(client, level=prop(1))
    peers.late("GET", f"{ENTITIES}/{ID}")
    peers.late("GET", ENTITIES)

    before = time.monotonic()
    one = await client.get(f"/entities/{ID}")
    many = await client.get("/entities", params={"type": "Building"})

    assert time.monotonic() - before < 3
    assert one.json() == building(level=prop(1))
    assert many.json() == [building(level=prop(1))]
    assert one.headers["NGSILD-Warning"] == f'199 {registration_id} "no answer within 0.2 seconds"'
    assert "no answer" in many.headers["NGSILD-Warning"]


async def test_a_host_that_no_name_server_can_have_is_a_warning(client: Any, peers: Peers, register: Any) -> None:
    await register(endpoint="http://xn--.invalid")
    await create(client, level=prop(1))

    response = await client.get("/entities", params={"type": "Building"})

    assert response.json() == [building(level=prop(1))]
    assert response.headers["NGSILD-Warning"].startswith("199 ")


@pytest.mark.parametrize(
    ("name", "value"),
    [("NGSILD-Warning", "199 x ж"), ("NGSILD-Results-Count", "²"), ("NGSILD-Results-Count", "9" * 5000)],
)
async def test_a_header_of_a_source_that_cannot_be_read_is_left_out(
    client: Any, peers: Peers, register: Any, name: str, value: str
) -> None:
    await register()
    header: Any = {name: value.encode()}  # no name of a parameter, which its type cannot say
    peers.answer("GET", ENTITIES, content=[building(level=prop(1))], **header)

    response = await client.get("/entities", params={"type": "Building", "count": "true"})

    assert response.json() == [building(level=prop(1))]
    assert response.headers["NGSILD-Results-Count"] == "1"


@pytest.mark.parametrize("content", [[1], "text", {"id": "x"}, None])
async def test_an_answer_that_is_no_entity_is_a_warning(client: Any, peers: Peers, register: Any, content: Any) -> None:
    await register()
    await create(client, level=prop(1))
    peers.answer("GET", f"{ENTITIES}/{ID}", content=content)

    response = await client.get(f"/entities/{ID}")

    assert response.json() == building(level=prop(1))
    assert response.headers["NGSILD-Warning"].startswith("111 ")


async def test_a_query_puts_pages_of_all_sources_together(client: Any, peers: Peers, register: Any) -> None:
    await register()
    for number in (1, 3):
        await create(client, number, level=prop(number))
    peers.answer("GET", ENTITIES, content=[building(number, name=prop("there")) for number in (2, 3, 4)])

    query = {"type": "Building", "options": "keyValues", "limit": 2}
    first = await client.get("/entities", params=query)
    second = await client.get("/entities", params={**query, "offset": 2, "count": "true"})

    assert first.json() == [building(1, level=1), building(2, name="there")]
    assert 'rel="next"' in first.headers["Link"]
    assert second.json() == [building(3, level=3, name="there"), building(4, name="there")]
    assert second.headers["NGSILD-Results-Count"] == "4"
    assert peers.asked[0].url.params["type"] == "Building"


async def test_filters_hold_for_the_whole_entity(client: Any, peers: Peers, register: Any) -> None:
    await register(information=[{"entities": [{"type": "Building"}], "propertyNames": ["level"]}])
    await create(client, 1, name=prop("a"))
    await create(client, 2, name=prop("b"))
    peers.answer("GET", ENTITIES, content=[building(1, level=prop(5)), building(2, level=prop(1))])

    shown = await client.get("/entities", params={"type": "Building", "q": "level>3", "options": "keyValues"})

    assert shown.json() == [building(1, name="a", level=5)]
    assert "q" not in peers.asked[0].url.params


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("retrieveEntity", "GET", f"{ENTITIES}/{ID}"),
        ("queryEntity", "GET", ENTITIES),
        ("queryBatch", "POST", "peer/ngsi-ld/v1/entityOperations/query"),
    ],
)
async def test_a_source_is_asked_by_an_operation_that_it_has(
    client: Any, peers: Peers, register: Any, operation: str, method: str, path: str
) -> None:
    await register(operations=[operation])
    found = building(level=prop(3))
    peers.answer(method, path, content=found if operation == "retrieveEntity" else [found])

    assert (await client.get(f"/entities/{ID}")).json() == found


async def test_a_source_is_addressed_as_its_registration_says(client: Any, peers: Peers, register: Any) -> None:
    await register(
        tenant="theirs",
        contextSourceInfo=[{"key": "X-Auth", "value": "key"}, {"key": "Accept", "value": "application/ld+json"}],
        management={"localOnly": True},
    )

    await client.get(f"/entities/{ID}")

    (asked,) = peers.asked
    assert asked.headers["NGSILD-Tenant"] == "theirs"
    assert (asked.headers["X-Auth"], asked.headers["Accept"]) == ("key", "application/ld+json")
    assert asked.url.params["local"] == "true"


async def test_a_request_that_comes_back_is_refused(client: Any, peers: Peers, register: Any) -> None:
    await register()
    await client.get(f"/entities/{ID}")
    via = peers.asked[0].headers["Via"]

    for method, path in (("GET", f"/entities/{ID}"), ("DELETE", f"/entities/{ID}"), ("GET", "/entities?type=Building")):
        response = await client.request(method, path, headers={"Via": f"1.1 other, {via}"})
        assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (508, "LoopDetected")
    assert len(peers.asked) == 1


async def test_a_source_that_was_visited_is_not_asked_again(client: Any, peers: Peers, register: Any) -> None:
    await register(contextSourceAlias="other")

    assert (await client.get(f"/entities/{ID}", headers={"Via": "1.1 other"})).status_code == 404
    assert peers.asked == []


async def test_a_loop_is_a_warning_to_who_reads_and_no_failure_of_who_writes(
    client: Any, peers: Peers, register: Any
) -> None:
    await register(operations=REDIRECTION)
    await create(client, level=prop(1))
    peers.answer("GET", f"{ENTITIES}/{ID}", status=508)
    peers.answer("DELETE", f"{ENTITIES}/{ID}", status=508)

    assert (await client.get(f"/entities/{ID}")).headers["NGSILD-Warning"].startswith("199 ")
    assert (await client.delete(f"/entities/{ID}")).status_code == 204


async def test_a_loop_at_who_holds_it_alone_is_an_error(client: Any, peers: Peers, register: Any) -> None:
    await register(mode="redirect", operations=REDIRECTION)
    peers.answer("DELETE", f"{ENTITIES}/{ID}", status=508)

    assert (await client.delete(f"/entities/{ID}")).status_code == 508


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"status": 403}, "299"),
        ({"status": 500}, "299"),
        ({"content": b"not json"}, "111"),
        ({"content": b"[" * 200 + b"]" * 200}, "111"),
    ],
)
async def test_a_warning_says_what_is_wrong(
    client: Any, peers: Peers, register: Any, answer: dict[str, Any], code: str
) -> None:
    await register()
    await create(client, level=prop(1))
    peers.answer("GET", f"{ENTITIES}/{ID}", **answer)

    response = await client.get(f"/entities/{ID}")

    assert response.json() == building(level=prop(1))
    assert response.headers["NGSILD-Warning"].startswith(f"{code} ")


@pytest.mark.parametrize("source_type", ["sensor", {"type": "Property", "value": "sensor"}])
async def test_a_context_source_filter_chooses_who_is_asked(
    client: Any, peers: Peers, register: Any, source_type: Any
) -> None:
    await register(sourceType=source_type)
    peers.answer("GET", ENTITIES, content=[building(level=prop(9))])

    fitting = await client.get("/entities", params={"type": "Building", "csf": 'sourceType=="sensor"'})
    other = await client.get("/entities", params={"type": "Building", "csf": 'sourceType=="archive"'})
    by_member = await client.get("/entities", params={"type": "Building", "csf": "endpoint~=archive"})

    assert [len(one.json()) for one in (fitting, other, by_member)] == [1, 0, 0]


async def test_a_context_source_filter_that_cannot_be_read_is_refused(client: Any, register: Any) -> None:
    assert (await client.get("/entities", params={"type": "Building", "csf": "))bad(("})).status_code == 400
    await register()
    assert (await client.get("/entities", params={"type": "Building", "csf": "))bad(("})).status_code == 400


async def test_what_is_here_cannot_be_held_elsewhere_alone(client: Any, register: Any) -> None:
    await create(client, level=prop(1))
    information = [{"entities": [{"type": "Building", "id": ID}], "propertyNames": ["level"]}]

    for mode in ("redirect", "exclusive"):
        source = {"type": "ContextSourceRegistration", "endpoint": "http://peer", "information": information}
        response = await client.post("/csourceRegistrations", json={**source, "mode": mode})
        assert response.status_code == 409
        assert response.json()["type"].endswith("/Conflict")


async def test_headers_may_be_taken_from_the_request(client: Any, peers: Peers, register: Any) -> None:
    info = [
        {"key": "X-User", "value": "urn:ngsi-ld:request"},
        {"key": "NGSILD-Tenant", "value": "other"},
        {"key": "Via", "value": "1.1 evil"},
    ]
    await register(contextSourceInfo=info)

    await client.get(f"/entities/{ID}", headers={"X-User": "abcd"})
    await client.get(f"/entities/{ID}")

    with_user, without = peers.asked
    assert with_user.headers["X-User"] == "abcd"
    assert "X-User" not in without.headers
    assert "NGSILD-Tenant" not in without.headers
    assert "evil" not in without.headers["Via"]


async def test_a_source_with_a_context_of_its_own_gets_plain_json_in_its_words(
    client: Any, peers: Peers, register: Any
) -> None:
    await register(
        operations=REDIRECTION,
        contextSourceInfo=[
            {"key": "jsonldContext", "value": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"}
        ],
    )

    await client.post(
        "/entities",
        json={**building(level=prop(1)), "@context": {"level": "https://example.org/level"}},
        headers={"Content-Type": "application/ld+json"},
    )

    sent = peers.asked[0]
    assert sent.headers["Content-Type"] == "application/json"
    assert "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld" in sent.headers["Link"]
    assert "@context" not in json.loads(sent.content)


async def test_what_has_expired_at_a_source_is_discarded(client: Any, peers: Peers, register: Any) -> None:  # 5.7.1.4
    await register()
    expired = building(level=prop(1), expiresAt="2026-01-01T00:00:00Z")
    peers.answer("GET", ENTITIES, content=[expired, building(2)])
    peers.answer("GET", f"{ENTITIES}/{ID}", content=expired)

    assert (await client.get(f"/entities/{ID}")).status_code == 404
    assert (await client.get("/entities?type=Building")).json() == [building(2)]


@pytest.mark.parametrize(("asked", "times"), [("urn:x:a", 0), ("urn:x:b", 1), ("urn:x:a,urn:x:b", 1), (None, 1)])
async def test_a_source_that_has_other_datasets_is_not_asked(
    client: Any, peers: Peers, register: Any, asked: str | None, times: int
) -> None:  # 5.12
    await register(datasetId=["urn:x:b", "urn:x:c"])
    peers.answer("GET", ENTITIES, content=[])

    query = {"type": "Building"} | ({"datasetId": asked} if asked else {})
    assert (await client.get("/entities", params=query)).status_code == 200

    assert len(peers.asked) == times


@pytest.mark.parametrize("join", ["inline", "flat"])
async def test_links_of_several_datasets_are_followed_in_the_simplified_format(
    client: Any, peers: Peers, register: Any, join: str
) -> None:  # 4.5.4, 4.5.23
    await register(information=[{"entities": [{"type": "Building"}]}])
    owners = [{"id": f"urn:x:owner:{number}", "type": "Owner"} for number in (1, 2)]
    for one in owners:
        await client.post("/entities?local=true", json=one)
    link = {"type": "Relationship", "object": owners[0]["id"]}
    await create(client, owner=link)
    other = building(owner={**link, "object": owners[1]["id"], "datasetId": "urn:x:b"})
    peers.answer("GET", f"{ENTITIES}/{ID}", content=other)

    shown = (await client.get(f"/entities/{ID}", params={"options": "keyValues", "join": join})).json()

    if join == "inline":
        assert shown == building(owner={"dataset": {"@none": owners[0], "urn:x:b": owners[1]}})
    else:
        ids = {"dataset": {"@none": owners[0]["id"], "urn:x:b": owners[1]["id"]}}
        assert shown == [building(owner=ids), *owners]


@pytest.mark.parametrize("join", ["inline", "flat"])
@pytest.mark.parametrize("path", ["/entities", f"/entities/{ID}"])
async def test_links_lead_to_sources_where_they_say_the_type(
    client: Any, peers: Peers, register: Any, join: str, path: str
) -> None:  # 4.5.23.1
    await register(information=[{"entities": [{"type": "Owner"}]}])
    link = {"type": "Relationship", "object": "urn:x:owner:1", "objectType": "Owner"}
    await create(client, owner=link, tenant={"type": "Relationship", "object": "urn:x:owner:2"})
    owner = {"id": "urn:x:owner:1", "type": "Owner", "name": prop("A")}
    peers.answer("GET", ENTITIES, content=[owner, {**owner, "id": "urn:x:owner:2"}])

    query = {"join": join} | ({} if path != "/entities" else {"type": "Building"})
    shown = (await client.get(path, params=query)).json()

    first = shown[0] if isinstance(shown, list) else shown
    assert first["owner"].get("entity") == (owner if join == "inline" else None)
    assert "entity" not in first["tenant"]
    assert (shown[1:] if isinstance(shown, list) else []) == ([owner] if join == "flat" else [])
    assert [one.url.params["id"] for one in peers.asked if "id" in one.url.params] == ["urn:x:owner:1"]
