"""Errors as problem details (RFC 9457): a sentence for the person, a stable code, and nothing of our inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from vidik.kernel.errors import BadInput, Unavailable, VidikError
from vidik.kernel.logs import get_logger

Handler = Callable[[Request, Exception], Response]

_log = get_logger("vidik.web")
_encode = msgspec.json.Encoder().encode

_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body is larger than this door takes.",
    415: "This address does not take this kind of body.",
}

_UNREADABLE = "There was an error parsing the body"
"""FastAPI's sentence about JSON that its reader gives up on."""

_KINDS = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "string_too_long": "too-long",
    "string_too_short": "too-short",
    "too_long": "too-many",
    "too_short": "too-few",
    "greater_than": "too-small",
    "greater_than_equal": "too-small",
    "less_than": "too-large",
    "less_than_equal": "too-large",
    "literal_error": "no-choice",
    "enum": "no-choice",
    "string_type": "no-text",
    "string_pattern_mismatch": "wrong-form",
    **dict.fromkeys(
        ("int_parsing", "int_type", "int_from_float", "float_parsing", "float_type", "finite_number"), "no-number"
    ),
    **dict.fromkeys(
        ("datetime_parsing", "datetime_from_date_parsing", "datetime_type", "timezone_aware", "date_parsing",
         "date_from_datetime_parsing", "time_parsing"),
        "no-time",
    ),
}  # fmt: skip
"""Pydantic's types of mistakes as the kinds that a screen says in its reader's language."""
_LIMITS = ("max_length", "min_length", "ge", "gt", "le", "lt")


def problem_response(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A problem-details object as a response with its own status."""
    return Response(
        _encode(problem),
        status_code=int(problem["status"]),
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )


def internal_problem(request_id: str) -> dict[str, Any]:
    """What a person is told when we made a mistake: the number under which the log has the rest."""
    return {
        "type": "urn:vidik:error:internal",
        "title": "Something went wrong inside Vidik",
        "status": 500,
        "detail": f"The request could not be finished. The log has the reason under {request_id}.",
        "code": "internal",
        "request_id": request_id,
    }


def _unknown_error(request: Request, _error: Exception) -> Response:
    return problem_response(internal_problem(request.scope.get("vidik.request_id", "")))


def _vidik_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VidikError)  # noqa: S101  registered for this type only
    return problem_response(error.problem(), error.headers())


def _database_away(_request: Request, error: Exception) -> Response:
    _log.warning("the database does not answer", error=str(error).strip())
    away = Unavailable("The database does not answer at the moment; please try again.", code="database-away")
    return problem_response(away.problem(), away.headers())


def _http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type only
    phrase = HTTPStatus(error.status_code).phrase
    if error.detail == _UNREADABLE:
        unreadable = BadInput("The body is nested too deeply, or is not UTF-8.", field="body", code="unreadable-body")
        return problem_response(unreadable.problem())
    stated = error.detail if error.detail and error.detail != phrase else None
    return problem_response(
        {
            "type": f"urn:vidik:error:{phrase.lower().replace(' ', '-')}",
            "title": phrase,
            "status": error.status_code,
            "detail": stated or _SENTENCES.get(error.status_code, phrase + "."),
            "code": phrase.lower().replace(" ", "-"),
        },
        error.headers,
    )


def _invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this type only
    # Never the rejected input itself: a password that is too short must not come back in an answer or a log.
    found = error.errors()
    mistakes = [{"field": _field(item["loc"]), "reason": item["msg"]} for item in found]
    first = mistakes[0] if mistakes else {"field": "", "reason": "The request has a mistake."}
    return problem_response(
        {
            "type": "urn:vidik:error:invalid-request",
            "title": "The request has a mistake",
            "status": 422,
            "detail": f"{first['field']}: {first['reason']}." if first["field"] else first["reason"],
            "code": "invalid-request",
            "field": first["field"] or None,
            "values": {"field": first["field"], **(_kind_of(found[0]) if found else {})},
            "errors": mistakes,
        }
    )


def _kind_of(mistake: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong, in words that a screen has in each language, and the limit that was passed."""
    kind = _KINDS.get(mistake["type"])
    if kind is None:
        return {}
    limits = [value for name, value in mistake.get("ctx", {}).items() if name in _LIMITS]
    return {"kind": kind, **({"limit": limits[0]} if limits and isinstance(limits[0], int | float) else {})}


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "header"))


HANDLERS: dict[type[Exception], Handler] = {
    VidikError: _vidik_error,
    HTTPException: _http_exception,
    RequestValidationError: _invalid_request,
    psycopg.OperationalError: _database_away,
    PoolTimeout: _database_away,
    Exception: _unknown_error,
}
