"""Contexts, media types, tenants, permissions and broken requests (ETSI GS CIM 009, 5.5 and 6.3)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from vidik.context.jsonld.fetching import ContextUnavailableError, fetch
from vidik.context.jsonld.resolver import ContextResolver
from vidik.context.ngsild.http.exchange import accepted
from vidik.kernel.errors import VidikError

CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
CITY = "https://vidik.rs/ns/city.jsonld"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
LD_JSON = {"Content-Type": "application/ld+json"}
SPOT = {"id": "urn:e:1", "type": "ParkingSpot", "category": {"type": "VocabProperty", "vocab": "OffStreetParking"}}


def link(url: str) -> dict[str, str]:
    return {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}


class TestContexts:
    async def test_names_mean_what_the_link_says(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=SPOT, headers=link(CITY))
        assert (await client.get("/entities/urn:e:1", headers=link(CITY))).json() == SPOT
        body = (await client.get("/entities/urn:e:1")).json()
        assert body["type"] == "https://smartdatamodels.org/dataModel.Parking/ParkingSpot"
        assert (await client.get("/entities?type=ParkingSpot")).json() == []
        assert len((await client.get("/entities?type=ParkingSpot", headers=link(CITY))).json()) == 1

    async def test_json_ld_carries_its_context(self, client: httpx.AsyncClient) -> None:
        body = {**SPOT, "@context": [{"x": "https://x.example/x"}, CORE], "x": 1}
        response = await client.post("/entities", content=orjson.dumps(body), headers=LD_JSON)
        assert response.status_code == 201
        response = await client.get(
            "/entities/urn:e:1?attrs=https://x.example/x", headers={"Accept": "application/ld+json"}
        )
        assert response.headers["content-type"] == "application/ld+json"
        assert response.json()["@context"] == CORE
        assert response.json()["https://x.example/x"]["value"] == 1

    async def test_json_links_to_it(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json=SPOT, headers=link(CITY))
        response = await client.get("/entities/urn:e:1", headers=link(CITY))
        assert response.headers["link"].startswith(f"<{CITY}>")
        assert "@context" not in response.json()

    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            (LD_JSON, SPOT),
            ({**LD_JSON, **link(CITY)}, {**SPOT, "@context": CORE}),
            ({"Content-Type": "application/json"}, {**SPOT, "@context": CORE}),
            (LD_JSON, {**SPOT, "@context": {"a": 5}}),
            (LD_JSON, {**SPOT, "@context": 5}),
        ],
    )
    async def test_a_context_in_the_wrong_place_or_shape(
        self, client: httpx.AsyncClient, headers: dict[str, str], body: Any
    ) -> None:
        response = await client.post("/entities", content=orjson.dumps(body), headers=headers)
        assert response.status_code == 400
        assert response.json()["type"] == ERRORS + "BadRequestData"
        assert (await client.get("/entities/urn:e:1")).status_code == 404

    async def test_smart_data_models_need_no_internet(self, client: httpx.AsyncClient) -> None:
        url = "https://raw.githubusercontent.com/smart-data-models/dataModel.Parking/master/context.jsonld"
        response = await client.post("/entities", json=SPOT, headers=link(url))
        assert response.status_code == 201

    async def test_the_citys_context_is_served(self, anonymous: httpx.AsyncClient) -> None:
        response = await anonymous.get("http://vidik.test/ngsi-ld/contexts/city.jsonld")
        assert response.headers["content-type"] == "application/ld+json"
        assert response.json()["@context"][0]["HeatSubstation"] == "https://vidik.rs/ns#HeatSubstation"


@dataclass
class Site:
    """A web server of somebody else."""

    url: str = ""
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split()[1].decode()
        site.asked.append(path)
        status, body = site.answers.get(path, ("404 Not Found", b""))
        extra = f"Location: {body.decode()}\r\n" if status.startswith("302") else ""
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield site


def context_of(**terms: Any) -> tuple[str, bytes]:
    return "200 OK", orjson.dumps({"@context": terms})


class TestRemoteContexts:
    async def test_one_is_fetched_once_and_kept(self, site: Site, tmp_path: Path) -> None:
        site.answers["/c"] = context_of(a="https://x.example/a")
        resolver = ContextResolver(tmp_path, allow_private=True)
        contexts = await asyncio.gather(*(resolver.resolve([f"{site.url}/c", {"b": "a"}]) for _ in range(3)))
        assert contexts[0].expand("b") == "https://x.example/a"
        assert site.asked == ["/c"]
        site.answers.clear()
        after_restart = ContextResolver(tmp_path, allow_private=True)
        assert (await after_restart.resolve(f"{site.url}/c")).expand("a") == "https://x.example/a"

    async def test_contexts_that_refer_to_one_another_are_refused(self, site: Site, tmp_path: Path) -> None:
        site.answers["/a"] = "200 OK", orjson.dumps({"@context": "b"})
        site.answers["/b"] = "200 OK", orjson.dumps({"@context": "a"})
        with pytest.raises(VidikError) as caught:
            await ContextResolver(tmp_path, allow_private=True).resolve(f"{site.url}/a")
        assert caught.value.status == 400

    async def test_a_redirect_is_followed_but_not_for_ever(self, site: Site) -> None:
        site.answers["/a"] = "302 Found", b"/b"
        site.answers["/b"] = context_of(a="https://x.example/a")
        site.answers["/round"] = "302 Found", b"/round"
        assert (await fetch(f"{site.url}/a", allow_private=True))["@context"]["a"]
        with pytest.raises(ContextUnavailableError, match="redirects"):
            await fetch(f"{site.url}/round", allow_private=True)

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b"[]", b"{}", b'{"@context": "' + b"x" * (1 << 20) + b'"}'],
        ids=["empty", "html", "list", "no context", "too large"],
    )
    async def test_what_is_no_context_is_not_available(self, site: Site, body: bytes) -> None:
        site.answers["/c"] = "200 OK", body
        with pytest.raises(ContextUnavailableError):
            await fetch(f"{site.url}/c", allow_private=True)

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:1/c",
            "http://[::1]/c",
            "http://[::ffff:10.0.0.1]/c",
            "http://169.254.169.254/latest",
            "http://10.1.2.3/c",
            "file:///etc/passwd",
            "ftp://x.example/c",
            "http://user@1.1.1.1/c",
            "nonsense",
        ],
    )
    async def test_private_addresses_are_not_asked(self, url: str) -> None:
        with pytest.raises(ContextUnavailableError):
            await fetch(url, allow_private=False)

    async def test_the_api_says_so(self, client: httpx.AsyncClient, site: Site) -> None:
        response = await client.post("/entities", json=SPOT, headers=link(f"{site.url}/nothing"))
        assert response.status_code == 504
        assert response.json()["type"] == ERRORS + "LdContextNotAvailable"


class TestMediaTypes:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("*/*", "application/json"),
            ("application/ld+json", "application/ld+json"),
            ("application/*;q=0.5, application/geo+json", "application/geo+json"),
            ("text/html, application/json;q=0.1", "application/json"),
            ("application/json;q=0, */*", "application/ld+json"),
        ],
    )
    def test_the_best_that_is_accepted(self, header: str, expected: str) -> None:
        assert accepted(header, ("application/json", "application/ld+json", "application/geo+json")) == expected

    async def test_nothing_acceptable(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/entities?type=A", headers={"Accept": "text/turtle"})
        assert response.status_code == 406

    async def test_another_kind_of_body(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/entities", content=b"<a/>", headers={"Content-Type": "text/xml"})
        assert response.status_code == 415
        # None at all is no other one, but a precondition that is not met (clause 6.3.4).
        without = await client.post("/entities", content=b"{}")
        assert (without.status_code, without.json()["field"]) == (400, "Content-Type")
        assert without.json()["type"] == "https://uri.etsi.org/ngsi-ld/errors/InvalidRequest"

    @pytest.mark.parametrize("kind", ["application/json", "application/merge-patch+json"])
    @pytest.mark.parametrize(
        ("charset", "encoding", "status"),
        [
            ("", "utf-8", 204),
            ("; charset=UTF-8", "utf-8", 204),
            (';charset="utf8";profile=x', "utf-8", 204),
            ("; charset=iso-8859-1", "iso-8859-1", 415),
            ("; charset=windows-1250", "windows-1250", 415),
            ("; charset=iso-8859-1", "utf-8", 415),
            ("; Charset=UTF-16", "utf-16", 415),
            ("; charset=utf-16le", "utf-16-le", 415),
        ],
    )
    async def test_json_is_utf_8(
        self, client: httpx.AsyncClient, kind: str, charset: str, encoding: str, status: int
    ) -> None:
        await client.post("/entities", json={"id": "urn:e:1", "type": "A", "name": "a"})
        body = '{"name": {"type": "Property", "value": "Böhm"}}'.encode(encoding)

        answer = await client.patch("/entities/urn:e:1", content=body, headers={"Content-Type": kind + charset})

        assert answer.status_code == status, answer.text
        assert status == 204 or "UTF-8" in answer.json()["detail"]
        name = (await client.get("/entities/urn:e:1", params={"format": "simplified"})).json()["name"]
        assert name == ("Böhm" if status == 204 else "a")

    async def test_ascii_is_ascii_whatever_its_charset_is_called(self, client: httpx.AsyncClient) -> None:
        kind = {"Content-Type": "application/json; charset=iso-8859-1"}
        answer = await client.post("/entities", content=b'{"id": "urn:e:1", "type": "A"}', headers=kind)
        assert answer.status_code == 201

    async def test_a_method_that_is_not_there(self, client: httpx.AsyncClient) -> None:
        response = await client.put("/entities", json={})
        assert response.status_code == 405
        assert response.headers["allow"] == "DELETE, GET, HEAD, POST"


class TestPermissions:
    async def test_nobody_gets_in_without_a_credential(self, anonymous: httpx.AsyncClient) -> None:
        response = await anonymous.get("/entities?type=A")
        assert response.status_code == 401

    async def test_a_reader_does_not_write(self, anonymous: httpx.AsyncClient) -> None:
        anonymous.headers["Authorization"] = "Bearer reader"
        assert (await anonymous.get("/entities?type=A")).status_code == 200
        for path in ("/entities", "/entityOperations/create", "/entityOperations/delete"):
            assert (await anonymous.post(path, json=[])).status_code == 403

    async def test_a_tenant_that_is_not_there(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/entities?type=A", headers={"NGSILD-Tenant": "elsewhere"})
        assert response.status_code == 404
        assert response.json()["type"] == ERRORS + "NonexistentTenant"

    async def test_ones_own_tenant(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/entities?type=A", headers={"NGSILD-Tenant": "city"})
        assert response.headers["ngsild-tenant"] == "city"


def nested(depth: int) -> bytes:
    return b'{"id":"urn:e:1","type":"A","a":' + b"[" * depth + b"]" * depth + b"}"


class TestBrokenRequests:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"   ",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b'{"id": "urn:e:1", "type": "A", "a": NaN}',
            b'{"id": "urn:e:1", "type": "A", "a": "\xff"}',
            b'{"id": "urn:e:1", "type": "A", "a": "\\ud800"}',
            b'{"id": "urn:e:1", "type": "A", "a": "\\u0000"}',
            b'{"id": "urn:e:1", "type": "A\\u0000"}',
            b'{"id": "urn:e:1", "type": "A", "a": 1e999}',
            nested(100),
            nested(5000),
            nested(200_000),
        ],
        ids=range(15),
    )
    async def test_a_body_that_cannot_be_taken_changes_nothing(self, client: httpx.AsyncClient, body: bytes) -> None:
        response = await client.post("/entities", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 400
        assert response.json()["type"] in (ERRORS + "InvalidRequest", ERRORS + "BadRequestData")
        assert (await client.get("/entities/urn:e:1")).status_code == 404

    async def test_ten_megabytes(self, client: httpx.AsyncClient) -> None:
        body = b'{"id": "urn:e:1", "type": "A", "a": "' + b"x" * 10_000_000 + b'"}'
        response = await client.post("/entities", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 413

    async def test_numbers_that_json_can_hold_but_a_machine_word_cannot(self, client: httpx.AsyncClient) -> None:
        body = b'{"id": "urn:e:1", "type": "A", "a": 123456789012345678901234567890}'
        response = await client.post("/entities", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 201

    @pytest.mark.parametrize(
        "path",
        [
            "/entities/urn:e:%00",
            "/entities/urn:e:%FF",
            "/entities/urn:e:1/attrs/%00",
            "/entities?type=A&q=%00",
            "/entities?type=%00",
            "/entities?type=A&q=a==%22%5Cu0000%22",
            "/entities?type=A&coordinates=1e999&geometry=Point&georel=within",
            "/entities?" + "&".join(f"a{n}=1" for n in range(100)),
        ],
    )
    async def test_a_path_or_query_that_cannot_be_taken(self, client: httpx.AsyncClient, path: str) -> None:
        response = await client.get(path)
        assert 400 <= response.status_code < 500

    async def test_what_is_not_there(self, client: httpx.AsyncClient) -> None:
        for path in ("/", "/nothing", "/entities/a/b/c/d", "/entities/urn:e:1/nothing"):
            assert (await client.get(path)).status_code in (400, 404, 405)
