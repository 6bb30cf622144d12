"""Patterns of ids that strangers write, kept from taking for ever. Pure."""

from __future__ import annotations

import re
from typing import Final

from vidik.context.ngsild.problems import bad_data

MAXIMUM_PATTERN: Final = 512
# A repetition of what already repeats takes time that doubles with every character of an id.
_REPEATED_REPETITION: Final = re.compile(r"[+*}][^()]*\)+[+*{]")


def id_pattern(text: str, field: str) -> re.Pattern[str]:
    """An idPattern; raises BadInput where it is no regular expression, too long or could take for ever."""
    if len(text) > MAXIMUM_PATTERN:
        raise bad_data(f"idPattern has at most {MAXIMUM_PATTERN} characters.", field)
    if _REPEATED_REPETITION.search(text):
        raise bad_data("idPattern does not repeat what already repeats.", field)
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError):
        raise bad_data("idPattern is a regular expression.", field) from None
