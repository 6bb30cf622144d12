"""Meters made up for tests: a building with weekdays, heating and noise, as series and as files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from vidik.pilots.measurement.series import Series, Values

FIRST = np.datetime64("2021-01-01T00", "h")


def hours(years: int = 3) -> int:
    """Of so many years from 2021 on."""
    return int((np.datetime64(f"{2021 + years}-01-01T00", "h") - FIRST).astype(int))


def warmth(years: int = 3, seed: int = 1) -> Series:
    """A temperate year, hour by hour, with weather that lasts some days."""
    generator = np.random.default_rng(seed)
    time = np.arange(hours(years))
    days = np.repeat(np.convolve(generator.normal(0, 3, hours(years) // 24 + 9), np.ones(5) / 2, "valid"), 24)
    values = 11 - 9 * np.cos(2 * np.pi * (time / 24 - 20) / 365.25) + 3 * np.sin(2 * np.pi * (time - 8) / 24)
    return Series("weather", FIRST, values + days[: len(time)], "CEL", "UTC")


def building(name: str, years: int = 3, *, seed: int = 2, drift: float = 0.0, size: float = 10.0) -> Series:
    """Office hours, short ones on Saturdays, heating, noise, and a level that moves by `drift` a year."""
    generator = np.random.default_rng(seed)
    time = np.arange(hours(years))
    weekday, hour = (time // 24 + 4) % 7, time % 24
    open_hours = (weekday < 6) & (hour >= 7) & (hour < np.where(weekday == 5, 12, 18 - weekday))
    heating = np.maximum(15 - warmth(years).values, 0) * 0.04
    values = size * (0.4 + 0.6 * open_hours + heating) * (1 + drift * (time // 8766))
    return Series(name, FIRST, values * np.exp(generator.normal(0, 0.08, len(time))), "KWH", "UTC")


def write_csv(file: Path, series: Series, column: str = "kwh") -> Path:
    """The series as a file, an empty field for NaN."""
    rows = [f"datetime,{column}"]
    for time, value in zip(series.times.astype("datetime64[s]"), series.values, strict=True):
        rows.append(f"{str(time).replace('T', ' ')},{'' if np.isnan(value) else f'{value:.3f}'}")
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


def stamps(start: str, count: int, minutes: int) -> list[str]:
    """Times in a row, as texts."""
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return [(first + timedelta(minutes=minutes * number)).strftime("%Y-%m-%d %H:%M:%S") for number in range(count)]


def table(times: list[str], values: Values | list[float] | list[str], header: str = "datetime,kwh") -> bytes:
    """A CSV file's bytes."""
    lines = [f"{time},{value}" for time, value in zip(times, values, strict=True)]
    return "\n".join([header, *lines]).encode()
