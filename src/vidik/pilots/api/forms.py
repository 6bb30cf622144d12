"""What people send, as forms: checked before anything else looks at it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LARGEST_INTEGER = 2**63 - 1
Note = Annotated[str, Field(min_length=1, max_length=4_000)]


class Form(BaseModel):
    """A body in which nothing unknown may hide, and nothing that no database could keep."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, body: Any) -> Any:
        _check(body, "")
        return body


def _check(value: Any, place: str) -> None:
    """Raise ValueError, naming the place, for what JSON can say and a database cannot keep."""
    if isinstance(value, dict):
        for name, member in value.items():
            _check(name, place)
            _check(member, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            _check(member, f"{place}.{number}")
    elif isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError(f"{place or 'the body'} has a character that cannot be kept (NUL, half of a pair)")
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError(f"{place or 'the body'} is a number of more than 64 bits")


class Draft(Form):
    """A plan as far as it was typed."""

    specification: dict[str, Any]


class Freeze(Form):
    """A signature: the hash that the person saw, and what they say with it."""

    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    statement: Note


class Amend(Form):
    """Members of the specification in the place of the frozen ones, and why."""

    changes: dict[str, Any]
    reason: Note


class AnswerEvent(Form):
    """What a person says about an event."""

    answer: Literal["routine", "excluded", "adjusted"]
    note: Note
    first: date | None = None
    last: date | None = None
    amount_per_day: Decimal | None = None


class Decide(Form):
    """A verdict; `corrects` names the entry that a new one takes the place of."""

    decision: Literal["scale_up", "extend", "stop"]
    note: Note
    corrects: int | None = None
