"""Requests that another site makes with a person's cookie are refused (CSRF)."""

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from vidik.kernel.errors import Forbidden

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin(request: HTTPConnection) -> None:
    """Raise Forbidden for an unsafe request that a browser marks as coming from another site.

    Browsers say so in Sec-Fetch-Site, older ones in Origin; a request with neither does not come from a page of
    another site (the reasoning of Go's http.CrossOriginProtection). SameSite=Strict cookies stand beside it.
    """
    if request.scope.get("method", "GET") in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site in ("same-origin", "none"):
            return
        raise _foreign()
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() not in _own_hosts(request):
        raise _foreign()


def _own_hosts(request: HTTPConnection) -> set[str]:
    hosts = {request.headers.get("host", "").lower()}
    public_url = request.app.state.services.settings.public_url
    if public_url:
        hosts.add(urlsplit(public_url).netloc.lower())
    return hosts - {""}


def _foreign() -> Forbidden:
    return Forbidden("This request came from another site, so your session does not count.", code="cross-origin")
