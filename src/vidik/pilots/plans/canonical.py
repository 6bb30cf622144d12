"""One text for one content: canonical JSON in the manner of RFC 8785, and the hashes that name it.

Keys sorted by UTF-16 code units, no spaces, numbers as ECMAScript writes them; Decimals are strings already. Anybody
can hash the text again with any tool: `sha256sum` over the bytes is the hash.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vidik.kernel.clock import iso

_SHORTEST_EXPONENT = -7
_LONGEST_PLAIN = 21


def canonical(content: Any) -> str:
    """The canonical JSON of plain content; Decimals become strings, dates ISO.

    Raises ValueError for NaN and infinite numbers (RFC 8785, 3.2.2.2), TypeError for what JSON does not know.
    """
    match content:
        case None | bool() | str():
            return json.dumps(content, ensure_ascii=False)
        case int():
            return str(content)
        case float():
            return _number(content)
        case Decimal():
            return f'"{format(content, "f")}"'
        case datetime():
            return f'"{iso(content)}"'
        case date():
            return f'"{content.isoformat()}"'
        case Mapping():
            keys = sorted(content, key=lambda key: str(key).encode("utf-16-be", "surrogatepass"))
            members = (f"{json.dumps(str(key), ensure_ascii=False)}:{canonical(content[key])}" for key in keys)
            return "{" + ",".join(members) + "}"
        case Sequence():
            return "[" + ",".join(canonical(member) for member in content) + "]"
        case _:
            raise TypeError(f"{type(content).__name__} has no canonical JSON")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("canonical JSON has no NaN and no infinity")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)  # where the decimal point stands, counted from the first digit
    minus = "-" if sign else ""
    if len(text) <= point <= _LONGEST_PLAIN:
        return minus + text + "0" * (point - len(text))
    if 0 < point <= _LONGEST_PLAIN:
        return f"{minus}{text[:point]}.{text[point:]}"
    if _SHORTEST_EXPONENT < point - 1 < 0:
        return f"{minus}0.{'0' * -point}{text}"
    mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
    return f"{minus}{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def digest(text: str | bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
