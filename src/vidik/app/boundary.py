"""The outermost layer of the web door: request ids, access log, metrics, limits, and the last net for mistakes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
import secrets
import time
from functools import lru_cache

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vidik.app.heads import Heads
from vidik.app.problems import internal_problem, problem_response
from vidik.kernel.answers import WHOLE_ANSWER
from vidik.kernel.errors import TooLarge
from vidik.kernel.identity.cookies import by_https
from vidik.kernel.logs import REQUEST_ID, get_logger
from vidik.kernel.settings import Settings
from vidik.kernel.tasks import end_tasks
from vidik.kernel.telemetry import HTTP_REQUESTS, HTTP_SECONDS

LARGEST_BODY = 32 * 1024 * 1024
SLOW_SECONDS = 1.0

_access = logging.getLogger("vidik.access")
_log = get_logger("vidik.access")
_GIVEN_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_QUIET = ("/health", "/metrics", "/static", "/assets/")

# Numbers after a random one: a random one for each request would cost a system call each.
_new_ids = itertools.count(secrets.randbits(63))

Headers = tuple[tuple[bytes, bytes], ...]

_HEADERS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
# For a year; not for the names below this one, which may be other people's.
_BY_HTTPS = (*_HEADERS, (b"strict-transport-security", b"max-age=31536000"))
_PAGE_POLICY = (
    b"content-security-policy",
    b"default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    b"worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
)


class LiveStreams:
    """The answers that never end by themselves; a web process that stops ends them, or it would wait for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def add(self, task: asyncio.Task[object] | None) -> None:
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def end_all(self) -> None:
        """End every live stream: clients reconnect by themselves and go on where they were."""
        await end_tasks(*self._tasks)


class Boundary:
    """Wraps the application; adds about 20 microseconds a request."""

    def __init__(self, app: ASGIApp, streams: LiveStreams, settings: Settings) -> None:
        self.app = app
        self._heads = Heads(app)
        self.streams = streams
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = _BY_HTTPS if by_https(scope.get("scheme", "http"), self._settings) else _HEADERS
        exchange = _Exchange(scope, receive, send, self.streams, headers)
        asked = REQUEST_ID.set(exchange.request_id)
        try:
            app = self.app if scope["method"] != "HEAD" else self._heads
            await app(scope, exchange.receive, exchange.send)
        except TooLarge as error:
            await exchange.answer_problem(error.problem())
        except asyncio.CancelledError:
            if not exchange.live:
                raise
        except Exception:
            _log.exception("a request failed", method=scope["method"], path=scope["path"])
            await exchange.answer_problem(internal_problem(exchange.request_id))
        finally:
            await exchange.end_stream()
            REQUEST_ID.reset(asked)
            exchange.report()


class _Exchange:
    """One request and what has been answered so far."""

    __slots__ = (
        "_headers",
        "_receive",
        "_send",
        "_streams",
        "began",
        "complete",
        "live",
        "received",
        "request_id",
        "scope",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, streams: LiveStreams, headers: Headers) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._streams = streams
        self._headers = headers
        self.began = time.perf_counter()
        self.status = 0
        self.received = 0
        self.live = False
        self.complete = False
        self.request_id = scope["vidik.request_id"] = _request_id(scope)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            if self.received > LARGEST_BODY:
                raise TooLarge(f"A request may carry {LARGEST_BODY // 1_048_576} MB at most.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == WHOLE_ANSWER:
            self.status = message["status"]
            self.complete = True
            message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode()), *self._headers]
        elif message["type"] == "http.response.start":
            self.status = message["status"]
            given = message.get("headers", ())
            names = {name.lower(): value for name, value in given}
            added = [(b"x-request-id", self.request_id.encode())]
            added += [header for header in self._headers if header[0] not in names]
            kind = names.get(b"content-type", b"")
            if kind.startswith(b"text/html") and _PAGE_POLICY[0] not in names:
                added.append(_PAGE_POLICY)
            elif kind.startswith(b"text/event-stream"):
                self.live = True
                self._streams.add(asyncio.current_task())
            message["headers"] = [*given, *added]
        elif not message.get("more_body", False):
            self.complete = True
        await self._send(message)

    async def answer_problem(self, problem: dict[str, object]) -> None:
        if self.status == 0:
            await problem_response(problem)(self.scope, self._receive, self.send)

    async def end_stream(self) -> None:
        """Say that a live stream is over, when it was ended from outside."""
        if not self.live or self.complete:
            return
        with contextlib.suppress(OSError):  # the other side may be gone
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def report(self) -> None:
        seconds = time.perf_counter() - self.began
        path: str = self.scope["path"]
        door = _door(path)
        _requests(door, self.scope["method"], self.status).inc()
        if self.live:
            return
        _seconds(door).observe(seconds)
        is_worth_it = self.status >= 400 or seconds > SLOW_SECONDS
        if (is_worth_it or _access.isEnabledFor(logging.DEBUG)) and not path.startswith(_QUIET):
            # The query string stays out of the log: it may carry personal data.
            (_log.info if is_worth_it else _log.debug)(
                "answered",
                method=self.scope["method"],
                path=path,
                status=self.status,
                milliseconds=round(seconds * 1000, 1),
                request_id=self.request_id,
            )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.fullmatch(value):
            return str(value, "ascii")
    return f"{next(_new_ids):016x}"


# Looking up a labelled metric costs more than counting with it.
@lru_cache(maxsize=512)
def _requests(door: str, method: str, status: int) -> Counter:
    return HTTP_REQUESTS.labels(door, method, str(status))


@lru_cache(maxsize=16)
def _seconds(door: str) -> Histogram:
    return HTTP_SECONDS.labels(door)


def _door(path: str) -> str:
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in {"api", "ngsi-ld", "health", "metrics"} else "console"
