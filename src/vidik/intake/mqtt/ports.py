"""What the MQTT doors need from the house: a pipeline that commits and a directory that knows the devices.

`vidik.intake.pipeline.Pipeline` and `vidik.intake.devices.DeviceDirectory` fit these shapes; tests bring their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vidik.intake.message import Message, Outcome

__all__ = ["Credential", "Directory", "Message", "Outcome", "PipelinePort"]


class PipelinePort(Protocol):
    """Takes messages and says when they are on disk."""

    def offer(self, message: Message, done: Callable[[Outcome], None]) -> None:
        """Take a message; `done` is called on the event loop after commit (or after giving up: FAILED)."""

    @property
    def full(self) -> bool:
        """True while the doors should stop reading."""

    async def room(self) -> None:
        """Return when there is room again."""


class Credential(Protocol):
    """Who logged in."""

    @property
    def device_id(self) -> str:
        """The device or gateway that the credential belongs to."""


class Directory(Protocol):
    """The devices that the city knows; answers from memory."""

    def authenticate(self, username: str, password: str) -> Credential | None:
        """Return the device or gateway of this credential; None when there is none or the password is wrong."""

    def get(self, device_id: str) -> object | None:
        """Return the device; None when it is unknown."""

    def may_write(self, principal_id: str, device_id: str) -> bool:
        """Return True when the principal is the device itself, or its gateway, and both are enabled."""
