"""How one operation changes an entity's document (ETSI GS CIM 009, clauses 5.5.4, 5.5.8, 5.5.12, 5.6). Pure.

Every function leaves its inputs as they are and returns a `Result`: the new document, what history and the change
stream shall say, and the attributes that were or were not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vidik.context.ngsild.problems import bad_data, not_found
from vidik.context.ngsild.representation.validation import MEMBER_OF, Attributes, Instance
from vidik.context.ngsild.values import NULL
from vidik.context.store.document import tombstone
from vidik.context.store.expiry import still_valid

Document = Mapping[str, Any]
_KEPT: Final = ("createdAt",)
_VALUES: Final = frozenset(MEMBER_OF.values())
_WITHOUT_SUB_ATTRIBUTES: Final = _VALUES | {
    "type",
    "observedAt",
    "expiresAt",
    "unitCode",
    "datasetId",
    "objectType",
}


@dataclass(slots=True)
class Result:
    """A new document, and what changed on the way."""

    document: dict[str, Any]
    changed: dict[str, list[Instance]] = field(default_factory=dict)
    updated: list[str] = field(default_factory=list)
    """Attributes (expanded) that the operation took."""
    not_updated: dict[str, str] = field(default_factory=dict)
    """Attributes (expanded) that it did not take, with the reason."""


def instances_of(document: Document, attribute: str) -> list[Instance]:
    """The instances of an attribute; none when the entity does not have it."""
    found = document.get(attribute)
    if found is None:
        return []
    return list(found) if isinstance(found, list) else [found]


def create(attributes: Attributes, at: str) -> Result:
    """The document of a new entity."""
    document: dict[str, Any] = {}
    changed: dict[str, list[Instance]] = {}
    for attribute, instances in attributes.items():
        fresh = changed[attribute] = [stamped(instance, at, None) for instance in instances]
        document[attribute] = fresh if len(fresh) > 1 or "datasetId" in fresh[0] else fresh[0]
    return Result(document, changed, list(attributes))


def replace(document: Document, attributes: Attributes, at: str) -> Result:
    """A whole new set of attributes; those that are not in it are deleted."""
    result = create(attributes, at)
    for attribute in document:
        kept = {instance.get("datasetId") for instance in attributes.get(attribute, ())}
        gone = [one for one in instances_of(document, attribute) if one.get("datasetId") not in kept]
        result.changed.setdefault(attribute, []).extend(tombstone(instance, at) for instance in gone)
        if not result.changed[attribute]:
            del result.changed[attribute]
    return result


def append(document: Document, attributes: Attributes, at: str, *, overwrite: bool = True) -> Result:
    """Add attributes; an instance of the same datasetId is replaced, or left alone without `overwrite`."""
    if overwrite:
        return _apply(document, attributes, at, lambda _old, new: new)

    def keep_old(old: Instance | None, new: Instance) -> Instance | None:
        return new if old is None else None

    result = _apply(document, attributes, at, keep_old)
    for attribute in [name for name in attributes if name not in result.changed]:
        result.not_updated[attribute] = "The attribute is already there and noOverwrite was asked for."
    return result


def update(document: Document, attributes: Attributes, at: str) -> Result:
    """Replace instances by datasetId, add those that are new, delete those set to NGSI-LD Null."""
    return _apply(document, attributes, at, lambda _old, new: new)


def partial_update(document: Document, attribute: str, fragments: list[Instance], at: str) -> Result:
    """Overwrite single members of instances that exist; raises NotFound where one does not."""

    def overlay(old: Instance | None, new: Instance) -> Instance:
        if old is None:
            raise not_found(_no_instance(attribute, new.get("datasetId")))
        _same_type(old, new, attribute)
        merged = {name: value for name, value in old.items() if name not in _KEPT}
        for name, value in new.items():
            if _is_null(value):
                if name in _VALUES:
                    return new
                merged.pop(name, None)
            else:
                merged[name] = value
        return merged

    return _apply(document, {attribute: fragments}, at, overlay)


def merge(document: Document, attributes: Attributes, at: str) -> Result:
    """Merge patch (RFC 7396 as clause 5.5.12 has it): deep, NGSI-LD Null deletes, new attributes are added."""

    def patch(old: Instance | None, new: Instance) -> Instance | None:
        if old is None:
            if "type" not in new or MEMBER_OF[new["type"]] not in new:
                raise bad_data("A new attribute needs its value.", new.get("datasetId"))
            return new
        if "type" in new and new["type"] != old["type"]:
            return new
        return _patched(old, new)

    return _apply(document, attributes, at, patch)


def replace_attribute(document: Document, attribute: str, instances: list[Instance], at: str) -> Result:
    """Put new instances in the place of those with the same datasetId; raises NotFound where there is none."""

    def swap(old: Instance | None, new: Instance) -> Instance:
        if old is None:
            raise not_found(_no_instance(attribute, new.get("datasetId")))
        return new

    return _apply(document, {attribute: instances}, at, swap)


def delete_attribute(
    document: Document, attribute: str, at: str, *, dataset_id: str | None = None, every: bool = False
) -> Result:
    """Delete the default instance, the one of a datasetId, or every instance; raises NotFound for none."""
    present = instances_of(document, attribute)
    gone = [one for one in present if every or one.get("datasetId") == dataset_id]
    if not gone:
        raise not_found(_no_instance(attribute, dataset_id))
    result = Result(dict(document), updated=[attribute])
    _store(result, attribute, [one for one in present if one not in gone])
    result.changed[attribute] = [tombstone(instance, at) for instance in gone]
    return result


def expire(document: Document, at: str) -> Result:
    """What has expired is deleted (clause 4.22); what is left of other instances stays as it was written."""
    result = Result(dict(still_valid(document)))
    for attribute in document:
        kept = {one.get("datasetId") for one in instances_of(result.document, attribute)}
        gone = [one for one in instances_of(document, attribute) if one.get("datasetId") not in kept]
        if gone:
            result.changed[attribute] = [tombstone(one, at) for one in gone]
    return result


Decide = Callable[[Instance | None, Instance], Instance | None]


def _apply(document: Document, attributes: Attributes, at: str, decide: Decide) -> Result:
    """Bring fragments in, instance by instance; `decide` gets the old and the new one and says what shall stand."""
    result = Result(dict(document))
    for attribute, fragments in attributes.items():
        present = {one.get("datasetId"): one for one in instances_of(document, attribute)}
        changed: list[Instance] = []
        for fragment in fragments:
            dataset = fragment.get("datasetId")
            old = present.get(dataset)
            if _deletes(fragment):
                if old is None:
                    result.not_updated[attribute] = "There is nothing to delete."
                    continue
                changed.append(tombstone(present.pop(dataset), at))
                continue
            decided = decide(old, fragment)
            if decided is None:
                continue
            if _deletes(decided) and old is not None:
                changed.append(tombstone(present.pop(dataset), at))
                continue
            fresh = stamped(_without_nulls(decided), at, old)
            present[dataset] = fresh
            changed.append(fresh)
        if changed:
            _store(result, attribute, list(present.values()))
            result.changed[attribute] = changed
            result.updated.append(attribute)
    return result


def _store(result: Result, attribute: str, instances: list[Instance]) -> None:
    if not instances:
        result.document.pop(attribute, None)
    elif len(instances) == 1 and "datasetId" not in instances[0]:
        result.document[attribute] = instances[0]
    else:
        result.document[attribute] = instances


def stamped(instance: Instance, at: str, old: Instance | None) -> Instance:
    """An instance as it is stored at a time in the place of an old one: with createdAt and modifiedAt."""
    written = {**instance, "createdAt": at if old is None else old.get("createdAt", at), "modifiedAt": at}
    if _WITHOUT_SUB_ATTRIBUTES.issuperset(instance):
        return written
    for name, value in _sub_attributes(instance):
        before = (old or {}).get(name)
        if isinstance(value, list):
            written[name] = [stamped(one, at, _matching(before, one)) for one in value]
        else:
            written[name] = value if value == before else stamped(value, at, _matching(before, value))
    return written


def _matching(before: Any, instance: Instance) -> Instance | None:
    for one in before if isinstance(before, list) else [before]:
        if isinstance(one, dict) and one.get("datasetId") == instance.get("datasetId"):
            return one
    return None


def _sub_attributes(instance: Instance) -> Iterator[tuple[str, Any]]:
    for name, value in instance.items():
        if ":" in name and isinstance(value, dict | list):
            yield name, value


def _is_null(value: Any) -> bool:
    return bool(value == NULL) or (isinstance(value, dict) and _deletes(value))


def _deletes(instance: Instance) -> bool:
    """Whether a fragment's own value is NGSI-LD Null."""
    return any(instance.get(member) == NULL for member in _VALUES)


