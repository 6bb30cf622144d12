"""One asset in full: its attributes with unit, age and provenance, its device, alarms and neighbours."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vidik.console import repository
from vidik.console.catalogue import AssetType, normal_band
from vidik.console.live import LiveCity
from vidik.console.projection import Asset, iso_of
from vidik.context.jsonld import names
from vidik.context.store.document import LOCATION, instances_of
from vidik.intake.devices.records import health_of
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import Reach
from vidik.operations.alarms import repository as operations
from vidik.operations.alarms.view import alarm_view
from vidik.operations.entities import NAME, ORIGIN, value_of
from vidik.operations.rules.messages import unit_symbol
from vidik.operations.rules.model import AnyRule

_PROVIDED_BY = names.expand_attribute("providedBy")
_NOT_LISTED = frozenset((NAME, ORIGIN, LOCATION))
_NEWEST_ALARMS = 50
_MOST_NEIGHBOURS = 50
_NEARBY = 6


async def asset_detail(
    connection: Connection, live: LiveCity, asset: Asset, principal: Principal
) -> dict[str, Any] | None:
    """Return everything that the asset's page shows to somebody, or None when the entity has just gone."""
    row = await repository.entity_document(connection, asset.id)
    if row is None:
        return None
    document: Mapping[str, Any] = row["document"]
    alarms = await operations.list_alarms(
        connection, state="all", limit=_NEWEST_ALARMS, entity_id=asset.id, reach=principal.reach("alarms.read")
    )
    return {
        "id": asset.id,
        "name": asset.name,
        "name_en": asset.name_en,
        "service": asset.asset_type.service,
        "type": asset.asset_type.name,
        "place": asset.place,
        "geometry": value_of(document, LOCATION),
        "origin": asset.origin,
        "state": asset.state,
        "observed_at": iso_of(asset.observed_at),
        "recorded_at": iso_of(asset.recorded_at),
        "device": await _device(connection, live, asset, principal.reach("devices.read")),
        "attributes": attributes_view(document, asset.asset_type, live.rules),
        "alarms": [alarm_view(alarm) for alarm in alarms],
        "neighbours": _neighbours(live, asset, document),
    }


def attributes_view(
    document: Mapping[str, Any], asset_type: AssetType, rules: Mapping[str, AnyRule]
) -> list[dict[str, Any]]:
    """Return the attributes: those that matter first, in their order, then the others by name."""
    views = [
        _attribute(iri, instance, asset_type, rules)
        for iri, attribute in document.items()
        if iri not in _NOT_LISTED and asset_type.shows(names.compact(iri))
        for instance in instances_of(attribute)
        if "datasetId" not in instance
    ]
    order = {name: place for place, name in enumerate(asset_type.tiles)}
    return sorted(views, key=lambda view: (order.get(view["name"], len(order)), view["name"]))


def _attribute(
    iri: str, instance: Mapping[str, Any], asset_type: AssetType, rules: Mapping[str, AnyRule]
) -> dict[str, Any]:
    name = names.compact(iri)
    value = asset_type.shown_value(value_of({iri: instance}, iri))
    provided_by = instance.get(_PROVIDED_BY)
    return {
        "name": name,
        "label_key": name,
        "kind": instance.get("type", "Property"),
        "value": value,
        "unit": unit_symbol(instance.get("unitCode")),
        "observed_at": instance.get("observedAt"),
        "recorded_at": instance.get("modifiedAt"),
        "provided_by": provided_by.get("object") if isinstance(provided_by, dict) else None,
        "normal": normal_band(asset_type, name, rules),
        "numeric": isinstance(value, int | float) and not isinstance(value, bool),
        "tile": name in asset_type.tiles,
    }


async def _device(connection: Connection, live: LiveCity, asset: Asset, reach: Reach) -> dict[str, Any] | None:
    known = asset.device.device_id if asset.device else None
    row = await repository.device_of_asset(connection, asset.id, known, reach)
    if row is None:
        return None
    profile = live.catalogue.profiles.get(row["profile"] or "")
    expected = row["expected_interval"] or (profile.expected_interval if profile else None)
    last_seen: datetime | None = row["last_seen"]
    return {
        "device_id": row["device_id"],
        "profile": row["profile"],
        "door": row["door"],
        "gateway_id": row["gateway_id"],
        "enabled": row["enabled"],
        "expected_interval_seconds": expected.total_seconds() if expected else None,
        "last_seen": iso(last_seen) if last_seen else None,
        "health": health_of(now(), expected, last_seen, row["last_rejected"]),
    }


def _neighbours(live: LiveCity, asset: Asset, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the asset is related to, then the nearest assets of its service."""
    assets = live.projection.assets
    relations = {
        target: names.compact(iri)
        for iri, attribute in document.items()
        for instance in instances_of(attribute)
        if instance.get("type") == "Relationship"
        for target in _targets(instance)
        if target in assets
    }
    nearby = (one.id for one in live.projection.nearest(asset, _NEARBY) if one.id not in relations)
    found = list(relations.items()) + [(entity_id, "nearby") for entity_id in nearby]
    return [
        {
            "id": entity_id,
            "name": assets[entity_id].name,
            "name_en": assets[entity_id].name_en,
            "relation": relation,
        }
        for entity_id, relation in found[:_MOST_NEIGHBOURS]
    ]


def _targets(instance: Mapping[str, Any]) -> list[str]:
    target = instance.get("object")
    return [one for one in target if isinstance(one, str)] if isinstance(target, list) else [target] if target else []
