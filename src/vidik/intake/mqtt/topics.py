"""Which device a topic speaks for; the same for both doors.

| who publishes | topic |
|---|---|
| a device, or a gateway for its devices | devices/{device}/readings |
| ChirpStack v4 | application/{application}/device/{DevEUI}/event/up |
| The Things Stack v3 | v3/{application}@{tenant}/devices/{device}/up |

Commands go to devices/{device}/commands.
"""

from __future__ import annotations

import re
from typing import Final

from vidik.intake.mqtt import wire

READING_FILTERS: Final = (
    "devices/+/readings",
    "application/+/device/+/event/up",
    "v3/+/devices/+/up",
)

REMEMBERED_TOPICS: Final = 50_000

_DEVICE: Final = r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}"
_READINGS: Final = re.compile(
    rf"(?:devices/({_DEVICE})/readings"
    rf"|application/[^/]+/device/({_DEVICE})/event/up"
    rf"|v3/[^/]+/devices/({_DEVICE})/up)"
)
_COMMANDS: Final = re.compile(rf"devices/({_DEVICE})/commands")


def reading_device(topic: str) -> str | None:
    """Return the device whose readings are published on `topic`; None when it is no such topic."""
    match = _READINGS.fullmatch(topic)
    return None if match is None else match[match.lastindex or 1]


class Routes:
    """Which device a published topic speaks for: checked once and remembered, because devices publish on one topic."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[str, str | None]] = {}

    def find(self, raw: bytes) -> tuple[str, str | None]:
        """Return (topic, device or None); raises ProtocolError for bytes that are no topic to publish on."""
        found = self._known.get(raw)
        if found is None:
            topic = wire.topic_name(raw)
            found = topic, reading_device(topic)
            if len(self._known) >= REMEMBERED_TOPICS:
                self._known.clear()
            self._known[raw] = found
        return found


def command_device(topic: str) -> str | None:
    """Return the device that listens on `topic` for commands; None when it is no such topic."""
    match = _COMMANDS.fullmatch(topic)
    return None if match is None else match[1]


def command_topic(device_id: str) -> str:
    """Return the topic on which commands reach a device."""
    return f"devices/{device_id}/commands"


def claimed_device(topic: str) -> str:
    """Return what a topic names as its device, well-formed or not (at most 128 characters), for a dead letter."""
    levels = topic.split("/")
    place = 1 if levels[0] == "devices" else 3
    return levels[place][:128] if len(levels) > place else ""
