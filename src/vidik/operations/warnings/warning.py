"""The life of a warning: drafted by one person, released by another, then replaced, cancelled or expired. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from vidik.kernel.errors import Conflict, Forbidden, Unprocessable
from vidik.operations.warnings.content import Content, MessageType

State = Literal["draft", "released", "replaced", "cancelled", "expired", "discarded"]


def check_release(state: State, authors: Sequence[str], login: str, content: Content, moment: datetime) -> None:
    """Raise Conflict, Forbidden or Unprocessable unless this person may release this now."""
    check_draft(state)
    if login in authors:
        raise Forbidden("Who wrote a warning does not release it: another person does.", code="four-eyes")
    if content.expires <= moment:
        raise Unprocessable("The warning would end before it is sent.", field="expires", code="already-over")


def check_draft(state: State) -> None:
    """Raise Conflict for what was released or thrown away: it is never changed."""
    if state != "draft":
        raise Conflict("This is no draft any more: what was released stands.", code="no-draft")


def check_following(state: State, kind: MessageType) -> None:
    """Raise Conflict unless a message of this kind can follow one of that state."""
    if state not in ("released", "expired") or (state == "expired" and kind == "Cancel"):
        raise Conflict("Only the newest message of a warning is updated or cancelled.", code="not-newest")


def after_following(kind: MessageType) -> State:
    """What becomes of a message when one that follows it is released."""
    return "cancelled" if kind == "Cancel" else "replaced"
