"""A profile: how one kind of device speaks, compiled from its file and ready to decode."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from vidik.intake.profiles.reading import Reading, Rejected

MAX_PAYLOAD_BYTES = 256 * 1024

Kind = Literal["Property", "GeoProperty"]
Format = Literal["json", "csv", "chirpstack-v4", "tts-v3"]
Decoder = Callable[[bytes, int], list[Reading]]


@dataclass(frozen=True)
class AttributeSpec:
    """One attribute that the profile gives: short name, IRI, UN/CEFACT unit code, plausible range."""

    name: str
    iri: str
    kind: Kind
    unit_code: str | None
    minimum: float | None
    maximum: float | None
    numeric: bool


@dataclass(frozen=True)
class LineFormat:
    """How the lines of a CSV profile are written, for whoever reads a file line by line before it is decoded.

    `observed_at` and `device` take a line as a dict by column and raise Rejected; `device` gives None when the
    profile does not name devices. `used` are the columns that the profile reads.
    """

    separator: str
    encoding: str
    header: bool
    columns: list[str] | None
    used: list[str]
    observed_at: Callable[[dict[str, str], int], int]
    device: Callable[[dict[str, str]], str | None]


@dataclass(frozen=True)
class Profile:
    """How one kind of device speaks."""

    name: str
    version: int
    title: str
    service: str
    entity_type: str
    type_iri: str
    attributes: list[AttributeSpec]
    expected_interval: timedelta
    format: Format
    id_template: str
    decoder: Decoder
    lines: LineFormat | None = None

    def decode(self, payload: bytes, received_at: int) -> list[Reading]:
        """Return the readings in `payload`; `received_at` counts microseconds since 1970 in UTC.

        Raises Rejected when the message as a whole cannot stand: broken, larger than 256 KiB, of a wrong
        type, without a required value, or observed in the future.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise Rejected("", f"the message is larger than {MAX_PAYLOAD_BYTES // 1024} KiB")
        return self.decoder(payload, received_at)

    def entity_id(self, device_id: str, city: str) -> str:
        """The id of the entity that a device speaks for, when nobody chose another."""
        return self.id_template.replace("{city}", city).replace("{device_id}", device_id)

    def attribute(self, iri: str) -> AttributeSpec | None:
        """The attribute with this IRI."""
        return next((spec for spec in self.attributes if spec.iri == iri), None)
