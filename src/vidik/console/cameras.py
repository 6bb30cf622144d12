"""Cameras as the console shows them: places of a public register, never a picture (docs/decisions/0041).

The type is `Camera` of Smart Data Models (dataModel.Device), with the terms of the same subject for who answers for
it and why it may stand there. The model also has addresses of streams and pictures: the console passes over every
attribute that is not of the register, and over every value that is, or holds, an address.
"""

import re
from typing import Any, Final, Literal

TYPE: Final = "Camera"
LAYER: Final = "cameras"
SHOWN: Final = frozenset(
    {
        "address",
        "areaServed",
        "cameraName",
        "cameraNum",
        "cameraOrientation",
        "cameraType",
        "cameraUsage",
        "dataProvider",
        "dateInstalled",
        "description",
        "deviceState",
        "direction",
        "endDateTime",
        "legalBasis",
        "operator",
        "owner",
        "purpose",
        "recipientList",
        "retentionPeriod",
        "startDateTime",
    }
)
"""Attributes of the register (short names of the city's context); nothing else of a camera is shown."""

TILES: Final = ("cameraUsage", "purpose", "legalBasis", "owner", "direction")
IN_SERVICE: Final = "inService"
OUT_OF_SERVICE: Final = "outOfService"
STATES: Final[dict[str, Literal["normal", "out_of_service"]]] = {IN_SERVICE: "normal", OUT_OF_SERVICE: "out_of_service"}
"""What `deviceState` says of a camera that no device speaks for."""

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://|\bdata:\S|\bwww\.\S", re.IGNORECASE)


def without_addresses(value: Any) -> Any:
    """Return a value without the texts in it that hold an address of the web or of a stream; None when it is one."""
    if isinstance(value, str):
        return None if _ADDRESS.search(value) else value
    if isinstance(value, dict):
        kept = ((name, without_addresses(part)) for name, part in value.items())
        return {name: part for name, part in kept if part is not None} or None
    if isinstance(value, list):
        return [kept for part in value if (kept := without_addresses(part)) is not None] or None
    return value
