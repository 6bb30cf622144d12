"""A message as a door received it, and what became of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Door = Literal["mqtt", "broker", "http", "replay"]


@dataclass(slots=True)
class Message:
    """One message; `received_at` counts microseconds since 1970 (UTC)."""

    principal_id: str
    """The device or gateway whose credential brought it; empty when the city's own broker vouches for it."""
    device_id: str
    payload: bytes
    received_at: int
    door: Door
    topic: str


class Outcome(Enum):
    """What became of a message. A door acknowledges the first two: they are on disk."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """In the dead letters, as a whole or for some of its values (the others are stored)."""
    FAILED = "failed"
    """Not on disk: the door must not acknowledge it."""
