"""One family of errors, each with a stable code, an HTTP status and a sentence for the person (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, ClassVar


class VidikError(Exception):
    """Something that a person or a system outside must be told; rendered as problem details.

    `detail` is a sentence that says what to do next; `field` names the input at fault. `values` are what the sentence
    needs, so that whoever knows the code can say it in any language.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong inside Vidik"
    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        code: str | None = None,
        type_uri: str | None = None,
        values: Mapping[str, str | int | float] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.code = code or self.default_code
        self.type_uri = type_uri or f"urn:vidik:error:{self.code}"
        self.values = dict(values or {})

    def problem(self) -> dict[str, Any]:
        """The problem-details object of RFC 9457, with `code` and, where known, `field` and `values`."""
        body: dict[str, Any] = {
            "type": self.type_uri,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.field is not None:
            body["field"] = self.field
        if self.values:
            body["values"] = self.values
        return body

    def headers(self) -> dict[str, str]:
        """Response headers that the error asks for."""
        return {}


class BadInput(VidikError):
    """The request cannot be understood as it stands."""

    status = 400
    title = "The request has a mistake"
    default_code = "bad-input"


class Unprocessable(VidikError):
    """The request is well formed, but its content was refused."""

    status = 422
    title = "The content was refused"
    default_code = "unprocessable"


class Unauthenticated(VidikError):
    """Nobody is signed in, or the credential is not valid."""

    status = 401
    title = "Please sign in"
    default_code = "unauthenticated"

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="vidik"'}


class Forbidden(VidikError):
    """The person or device is known, but may not do this."""

    status = 403
    title = "Not allowed"
    default_code = "forbidden"


class NotFound(VidikError):
    """What the request names does not exist."""

    status = 404
    title = "Not found"
    default_code = "not-found"


class Conflict(VidikError):
    """The request contradicts what is already there."""

    status = 409
    title = "Already there"
    default_code = "conflict"


class TooLarge(VidikError):
    """The body is larger than the door takes."""

    status = 413
    title = "Too large"
    default_code = "too-large"


class TooManyRequests(VidikError):
    """Asked too often; `retry_after` is in seconds."""

    status = 429
    title = "Too many attempts"
    default_code = "too-many-requests"

    def __init__(self, detail: str, *, retry_after: int = 1, field: str | None = None, code: str | None = None) -> None:
        super().__init__(detail, field=field, code=code)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class Unavailable(VidikError):
    """Vidik cannot do this now; trying again later is right."""

    status = 503
    title = "Not available now"
    default_code = "unavailable"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "2"}
