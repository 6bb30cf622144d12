"""Patterns of ids that strangers write: whatever they say, looking takes time in proportion to the id. Pure."""

from __future__ import annotations

from typing import Final, Protocol

import re2

from vidik.context.ngsild.problems import bad_data

MAXIMUM_PATTERN: Final = 512


class IdPattern(Protocol):
    """A compiled pattern."""

    @property
    def pattern(self) -> str:
        """The pattern as it was written."""

    def search(self, text: str, /) -> object | None:
        """Something where the pattern is found in a text."""


_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


def id_pattern(text: str, field: str) -> IdPattern:
    """An idPattern; raises BadInput where it is no regular expression of RE2, or too long.

    RE2 knows neither look-around nor references back, which is why nothing it is given can take for ever.
    """
    if len(text) > MAXIMUM_PATTERN:
        raise bad_data(f"idPattern has at most {MAXIMUM_PATTERN} characters.", field)
    try:
        pattern: IdPattern = re2.compile(text, _OPTIONS)
    except re2.error:
        raise bad_data("idPattern is a regular expression, without look-around and references back.", field) from None
    return pattern
