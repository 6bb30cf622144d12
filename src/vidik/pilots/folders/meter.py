"""What was found of one meter of a folder, and of all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vidik.pilots.folders.files import Task
from vidik.pilots.outcome import Finding, Fit, Interval
from vidik.pilots.uncertainty.placebo import Placebo


@dataclass(frozen=True)
class Meter:
    """What was found of one meter; `refused` says why nothing was computed."""

    name: str
    file: Path
    refused: str | None
    model: str | None = None
    fit: Fit | None = None
    """Of the prediction against the test period."""
    baseline_fit: Fit | None = None
    actual: float = math.nan
    counterfactual: float = math.nan
    spread: float = math.nan
    days: int = 0
    guideline_14: Interval | None = None
    interval: Interval | None = None
    verdict: str | None = None
    p_value: float | None = None
    findings: list[Finding] = field(default_factory=list)
    placebos: list[Placebo] = field(default_factory=list)
    """What it gives to the others."""
    pulse: bytes = field(default=b"", repr=False)
    """Its weeks, by which it is known again under another name."""
    seconds: float = 0.0
    """Of one core, for choosing the model, fitting and projecting; reading the file is `reading_seconds`."""
    reading_seconds: float = 0.0
    cross_check: dict[str, float | str | None] | None = None
    unit: str | None = None
    """Of actual and counterfactual; None where the file could not be read."""

    @property
    def saving(self) -> float:
        """In the unit of the meter."""
        return self.counterfactual - self.actual


@dataclass(frozen=True)
class FolderOutcome:
    """All meters, and what holds over them."""

    task: Task
    meters: Sequence[Meter]
    """Read from disk one by one."""
    clock: str
    placebos: str
    """How the placebo runs were made, in words."""
    seconds: float
    workers: int
    weather: list[Finding] = field(default_factory=list)
    """What was found in the weather file."""
    no_placebos: list[Meter] = field(default_factory=list)
    """The meters that only calibrate and were refused."""

    @property
    def evaluated(self) -> Iterator[Meter]:
        """The meters of which something can be said."""
        return (meter for meter in self.meters if meter.refused is None)
