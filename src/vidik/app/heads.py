"""HEAD wherever there is GET (RFC 9110, clause 9.1): asked as GET, answered with its status and headers alone.

The modules' interfaces and the city's memory know no HEAD. Pages and files do, by Starlette's routes, and do not read
what they would not send.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vidik.kernel.answers import WHOLE_ANSWER

_WITHOUT: Final = ("/api/", "/ngsi-ld/")


class Heads:
    """Answers requests of HEAD; others go past it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {**scope, "method": "GET"} if scope["path"].startswith(_WITHOUT) else scope
        await self._app(asked, receive, _bodiless(send))


def _bodiless(send: Send) -> Send:
    is_over = False

    async def head(message: Message) -> None:
        nonlocal is_over
        if message["type"] == WHOLE_ANSWER:
            await send({**message, "body": b""})
        elif message["type"] != "http.response.body":
            await send(message)
        elif not is_over:
            # At the first piece the answer is over: a stream hears of it as of a client that went away.
            is_over = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return head
