"""JSON messages: plain ones, and the uplinks of ChirpStack v4 and The Things Stack v3.

An uplink carries what the network server's codec decoded inside an envelope. Paths of attributes start at the
decoded part; a path that starts with `$` starts at the envelope (for the signal strength, say). Sources:
ChirpStack `integration.UplinkEvent` (JSON), The Things Stack "Data formats", uplink messages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from vidik.intake.profiles.model import DevicePart, ProfileFile, TimePart
from vidik.intake.profiles.paths import MISSING, Getter, compile_path, parse_path
from vidik.intake.profiles.profile import Decoder
from vidik.intake.profiles.reading import Reading, Rejected
from vidik.intake.profiles.records import (
    RecordReader,
    Source,
    compile_check,
    compile_clock,
    compile_point,
    compile_record,
)

MAX_RECORDS = 10_000
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Envelope:
    """Where a network server puts things."""

    decoded: tuple[str | int, ...]
    device: DevicePart
    time: TimePart


ENVELOPES = {
    "chirpstack-v4": Envelope(("object",), DevicePart(path="deviceInfo.devEui"), TimePart(path="time")),
    "tts-v3": Envelope(
        ("uplink_message", "decoded_payload"),
        DevicePart(path="end_device_ids.device_id"),
        TimePart(path="uplink_message.received_at"),
    ),
}


def compile_json(profile: ProfileFile, expand: Callable[[str], str]) -> Decoder:
    """The decoder of a profile with format json, chirpstack-v4 or tts-v3."""
    envelope = ENVELOPES.get(profile.format)
    base = envelope.decoded if envelope else ()
    device = profile.device or (envelope.device if envelope else None)
    time = profile.time or (envelope.time if envelope else None)
    assert time is not None  # noqa: S101 - the model holds this for json, the envelope for the others
    clock_get = compile_path(parse_path(time.path)) if time.path is not None else None
    read = compile_record(
        [_source(part, base, expand) for part in profile.attributes],
        compile_clock(time.path or "time", time, clock_get),
        compile_device(device.path, compile_path(parse_path(device.path)), device.template)
        if device is not None and device.path is not None
        else None,
        profile.reject_if_all,
    )
    if envelope is not None:
        return _uplink(read, base)
    return _batch(read) if profile.batch else _single(read)


def compile_device(field: str, get: Getter, template: str) -> Callable[[Any], str]:
    """A function from a record to the id of the device that it is about."""
    before, after = template.split("{value}")

    def device(record: Any) -> str:
        value = get(record)
        if type(value) is int:
            value = str(value)
        if type(value) is not str or not value:
            raise Rejected(field, "the device is not named", None if value is MISSING else value)
        return f"{before}{value}{after}"

    return device


def _source(part: Any, base: tuple[str | int, ...], expand: Callable[[str], str]) -> Source:
    iri = expand(part.name)
    if part.type == "point":
        field = f"{part.latitude}, {part.longitude}"
        get, check = compile_point(
            field, compile_path(_steps(part.latitude, base)), compile_path(_steps(part.longitude, base))
        )
        return Source(field, part.name, iri, get, check, part.required)
    get = compile_path(_steps(part.path, base))
    return Source(part.path, part.name, iri, get, compile_check(part.path, part), part.required)


def _steps(path: str, base: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return parse_path(path) if path.startswith("$") else base + parse_path(path)


def _load(payload: bytes) -> Any:
    try:
        return _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("", f"this is not JSON: {error}", payload[:80]) from None


def _single(read: RecordReader) -> Decoder:
    def decode(payload: bytes, received_at: int) -> list[Reading]:
        document = _load(payload)
        if type(document) is not dict:
            raise Rejected("", "a JSON object was expected", payload[:80])
        return [read(document, received_at)]

    return decode


def _batch(read: RecordReader) -> Decoder:
    def decode(payload: bytes, received_at: int) -> list[Reading]:
        document = _load(payload)
        if type(document) is dict:
            return [read(document, received_at)]
        if type(document) is not list or not document:
            raise Rejected("", "a JSON object or a list of them was expected", payload[:80])
        if len(document) > MAX_RECORDS:
            raise Rejected("", f"more than {MAX_RECORDS} records in one message")
        readings = []
        for index, record in enumerate(document):
            if type(record) is not dict:
                raise Rejected(f"[{index}]", "a JSON object was expected", record)
            try:
                readings.append(read(record, received_at))
            except Rejected as refusal:
                where = f"[{index}].{refusal.field}" if refusal.field else f"[{index}]"
                raise Rejected(where, refusal.reason, refusal.value) from None
        return readings

    return decode


def _uplink(read: RecordReader, base: tuple[str | int, ...]) -> Decoder:
    decoded_part = compile_path(base)
    field = ".".join(map(str, base))

    def decode(payload: bytes, received_at: int) -> list[Reading]:
        document = _load(payload)
        if type(document) is not dict:
            raise Rejected("", "a JSON object was expected", payload[:80])
        if type(decoded_part(document)) is not dict:
            raise Rejected(
                field, "the network server decoded nothing: give the device a codec (payload formatter) there"
            )
        return [read(document, received_at)]

    return decode
