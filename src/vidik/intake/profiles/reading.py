"""What decoding gives: readings, or the reason why a whole message is refused."""

from dataclasses import dataclass, field
from typing import Any

Value = float | int | bool | str | dict[str, Any]


class Rejected(Exception):
    """The whole message is refused.

    `field` says where it went wrong, `reason` is a sentence for a person, `value` is what stood there.
    """

    def __init__(self, field: str, reason: str, value: object = None) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason
        self.value = value


@dataclass(slots=True)
class Reading:
    """Values that one device observed at one time.

    `device_id` is None for the device that published; `observed_at` counts microseconds since 1970 in UTC.
    `values` maps the attribute's IRI to its value. `rejected` lists the values that were refused one by one,
    as (IRI, short name, value as it came, reason); the rest of the reading stands.
    """

    device_id: str | None
    observed_at: int
    values: dict[str, Value]
    rejected: list[tuple[str, str, object, str]] = field(default_factory=list)
