"""What goes wrong, and when: a timetable that is a pure function of the seed and the time.

Each kind of fault comes round every `every` seconds in one asset drawn by lot, and lasts `lasts` of them. Besides,
whoever starts the city sees something happen soon: the opening act, a few minutes after the start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vidik.demo.noise import key, uniform

_MINUTE, _HOUR = 60, 3_600


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way to go wrong; `profile` says for which assets, `at_once` in how many rounds side by side."""

    name: str
    profile: str
    every: float
    lasts: float
    at_once: int = 1


KINDS = (
    FaultKind("supply_low", "demo-heat-substation", 6 * _HOUR, 5 * _HOUR),
    FaultKind("supply_high", "demo-heat-substation", 9 * _HOUR, 4 * _HOUR),
    FaultKind("return_high", "demo-heat-substation", 7 * _HOUR, 2.5 * _HOUR),
    FaultKind("sensor_broken", "demo-heat-substation", 20 * _HOUR, 40 * _MINUTE),
    FaultKind("lamp_out", "demo-luminaire", 16 * _HOUR, 15 * _HOUR, at_once=7),
    FaultKind("day_burner", "demo-luminaire", 24 * _HOUR, 24 * _HOUR, at_once=3),
    FaultKind("circuit_dark", "demo-lighting-cabinet", 8 * _HOUR, 50 * _MINUTE),
    FaultKind("fire", "demo-waste-container", 6 * _HOUR, 18 * _MINUTE),
    FaultKind("not_emptied", "demo-waste-container", 48 * _HOUR, 40 * _HOUR, at_once=6),
    FaultKind("burst", "demo-water-zone-meter", 8 * _HOUR, 45 * _MINUTE),
    FaultKind("leak", "demo-water-zone-meter", 48 * _HOUR, 46 * _HOUR),
    FaultKind("jam", "demo-traffic-counter", 2 * _HOUR, 35 * _MINUTE),
    FaultKind("stuck", "demo-air-station", 12 * _HOUR, 3 * _HOUR),
    FaultKind("silent", "demo-traffic-counter", 7 * _HOUR, 40 * _MINUTE),
    FaultKind("silent", "demo-air-station", 9 * _HOUR, 50 * _MINUTE),
    FaultKind("silent", "demo-water-zone-meter", 6 * _HOUR, 30 * _MINUTE),
    FaultKind("silent", "demo-waste-container", 4 * _HOUR, 3 * _HOUR, at_once=2),
)
# Seconds after the start, and for how long: what a visitor sees first.
OPENING = (
    ("fire", "demo-waste-container", 90, 10 * _MINUTE),
    ("burst", "demo-water-zone-meter", 180, 15 * _MINUTE),
    ("sensor_broken", "demo-heat-substation", 120, 8 * _MINUTE),
    ("jam", "demo-traffic-counter", 30, 30 * _MINUTE),
)


class Faults:
    """The timetable over the assets of one city; `devices` are device ids by profile."""

    def __init__(self, seed: int, devices: Mapping[str, Sequence[str]], started_at: float | None = None) -> None:
        self._seed = seed
        self._devices = devices
        self._started_at = started_at
        self._plan: dict[str, list[tuple[float, float, str]]] = {}
        self._planned = (1.0, 0.0)

    def of(self, device_id: str, t: float) -> dict[str, float]:
        """What is wrong with a device at `t`: the fault's name and for how many seconds already."""
        if not self._planned[0] <= t < self._planned[1]:
            self._make_plan(t)
        entries = self._plan.get(device_id)
        if entries is None:
            return {}
        return {name: t - start for start, end, name in entries if start <= t < end}

    def _make_plan(self, t: float) -> None:
        first, last = t - _HOUR, t + 6 * _HOUR
        self._plan = {}
        for kind in KINDS:
            candidates = self._devices.get(kind.profile, ())
            for lane in range(kind.at_once if candidates else 0):
                base = key(self._seed, f"{kind.name} {kind.profile} {lane}")
                for turn in range(int((first - kind.lasts) // kind.every), int(last // kind.every) + 1):
                    device_id = candidates[int(uniform(base, turn) * len(candidates))]
                    start = turn * kind.every + uniform(base, turn, 1) * (kind.every - kind.lasts)
                    self._plan.setdefault(device_id, []).append((start, start + kind.lasts, kind.name))
        if self._started_at is not None:
            for name, profile, after, lasts in OPENING:
                candidates = self._devices.get(profile, ())
                if candidates:
                    pick = int(uniform(key(self._seed, f"opening {name}"), int(self._started_at)) * len(candidates))
                    start = self._started_at + after
                    self._plan.setdefault(candidates[pick], []).append((start, start + lasts, name))
        self._planned = (first, last)
