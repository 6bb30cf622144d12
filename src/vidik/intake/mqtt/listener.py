"""The built-in MQTT door: a server whose PUBACK means that the reading is on disk."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import structlog

from vidik.intake.mqtt.connection import Connection
from vidik.intake.mqtt.hub import Hub
from vidik.intake.mqtt.options import ListenerOptions, tls_context
from vidik.intake.mqtt.patience import until
from vidik.intake.mqtt.ports import Directory, PipelinePort
from vidik.intake.mqtt.wire import Reason
from vidik.kernel.tasks import begin_endless

BACKLOG: Final = 4096
OTHER_FILES: Final = 256
HANDSHAKE_SECONDS: Final = 20.0
PARTING_SECONDS: Final = 2.0
CERTIFICATE_CHECK_SECONDS: Final = 300.0

log = structlog.get_logger("vidik.intake.mqtt")


class Listener:
    """Listens for devices, plain and with TLS.

    `on_connected(device_id)` is called when a device has subscribed to its commands and so can be reached; what waits
    for it can then be sent with `deliver_command`.
    """

    taken_by: Literal["device"] = "device"

    def __init__(
        self,
        pipeline: PipelinePort,
        directory: Directory,
        options: ListenerOptions | None = None,
        *,
        on_connected: Callable[[str], None] | None = None,
    ) -> None:
        self.options = options or ListenerOptions()
        self._hub = Hub(pipeline, directory, self.options)
        if on_connected is not None:
            self._hub.on_connected = on_connected
        self._servers: list[asyncio.Server] = []
        self._certificate_watch: asyncio.Task[None] | None = None
        self.port: int | None = None
        self.tls_port: int | None = None

    async def start(self) -> None:
        """Open the ports; `port` and `tls_port` then say which (0 in the options: any free one)."""
        options = self.options
        _allow_open_files(options.maximum_connections)
        if options.port is not None:
            self.port = await self._listen(options.port, None)
        if options.tls_port is not None:
            if options.certificate is None:
                raise ValueError("MQTT over TLS needs a certificate: set VIDIK_MQTT_CERTIFICATE and VIDIK_MQTT_KEY")
            context = tls_context(options.certificate, options.key)
            self.tls_port = await self._listen(options.tls_port, context)
            self._certificate_watch = begin_endless(
                _renew_certificate(context, options.certificate, options.key), "certificate of mqtt"
            )
        self._hub.wheel.start()
        log.info("mqtt listener open", host=options.host, port=self.port, tls_port=self.tls_port)

    async def _listen(self, port: int, context: ssl.SSLContext | None) -> int:
        loop = asyncio.get_running_loop()
        bound = _bind(self.options.host, port)
        server = await loop.create_server(
            lambda: Connection(self._hub),
            sock=bound,
            backlog=BACKLOG,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if context is not None else None,
        )
        self._servers.append(server)
        return int(bound.getsockname()[1])

    async def stop(self, grace_seconds: float = 10.0) -> None:
        """Take no more, wait for the commits under way, acknowledge them, and part from every client."""
        hub = self._hub
        hub.stopping = True
        for server in self._servers:
            server.close()
        if self._certificate_watch is not None:
            self._certificate_watch.cancel()
        for connection in list(hub.connections):
            connection.hold()
        await until(lambda: not hub.counters.unacknowledged, grace_seconds)
        await asyncio.sleep(0)  # the acknowledgements of the last commit are written at the end of this turn
        for connection in list(hub.connections):
            connection.end(Reason.SERVER_SHUTTING_DOWN)
        await until(lambda: not hub.connections, PARTING_SECONDS)
        for connection in list(hub.connections):
            connection.cut()
        await hub.close()
        log.info("mqtt listener closed", **hub.counters.snapshot())

    def snapshot(self) -> dict[str, int]:
        """Return the counters by name."""
        return self._hub.counters.snapshot()

    def connected(self, device_id: str) -> bool:
        """Return True when the device (or its gateway) listens for its commands now."""
        return device_id in self._hub.subscribers

    async def deliver_command(self, device_id: str, payload: bytes, *, within_seconds: float = 30.0) -> bool:
        """Send a command; True once the device has acknowledged it (PUBACK).

        False when it is not connected, does not answer in time, refuses, or has too many commands open already: the
        command then stays where it waits and is sent again. A device may so see a command twice.
        """
        connection = self._hub.subscribers.get(device_id)
        future = None if connection is None else connection.send_command(device_id, payload)
        if future is None:
            return False
        try:
            return await asyncio.wait_for(future, within_seconds)
        except TimeoutError:
            return False

    def disconnect(self, principal_id: str) -> int:
        """Part from every connection of a login that is no longer valid; returns how many there were."""
        gone = [item for item in self._hub.connections if item.principal_id == principal_id]
        for connection in gone:
            connection.end(Reason.ADMINISTRATIVE_ACTION)
        return len(gone)


def _allow_open_files(connections: int) -> None:
    """Raise this process's limit of open files: the usual 1,024 would end at as many devices."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        log.warning("mqtt connections are limited by the number of open files", allowed=hard, wanted=wanted)
        wanted = hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit these: a 3.1.1 client may ask for no keep-alive at all and then lose its power.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        if family == socket.AF_INET6 and host == "::":
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


async def _renew_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Load a renewed certificate for the connections to come; a certificate of 90 days must not need a restart."""
    known = await asyncio.to_thread(_changed_at, certificate)
    while True:
        await asyncio.sleep(CERTIFICATE_CHECK_SECONDS)
        try:
            current = await asyncio.to_thread(_changed_at, certificate)
            if current != known:
                context.load_cert_chain(certificate, key)
                known = current
                log.info("mqtt certificate renewed", path=str(certificate))
        except (OSError, ssl.SSLError) as error:
            log.error("mqtt certificate could not be renewed", path=str(certificate), error=str(error))


def _changed_at(path: Path) -> int:
    return path.stat().st_mtime_ns
