"""The cookies of a sign-in: what they may and for how long."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from vidik.kernel.identity.authentication import COOKIE, PHONE_COOKIE
from vidik.kernel.settings import Settings


def by_https(scheme: str, settings: Settings) -> bool:
    """Whether people reach this door by https: as the request came, or through the proxy that stands in front."""
    return scheme == "https" or (settings.public_url or "").startswith("https:")


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether cookies may never travel otherwise than by https."""
    return by_https(request.url.scheme, settings)


def give_session(response: Response, secret: str, lifetime: timedelta, *, secure: bool) -> None:
    """Put a session's secret into the browser; no page can read it, and no other site can send it."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def take_phone(response: Response, *, secure: bool) -> None:
    """Take back the cookie of a phone whose registration has ended."""
    response.delete_cookie(PHONE_COOKIE, path="/", secure=secure, httponly=True, samesite="strict")


def take_session(response: Response, *, secure: bool) -> None:
    """Take the session's cookie back."""
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")
