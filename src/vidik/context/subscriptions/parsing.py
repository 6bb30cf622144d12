"""From the JSON of a subscription to what it means, with every check of clause 5.8.1. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson

from vidik.context.jsonld import packaged
from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.http.exchange import GEO_JSON, JSON, LD_JSON
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.query import geo, q, selections
from vidik.context.ngsild.query.expressions import And, Leaf, Or
from vidik.context.ngsild.query.projection import Projection
from vidik.context.ngsild.representation.linked import Join
from vidik.context.ngsild.representation.rendering import Format, View
from vidik.context.store.document import LOCATION
from vidik.context.subscriptions.addresses import is_address
from vidik.context.subscriptions.model import (
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_TRIGGERS,
    TRIGGERS,
    Endpoint,
    Selector,
    Subscription,
    Trigger,
)

_FORMATS: Final[Mapping[str, Format]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
SCHEMES: Final = ("http", "https", "mqtt", "mqtts")
_MAXIMUM_SELECTORS: Final = 1000
_MAXIMUM_JOIN_LEVEL: Final = 5
_LONGEST_SECONDS: Final = 366 * 24 * 3600
_MQTT_VERSIONS: Final = ("mqtt3.1.1", "mqtt5.0")
# Headers that belong to the connection or to the notification itself.
_OWN_HEADERS: Final = frozenset(("host", "content-length", "transfer-encoding", "connection", "content-type", "te"))


def parse_subscription(body: Any, context: ActiveContext, notified: ActiveContext | None = None) -> Subscription:
    """A subscription from its JSON and the @context it was written in; `notified` is its jsonldContext.

    Raises BadInput (BadRequestData) naming the member at fault. An expiresAt in the past is accepted here.
    """
    if not isinstance(body, dict):
        raise bad_data("A subscription is a JSON object.")
    if body.get("type", body.get("@type")) != "Subscription":
        raise bad_data('A subscription has the type "Subscription".', "type")
    for name in ("subscriptionName", "description", "csf"):
        if name in body:
            _text(body[name], name)
    if "csf" in body:
        q.parse_q(body["csf"], "csf")
    for name in ("localOnly", "splitEntities"):
        _flag(body, name)
    notification = body.get("notification")
    if not isinstance(notification, dict):
        raise bad_data("A subscription says what to notify, and where to.", "notification")
    selectors = _selectors(body.get("entities"), context)
    watched = _names(body, "watchedAttributes", context)
    if not selectors and watched is None:
        raise bad_data("A subscription has entities or watchedAttributes, or both.", "entities")
    interval = _seconds(body, "timeInterval")
    throttling = _seconds(body, "throttling")
    if interval is not None and (throttling is not None or watched is not None):
        raise bad_data("timeInterval goes neither with throttling nor with watchedAttributes.", "timeInterval")
    query, scopes = body.get("q"), body.get("scopeQ")
    show_changes = _flag(notification, "showChanges")
    words = notified or context
    if notified is not None and packaged.is_core(body["jsonldContext"]):
        # Every release of the core context is read as the newest, but told under the address that was given.
        words = replace(words, source=body["jsonldContext"], names_core=True)
    view = _view(body, notification, words, context)
    if show_changes and view.format == "simplified":
        raise bad_data("Changes cannot be shown in the simplified format.", "notification.showChanges")
    return Subscription(
        id=values.uri(body.get("id", body.get("@id")), "id"),
        context=words,
        endpoint=_endpoint(notification.get("endpoint")),
        view=view,
        selectors=selectors,
        watched=watched,
        triggers=_triggers(body.get("notificationTrigger")),
        # Clients encode it as in a URL (ngsildclient all of it, the suite of ETSI a blank), so it is decoded as there.
        query=None if query is None else _query(query, body.get("expandValues")),
        query_context=context,
        geo=None if body.get("geoQ") is None else _geo(body["geoQ"], context),
        scopes=None if scopes is None else selections.parse_scopes(_text(scopes, "scopeQ")),
        throttling_seconds=throttling or 0.0,
        interval_seconds=interval,
        show_changes=show_changes,
        join=_join(notification),
        is_active=_flag(body, "isActive", default=True),
        expires_at=None if body.get("expiresAt") is None else values.moment(body["expiresAt"], "expiresAt"),
    )


def _query(text: Any, expanded: Any) -> q.Query:
    names = _text(expanded, "expandValues").split(",") if expanded is not None else ()
    return q.with_words(q.parse_q(unquote(_text(text, "q"))), [one.strip() for one in names])


def _selectors(entities: Any, context: ActiveContext) -> tuple[Selector, ...]:
    if entities is None:
        return ()
    if not isinstance(entities, list) or not entities or len(entities) > _MAXIMUM_SELECTORS:
        raise bad_data(f"entities is a list of 1 to {_MAXIMUM_SELECTORS} selectors.", "entities")
    return tuple(_selector(one, context) for one in entities)


def _selector(entity: Any, context: ActiveContext) -> Selector:
    if not isinstance(entity, dict):
        raise bad_data("An entity selector is an object with a type.", "entities")
    types = entity.get("type", entity.get("@type"))
    if types is None:
        raise bad_data("An entity selector has a type.", "entities.type")
    entity_id, given = entity.get("id", entity.get("@id")), entity.get("idPattern")
    pattern = None if given is None else _text(given, "entities.idPattern")
    return Selector(
        id=None if entity_id is None else values.uri(entity_id, "entities.id"),
        id_pattern=pattern if entity_id is None else None,  # an id stands over a pattern (clause 5.2.33)
        types=None if types == "*" else selections.parse_types(_text(types, "entities.type"), context),
    )


def _triggers(given: Any) -> frozenset[Trigger]:
    if given is None:
        return frozenset(DEFAULT_TRIGGERS)
    if not isinstance(given, list) or not given or not all(one in TRIGGERS for one in given):
        raise bad_data(f"notificationTrigger is a list of {', '.join(TRIGGERS)}.", "notificationTrigger")
    return frozenset(given)


def _geo(given: Any, context: ActiveContext) -> geo.GeoQuery:
    if not isinstance(given, dict):
        raise bad_data("geoQ is an object.", "geoQ")
    name = given.get("geoproperty")
    coordinates = given.get("coordinates")
    if not isinstance(coordinates, str | list):
        raise bad_data("geoQ has coordinates.", "geoQ.coordinates")
    return geo.parse_geo(
        _text(given.get("georel"), "geoQ.georel"),
        _text(given.get("geometry"), "geoQ.geometry"),
        coordinates,
        LOCATION if name is None else context.expand(values.name(name, "geoQ.geoproperty")),
    )


def _view(
    body: Mapping[str, Any], notification: Mapping[str, Any], words: ActiveContext, context: ActiveContext
) -> View:
    text = notification.get("format", "normalized")
    if not isinstance(text, str) or text not in _FORMATS:
        raise bad_data(f"format is one of {', '.join(_FORMATS)}.", "notification.format")
    attributes = _names(notification, "attributes", context, "notification.")
    pick = _names(notification, "pick", context, "notification.")
    omit = _names(notification, "omit", context, "notification.")
    if attributes is not None and (pick is not None or omit is not None):
        raise bad_data("attributes goes neither with pick nor with omit.", "notification.attributes")
    if pick is not None and omit is not None and pick & omit:
        raise bad_data("The same member is both picked and omitted.", "notification.pick")
    datasets = body.get("datasetId")
    language = body.get("lang")
    return View(
        context=words,
        format=_FORMATS[text],
        system=_flag(notification, "sysAttrs"),
        attributes=attributes,
        datasets=None if datasets is None else frozenset(_texts(datasets, "datasetId")),
        language=None if language is None else _text(language, "lang"),
        pick=None if pick is None else Projection.of(words.compact(name) for name in pick),
        omit=None if omit is None else Projection.of(words.compact(name) for name in omit),
    )


def _endpoint(given: Any) -> Endpoint:
    if not isinstance(given, dict):
        raise bad_data("A notification has an endpoint.", "notification.endpoint")
    uri = _text(given.get("uri"), "notification.endpoint.uri")
    if not is_address(uri, SCHEMES):
        raise bad_data(f"An endpoint is an address of {', '.join(SCHEMES)}.", "notification.endpoint.uri")
    parts = urlsplit(uri)
    if parts.scheme.startswith("mqtt") and (not parts.path.strip("/") or "+" in parts.path or "#" in uri):
        raise bad_data("An MQTT endpoint's path is a topic without wildcards.", "notification.endpoint.uri")
    accept = given.get("accept", JSON)
    if accept not in (JSON, LD_JSON, GEO_JSON):
        raise bad_data(f"accept is one of {JSON}, {LD_JSON}, {GEO_JSON}.", "notification.endpoint.accept")
    timeout = _milliseconds(given, "timeout")
    return Endpoint(
        uri=uri,
        accept=accept,
        receiver_info=_pairs(given.get("receiverInfo"), "receiverInfo"),
        notifier_info=_notifier_info(given.get("notifierInfo")),
        timeout_seconds=DEFAULT_TIMEOUT_SECONDS if timeout is None else min(max(timeout, 0.01), 60.0),
        cooldown_seconds=_milliseconds(given, "cooldown"),
    )


def _notifier_info(given: Any) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(given, "notifierInfo")
    for key, value in pairs:
        if key == "MQTT-Version" and value not in _MQTT_VERSIONS:
            raise bad_data(f"MQTT-Version is one of {', '.join(_MQTT_VERSIONS)}.", "notification.endpoint.notifierInfo")
        if key == "MQTT-QoS" and value not in ("0", "1", "2"):
            raise bad_data("MQTT-QoS is 0, 1 or 2.", "notification.endpoint.notifierInfo")
    return pairs


def _pairs(given: Any, name: str) -> tuple[tuple[str, str], ...]:
    field = f"notification.endpoint.{name}"
    if given is None:
        return ()
    if not isinstance(given, list):
        raise bad_data(f"{name} is a list of objects with key and value.", field)
    pairs = []
    for one in given:
        if not isinstance(one, dict) or not isinstance(one.get("key"), str) or not one["key"]:
            raise bad_data(f"{name} is a list of objects with key and value.", field)
        value = one.get("value")
        # Numbers (MQTT-QoS) are taken where they mean what their text does; headers are text (clause 5.2.22).
        kinds = str | int if name == "notifierInfo" else str
        text = str(value) if isinstance(value, kinds) and not isinstance(value, bool) else None
        key = one["key"]
        if text is None or not is_header(key, text):
            raise bad_data(f"The key {key!r} of {name} and its value are text of one line.", field)
        pairs.append((key, text))
    return tuple(pairs)


def is_header(key: str, value: str) -> bool:
    """Whether it is a header that may be sent: text of one line, and none that the sender makes itself."""
    printable = key.isascii() and key.isprintable() and not set(key) & set(' ":,;()<>@[]{}/\\=?')
    return printable and key.lower() not in _OWN_HEADERS and value.isprintable() and value.isascii()


def _join(notification: Mapping[str, Any]) -> Join | None:
    level = notification.get("joinLevel", 1)
    if not isinstance(level, int) or isinstance(level, bool) or not 1 <= level <= _MAXIMUM_JOIN_LEVEL:
        raise bad_data(f"joinLevel is a whole number of 1 to {_MAXIMUM_JOIN_LEVEL}.", "notification.joinLevel")
    match notification.get("join", "none"):
        case "none":
            return None
        case "inline":
            return Join("inline", level, frozenset())
        case "flat":
            return Join("flat", level, frozenset())
    raise bad_data("join is one of none, inline, flat.", "notification.join")


def _names(body: Mapping[str, Any], name: str, context: ActiveContext, where: str = "") -> frozenset[str] | None:
    given = body.get(name)
    if given is None:
        return None
    words = _texts(given, where + name)
    return frozenset(
        word if word in ("id", "type", "scope", "createdAt", "modifiedAt", "expiresAt") else context.expand(word)
        for word in (values.name(one, where + name) for one in words)
    )


def _texts(given: Any, field: str) -> Sequence[str]:
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed:
        raise bad_data(f"{field} is a list of text that is not empty.", field)
    return [_text(one, field) for one in listed]


def _text(given: Any, field: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise bad_data(f"{field} is text.", field)
    return given


def _flag(body: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    given = body.get(name, default)
    if not isinstance(given, bool):
        raise bad_data(f"{name} is true or false.", name)
    return given


def _seconds(body: Mapping[str, Any], name: str) -> float | None:
    given = body.get(name)
    if given is None:
        return None
    if not _is_number(given) or not 0 < given <= _LONGEST_SECONDS:
        raise bad_data(f"{name} is a number of seconds greater than 0.", name)
    return float(given)


def _milliseconds(body: Mapping[str, Any], name: str) -> float | None:
    given = body.get(name)
    if given is None:
        return None
    if not _is_number(given) or not 0 < given <= _LONGEST_SECONDS * 1000:
        raise bad_data(f"{name} is a number of milliseconds greater than 0.", f"notification.endpoint.{name}")
    return float(given) / 1000


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


def translated(body: Mapping[str, Any], written_in: ActiveContext, read_in: ActiveContext) -> dict[str, Any]:
    """The same subscription, or a fragment of one, with its names in the words of another @context (clause 5.8.3)."""
    copy: dict[str, Any] = orjson.loads(orjson.dumps(body))
    if written_in is read_in:
        return copy

    def word(name: str) -> str:
        return read_in.compact(written_in.expand(name))

    entities = copy.get("entities")
    for selector in entities if isinstance(entities, list) else ():
        if isinstance(selector, dict) and isinstance(selector.get("type"), str) and selector["type"] != "*":
            selector["type"] = selections.TYPE_NAMES.sub(lambda found: word(found.group()), selector["type"])
    notification = copy["notification"] if isinstance(copy.get("notification"), dict) else {}
    for holder, name in (
        (copy, "watchedAttributes"),
        (notification, "attributes"),
        (notification, "pick"),
        (notification, "omit"),
    ):
        if isinstance(holder.get(name), list):
            holder[name] = [word(one) if isinstance(one, str) else one for one in holder[name]]
    geo_query = copy.get("geoQ")
    if isinstance(geo_query, dict) and isinstance(geo_query.get("geoproperty"), str):
        geo_query["geoproperty"] = word(geo_query["geoproperty"])
    if isinstance(copy.get("q"), str) and copy["q"] != values.NULL:
        copy["q"] = _translated_q(copy["q"], word)
    return copy


def _translated_q(text: str, word: Callable[[str], str]) -> str:
    """A q with its first names in other words; the text as it stands where they stay the same."""
    tree = q.parse_q(text)
    changed = _renamed(tree, word)
    return text if changed == tree else q.write_q(changed)


def _renamed(query: q.Query, word: Callable[[str], str]) -> q.Query:
    if isinstance(query, Leaf):
        return Leaf(replace(query.term, path=q.renamed(query.term.path, word)))
    parts = tuple(_renamed(part, word) for part in query.parts)
    return And(parts) if isinstance(query, And) else Or(parts)
