"""Where an endpoint's name leads: looked up once, checked, and that very address connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from ssl import SSLContext
from typing import TypeVar
from urllib.parse import urlsplit

from vidik.context.jsonld.fetching import is_public
from vidik.context.ngsild.problems import bad_data
from vidik.kernel.settings import Settings

_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)


class EndpointForbidden(OSError):
    """The endpoint leads to a loopback, link-local or private address, which this installation does not allow."""

    def __init__(self) -> None:
        super().__init__("the endpoint has a private address (VIDIK_ALLOW_PRIVATE_ENDPOINTS)")


def check_endpoint(host: str | None, field: str, settings: Settings) -> None:
    """Raises BadInput for a host that is a private IP address by its very name, where these are not allowed.

    Names of the DNS are looked at when connecting.
    """
    if not settings.allow_private_endpoints and _is_private(host or ""):
        raise bad_data("Nothing is sent to private addresses here (VIDIK_ALLOW_PRIVATE_ENDPOINTS).", field)


def without_keys(uri: str) -> str:
    """As much of an endpoint's address as somebody sees who may only read: passwords and keys stand in all the rest."""
    parts = urlsplit(uri)
    rest = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}"


def without_login(uri: str) -> str:
    """An endpoint's address without a user's name and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_private(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")
    return not is_public(host)


async def connect(
    make: Callable[[], _Protocol], host: str, port: int, *, tls: SSLContext | None, allow_private: bool
) -> _Protocol:
    """Connect to a host. Raises OSError, and EndpointForbidden where one of its addresses is not allowed.

    The name is resolved once and the addresses that were checked are used, so that a second answer of the DNS
    cannot lead inside.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        raise EndpointForbidden
    failure: OSError = OSError("the host has no address")
    for address in addresses:
        try:
            _, protocol = await loop.create_connection(
                make, address, port, ssl=tls, server_hostname=host if tls is not None else None
            )
        except OSError as error:
            failure = error
        else:
            return protocol
    raise failure
