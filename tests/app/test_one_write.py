"""The protocol that writes an answer at once, over a real socket."""

import ast
import asyncio
import gc
import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from vidik.app import one_write
from vidik.app.one_write import OneWriteProtocol
from vidik.kernel.answers import WHOLE_ANSWER


async def application(scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"5"), (b"etag", b'"1"'), (b"ngsild-results-count", b"3"), (b"location", b"/there")]
    match scope["path"]:
        case "/whole":
            await send({"type": WHOLE_ANSWER, "status": 200, "headers": headers, "body": b"whole"})
        case "/parts":
            await send({"type": "http.response.start", "status": 201, "headers": headers})
            await send({"type": "http.response.body", "body": b"pa", "more_body": True})
            await send({"type": "http.response.body", "body": b"rts"})
        case "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"str", "more_body": True})
            await send({"type": "http.response.body", "body": b"eam"})
        case "/none":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        case "/split":
            refused = [*headers, (b"x-said", b"this\r\nset-cookie: that")]
            await send({"type": WHOLE_ANSWER, "status": 200, "headers": refused, "body": b"split"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(application, port=0, http=OneWriteProtocol, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: OneWriteProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


async def asked(port: int, path: str, *, method: str = "GET", more: str = "Connection: close\r\n") -> tuple[str, str]:
    """The head and the body of an answer, as they came, until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: vidik\r\n{more}\r\n".encode())
    answer = (await asyncio.wait_for(reader.read(), 60)).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


@pytest.mark.parametrize("path", ["/whole", "/parts"])
async def test_an_answer_says_its_headers_as_people_write_them(port: int, path: str) -> None:
    head, body = await asked(port, path)

    assert body == path[1:]
    lines = head.split("\r\n")
    assert lines[0] == ("HTTP/1.1 200 OK" if path == "/whole" else "HTTP/1.1 201 Created")
    assert {"Content-Length: 5", 'ETag: "1"', "NGSILD-Results-Count: 3", "Location: /there"} <= set(lines)
    assert "Connection: close" in lines


async def test_an_answer_of_unknown_length_comes_in_chunks(port: int) -> None:
    head, body = await asked(port, "/stream")

    assert "Transfer-Encoding: chunked" in head
    assert body == "3\r\nstr\r\n3\r\neam\r\n0\r\n\r\n"


async def test_the_head_alone_is_sent_where_only_that_is_asked_for(port: int) -> None:
    head, body = await asked(port, "/whole", method="HEAD")

    assert "Content-Length: 5" in head
    assert body == ""
    head, body = await asked(port, "/none")
    assert "Transfer-Encoding" not in head
    assert body == ""


async def test_a_header_cannot_bring_another(port: int) -> None:
    head, _body = await asked(port, "/split")

    assert head.startswith("HTTP/1.1 500 ")
    assert "that" not in head


async def test_a_connection_takes_one_request_after_another_and_leaves_nothing_to_collect(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(200):
            writer.write(b"GET /whole HTTP/1.1\r\nHost: vidik\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"whole"), 60)
        grown = len(gc.get_objects()) - before
    finally:
        gc.enable()
        writer.close()

    assert grown < 200  # a cycle a request would be several objects each


def test_uvicorn_still_has_what_the_protocol_leans_on() -> None:
    """uvicorn has no public way to answer otherwise. Where this fails, read what `one_write` overrides anew."""
    tree = ast.parse(Path(one_write.__file__).read_text())
    leans_on = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cycle"
    }
    has = set(re.findall(r"self\.(\w+)\b", inspect.getsource(RequestResponseCycle))) | set(vars(RequestResponseCycle))

    assert sorted(leans_on - has) == []
    assert list(inspect.signature(HttpToolsProtocol._start_asgi_task).parameters) == ["self", "cycle", "app"]
    assert "__slots__" not in vars(RequestResponseCycle)  # `send` is put over the cycle's own
    assert "self.send" in inspect.getsource(RequestResponseCycle.run_asgi)
