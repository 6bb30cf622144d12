"""Commands from Vidik to the city: `dim` lowers the light of a circuit for a while.

The effect comes back as readings, as it would from real cabinets.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import structlog

_log = structlog.get_logger(__name__)

DIM = "dim"
_LONGEST_MINUTES = 12 * 60


@dataclass(frozen=True, slots=True)
class Order:
    """A light level (0 to 1) that holds until `until` (seconds since 1970)."""

    level: float
    until: float


class Orders:
    """The orders in force, by device."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}

    def level(self, device_id: str, t: float) -> float | None:
        """The ordered light level of a circuit at `t`, or None when the schedule holds."""
        order = self._orders.get(device_id)
        return order.level if order is not None and t < order.until else None

    def give(self, device_id: str, level: float, until: float) -> None:
        """Put an order in force."""
        self._orders[device_id] = Order(level, until)

    def listener(
        self, device_id: str, clock: Callable[[], float], heard: Callable[[], None]
    ) -> Callable[[bytes], None]:
        """What a cabinet does with a command: {"name": "dim", "parameters": {"level": 0.3, "minutes": 30}}.

        `heard` is called after an order came into force. What the cabinet does not understand it leaves.
        """

        def take(payload: bytes) -> None:
            try:
                command = json.loads(payload)
                parameters = command["parameters"]
                level = float(parameters["level"])
                minutes = float(parameters.get("minutes", 60))
                if command["name"] != DIM or not 0 <= level <= 1 or not 0 < minutes <= _LONGEST_MINUTES:
                    raise ValueError(command["name"])
            except (ValueError, KeyError, TypeError, AttributeError):
                _log.info("a cabinet does not understand a command", device=device_id)
                return
            self.give(device_id, level, clock() + minutes * 60)
            heard()

        return take
