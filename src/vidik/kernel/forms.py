"""What people and machines send, as forms: checked before anything else looks at it. Every door uses these.

How a door uses them:

- a body is a `Form` (nothing unknown may hide in it), or a `Json` where only a schema further in knows its members;
- a number in the path is a `RowId`; a number in the query `Annotated[Number | None, Query(...)]`;
- text in the query or the path is a `Keepable`; a time is a `Moment`.

What is refused is a problem of status 422 that names the field and the reason: never a 500, nothing changed. The
content itself never comes back in the answer. What people type for others to read has limits of its own (`max_length`).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from vidik.kernel.errors import Unprocessable

LARGEST_INTEGER = 2**63 - 1
LONGEST_TEXT = 100_000
DEEPEST = 64
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def check(body: Any, place: str = "") -> Any:
    """Return JSON as it came; raises Unprocessable, naming the place, for what JSON can say and a database cannot keep.

    That is NUL and halves of surrogate pairs (in names of members, too), integers of more than 64 bits, numbers that
    are none, texts of more than LONGEST_TEXT letters, and what is nested deeper than DEEPEST.
    """
    waiting: list[tuple[Any, str, int]] = [(body, place, 0)]
    while waiting:
        value, where, depth = waiting.pop()
        if depth > DEEPEST:
            raise _refusal("is nested too deeply", where)
        if isinstance(value, dict):
            for name in value:
                # The name itself may be what cannot be written: the place is that of its object.
                _check_one(name, where)
            waiting += [
                (member, f"{where}.{name}" if where else str(name), depth + 1) for name, member in value.items()
            ]
        elif isinstance(value, list):
            waiting += [(member, f"{where}.{n}" if where else str(n), depth + 1) for n, member in enumerate(value)]
        else:
            _check_one(value, where)
    return body


def _check_one(value: Any, place: str) -> None:
    reason = why_not(value)
    if reason is not None:
        raise _refusal(reason, place)


def why_not(value: Any) -> str | None:
    """Return why a text or number cannot be kept, or None."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            return "has a character that cannot be kept (NUL, half of a pair)"
        if len(value) > LONGEST_TEXT:
            return f"is longer than {LONGEST_TEXT} letters"
    elif isinstance(value, float):
        if not math.isfinite(value):
            return "is not a number"
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return "is a number of more than 64 bits"
    return None


def _refusal(reason: str, place: str) -> Unprocessable:
    field = place or "body"
    return Unprocessable(f"{field} {reason}.", field=field, code="invalid-request", values={"field": field})


class Form(BaseModel):
    """A body in which nothing unknown may hide, and nothing that no database could keep."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, body: Any) -> Any:
        return check(body)


def _kept(text: str) -> str:
    reason = why_not(text)
    if reason is not None:
        raise ValueError(f"it {reason}")
    return text


def _on_the_calendar(moment: datetime) -> datetime:
    # Far ends overflow as soon as an hour is added, or another zone is asked for.
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("the time must lie between the years 1900 and 2199")
    return moment


Json = Annotated[dict[str, Any], AfterValidator(check)]
"""An object whose members a schema further in knows."""
Keepable = Annotated[str, AfterValidator(_kept), Field(max_length=4_000)]
"""Text of a query or a path."""
Moment = Annotated[AwareDatetime, AfterValidator(_on_the_calendar)]
"""A time with its zone, of this age."""
Number = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
RowId = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
