"""The errors of the NGSI-LD API, with the type addresses of ETSI GS CIM 009, clause 5.5.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response

from vidik.kernel.errors import BadInput, Conflict, NotFound, TooLarge, VidikError

ERRORS: Final = "https://uri.etsi.org/ngsi-ld/errors/"
_SAID_BY_THE_STATUS: Final = (411, 415)
"""Errors without a body (clause 6.3.4), but for a charset, of which the clause says nothing."""


def response(error: VidikError) -> Response:
    """An error as the API answers it: problem details as plain JSON, whatever was asked for (clauses 5.5.3, 6.3.3)."""
    if error.status in _SAID_BY_THE_STATUS and not isinstance(error, UnsupportedCharset):
        return Response(status_code=error.status, headers=error.headers())
    return of_problem(error.problem(), error.headers())


def of_problem(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Problem details as a response with their own status."""
    status = int(problem.get("status", 502))
    return Response(
        orjson.dumps(problem), status_code=status, headers=dict(headers or {}), media_type="application/json"
    )


class UnsupportedMediaType(VidikError):
    """The body's media type is not one that this operation takes."""

    status = 415
    title = "The media type is not supported"
    default_code = "unsupported-media-type"


class UnsupportedCharset(UnsupportedMediaType):
    """The body's media type is one that this operation takes, but its text is written in another way."""

    default_code = "unsupported-charset"


class NotAcceptable(VidikError):
    """No representation that the client accepts can be made."""

    status = 406
    title = "No acceptable representation"
    default_code = "not-acceptable"


class MethodNotAllowed(VidikError):
    """The resource exists, but not with this method."""

    status = 405
    title = "The method is not allowed here"
    default_code = "method-not-allowed"

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(f"This resource takes {', '.join(allowed)}.", type_uri=ERRORS + "OperationNotSupported")
        self._allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self._allowed)}


class LengthRequired(VidikError):
    """The request does not say how long its body is."""

    status = 411
    title = "The length of the body is required"
    default_code = "length-required"


class NotSupported(VidikError):
    """The operation exists, but not for this resource."""

    status = 422
    title = "The operation is not supported here"
    default_code = "operation-not-supported"


class TooComplexQuery(VidikError):
    """The query costs more than the broker gives one request."""

    status = 403
    title = "The query is too complex"
    default_code = "too-complex-query"


class PreconditionFailed(VidikError):
    """What a conditional request wanted to be true is not (RFC 9110, clause 15.5.13)."""

    status = 412
    title = "The condition does not hold"
    default_code = "precondition-failed"


def bad_data(detail: str, field: str | None = None) -> BadInput:
    """BadRequestData: the content breaks the information model or a parameter its grammar."""
    return BadInput(detail, field=field, type_uri=ERRORS + "BadRequestData")


def invalid_request(detail: str, field: str | None = None) -> BadInput:
    """InvalidRequest: the request is not one, before its content is looked at."""
    return BadInput(detail, field=field, type_uri=ERRORS + "InvalidRequest")


def not_found(detail: str) -> NotFound:
    """ResourceNotFound: no such entity or attribute."""
    return NotFound(detail, type_uri=ERRORS + "ResourceNotFound")


def already_exists(entity_id: str) -> Conflict:
    """AlreadyExists: an entity with the id is there."""
    return Conflict(f"The entity {entity_id} already exists.", field="id", type_uri=ERRORS + "AlreadyExists")


def no_such_tenant(tenant: str) -> NotFound:
    """NonexistentTenant: the broker has no such tenant."""
    return NotFound(f"There is no tenant {tenant}.", field="NGSILD-Tenant", type_uri=ERRORS + "NonexistentTenant")


def too_large(limit: int) -> TooLarge:
    """The body is over the limit, in bytes."""
    return TooLarge(f"A body has at most {limit} bytes; send a batch in parts.", type_uri=ERRORS + "InvalidRequest")


def not_supported(detail: str) -> NotSupported:
    """OperationNotSupported: not for this resource."""
    return NotSupported(detail, type_uri=ERRORS + "OperationNotSupported")


def too_complex(detail: str) -> TooComplexQuery:
    """TooComplexQuery."""
    return TooComplexQuery(detail, type_uri=ERRORS + "TooComplexQuery")


def too_many(detail: str) -> TooComplexQuery:
    """TooManyResults."""
    return TooComplexQuery(detail, code="too-many-results", type_uri=ERRORS + "TooManyResults")


def unsupported_media_type(detail: str) -> UnsupportedMediaType:
    """415: the Content-Type is not one of this operation's."""
    return UnsupportedMediaType(detail, field="Content-Type", type_uri=ERRORS + "InvalidRequest")


def unsupported_charset() -> UnsupportedCharset:
    """415: the Content-Type says that the body is not UTF-8."""
    detail = "JSON is UTF-8 (RFC 8259), and this body says that it is something else."
    return UnsupportedCharset(detail, field="Content-Type", type_uri=ERRORS + "InvalidRequest")


def not_acceptable(detail: str) -> NotAcceptable:
    """406: nothing in Accept can be made."""
    return NotAcceptable(detail, field="Accept", type_uri=ERRORS + "InvalidRequest")
