"""What each operation does to a document (clauses 5.5.4, 5.5.8, 5.5.12 and 5.6), without a database."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.jsonld import processing
from vidik.context.ngsild.entities import merge
from vidik.context.ngsild.representation import validation
from vidik.context.ngsild.representation.validation import MERGE, UPDATE
from vidik.kernel.errors import BadInput, NotFound

CORE = processing.build([], {})
BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def iri(name: str) -> str:
    return CORE.expand(name)


def attributes(rules: validation.Rules = UPDATE, **given: Any) -> validation.Attributes:
    return validation.parse_entity(given, CORE, rules, whole=False).attributes


def document(**given: Any) -> dict[str, Any]:
    return merge.create(attributes(validation.CREATE, **given), BEFORE).document


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if name not in ("createdAt", "modifiedAt")}
    return [without_times(one) for one in value] if isinstance(value, list) else value


SPEED = {"type": "Property", "value": 50, "unitCode": "KMH", "observedAt": BEFORE}
GPS = {"type": "Property", "value": 54, "datasetId": "urn:d:gps"}


class TestAppend:
    def test_a_new_attribute_is_added_and_the_others_stay(self) -> None:
        result = merge.append(document(a=1), attributes(b=2), NOW)
        assert without_times(result.document) == {
            iri("a"): {"type": "Property", "value": 1},
            iri("b"): {"type": "Property", "value": 2},
        }
        assert list(result.changed) == [iri("b")]

    def test_an_instance_of_the_same_dataset_is_replaced_and_keeps_its_birthday(self) -> None:
        result = merge.append(document(a=[SPEED, GPS]), attributes(a={**GPS, "value": 60}), NOW)
        default, gps = result.document[iri("a")]
        assert (default["value"], default["modifiedAt"]) == (50, BEFORE)
        assert (gps["value"], gps["createdAt"], gps["modifiedAt"]) == (60, BEFORE, NOW)

    def test_without_overwrite_what_is_there_stays_and_is_reported(self) -> None:
        result = merge.append(document(a=1), attributes(a=2, b=3), NOW, overwrite=False)
        assert without_times(result.document)[iri("a")]["value"] == 1
        assert result.updated == [iri("b")]
        assert list(result.not_updated) == [iri("a")]


class TestUpdate:
    def test_the_whole_instance_is_replaced(self) -> None:
        result = merge.update(document(a=SPEED), attributes(a={"type": "Property", "value": 60}), NOW)
        assert without_times(result.document) == {iri("a"): {"type": "Property", "value": 60}}

    def test_null_deletes_and_history_hears_of_it(self) -> None:
        result = merge.update(document(a=SPEED), attributes(a="urn:ngsi-ld:null"), NOW)
        assert result.document == {}
        assert result.changed == {iri("a"): [{"type": "Property", "deletedAt": NOW}]}

    def test_null_of_one_dataset_leaves_the_other(self) -> None:
        gone = {"type": "Property", "value": "urn:ngsi-ld:null", "datasetId": "urn:d:gps"}
        result = merge.update(document(a=[SPEED, GPS]), attributes(a=gone), NOW)
        assert without_times(result.document) == {iri("a"): SPEED}


class TestPartialUpdate:
    def test_only_the_named_members_change(self) -> None:
        fragment = validation.parse_attribute({"value": 60, "observedAt": NOW}, CORE, MERGE, "a")
        result = merge.partial_update(document(a=SPEED), iri("a"), fragment, NOW)
        assert without_times(result.document)[iri("a")] == {**SPEED, "value": 60, "observedAt": NOW}

    def test_a_member_set_to_null_goes(self) -> None:
        fragment = validation.parse_attribute({"unitCode": "urn:ngsi-ld:null"}, CORE, MERGE, "a")
        result = merge.partial_update(document(a=SPEED), iri("a"), fragment, NOW)
        assert "unitCode" not in result.document[iri("a")]

    def test_the_type_stays(self) -> None:
        fragment = validation.parse_attribute({"type": "Relationship", "object": "urn:x:1"}, CORE, MERGE, "a")
        with pytest.raises(BadInput):
            merge.partial_update(document(a=SPEED), iri("a"), fragment, NOW)

    def test_what_is_not_there_is_not_found(self) -> None:
        fragment = validation.parse_attribute({"value": 60}, CORE, MERGE, "b")
        with pytest.raises(NotFound):
            merge.partial_update(document(a=SPEED), iri("b"), fragment, NOW)


class TestMerge:
    def test_members_are_merged_deeply(self) -> None:
        before = document(address={"type": "Property", "value": {"city": "Niš", "street": "Old"}, "unitCode": "X"})
        patch = attributes(MERGE, address={"type": "Property", "value": {"street": "New", "city": "urn:ngsi-ld:null"}})
        merged = merge.merge(before, patch, NOW).document[iri("address")]
        assert merged["value"] == {"street": "New"}
        assert merged["unitCode"] == "X"

    def test_a_language_is_added_and_another_deleted(self) -> None:
        before = document(name={"languageMap": {"en": "Nis", "fr": "Nich"}})
        patch = attributes(MERGE, name={"languageMap": {"sr": "Ниш", "fr": "urn:ngsi-ld:null"}})
        merged = merge.merge(before, patch, NOW).document[iri("name")]
        assert merged["languageMap"] == {"en": "Nis", "sr": "Ниш"}

    def test_a_sub_attribute_is_merged(self) -> None:
        before = document(a={**SPEED, "accuracy": {"type": "Property", "value": 1, "unitCode": "MTR"}})
        merged = merge.merge(before, attributes(MERGE, a={"accuracy": {"value": 2}}), NOW).document[iri("a")]
        assert merged["value"] == 50
        assert without_times(merged[iri("accuracy")]) == {"type": "Property", "value": 2, "unitCode": "MTR"}

    def test_a_new_type_replaces_the_instance(self) -> None:
        merged = merge.merge(document(a=SPEED), attributes(MERGE, a={"object": "urn:x:1"}), NOW).document
        assert without_times(merged) == {iri("a"): {"type": "Relationship", "object": "urn:x:1"}}

    def test_a_new_attribute_needs_its_value(self) -> None:
        with pytest.raises(BadInput):
            merge.merge(document(a=1), attributes(MERGE, b={"observedAt": NOW}), NOW)

    def test_null_deletes(self) -> None:
        assert merge.merge(document(a=1, b=2), attributes(MERGE, a="urn:ngsi-ld:null"), NOW).document.keys() == {
            iri("b")
        }


class TestReplace:
    def test_what_is_not_in_the_new_entity_is_deleted(self) -> None:
        result = merge.replace(document(a=1, b=2), attributes(b=3), NOW)
        assert without_times(result.document) == {iri("b"): {"type": "Property", "value": 3}}
        assert result.changed[iri("a")] == [{"type": "Property", "deletedAt": NOW}]


class TestDeleteAttribute:
    def test_the_default_instance(self) -> None:
        result = merge.delete_attribute(document(a=[SPEED, GPS]), iri("a"), NOW)
        assert without_times(result.document) == {iri("a"): [GPS]}

    def test_the_instance_of_a_dataset(self) -> None:
        result = merge.delete_attribute(document(a=[SPEED, GPS]), iri("a"), NOW, dataset_id="urn:d:gps")
        assert without_times(result.document) == {iri("a"): SPEED}

    def test_every_instance(self) -> None:
        assert merge.delete_attribute(document(a=[SPEED, GPS]), iri("a"), NOW, every=True).document == {}

    def test_what_is_not_there_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            merge.delete_attribute(document(a=[GPS]), iri("a"), NOW)


names = st.sampled_from(["a", "b", "c"])
json_objects = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.just("urn:ngsi-ld:null")),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
fragments = st.dictionaries(names, st.one_of(st.integers(), st.just("urn:ngsi-ld:null")), max_size=3)

plain_values = st.recursive(
    st.one_of(st.integers(), st.text("xyz", max_size=3), st.booleans()),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
plain_objects = st.dictionaries(names, plain_values, max_size=3)


def difference(before: Any, after: Any) -> Any:
    """The merge patch (RFC 7396) that leads from one object to another."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    gone = {name: "urn:ngsi-ld:null" for name in before if name not in after}
    return gone | {
        name: difference(before.get(name), value)
        for name, value in after.items()
        if before.get(name) != value or name not in before
    }


