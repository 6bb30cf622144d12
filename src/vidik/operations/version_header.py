"""The version that a change was made of, as a door reads it; apart, so that the worker need not load FastAPI for it."""

from typing import Annotated

from fastapi import Header

from vidik.kernel.errors import BadInput
from vidik.kernel.versions import VersionMissing


def read_version(
    if_match: Annotated[str | None, Header(description='The version that was seen, as "3".')] = None,
) -> int:
    """Return the version of `If-Match`, a dependency of a door; raises VersionMissing or BadInput."""
    if if_match is None:
        raise VersionMissing('The header If-Match must say which version you saw, as "3".', field="If-Match")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadInput('If-Match is a version in quotes, as "3".', field="If-Match")
    return int(text)
