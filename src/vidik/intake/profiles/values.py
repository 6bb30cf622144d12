"""Values of one attribute, compiled once into a function that takes them in or says why not.

Two answers to a bad value. A **wrong type** (text where a number belongs, NaN, a boolean as a number) means
that the message is not what the profile thinks it is: the whole message is refused. A value of the right type
that **cannot be true** (a sensor's fault value, out of the plausible range, a state nobody knows) is refused
alone: the others stand.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vidik.intake.profiles.reading import Rejected

# Returns (True, value) when it stands, (False, reason) when it alone is refused; raises Rejected for the
# message.
Check = Callable[[Any], tuple[bool, Any]]

MAX_TEXT = 2_000
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,4})?", re.ASCII)
_LARGEST = 1.7976931348623157e308


def number(
    field: str,
    minimum: float | None,
    maximum: float | None,
    *,
    whole: bool = False,
    scale: float = 1.0,
    offset: float = 0.0,
    fault_values: Sequence[float] = (),
) -> Check:
    """A finite number times `scale` plus `offset`; fault values are compared before, the range after."""
    low = -_LARGEST if minimum is None else minimum
    high = _LARGEST if maximum is None else maximum
    faults = frozenset(fault_values)
    scaled = scale != 1.0 or offset != 0.0

    def check(value: Any) -> tuple[bool, Any]:
        kind = type(value)
        if kind is not float and kind is not int:
            raise Rejected(field, "a number was expected", value)
        if value in faults:
            return False, f"{value:g} is what this sensor says when it fails"
        try:
            result = value * scale + offset if scaled else value
        except OverflowError:
            raise Rejected(field, "the number is too large") from None
        if low <= result <= high:
            if whole:
                if result != int(result):
                    raise Rejected(field, "a whole number was expected", value)
                return True, int(result)
            return True, float(result)
        if isinstance(result, float) and not math.isfinite(result):
            raise Rejected(field, "a finite number was expected", value)
        if abs(result) > _LARGEST:
            raise Rejected(field, "the number is too large")
        return False, f"{result:g} is outside the plausible range {describe_range(minimum, maximum)}"

    return check


def number_text(field: str, inner: Check, decimal: str = ".") -> Check:
    """A number written as text, with a point or a comma as the decimal sign; then as `number`."""

    def check(value: Any) -> tuple[bool, Any]:
        if type(value) is not str:
            raise Rejected(field, "a number in text was expected", value)
        return inner(parse_number(field, value, decimal))

    return check


def parse_number(field: str, text: str, decimal: str) -> float:
    """Read `text` as a number; Rejected for thousands separators, units, NaN, Infinity and anything else."""
    plain = text.strip(" \t")
    if decimal != ".":
        if "." in plain:
            raise Rejected(field, "a number was expected, with a comma as the decimal sign", text)
        plain = plain.replace(decimal, ".")
    if _NUMBER.fullmatch(plain) is None:
        raise Rejected(field, "a number was expected", text)
    result = float(plain)
    if not math.isfinite(result):
        raise Rejected(field, "the number is too large", text)
    return result


def boolean(field: str) -> Check:
    """True or false of JSON; neither 1 nor "true"."""

    def check(value: Any) -> tuple[bool, Any]:
        if type(value) is not bool:
            raise Rejected(field, "true or false was expected", value)
        return True, value

    return check


def text(field: str) -> Check:
    """Text of at most 2,000 characters."""

    def check(value: Any) -> tuple[bool, Any]:
        if type(value) is not str:
            raise Rejected(field, "text was expected", value)
        if len(value) > MAX_TEXT:
            raise Rejected(field, f"the text is longer than {MAX_TEXT} characters", value[:80])
        return True, value

    return check


def choice(field: str, meanings: Mapping[Any, Any]) -> Check:
    """One of the keys of `meanings`, turned into its value; an unknown state is refused alone."""
    # 1, 1.0 and True are one key to Python, but three different messages: the type is part of the key.
    known = {(type(key), key): meaning for key, meaning in meanings.items()}
    allowed = ", ".join(str(key) for key in meanings)

    def check(value: Any) -> tuple[bool, Any]:
        kind = type(value)
        if kind is dict or kind is list:
            raise Rejected(field, "a single value was expected", value)
        try:
            return True, known[kind, value]
        except KeyError:
            return False, f"{str(value)[:80]!r} is none of: {allowed}"

    return check


def describe_range(minimum: float | None, maximum: float | None) -> str:
    """The range in words.

    >>> describe_range(-35, None)
    '-35 or more'
    """
    if minimum is None:
        return f"{maximum:g} or less"
    if maximum is None:
        return f"{minimum:g} or more"
    return f"{minimum:g} to {maximum:g}"
