"""Registers that only count up: energy and water, kept through a restart as a real meter keeps them."""

import json
from pathlib import Path

_LONGEST_GAP_SECONDS = 26 * 3_600


class Meters:
    """Totals by device; `advance` adds what flowed since the last look."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._totals: dict[str, tuple[float, float]] = {}
        if file is not None and file.is_file():
            try:
                kept = json.loads(file.read_text())
                self._totals = {name: (float(t), float(total)) for name, (t, total) in kept.items()}
            except (ValueError, TypeError, AttributeError):
                self._totals = {}

    def advance(self, name: str, t: float, rate_per_hour: float, start: float) -> float:
        """The total at `t`, when `rate_per_hour` has flowed since the last look; `start` is a new meter's total."""
        before, total = self._totals.setdefault(name, (t, start))
        if t <= before:
            return total
        total += rate_per_hour * min(t - before, _LONGEST_GAP_SECONDS) / 3_600
        self._totals[name] = (t, total)
        return total

    def save(self) -> None:
        """Write the totals; beside and moved, so that a crash leaves the old file."""
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(self._totals))
        beside.replace(self._file)
