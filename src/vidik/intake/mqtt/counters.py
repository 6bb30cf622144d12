"""What a door counts: plain integers, cheap to raise a hundred thousand times a second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(slots=True)
class Counters:
    """Totals since start, except `connections` and `unacknowledged`, which are now."""

    connections: int = 0
    unacknowledged: int = 0
    connects: int = 0
    logins_refused: int = 0
    received: int = 0
    acknowledged: int = 0
    dead_lettered: int = 0
    failed: int = 0
    not_authorized: int = 0
    protocol_errors: int = 0
    keep_alive_timeouts: int = 0
    slow_readers: int = 0
    commands_sent: int = 0
    commands_acknowledged: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0

    def snapshot(self) -> dict[str, int]:
        """Return the counters by name."""
        return asdict(self)


_NOW = {
    "connections": "Connections held now",
    "unacknowledged": "Messages taken and not yet acknowledged",
}
_TOTALS = {
    "connects": "Connections that logged in",
    "logins_refused": "CONNECTs refused for a wrong, missing or throttled login",
    "received": "Messages received",
    "acknowledged": "Messages whose commit was acknowledged",
    "dead_lettered": "Messages acknowledged as refused and kept as dead letters",
    "failed": "Messages not acknowledged because they could not be stored",
    "not_authorized": "Messages for a device or topic that the publisher may not write",
    "protocol_errors": "Connections closed for breaking the protocol",
    "keep_alive_timeouts": "Connections closed after their keep-alive ran out",
    "slow_readers": "Connections closed because they did not read",
    "commands_sent": "Commands sent to devices",
    "commands_acknowledged": "Commands acknowledged by devices",
    "bytes_received": "Bytes received",
    "bytes_sent": "Bytes sent",
}


class Door(Protocol):
    """A door that can be asked for its counters."""

    def snapshot(self) -> dict[str, int]:
        """Return the counters by name."""


class DoorCollector(Collector):
    """Shows the counters of the doors to Prometheus, read only when it asks."""

    def __init__(self, doors: dict[str, Door]) -> None:
        self._doors = doors

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        snapshots = {name: door.snapshot() for name, door in self._doors.items()}
        for key, text in _NOW.items():
            gauge = GaugeMetricFamily(f"vidik_mqtt_{key}", text, labels=["door"])
            for name, values in snapshots.items():
                gauge.add_metric([name], values[key])
            yield gauge
        for key, text in _TOTALS.items():
            counter = CounterMetricFamily(f"vidik_mqtt_{key}", text, labels=["door"])
            for name, values in snapshots.items():
                counter.add_metric([name], values[key])
            yield counter
