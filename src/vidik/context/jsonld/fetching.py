"""Fetching a remote @context from the internet, with limits: size, time, redirects, and no private addresses."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from vidik.kernel.errors import VidikError
from vidik.kernel.names import addresses_of

MAXIMUM_BYTES: Final = 1 << 20
MAXIMUM_REDIRECTS: Final = 3
TIMEOUT_SECONDS: Final = 5.0
_ACCEPT: Final = "application/ld+json, application/json;q=0.9, */*;q=0.1"


class ContextUnavailableError(VidikError):
    """A remote @context could not be had (ETSI GS CIM 009, 5.5.2: LdContextNotAvailable)."""

    status = 504
    title = "A remote @context is not available"
    default_code = "ld-context-not-available"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"The @context at {url} cannot be had: {reason}.",
            field="@context",
            type_uri="https://uri.etsi.org/ngsi-ld/errors/LdContextNotAvailable",
        )


class ContextInvalidError(ContextUnavailableError):
    """What stands at the address of a remote @context is none (clause 5.5.6: BadRequestData)."""

    status = 400
    title = "A remote @context is not a context"
    default_code = "ld-context-invalid"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.type_uri = "https://uri.etsi.org/ngsi-ld/errors/BadRequestData"


async def fetch(url: str, *, allow_private: bool) -> dict[str, Any]:
    """The document at an address, which must be a JSON object with an @context.

    Raises ContextUnavailableError when it cannot be reached within the limits, ContextInvalidError when it is no
    context.
    """
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            body = await _download(url, allow_private)
    except TimeoutError:
        raise ContextUnavailableError(url, f"no answer within {TIMEOUT_SECONDS:.0f} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ContextUnavailableError(url, type(error).__name__) from error
    except ValueError:  # urllib's, of an address or of where one leads
        raise ContextUnavailableError(url, "it is not an address") from None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ContextInvalidError(url, "the answer is not JSON") from None
    if not isinstance(document, dict) or "@context" not in document:
        raise ContextInvalidError(url, "the answer has no @context")
    return document


async def _download(url: str, allow_private: bool) -> bytes:
    current = url
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False) as client:
        for _ in range(MAXIMUM_REDIRECTS + 1):
            address = await _checked_address(current, url, allow_private)
            # The name is resolved once and that address used, so that a second answer cannot lead inside.
            target = httpx.URL(current)
            request = client.build_request(
                "GET",
                target.copy_with(host=address),
                headers={"Accept": _ACCEPT, "Host": target.netloc.decode()},
                extensions={"sni_hostname": target.host},
            )
            response = await client.send(request, stream=True)
            try:
                if response.is_redirect:
                    current = urljoin(current, response.headers.get("location", ""))
                    continue
                if response.status_code != 200:
                    raise ContextUnavailableError(url, f"the answer is {response.status_code}")
                return await _read(response, url)
            finally:
                await response.aclose()
    raise ContextUnavailableError(url, "too many redirects")


async def _read(response: httpx.Response, url: str) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAXIMUM_BYTES:
            raise ContextUnavailableError(url, f"it is larger than {MAXIMUM_BYTES} bytes")
    return bytes(body)


async def _checked_address(current: str, url: str, allow_private: bool) -> str:
    parts = urlsplit(current)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ContextUnavailableError(url, "only http and https addresses are fetched")
    try:
        _ = parts.port  # raises ValueError where it is none
        addresses = await addresses_of(parts.hostname)
    except (OSError, ValueError, UnicodeError):
        raise ContextUnavailableError(url, "the host is not known") from None
    if not allow_private and not all(is_public(address) for address in addresses):
        raise ContextUnavailableError(url, "the host has a private address (VIDIK_ALLOW_PRIVATE_ENDPOINTS)")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet: not loopback, link-local, private or reserved."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.is_site_local or parsed in _LOCAL_TRANSLATED:
            return False
        inner = _inner(parsed)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


_TRANSLATED: Final = tuple(
    ipaddress.IPv6Network(one)
    for one in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")  # NAT64, compatible, SIIT
)
_LOCAL_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b:1::/48")


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address end at, where a network translates: it may be inside."""
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner
