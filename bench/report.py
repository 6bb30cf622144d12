"""A figure, what it is held against, and how both are shown."""

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table


@dataclass
class Figure:
    """One measured figure. `goal` is what we hold ourselves to; `limit` is the machine's, of the same run.

    `at_most` is the goal's other side, where both too little and too much miss it.
    """

    name: str
    measured: float
    unit: str
    goal: float | None = None
    at_most: float | None = None
    higher_is_better: bool = True
    limit: float | None = None
    limit_is: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Measured against the limit."""
        return self.measured / self.limit if self.limit else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None without a goal."""
        if self.goal is None:
            return None
        if self.at_most is not None and self.measured > self.at_most:
            return False
        return self.measured >= self.goal if self.higher_is_better else self.measured <= self.goal

    @property
    def wanted(self) -> str:
        """The goal in words; empty without one."""
        return _short(self.goal) if self.at_most is None else f"{_short(self.goal)} to {_short(self.at_most)}"


class Report:
    """Collects figures and prints them as they come."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.figures: list[Figure] = []

    def say(self, sentence: str) -> None:
        """Say what is being done."""
        self.console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}  {sentence}[/]")

    def add(self, figure: Figure) -> None:
        """Take a figure and print its line."""
        self.figures.append(figure)
        mark = {True: "reached", False: "NOT reached", None: ""}[figure.reached]
        ratio = f", {figure.ratio:.2f} of {figure.limit_is} ({_short(figure.limit)})" if figure.ratio else ""
        goal = f", goal {figure.wanted}" if figure.wanted else ""
        self.console.print(f"  {figure.name}: [bold]{_short(figure.measured)} {figure.unit}[/]{ratio}{goal} {mark}")
        for name, value in figure.details.items():
            self.console.print(f"      {name}: {value}")

    def print(self) -> None:
        """Print all figures as one table."""
        table = Table("figure", "measured", "limit of the machine", "ratio", "goal", "")
        for figure in self.figures:
            table.add_row(
                figure.name,
                f"{_short(figure.measured)} {figure.unit}",
                f"{_short(figure.limit)} ({figure.limit_is})" if figure.limit else "",
                f"{figure.ratio:.2f}" if figure.ratio else "",
                figure.wanted,
                {True: "reached", False: "NOT reached", None: ""}[figure.reached],
            )
        self.console.print(table)

    def write(self, path: Path) -> None:
        """Write the figures as JSON, with the machine they were measured on."""
        machine = {
            "cores": psutil.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load_before": psutil.getloadavg(),
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        path.write_text(json.dumps({"machine": machine, "figures": [asdict(f) for f in self.figures]}, indent=1))


def _short(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
