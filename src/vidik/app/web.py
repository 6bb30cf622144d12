"""The web process: one uvicorn server around the application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator
from functools import partial

import uvicorn
from starlette.applications import Starlette

from vidik.app.application import assemble
from vidik.app.boundary import LiveStreams
from vidik.app.one_write import OneWriteProtocol
from vidik.app.process import Work, heart_of
from vidik.kernel.errors import Unavailable
from vidik.kernel.settings import Settings

DRAIN_SECONDS = 5


class _Server(uvicorn.Server):
    """Ends live streams when it is told to stop: a browser reconnects by itself, a waiting server does not end."""

    def __init__(self, config: uvicorn.Config, streams: LiveStreams) -> None:
        super().__init__(config)
        self._streams = streams
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._streams.end_all()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Not uvicorn's own: it raises the signal once more at the end, and the process would seem to be killed.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True


def web(settings: Settings) -> Work:
    """The web process, assembled; its work serves until SIGTERM, and requests under way may finish."""
    return partial(_serve, settings, assemble(settings))


async def _serve(settings: Settings, app: Starlette) -> None:
    config = uvicorn.Config(
        app,
        http=OneWriteProtocol,
        ws="none",
        loop="none",
        lifespan="on",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        backlog=2048,
    )
    listener = _listen(settings)
    server = _Server(config, app.state.streams)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    coming_up = asyncio.create_task(server.up.wait())
    await asyncio.wait([serving, coming_up], return_when=asyncio.FIRST_COMPLETED)
    if not server.up.is_set():
        coming_up.cancel()
        await serving
        raise Unavailable("The web application did not start; the log says why.", code="web-start")
    async with heart_of(settings, "web") as heart:
        heart.ports["http"] = listener.getsockname()[1]
        await serving


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise Unavailable(
            f"Port {settings.port} on {settings.host} is taken ({error.strerror}). "
            "Stop what uses it, or choose another with VIDIK_PORT.",
            code="port-taken",
        ) from error
    listener.listen(2048)
    listener.setblocking(False)
    return listener
