"""One record (a JSON object, a line) to one reading: the part that all formats share, and the hot path."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from vidik.intake.profiles.model import AttributePart, TimePart
from vidik.intake.profiles.paths import MISSING, Getter
from vidik.intake.profiles.reading import Reading, Rejected, Value
from vidik.intake.profiles.times import compile_time
from vidik.intake.profiles.values import Check, boolean, choice, number, number_text, text

Clock = Callable[[Any, int], int]
RecordReader = Callable[[Any, int], Reading]


@dataclass(frozen=True)
class Source:
    """Where one attribute's value comes from, and what it must be."""

    field: str
    name: str
    iri: str
    get: Getter
    check: Check
    required: bool


def compile_check(field: str, part: AttributePart) -> Check:
    """The check of an attribute's value as JSON carries it."""
    if part.type == "choice":
        assert part.choices is not None  # noqa: S101 - the model holds this
        meanings = part.choices if isinstance(part.choices, dict) else {each: each for each in part.choices}
        return choice(field, meanings)
    if part.type == "boolean":
        return boolean(field)
    if part.type == "text":
        return text(field)
    check = number(
        field,
        part.minimum,
        part.maximum,
        whole=part.type == "integer",
        scale=part.scale,
        offset=part.offset,
        fault_values=part.fault_values,
    )
    return number_text(field, check) if part.type == "number_text" else check


def compile_point(field: str, latitude: Getter, longitude: Getter) -> tuple[Getter, Check]:
    """A getter and a check that make a GeoJSON point of two numbers in degrees (WGS 84)."""

    def get(record: Any) -> Any:
        both = latitude(record), longitude(record)
        if both[0] in (MISSING, None) and both[1] in (MISSING, None):
            return MISSING
        return both

    def check(both: Any) -> tuple[bool, Any]:
        for value in both:
            if type(value) is not float and type(value) is not int:
                raise Rejected(field, "a point needs two numbers", None if value is MISSING else value)
        north, east = both
        if not (-90 <= north <= 90 and -180 <= east <= 180):
            return False, f"{north:g}, {east:g} is not a place on the Earth"
        return True, {"type": "Point", "coordinates": [float(east), float(north)]}

    return get, check


def compile_clock(field: str, part: TimePart, get: Getter | None) -> Clock:
    """A function from a record and the time of receipt to the observed time, both in microseconds."""
    parse = compile_time(field, part.format, part.zone, part.ambiguous)
    earliest = (date.fromisoformat(part.earliest) - date(1970, 1, 1)).days * 86_400_000_000
    ahead = part.future_limit_seconds * 1_000_000
    received_will_do = part.missing == "received"

    def clock(record: Any, received_at: int) -> int:
        raw = get(record) if get is not None else MISSING
        if raw is MISSING or raw is None:
            if received_will_do:
                return received_at
            raise Rejected(field, "the time is missing")
        observed_at = parse(raw)
        if observed_at > received_at + ahead:
            raise Rejected(field, "the time is in the future", raw)
        if observed_at < earliest:
            raise Rejected(field, f"the time is before {part.earliest}: is the device's clock set?", raw)
        return observed_at

    return clock


def compile_record(
    sources: Iterable[Source], clock: Clock, device: Callable[[Any], str] | None, reject_if_all: float | None
) -> RecordReader:
    """A function from one record and the time of receipt to a reading."""
    plan = [(each.field, each.name, each.iri, each.get, each.check, each.required) for each in sources]

    def read(record: Any, received_at: int) -> Reading:
        observed_at = clock(record, received_at)
        values: dict[str, Value] = {}
        rejected: list[tuple[str, str, object, str]] = []
        for field, name, iri, get, check, required in plan:
            raw = get(record)
            if raw is MISSING or raw is None:
                if required:
                    raise Rejected(field, "the value is missing")
                continue
            stands, result = check(raw)
            if not stands:
                rejected.append((iri, name, raw, result))
            elif iri in values:
                raise Rejected(field, f"{name} is given twice", raw)
            else:
                values[iri] = result
        if not values and not rejected:
            raise Rejected("", "none of the profile's values is in the message")
        if reject_if_all is not None:
            _refuse_if_all(values, rejected, reject_if_all)
        return Reading(device(record) if device is not None else None, observed_at, values, rejected)

    return read


def _refuse_if_all(values: dict[str, Value], rejected: list[tuple[str, str, object, str]], lost: float) -> None:
    numbers = [value for value in values.values() if type(value) in (float, int)]
    numbers += [value for _, _, value, _ in rejected if isinstance(value, float | int) and not isinstance(value, bool)]
    if len(numbers) > 1 and all(value == lost for value in numbers):
        raise Rejected("", f"every value is {lost:g}: the device had lost its sensors", lost)
