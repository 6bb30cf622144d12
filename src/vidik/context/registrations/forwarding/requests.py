"""Requests to other context sources: addressed, bounded in time, counted (ETSI GS CIM 009, clauses 4.3.6 and 6.3)."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from vidik.context.jsonld.fetching import is_public
from vidik.context.ngsild.http.exchange import CONTEXT_REL, JSON, LD_JSON
from vidik.context.registrations.forwarding import receiving
from vidik.context.registrations.sources.model import Registration
from vidik.context.registrations.sources.repository import Tally
from vidik.context.subscriptions.addresses import EndpointForbidden
from vidik.kernel.clock import now
from vidik.kernel.names import addresses_of

LONGEST_HEADER: Final = 4_000
"""Characters of a header of an answer, which ours may carry on; longer ones are left out."""
LOOP_DETECTED: Final = 508
FROM_THE_REQUEST: Final = "urn:ngsi-ld:request"
"""Stands in contextSourceInfo for what the request that is forwarded says itself (clause 4.3.6.5)."""
STEERING: Final = frozenset(("jsonldContext", "contentType", "ngsildConformance"))
"""Keys of contextSourceInfo that say how a request is written, and are no headers (clause 4.3.6.6)."""
OWN_HEADERS: Final = frozenset(
    (
        *("host", "content-length", "transfer-encoding", "connection", "content-type", "te", "upgrade", "trailer"),
        "accept-encoding",
        *("keep-alive", "proxy-connection", "via", "link", "ngsild-tenant", "ngsild-snapshot", "ngsild-entitymap"),
    )
)
"""Headers that belong to the connection or that a forwarded request decides: what others say of them is ignored."""
_FORWARDED: Final = ("accept-language", "x-request-id", "traceparent")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source answered; `status` 0 is no answer, and `problem` then says why."""

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    is_invalid: bool = False
    """Whether something came that cannot be read."""

    @property
    def warn_code(self) -> int:
        """The code of the warning that says why this answer is missing from another (table 6.3.17-1)."""
        if self.is_invalid:
            return 111
        return 299 if self.status not in (0, LOOP_DETECTED) else 199

    @property
    def is_success(self) -> bool:
        """Whether the source did what it was asked."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Errand:
    """One request to one source."""

    registration: Registration
    method: str
    path: str
    """Beneath /ngsi-ld/v1 of the source, percent-encoded."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    link: str | None = None
    """The address of the @context that names in parameters and body are written in; None is the core context."""
    content_type: str = JSON
    entity_map: str | None = None
    """The address of the source's own entity map that it shall answer over."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who forwards: the tenant here, its name in Via, the Via that came in, and headers to hand on."""

    tenant: str
    via: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers to hand on, and those that a registration may ask to be taken from the request."""


class Forwarder:
    """Sends errands over connections that stay open between them. One a process."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._rests_until: dict[tuple[str, int], float] = {}
        self.tallies: dict[tuple[str, int], Tally] = {}

    async def send(self, sender: Sender, errand: Errand) -> Answer:
        """Do an errand; whatever goes wrong is an answer too, within the registration's timeout."""
        registration = errand.registration
        place = (sender.tenant, registration.key)
        if self._rests_until.get(place, 0.0) > time.monotonic():
            return Answer(0, problem="the source is left alone for a while after a failure (cooldown)")
        try:
            async with asyncio.timeout(registration.timeout_seconds):
                answer = await self._exchange(sender, errand)
        except TimeoutError:
            answer = Answer(0, problem=f"no answer within {registration.timeout_seconds:g} seconds")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # The libraries' own words may repeat what was sent: a header's value that they refuse, for one.
            reason = str(error) if isinstance(error, EndpointForbidden) else type(error).__name__
            answer = Answer(0, problem=f"the source cannot be asked: {reason}")
        except ValueError:  # of a name that no DNS can have (xn--)
            answer = Answer(0, problem="the endpoint's host is no name")
        self._note(place, registration, answer, now())
        return answer

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    def add(self, tenant: str, key: int, tally: Tally) -> None:
        """Put back counters that could not be written down."""
        present = self.tallies.setdefault((tenant, key), Tally())
        present.sent += tally.sent
        present.failed += tally.failed
        present.last_success = present.last_success or tally.last_success
        present.last_failure = present.last_failure or tally.last_failure

    def _note(self, place: tuple[str, int], registration: Registration, answer: Answer, moment: datetime) -> None:
        tally = self.tallies.setdefault(place, Tally())
        tally.sent += 1
        if answer.status and answer.status < 500:
            tally.last_success = moment
            return
        tally.failed += 1
        tally.last_failure = moment
        if registration.cooldown_seconds:
            self._rests_until[place] = time.monotonic() + registration.cooldown_seconds

    async def _exchange(self, sender: Sender, errand: Errand) -> Answer:
        url = httpx.URL(f"{errand.registration.endpoint}/ngsi-ld/v1/{errand.path}", params=errand.parameters or None)
        headers = _headers(sender, errand)
        headers["Host"] = url.netloc.decode()
        content = None
        if errand.body is not None:
            content = orjson.dumps(errand.body)
            headers["Content-Type"] = errand.content_type
        client = self._client_of(url.host)
        request = client.build_request(
            errand.method,
            await self._resolved(url),
            headers=headers,
            content=content,
            extensions={"sni_hostname": url.host},
        )
        response = await client.send(request, stream=True)
        try:
            received = await receiving.read(response)
            found = await receiving.parsed(received) if received else None
        except receiving.Unreadable as reason:
            return Answer(0, problem=str(reason), is_invalid=True)
        except ValueError:
            found = None
            if response.is_success:
                return Answer(0, problem="the answer is not JSON", is_invalid=True)
        finally:
            await response.aclose()
        return Answer(response.status_code, found, _readable(response.headers))

    async def _resolved(self, url: httpx.URL) -> httpx.URL:
        """The address with its name looked up once and checked, where private addresses are not allowed."""
        if self._allow_private:
            return url
        parts = urlsplit(str(url))
        addresses = await addresses_of(parts.hostname or "")
        if not all(is_public(one) for one in addresses):
            raise EndpointForbidden
        return url.copy_with(host=addresses[0])

    def _client_of(self, host: str) -> httpx.AsyncClient:
        """The connections to one host.

        They are kept by the address that was looked up: those of another host at the same address have shown another
        certificate, and may not be shared with it.
        """
        client = self._clients.get(host)
        if client is None:
            client = self._clients[host] = httpx.AsyncClient(
                timeout=httpx.Timeout(None),
                trust_env=False,
                verify=_trusted(),
                follow_redirects=False,
                limits=httpx.Limits(max_connections=256, max_keepalive_connections=16, keepalive_expiry=20),
            )
        return client


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _headers(sender: Sender, errand: Errand) -> dict[str, str]:
    headers = {"Accept": JSON, "Accept-Encoding": receiving.ENCODING, **handed_on(sender.headers), "Via": sender.via}
    for key, value in errand.registration.info.items():
        text = sender.headers.get(key) if value == FROM_THE_REQUEST else value
        if key in STEERING or key.lower() in OWN_HEADERS or text is None:
            continue
        headers = {name: present for name, present in headers.items() if name.lower() != key.lower()}
        headers[key] = text
    if errand.registration.tenant is not None:
        headers["NGSILD-Tenant"] = errand.registration.tenant
    if errand.entity_map is not None:
        headers["NGSILD-EntityMap"] = errand.entity_map
    if errand.link is not None and errand.content_type != LD_JSON:
        headers["Link"] = f'<{errand.link}>; rel="{CONTEXT_REL}"; type="{LD_JSON}"'
    return headers


def _readable(headers: httpx.Headers) -> dict[str, str]:
    """The headers of an answer, by their names in small letters, that an answer of ours can carry and numbers have."""
    return {name: text for name, text in headers.items() if text.isascii() and len(text) <= LONGEST_HEADER}


def handed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request that what is forwarded for it carries too."""
    return {name: text for name in _FORWARDED if (text := headers.get(name)) is not None}
