"""Paths into JSON documents, compiled once: `a.b[0].c`, `["key with spaces"]`, `$` for the root."""

import re
from collections.abc import Callable
from typing import Any, Final

MISSING: Final = object()

Getter = Callable[[Any], Any]

_STEP = re.compile(
    r"""\.?(?P<name>[A-Za-z_][\w-]*)   # name
      | \[(?P<index>\d{1,4})\]         # [0]
      | \["(?P<quoted>[^"]+)"\]        # ["any text"]
      | \['(?P<single>[^']+)'\]""",
    re.VERBOSE,
)


def parse_path(path: str) -> tuple[str | int, ...]:
    """Return the steps of `path`; ValueError says where it cannot be read. A leading `$` is optional."""
    text = path.removeprefix("$")
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None or (position > 0 and found["name"] and text[position] != "."):
            raise ValueError(f"the path {path!r} cannot be read from {text[position:]!r} on")
        steps.append(int(found["index"]) if found["index"] else found["name"] or found["quoted"] or found["single"])
        position = found.end()
    return tuple(steps)


def compile_path(steps: tuple[str | int, ...]) -> Getter:
    """Return a function from a JSON document to the value at `steps`, or MISSING where there is none."""
    if not steps:
        return lambda document: document
    if len(steps) == 1 and isinstance(steps[0], str):
        return _member(steps[0])

    def walk(document: Any) -> Any:
        for step in steps:
            if isinstance(step, str):
                if type(document) is not dict:
                    return MISSING
                document = document.get(step, MISSING)
            elif type(document) is list and step < len(document):
                document = document[step]
            else:
                return MISSING
        return document

    return walk


def _member(name: str) -> Getter:
    def member(document: Any) -> Any:
        return document.get(name, MISSING) if type(document) is dict else MISSING

    return member