def _without_nulls(instance: Instance) -> Instance:
    cleaned: Instance = {}
    for name, value in instance.items():
        if _is_null(value):
            continue
        if ":" in name and isinstance(value, list):
            rest = [_without_nulls(one) for one in value if not _deletes(one)]
            if rest:
                cleaned[name] = rest
        elif ":" in name and isinstance(value, dict):
            cleaned[name] = _without_nulls(value)
        elif name == "languageMap":
            cleaned[name] = {language: text for language, text in value.items() if text != NULL}
        else:
            cleaned[name] = value
    return cleaned


def _patched(old: Instance, new: Instance) -> Instance:
    merged = {name: value for name, value in old.items() if name not in _KEPT}
    for name, value in new.items():
        if _is_null(value):
            if name in _VALUES:
                return new
            merged.pop(name, None)
        elif ":" in name:
            merged[name] = _patched_sub_attribute(merged.get(name), value)
        elif name in ("value", "languageMap") and old.get("type") != "GeoProperty":
            merged[name] = json_merge_patch(merged.get(name), value)
        else:
            merged[name] = value
    return merged


def _patched_sub_attribute(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        if "type" in new and new["type"] != old.get("type"):
            return new
        return _patched(old, new)
    return new


def json_merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, with "urn:ngsi-ld:null" in the place of null."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value == NULL:
            merged.pop(name, None)
        else:
            merged[name] = json_merge_patch(merged.get(name), value)
    return merged


def _same_type(old: Instance, new: Instance, attribute: str) -> None:
    if "type" in new and new["type"] != old["type"]:
        raise bad_data(f"The attribute is a {old['type']} and a partial update keeps its type.", attribute)


def _no_instance(attribute: str, dataset: str | None) -> str:
    suffix = f" with the datasetId {dataset}" if dataset else ""
    return f"The entity has no attribute {attribute}{suffix}."
