"""Messages of the Common Alerting Protocol 1.2 (OASIS Standard, 1 July 2010). Pure: from what was released alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from vidik.kernel.clock import CITY_ZONE
from vidik.kernel.scripts import to_latin
from vidik.operations.warnings.content import Content, MessageType, Texts

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"
SERBIAN, LATIN, ENGLISH = "sr-Cyrl", "sr-Latn", "en"


@dataclass(frozen=True)
class Reference:
    """An earlier message that this one is about (3.2.1, references)."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True)
class Message:
    """One message. `web` is the page for citizens; `sent` has whole seconds."""

    identifier: str
    sender: str
    sender_name: str
    sent: datetime
    kind: MessageType
    content: Content
    references: Sequence[Reference] = ()
    web: str | None = None


def cap_time(moment: datetime) -> str:
    """A time as 3.3.2 wants it: by the city's clock, with its offset, without fractions and without Z."""
    return moment.astimezone(CITY_ZONE).replace(microsecond=0).isoformat()


def languages_of(content: Content) -> list[tuple[str, Texts]]:
    """The words of each info block, Serbian Cyrillic first; Latin is derived."""
    latin = content.sr.model_copy(update={name: to_latin(text) for name, text in content.sr.model_dump().items()})
    found = [(SERBIAN, content.sr), (LATIN, latin)]
    return [*found, (ENGLISH, content.en)] if content.en is not None else found


def to_xml(message: Message) -> bytes:
    """Write a message; elements stand in the order of the schema."""
    content = message.content
    alert = ElementTree.Element("alert", {"xmlns": NAMESPACE})
    _add(alert, "identifier", message.identifier)
    _add(alert, "sender", message.sender)
    _add(alert, "sent", cap_time(message.sent))
    _add(alert, "status", content.status)
    _add(alert, "msgType", message.kind)
    _add(alert, "scope", "Public")
    if content.status == "Exercise":
        _add(alert, "note", "EXERCISE / ВЕЖБА")
    if message.references:
        named = (f"{one.sender},{one.identifier},{cap_time(one.sent)}" for one in message.references)
        _add(alert, "references", " ".join(named))
    for language, texts in languages_of(content):
        _info(alert, message, language, texts)
    ElementTree.indent(alert)
    return bytes(ElementTree.tostring(alert, encoding="utf-8", xml_declaration=True))


def _info(alert: ElementTree.Element, message: Message, language: str, texts: Texts) -> None:
    content = message.content
    info = ElementTree.SubElement(alert, "info")
    _add(info, "language", language)
    _add(info, "category", content.category)
    _add(info, "event", texts.event)
    _add(info, "responseType", content.response)
    _add(info, "urgency", content.urgency)
    _add(info, "severity", content.severity)
    _add(info, "certainty", content.certainty)
    _add(info, "effective", cap_time(message.sent))
    if content.onset is not None:
        _add(info, "onset", cap_time(content.onset))
    _add(info, "expires", cap_time(content.expires))
    _add(info, "senderName", message.sender_name)
    _add(info, "headline", texts.headline)
    _add(info, "description", texts.description)
    if texts.instruction:
        _add(info, "instruction", texts.instruction)
    if message.web is not None:
        _add(info, "web", message.web)
    area = ElementTree.SubElement(info, "area")
    _add(area, "areaDesc", texts.area)
    if content.polygon:
        # 3.2.4: pairs of latitude and longitude, the last the same as the first.
        corners = [*content.polygon, content.polygon[0]]
        _add(area, "polygon", " ".join(f"{latitude:.6f},{longitude:.6f}" for latitude, longitude in corners))
    for one in content.geocodes:
        code = ElementTree.SubElement(area, "geocode")
        _add(code, "valueName", one.name)
        _add(code, "value", one.value)


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text
