"""The front end's files: found, packed, cached, safe."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from vidik.app.problems import HANDLERS
from vidik.console.static_files import StaticFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "built" / "assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("not for you")
    return tmp_path / "built"


@pytest.fixture
def built(folder: Path) -> Path:
    (folder / "index.html").write_text("<!doctype html><title>Vidik</title>")
    (folder / "assets" / "index-abc123.js").write_text("console.log(1)")
    (folder / "assets" / "index-abc123.js.br").write_bytes(b"packed by brotli")
    (folder / "assets" / "index-abc123.js.gz").write_bytes(b"packed by gzip")
    return folder


@pytest.fixture
async def browser(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[Route("/{path:path}", StaticFiles(folder).__call__)],
        exception_handlers=HANDLERS,
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test") as client:
        client.headers["accept-encoding"] = "identity"
        yield client


class TestBuilt:
    @pytest.mark.parametrize(
        "path", ["/", "/situation", "/alarms", "/assets/urn:ngsi-ld:HeatSubstation:nis:s01", "/sign-in"]
    )
    async def test_routes_of_the_front_end_are_its_page(
        self, path: str, built: Path, browser: httpx.AsyncClient
    ) -> None:
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert "<title>Vidik</title>" in answer.text
        assert answer.headers["cache-control"] == "no-cache"

    async def test_hashed_files_are_kept_for_ever(self, built: Path, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/assets/index-abc123.js")
        assert answer.text == "console.log(1)"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("text/javascript")

    @pytest.mark.parametrize(("accepted", "encoding"), [("gzip, deflate, br", "br"), ("gzip", "gzip")])
    async def test_packed_copies_go_where_they_are_understood(
        self, accepted: str, encoding: str, built: Path, browser: httpx.AsyncClient
    ) -> None:
        request = browser.build_request("GET", "/assets/index-abc123.js", headers={"accept-encoding": accepted})
        answer = await browser.send(request, stream=True)
        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["vary"] == "Accept-Encoding"
        await answer.aclose()

    async def test_a_page_that_has_not_changed_does_not_travel(self, built: Path, browser: httpx.AsyncClient) -> None:
        tag = (await browser.get("/")).headers["etag"]
        answer = await browser.get("/", headers={"if-none-match": tag})
        assert answer.status_code == 304
        assert answer.content == b""

    @pytest.mark.parametrize(
        "path", ["/assets/missing-000.js", "/api/nothing", "/../secret.txt", "/%2e%2e/secret.txt", "/favicon.ico"]
    )
    async def test_what_is_not_there_is_not_found(self, path: str, built: Path, browser: httpx.AsyncClient) -> None:
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert "not for you" not in answer.text

    async def test_a_link_out_of_the_folder_is_not_followed(self, built: Path, browser: httpx.AsyncClient) -> None:
        (built / "leak.css").symlink_to(built.parent / "secret.txt")
        assert (await browser.get("/leak.css")).status_code == 404

    async def test_pages_say_what_may_run_in_them(self, built: Path, browser: httpx.AsyncClient) -> None:
        policy = (await browser.get("/")).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "worker-src 'self' blob:" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy


class TestNotBuilt:
    async def test_says_what_to_do(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/")
        assert answer.status_code == 503
        assert "make frontend" in answer.text
