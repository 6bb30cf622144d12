"""Where an endpoint's name leads: looked up once, checked, and that very address connected to."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from ssl import SSLContext
from typing import Final, TypeVar
from urllib.parse import urlsplit

from vidik.context.jsonld.fetching import is_public
from vidik.context.ngsild.problems import bad_data
from vidik.kernel.names import addresses_of
from vidik.kernel.settings import Settings

NEXT_ADDRESS_SECONDS: Final = 2.0
"""After so long the next address of a name is tried: one of them may lead nowhere, IPv6 before others."""
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


def is_address(uri: str, schemes: Collection[str]) -> bool:
    """Whether something can be sent to it: a host, a port if any, and no character that a request cannot have."""
    try:
        parts = urlsplit(uri)
        leads = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return leads and uri.isascii() and uri.isprintable() and " " not in uri


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
    addresses = await addresses_of(host)
    if not allow_private and not all(is_public(address) for address in addresses):
        raise EndpointForbidden
    failure: OSError = OSError("the host has no address")
    for place, address in enumerate(addresses, start=1):
        try:
            async with asyncio.timeout(NEXT_ADDRESS_SECONDS if place < len(addresses) else None):
                _, protocol = await loop.create_connection(
                    make, address, port, ssl=tls, server_hostname=host if tls is not None else None
                )
        except OSError as error:
            failure = error
        else:
            return protocol
    raise failure
