"""Conditional requests over HTTP (RFC 9110, clauses 8.8.3 and 13)."""

import asyncio

import httpx
import pytest

from vidik.context.jsonld import packaged

BENCH = "/entities/urn:ngsi-ld:Bench:1"
CITY = {"Link": f'<{packaged.CITY_CONTEXT_URL}>; rel="http://www.w3.org/ns/json-ld#context"'}


def seats(number: int) -> dict[str, object]:
    return {"seats": {"type": "Property", "value": number}}


@pytest.fixture
async def bench(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client, and one entity in the memory."""
    await client.post("/entities", json={"id": "urn:ngsi-ld:Bench:1", "type": "Bench", **seats(4)})
    return client


async def tag_of(client: httpx.AsyncClient, path: str = BENCH, **headers: str) -> str:
    response = await client.get(path, headers=headers)
    assert response.status_code == 200
    tag: str = response.headers["etag"]
    return tag


class TestReading:
    async def test_what_the_client_has_is_not_sent_again(self, bench: httpx.AsyncClient) -> None:
        tag = await tag_of(bench)
        response = await bench.get(BENCH, headers={"If-None-Match": tag})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["etag"] == tag

    async def test_it_is_one_of_a_list_or_anything(self, bench: httpx.AsyncClient) -> None:
        tag = await tag_of(bench)
        for header in (f'"other", W/{tag}', "*"):
            assert (await bench.get(BENCH, headers={"If-None-Match": header})).status_code == 304

    async def test_a_change_is_a_new_version(self, bench: httpx.AsyncClient) -> None:
        tag = await tag_of(bench)
        await bench.patch(BENCH, json=seats(5))
        response = await bench.get(BENCH, headers={"If-None-Match": tag})
        assert response.status_code == 200
        assert response.json()["seats"]["value"] == 5
        assert response.headers["etag"] != tag

    async def test_tags_are_strong_and_one_a_representation(self, bench: httpx.AsyncClient) -> None:
        tags = {
            await tag_of(bench),
            await tag_of(bench, Accept="application/ld+json"),
            await tag_of(bench, Accept="application/geo+json"),
            await tag_of(bench, **CITY),
        }
        assert len(tags) == 4
        assert all(tag.startswith('"') for tag in tags)

    async def test_the_answer_says_what_it_varies_by(self, bench: httpx.AsyncClient) -> None:
        assert (await bench.get(BENCH)).headers["vary"] == "Accept, Link, NGSILD-Tenant"

    async def test_what_shows_several_entities_has_no_tag(self, bench: httpx.AsyncClient) -> None:
        assert "etag" not in (await bench.get(BENCH, params={"join": "flat"})).headers

    async def test_what_is_not_there_is_not_found(self, bench: httpx.AsyncClient) -> None:
        response = await bench.get("/entities/urn:ngsi-ld:Bench:9", headers={"If-None-Match": "*"})
        assert response.status_code == 404

    async def test_the_past_has_a_tag(self, bench: httpx.AsyncClient) -> None:
        path = f"/temporal{BENCH}"
        tag = await tag_of(bench, path)
        assert (await bench.get(path, headers={"If-None-Match": tag})).status_code == 304


class TestWriting:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", BENCH, seats(5)),
            ("PUT", BENCH, {"type": "Bench", **seats(5)}),
            ("POST", f"{BENCH}/attrs", seats(5)),
            ("PATCH", f"{BENCH}/attrs", seats(5)),
            ("PATCH", f"{BENCH}/attrs/seats", {"value": 5}),
            ("PUT", f"{BENCH}/attrs/seats", {"type": "Property", "value": 5}),
            ("DELETE", f"{BENCH}/attrs/seats", None),
            ("DELETE", BENCH, None),
        ],
    )
    async def test_only_the_version_that_was_seen_is_changed(
        self, bench: httpx.AsyncClient, method: str, path: str, body: object
    ) -> None:
        seen = await tag_of(bench)
        await bench.patch(BENCH, json=seats(3))
        refused = await bench.request(method, path, json=body, headers={"If-Match": seen})
        assert refused.status_code == 412
        assert refused.json()["code"] == "precondition-failed"
        assert (await bench.get(BENCH)).json()["seats"]["value"] == 3
        done = await bench.request(method, path, json=body, headers={"If-Match": await tag_of(bench)})
        assert done.status_code == 204

    async def test_any_representation_of_the_version_will_do(self, bench: httpx.AsyncClient) -> None:
        tag = await tag_of(bench, f"{BENCH}?options=keyValues", Accept="application/ld+json")
        assert (await bench.patch(BENCH, json=seats(5), headers={"If-Match": f'"x", {tag}'})).status_code == 204

    async def test_a_weak_tag_guards_nothing(self, bench: httpx.AsyncClient) -> None:
        tag = f"W/{await tag_of(bench)}"
        assert (await bench.patch(BENCH, json=seats(5), headers={"If-Match": tag})).status_code == 412

    async def test_what_exists_will_do_where_anything_will(self, bench: httpx.AsyncClient) -> None:
        assert (await bench.patch(BENCH, json=seats(5), headers={"If-Match": "*"})).status_code == 204

    async def test_not_found_comes_before_the_condition(self, bench: httpx.AsyncClient) -> None:
        for path in ("/entities/urn:ngsi-ld:Bench:9", f"{BENCH}/attrs/armrests"):
            assert (await bench.delete(path, headers={"If-Match": '"x"'})).status_code == 404

    async def test_if_none_match_guards_too(self, bench: httpx.AsyncClient) -> None:
        tag = await tag_of(bench)
        for header in (tag, f"W/{tag}", "*"):
            response = await bench.patch(BENCH, json=seats(5), headers={"If-None-Match": header})
            assert response.status_code == 412
        assert (await bench.patch(BENCH, json=seats(5), headers={"If-None-Match": '"x"'})).status_code == 204

    async def test_what_is_no_tag_is_refused(self, bench: httpx.AsyncClient) -> None:
        response = await bench.patch(BENCH, json=seats(5), headers={"If-Match": "abc"})
        assert response.status_code == 400

    async def test_of_many_that_saw_the_same_one_wins(self, bench: httpx.AsyncClient) -> None:
        headers = {"If-Match": await tag_of(bench)}
        requests = [bench.patch(BENCH, json=seats(number), headers=headers) for number in range(10, 30)]
        statuses = sorted(one.status_code for one in await asyncio.gather(*requests))
        assert statuses == [204] + [412] * 19


SUBSCRIPTION = {
    "type": "Subscription",
    "entities": [{"type": "Bench"}],
    "notification": {"endpoint": {"uri": "https://example.org/benches"}},
}
REGISTRATION = {
    "type": "ContextSourceRegistration",
    "information": [{"entities": [{"type": "Bench"}]}],
    "endpoint": "https://example.org",
}


@pytest.mark.parametrize(
    ("resource", "body"), [("/subscriptions", SUBSCRIPTION), ("/csourceRegistrations", REGISTRATION)]
)
async def test_a_definition_is_changed_as_it_was_seen(
    client: httpx.AsyncClient, resource: str, body: dict[str, object]
) -> None:
    created = await client.post(resource, json=body)
    path = created.headers["location"].removeprefix("/ngsi-ld/v1")
    tag = await tag_of(client, path)
    assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
    fragment = {"description": "benches"}
    assert (await client.patch(path, json=fragment, headers={"If-Match": tag})).status_code == 204
    assert (await client.patch(path, json=fragment, headers={"If-Match": tag})).status_code == 412
    assert (await client.delete(path, headers={"If-Match": tag})).status_code == 412
    assert (await client.delete(path, headers={"If-Match": await tag_of(client, path)})).status_code == 204
