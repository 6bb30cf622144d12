"""Sentences of alarms: a rule's template filled with figures as people of each script write them."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files

import yaml

from vidik.kernel.scripts import three_scripts
from vidik.operations.rules.model import Scalar, Text

# UN/CEFACT Recommendation 20 codes as SDM uses them, and how people write the unit.
UNIT_SYMBOLS: Mapping[str, str] = {
    "CEL": "°C", "KWT": "kW", "WTT": "W", "KWH": "kWh", "MWH": "MWh", "AMP": "A", "VLT": "V", "BAR": "bar",
    "MTQ": "m³", "MQH": "m³/h", "KMH": "km/h", "GQ": "µg/m³", "P1": "%", "C62": "", "LUX": "lx", "MTR": "m",
    "CMT": "cm", "MTS": "m/s", "HTZ": "Hz", "LTR": "l", "2N": "dB", "59": "ppm", "SEC": "s", "MIN": "min",
}  # fmt: skip


def unit_symbol(unit_code: str | None) -> str | None:
    """Return how people write a unit ("°C" for CEL); a code that is not known stays; None for no unit."""
    if unit_code is None:
        return None
    return UNIT_SYMBOLS.get(unit_code, unit_code) or None


@cache
def attribute_words() -> Mapping[str, tuple[str, str]]:
    """What people call an attribute, in English and Serbian: a report and a message to a telephone say no code."""
    told = yaml.safe_load(files("vidik.operations.rules").joinpath("attribute_words.yaml").read_text("utf-8"))
    return {name: (words["en"], words["sr"]) for name, words in told.items()}


def fill(
    template: Text,
    *,
    value: Scalar | None,
    threshold: float | None,
    unit: str | None,
    hold: timedelta = timedelta(),
    count: int = 1,
    attribute: str = "",
) -> dict[str, str]:
    """Return the sentence in three scripts; `unit` is the symbol. Serbian writes a comma before decimals."""
    english = _figures(value, threshold, unit, hold, count, attribute)
    serbian = {
        name: text.replace(".", ",") if name in ("value", "threshold") else text for name, text in english.items()
    }
    serbian["value"] = _serbian_word(value) or serbian["value"]
    english["attribute"], serbian["attribute"] = attribute_words().get(attribute, (attribute, attribute))
    return three_scripts(_squeeze(template.en.format_map(english)), _squeeze(template.sr.format_map(serbian)))


def _figures(
    value: Scalar | None,
    threshold: float | None,
    unit: str | None,
    hold: timedelta,
    count: int,
    attribute: str,
) -> dict[str, str]:
    return {
        "value": format_value(value),
        "threshold": format_value(threshold),
        "unit": unit or "",
        "hold": format_hold(hold),
        "count": str(count),
        "attribute": attribute,
    }


def format_value(value: Scalar | None) -> str:
    """Return a figure with as many digits as a person acts on: none from 100 up, one below, two below 1."""
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 1 else 2
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "\N{MINUS SIGN}", 1)


def format_hold(hold: timedelta) -> str:
    """Return a duration that reads the same in both languages ("15 min", "2 h")."""
    minutes = round(hold.total_seconds() / 60)
    return f"{minutes // 60} h" if minutes and minutes % 60 == 0 else f"{minutes} min"


def _serbian_word(value: Scalar | None) -> str | None:
    if isinstance(value, bool):
        return "да" if value else "не"
    return None


def _squeeze(sentence: str) -> str:
    """Remove the gap that an empty unit leaves."""
    return " ".join(sentence.split()).replace(" .", ".").replace(" ,", ",")
