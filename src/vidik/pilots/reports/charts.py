"""Charts of a report as plain shapes, drawn the same way as SVG on the page and as lines in the PDF. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

WIDTH, HEIGHT = 680.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 70.0, 12.0, 26.0, 26.0
_LEGEND = 10.0
_TICKS = 5

Point = tuple[float, float]
Colour = str

INK, GRID, SAVED, BAND, FORESEEN = "#1c2733", "#d5dbe1", "#0a6e5c", "#bfe3da", "#8a5a00"


@dataclass(frozen=True)
class Line:
    """A drawn line through points; `dashes` sets it apart without colour."""

    points: list[Point]
    colour: Colour
    width: float = 1.5
    dashes: bool = False


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    points: list[Point]
    colour: Colour


@dataclass(frozen=True)
class Label:
    """A piece of text at a point; `anchor` as SVG has it."""

    at: Point
    text: str
    anchor: str = "start"
    colour: Colour = INK


@dataclass(frozen=True)
class Chart:
    """Shapes within WIDTH and HEIGHT, and a sentence for those who do not see them."""

    description: str
    areas: list[Area] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


@dataclass(frozen=True)
class Curve:
    """One value a day, None where nothing is known."""

    name: str
    values: Sequence[float | None]
    colour: Colour
    dashes: bool = False


def chart(
    description: str,
    days: Sequence[date],
    curves: Sequence[Curve],
    unit: str,
    number: Callable[[float, int], str],
    band: tuple[Sequence[float | None], Sequence[float | None]] | None = None,
) -> Chart:
    """A chart of days with a band behind the curves where there is one; names stand at the top."""
    known = [value for curve in curves for value in curve.values if value is not None]
    known += [value for bound in band or () for value in bound if value is not None]
    low, high, step = _scale(min(known, default=0.0), max(known, default=1.0))
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (1 if f"{step:e}".startswith("2.5") and step < 10 else 0)
    across = (WIDTH - _LEFT - _RIGHT) / max(1, len(days) - 1)

    def place(day: int, value: float) -> Point:
        return _LEFT + day * across, HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    drawn = Chart(description)
    for count in range(round((high - low) / step) + 1):
        value = low + count * step
        left, right = place(0, value), (WIDTH - _RIGHT, place(0, value)[1])
        drawn.lines.append(Line([left, right], INK if abs(value) < step / 1e6 else GRID, 0.6))
        drawn.labels.append(Label((_LEFT - 6, left[1] + 3.5), number(value, digits), "end"))
    drawn.labels.append(Label((_LEFT - 6, _LEGEND), unit, "end"))
    if band is not None:
        drawn.areas.extend(_band(band, place))
    x = _LEFT
    for curve in curves:
        drawn.lines.extend(
            Line(points, curve.colour, 1.6, curve.dashes) for points in _pieces(curve.values, place) if len(points) > 1
        )
        drawn.lines.append(Line([(x, _LEGEND - 3), (x + 18, _LEGEND - 3)], curve.colour, 2.0, curve.dashes))
        drawn.labels.append(Label((x + 23, _LEGEND), curve.name))
        x += 40 + 6.2 * len(curve.name)
    for position in _few(len(days)):
        anchor = "start" if position == 0 else "end" if position == len(days) - 1 else "middle"
        drawn.labels.append(Label((place(position, low)[0], HEIGHT - 8), days[position].isoformat(), anchor))
    return drawn


def svg(drawn: Chart) -> str:
    """The chart as SVG; every text in it is escaped."""
    from markupsafe import escape

    parts = [f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(drawn.description)}">']
    parts += [f'<polygon points="{_points(area.points)}" fill="{area.colour}"/>' for area in drawn.areas]
    parts += [
        f'<polyline points="{_points(line.points)}" fill="none" stroke="{line.colour}" stroke-width="{line.width:g}"'
        + (' stroke-dasharray="5 3"' if line.dashes else "")
        + "/>"
        for line in drawn.lines
    ]
    parts += [
        f'<text x="{label.at[0]:.1f}" y="{label.at[1]:.1f}" text-anchor="{label.anchor}" fill="{label.colour}">'
        f"{escape(label.text)}</text>"
        for label in drawn.labels
    ]
    return "".join([*parts, "</svg>"])


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _scale(low: float, high: float) -> tuple[float, float, float]:
    """Round ends that hold all values and zero, and the step between the lines."""
    low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        high = 1.0
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def _pieces(values: Sequence[float | None], place: Callable[[int, float], Point]) -> list[list[Point]]:
    pieces: list[list[Point]] = [[]]
    for day, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(place(day, value))
    return [piece for piece in pieces if piece]


def _band(
    band: tuple[Sequence[float | None], Sequence[float | None]], place: Callable[[int, float], Point]
) -> list[Area]:
    lows, highs = band
    if any(value is None for bound in band for value in bound):
        return []
    lower = [place(day, value) for day, value in enumerate(lows) if value is not None]
    upper = [place(day, value) for day, value in enumerate(highs) if value is not None]
    return [Area([*lower, *reversed(upper)], BAND)]


def _few(days: int) -> list[int]:
    if days < 2:
        return list(range(days))
    return sorted({round(part * (days - 1) / 4) for part in range(5)})
