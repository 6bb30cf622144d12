"""Conditional requests: ETag, If-None-Match and If-Match (RFC 9110, clauses 8.8.3 and 13).

A tag is `"<version>-<variant>"`. The version says which state of the resource it was; the variant tells the
representations of one address apart, which depend on Accept and on the @context. Tags are strong, because If-Match
compares strongly and a weak tag could never guard a write. A write's If-Match looks at the version alone: whoever
holds any representation of the present version has seen the present state, in whichever words.

What depends on more than one resource (linked entities, answers of several sources) has no tag.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from starlette.requests import Request
from starlette.responses import Response

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import problems
from vidik.context.ngsild.http.exchange import has_header
from vidik.kernel.clock import to_microseconds

VARY: Final = "Accept, Link, NGSILD-Tenant"
_TAGS = re.compile(r"\s*(W/)?\"([\x21\x23-\x7e\x80-\xff]*)\"\s*(?:,|$)")


def entity_tag(version: str, kind: str, context: ActiveContext) -> str:
    """The tag of a representation that depends on nothing but one entity, a media type and an @context."""
    return f'"{version}-{kind[12]}{context.digest}"'


def definition_tag(modified_at: datetime, body: bytes) -> str:
    """The tag of a subscription or registration: the version is its definition's, the variant its whole body.

    So a count of notifications that has moved on makes a new representation, and does not stop a change.
    """
    return f'"{definition_version(modified_at)}-{_digest(body)}"'


def definition_version(modified_at: datetime) -> str:
    """Which state of a definition it is."""
    return f"{to_microseconds(modified_at):x}"


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has this representation already (If-None-Match, compared weakly)."""
    if not has_header(request, b"if-none-match"):
        return False
    header = request.headers["if-none-match"]
    return header.strip() == "*" or any(f'"{opaque}"' == tag for _, opaque in _tags(header, "If-None-Match"))


def not_modified(tag: str) -> Response:
    """304: the client has it."""
    return Response(status_code=304, headers={"ETag": tag, "Vary": VARY})


def tagged(request: Request, response: Response, modified_at: datetime | None = None) -> Response:
    """An answer with the tag of its body, or 304 where the client has it; `modified_at` is of a definition."""
    body = bytes(response.body)
    tag = f'"{_digest(body)}"' if modified_at is None else definition_tag(modified_at, body)
    if response.status_code == 200 and is_known(request, tag):
        return not_modified(tag)
    response.headers["ETag"] = tag
    response.headers["Vary"] = VARY
    return response


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must be true of the present version for a write to be done; to be checked under the lock of the write."""

    any_of: frozenset[str] | None
    """Versions of If-Match; None is any that exists."""
    none_of: frozenset[str] | None
    """Versions of If-None-Match; None is whatever exists."""

    @classmethod
    def of(cls, request: Request) -> Self | None:
        """The preconditions of a write; None where it has none. Raises BadInput for what are no tags."""
        if not has_header(request, b"if-match") and not has_header(request, b"if-none-match"):
            return None
        wanted = ", ".join(request.headers.getlist("if-match"))
        refused = ", ".join(request.headers.getlist("if-none-match"))
        return cls(
            None if wanted.strip() in ("", "*") else _versions(wanted, "If-Match", strong=True),
            None if refused.strip() == "*" else _versions(refused, "If-None-Match", strong=False),
        )

    def check(self, version: str) -> None:
        """Raise PreconditionFailed where the present version is not what the client asked for."""
        if self.any_of is not None and version not in self.any_of:
            raise problems.PreconditionFailed(
                "It has changed since you read it (If-Match); read it again before you change it."
            )
        if self.none_of is None or version in self.none_of:
            raise problems.PreconditionFailed("It is there (If-None-Match).")


def check_definition(request: Request, modified_at: datetime) -> None:
    """Raise PreconditionFailed where a definition is not as the client saw it; to be called with it locked."""
    preconditions = Preconditions.of(request)
    if preconditions is not None:
        preconditions.check(definition_version(modified_at))


def _versions(header: str, field: str, *, strong: bool) -> frozenset[str]:
    tags = _tags(header, field) if header else []
    return frozenset(opaque.partition("-")[0] for is_weak, opaque in tags if not (strong and is_weak))


def _tags(header: str, field: str) -> list[tuple[bool, str]]:
    """The tags of a header: whether each is weak, and what it says; raises BadInput."""
    found: list[tuple[bool, str]] = []
    position = 0
    while position < len(header):
        match = _TAGS.match(header, position)
        if match is None:
            raise problems.invalid_request(f'{field} is * or a list of tags such as "abc".', field)
        found.append((match.group(1) is not None, match.group(2)))
        position = match.end()
    return found
