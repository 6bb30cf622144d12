"""What people send to duty's doors."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from vidik.kernel.forms import Form, Moment
from vidik.operations.duty.hours import Login
from vidik.operations.duty.plan import ChannelCode, Desk, Plan
from vidik.operations.words import Words


class ShiftForm(Form):
    """Who is at a desk, from when to when; a day and a half at most."""

    desk: Desk
    login: Login
    begins_at: Moment
    ends_at: Moment
    client_id: UUID | None = None

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if not 0 < (self.ends_at - self.begins_at).total_seconds() <= 36 * 3600:
            raise ValueError("a shift ends after it begins, 36 hours later at most")
        return self


class PlanForm(Form):
    """An on-call plan, and the version that the person saw (0: there was none)."""

    plan: Plan
    enabled: bool = True
    version: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0


class NoteForm(Form):
    """A line of the duty log; `at` is when it happened."""

    desk: Desk
    text: Annotated[Words, Field(min_length=1, max_length=4000)]
    at: Moment | None = None
    client_id: UUID | None = None


class ContactForm(Form):
    """How a person is reached: an address (telephone, mail) for each channel."""

    language: Literal["en", "sr-Cyrl", "sr-Latn"] = "sr-Latn"
    addresses: Annotated[dict[ChannelCode, Annotated[Words, Field(min_length=1, max_length=200)]], Field(max_length=20)]


class ChannelForm(Form):
    """A channel; without `url` the address that stands is kept."""

    title: Annotated[Words, Field(min_length=1, max_length=80)]
    kind: Literal["mail", "sms", "push", "other"]
    url: Annotated[str, Field(min_length=3, max_length=2000, pattern=r"^[\x21-\x7e]+$")] | None = None


class BrowserKeys(Form):
    """The keys of a push subscription (base64url)."""

    p256dh: Annotated[str, Field(max_length=200)]
    auth: Annotated[str, Field(max_length=100)]


class BrowserForm(Form):
    """A push subscription as browsers give it."""

    endpoint: Annotated[str, Field(max_length=2000)]
    keys: BrowserKeys


class EndpointForm(Form):
    """Which browser is meant."""

    endpoint: Annotated[str, Field(max_length=2000)]


class HandoverForm(Form):
    """What the out-going person signs: the facts of a time, and a word to the next shift."""

    desk: Desk
    begins_at: Moment
    ends_at: Moment
    note: Annotated[Words, Field(max_length=8000)] = ""
    client_id: UUID | None = None

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if not 0 < (self.ends_at - self.begins_at).total_seconds() <= 36 * 3600:
            raise ValueError("a handover is of 36 hours at most")
        return self


class SignForm(Form):
    """The hash that the in-coming person saw."""

    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
