"""From messages to what one transaction stores: readings, refused values, dead letters. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

from vidik.context.jsonld import names
from vidik.context.store.changes import Rejection
from vidik.context.store.document import LOCATION, Document
from vidik.context.store.kinds import Types
from vidik.context.store.readings import AttributeMeta, EntityReading, Target
from vidik.intake.deadletters import Letter, Refusal
from vidik.intake.devices import DeviceRecord
from vidik.intake.message import Message, Outcome
from vidik.intake.profiles import Profile, Rejected

NAME = names.expand_attribute("name")
DATA_ORIGIN = names.expand_attribute("dataOrigin")
OPERATOR = names.expand_attribute("operator")


class Devices(Protocol):
    """The devices that the city knows (`vidik.intake.devices.DeviceDirectory`)."""

    def get(self, device_id: str) -> DeviceRecord | None:
        """The record of a device; None when nobody registered it."""

    def may_write(self, principal_id: str, device_id: str) -> bool:
        """Whether a credential may bring readings of a device."""


@dataclass(slots=True)
class Decoded:
    """What one message gave."""

    message: Message
    readings: list[EntityReading] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    letter: Letter | None = None

    @property
    def outcome(self) -> Outcome:
        """What the door is told once this is on disk."""
        return Outcome.ACCEPTED if self.letter is None else Outcome.REJECTED


class Decoder:
    """Decodes messages by the profile of their device. Remembers, per device, the entity it speaks for."""

    def __init__(self, devices: Devices, profiles: Mapping[str, Profile], city: str) -> None:
        self._devices = devices
        self._profiles = profiles
        self._city = city
        self._targets: dict[str, tuple[DeviceRecord, Profile, Target]] = {}
        self._kinds: dict[str, _Kind] = {}

    def use(self, profiles: Mapping[str, Profile]) -> None:
        """Decode with these profiles from now on."""
        self._profiles = profiles
        self._targets.clear()
        self._kinds.clear()

    def decode(self, message: Message) -> Decoded:
        """What a message gives; a message that cannot stand gives only its dead letter."""
        decoded = Decoded(message)
        try:
            record, profile, own = self._target(message.device_id)
            for reading in profile.decode(message.payload, message.received_at):
                target = own
                if reading.device_id is not None and reading.device_id != record.device_id:
                    self._may_speak_for(message, reading.device_id)
                    _, _, target = self._target(reading.device_id)
                if reading.values:
                    decoded.readings.append(EntityReading(target, reading.observed_at, reading.values))
                if reading.rejected:
                    self._note_rejected(decoded, target, reading.observed_at, reading.rejected)
        except Rejected as rejected:
            return Decoded(message, letter=dead_letter(message, rejected.reason, rejected.field, rejected.value))
        return decoded

    def _target(self, device_id: str) -> tuple[DeviceRecord, Profile, Target]:
        record = self._devices.get(device_id)
        known = self._targets.get(device_id)
        if known is not None and known[0] is record:
            return known
        if record is None:
            raise Rejected("device", "this device is not registered", device_id)
        if not record.enabled:
            raise Rejected("device", "this device is switched off", device_id)
        profile = self._profiles.get(record.profile) if record.profile else None
        if profile is None:
            raise Rejected("profile", "the device has no profile that Vidik knows", record.profile)
        kind = self._kinds.get(profile.name)
        if kind is None:
            meta = {spec.iri: AttributeMeta(spec.kind, spec.unit_code) for spec in profile.attributes}
            kind = self._kinds[profile.name] = _Kind((profile.type_iri,), meta)
        found = (record, profile, _target_of(record, profile, kind, self._city))
        self._targets[device_id] = found
        return found

    def _may_speak_for(self, message: Message, device_id: str) -> None:
        trusted = message.door in ("broker", "replay")
        if not trusted and not self._devices.may_write(message.principal_id, device_id):
            raise Rejected("device", "this credential may not bring readings of the device", device_id)

    @staticmethod
    def _note_rejected(
        decoded: Decoded, target: Target, observed_at: int, rejected: Sequence[tuple[str, str, object, str]]
    ) -> None:
        for iri, name, value, reason in rejected:
            decoded.rejections.append(Rejection(target.entity_id, iri, reason, plain(value), observed_at))
            if decoded.letter is None:
                decoded.letter = dead_letter(decoded.message, reason, name, value)
            else:
                decoded.letter.others.append(Refusal(name, reason, text_of(value)))


def dead_letter(message: Message, reason: str, field: str | None = None, value: object = None) -> Letter:
    """The dead letter of a message, for its first refusal."""
    return Letter(
        device_id=message.device_id,
        principal_id=message.principal_id,
        door=message.door,
        topic=message.topic,
        received_at=message.received_at,
        reason=reason,
        payload=message.payload,
        field=field or None,
        value=text_of(value),
    )


def text_of(value: object) -> str | None:
    """A refused value as text for a person, cut to a line."""
    return None if value is None else str(value)[:200]


def plain(value: object) -> object:
    """A refused value as the change stream carries it: a number stays one, everything else is text."""
    return value if isinstance(value, int | float) and abs(value) < 2**63 else text_of(value)


class _Kind(NamedTuple):
    """What a profile says of its devices' entities; all of them share it."""

    types: Types
    meta: Mapping[str, AttributeMeta]


def _target_of(record: DeviceRecord, profile: Profile, kind: _Kind, city: str) -> Target:
    return Target(
        entity_id=record.entity_id or profile.entity_id(record.device_id, city),
        types=kind.types,
        meta=kind.meta,
        provided_by=f"urn:ngsi-ld:Device:{record.device_id}",
        birth=partial(_birth, record),
    )


def _birth(record: DeviceRecord) -> Document:
    document: Document = {
        NAME: {"type": "Property", "value": record.name},
        DATA_ORIGIN: {"type": "Property", "value": record.origin},
    }
    if record.organisation:
        document[OPERATOR] = {"type": "Property", "value": record.organisation}
    if record.place:
        document[LOCATION] = {"type": "GeoProperty", "value": record.place}
    return document
