"""What people send, as forms: checked before anything else looks at it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from vidik.kernel.forms import Form

Note = Annotated[str, Field(min_length=1, max_length=4_000)]


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
