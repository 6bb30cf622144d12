"""Where names of the DNS lead: a name server that does not answer holds up those alone who ask for its names.

The event loop's own look-ups share four threads, two of which look up names, and a dead name server keeps one of them
for ten seconds and more, also when whoever asked has long given up: two dead names held up every other.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from typing import Final

AT_ONCE: Final = 256
"""As many names are looked up at the same time."""


class _Names:
    """The look-ups of one event loop. One thread a look-up, so that none outlives its process; one look-up a name."""

    def __init__(self) -> None:
        self.under_way: dict[str, asyncio.Future[list[str]]] = {}
        self.waiting: deque[str] = deque()
        self.busy = 0

    def ask(self, host: str) -> asyncio.Future[list[str]]:
        future = self.under_way.get(host)
        if future is None:
            future = self.under_way[host] = asyncio.get_running_loop().create_future()
            self.waiting.append(host)
            self._go_on()
        return future

    def _go_on(self) -> None:
        while self.waiting and self.busy < AT_ONCE:
            self.busy += 1
            arguments = (asyncio.get_running_loop(), self.waiting.popleft())
            threading.Thread(target=self._look_up, args=arguments, name="name", daemon=True).start()

    def _look_up(self, loop: asyncio.AbstractEventLoop, host: str) -> None:
        found: list[str] | Exception
        try:
            entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except Exception as error:  # OSError, and what names can be that no DNS has
            found = error
        try:
            loop.call_soon_threadsafe(self._answered, host, found)
        except RuntimeError:
            return  # the loop has ended meanwhile: nobody waits

    def _answered(self, host: str, found: list[str] | Exception) -> None:
        self.busy -= 1
        future = self.under_way.pop(host)
        if isinstance(found, Exception):
            future.set_exception(found)
            future.exception()  # looked at: whoever asked may have given up
        else:
            future.set_result(found)
        self._go_on()


_of_loop: Final[dict[int, tuple[asyncio.AbstractEventLoop, _Names]]] = {}


async def addresses_of(host: str) -> list[str]:
    """The IP addresses of a name, in the order in which they should be tried.

    Raises OSError for a name that has none, ValueError (UnicodeError) for what no DNS can have.
    """
    return await asyncio.shield(_names().ask(host))


def _names() -> _Names:
    loop = asyncio.get_running_loop()
    kept = _of_loop.get(id(loop))
    if kept is None or kept[0] is not loop:
        for key in [key for key, (one, _) in _of_loop.items() if one.is_closed()]:
            del _of_loop[key]
        kept = _of_loop[id(loop)] = loop, _Names()
    return kept[1]