class TestProperties:
    @given(json_objects, json_objects)
    def test_a_json_merge_patch_is_idempotent(self, target: Any, patch: Any) -> None:
        once = merge.json_merge_patch(target, patch)
        assert merge.json_merge_patch(once, patch) == once

    @given(plain_objects, plain_objects)
    def test_a_json_merge_patch_of_the_difference_leads_there(self, before: Any, after: Any) -> None:
        assert merge.json_merge_patch(before, difference(before, after)) == after

    @given(st.dictionaries(names, plain_values, max_size=3), st.dictionaries(names, plain_values, max_size=3))
    def test_merging_the_difference_of_values_leads_there(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        whole = document(**{name: {"value": value} for name, value in before.items()})
        patch = {
            name: value if value == "urn:ngsi-ld:null" else {"value": value}
            for name, value in difference(before, after).items()
        }

        merged = merge.merge(whole, attributes(MERGE, **patch), NOW)

        assert without_times(merged.document) == {
            iri(name): {"type": "Property", "value": value} for name, value in after.items()
        }

    @given(st.dictionaries(names, st.integers(), max_size=3), fragments)
    def test_merge_is_idempotent_and_leaves_its_input_alone(
        self, before: dict[str, int], patch: dict[str, Any]
    ) -> None:
        whole = document(**before)
        copy = {name: dict(instance) for name, instance in whole.items()}
        once = merge.merge(whole, attributes(MERGE, **patch), NOW).document
        assert merge.merge(once, attributes(MERGE, **patch), NOW).document == once
        assert whole == copy

    @given(st.dictionaries(names, st.integers(), max_size=3), fragments)
    def test_merge_update_and_append_agree_on_whole_values(self, before: dict[str, int], patch: dict[str, Any]) -> None:
        whole = document(**before)
        merged = merge.merge(whole, attributes(MERGE, **patch), NOW)
        updated = merge.update(whole, attributes(UPDATE, **patch), NOW)
        assert without_times(merged.document) == without_times(updated.document)
        expected = {**before, **patch}
        assert without_times(merged.document) == {
            iri(name): {"type": "Property", "value": value}
            for name, value in expected.items()
            if value != "urn:ngsi-ld:null"
        }
