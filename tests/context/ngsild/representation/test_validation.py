"""What comes in, in every representation, and what is refused (clause 4.5)."""

from typing import Any

import pytest

from vidik.context.jsonld import processing
from vidik.context.ngsild.representation import validation
from vidik.kernel.errors import BadInput

CORE = processing.build({"ex": "https://x.example/", "green": "https://x.example/green"}, {})
POINT = {"type": "Point", "coordinates": [21.9, 43.3]}


def parsed(value: Any, rules: validation.Rules = validation.CREATE) -> Any:
    instances = validation.parse_attribute(value, CORE, rules, "a")
    return instances[0] if len(instances) == 1 else instances


class TestRepresentations:
    @pytest.mark.parametrize(
        ("given", "stored"),
        [
            ({"type": "Property", "value": 5}, {"type": "Property", "value": 5}),
            ({"value": 5}, {"type": "Property", "value": 5}),
            (5, {"type": "Property", "value": 5}),
            ("text", {"type": "Property", "value": "text"}),
            (False, {"type": "Property", "value": False}),
            ([1, "b"], {"type": "Property", "value": [1, "b"]}),
            ({"street": "Obrenovićeva"}, {"type": "Property", "value": {"street": "Obrenovićeva"}}),
            ({"type": "PostalAddress"}, {"type": "Property", "value": {"type": "PostalAddress"}}),
            (POINT, {"type": "GeoProperty", "value": POINT}),
            ({"value": POINT}, {"type": "GeoProperty", "value": POINT}),
            ({"object": "urn:x:1"}, {"type": "Relationship", "object": "urn:x:1"}),
            ({"object": ["urn:x:1", "ex:2"]}, {"type": "Relationship", "object": ["urn:x:1", "https://x.example/2"]}),
            ({"languageMap": {"sr": "Ниш"}}, {"type": "LanguageProperty", "languageMap": {"sr": "Ниш"}}),
            ({"vocab": "green"}, {"type": "VocabProperty", "vocab": "https://x.example/green"}),
            ({"json": {"type": "x"}}, {"type": "JsonProperty", "json": {"type": "x"}}),
            ({"valueList": [1, [2]]}, {"type": "ListProperty", "valueList": [1, [2]]}),
            (
                {"objectList": [{"object": "urn:x:1"}, "urn:x:2"]},
                {"type": "ListRelationship", "objectList": ["urn:x:1", "urn:x:2"]},
            ),
        ],
    )
    def test_each_is_understood(self, given: Any, stored: Any) -> None:
        assert parsed(given) == stored

    def test_a_time_is_kept_in_utc(self) -> None:
        assert parsed({"value": 1, "observedAt": "2026-01-01T00:00:00+00:00"})["observedAt"] == "2026-01-01T00:00:00Z"
        assert (
            parsed({"value": 1, "observedAt": "2026-01-01T00:00:00.000Z"})["observedAt"] == "2026-01-01T00:00:00.000Z"
        )

    def test_sub_attributes_are_attributes(self) -> None:
        stored = parsed({"value": 1, "ex:by": {"object": "urn:x:1", "ex:since": 2020}})
        assert stored["https://x.example/by"] == {
            "type": "Relationship",
            "object": "urn:x:1",
            "https://x.example/since": {"type": "Property", "value": 2020},
        }

    def test_instances_of_several_datasets(self) -> None:
        stored = parsed([{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}])
        assert [one.get("datasetId") for one in stored] == [None, "urn:d:1"]

    def test_what_the_system_writes_is_not_taken_from_outside(self) -> None:
        assert parsed({"value": 1, "createdAt": "2000-01-01T00:00:00Z"}) == {"type": "Property", "value": 1}

    def test_a_patch_may_leave_out_the_value(self) -> None:
        assert parsed({"observedAt": "2026-01-01T00:00:00Z"}, validation.PATCH) == {
            "observedAt": "2026-01-01T00:00:00Z"
        }

    def test_a_patch_of_a_plain_object_is_a_value(self) -> None:
        assert parsed({"street": "x"}, validation.PATCH) == {"type": "Property", "value": {"street": "x"}}


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "field"),
        [
            (None, "a"),
            ({"type": "Property"}, "a.value"),
            ({"type": "Property", "value": None}, "a.value"),
            ({"type": "Relationship"}, "a.object"),
            ({"type": "Relationship", "object": "no uri"}, "a.object"),
            ({"type": "Relationship", "object": []}, "a.object"),
            ({"type": "Relationship", "value": 5}, "a.object"),
            ({"type": "Nonsense", "value": 5}, "a.type"),
            ({"type": ["Property"], "value": 5}, "a.type"),
            ({"value": 5, "object": "urn:x:1"}, "a"),
            ({"type": "LanguageProperty", "languageMap": "x"}, "a.languageMap"),
            ({"type": "LanguageProperty", "languageMap": {"en": 5}}, "a.languageMap.en"),
            ({"type": "VocabProperty", "vocab": 5}, "a.vocab"),
            ({"type": "ListProperty", "valueList": 5}, "a.valueList"),
            ({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [200, 0]}}, "a.value"),
            ({"type": "GeoProperty", "value": {"type": "Circle", "coordinates": [0, 0]}}, "a.value"),
            (
                {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}},
                "a.value",
            ),
            ({"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[0, 0]]}}, "a.value"),
            ({"value": 5, "observedAt": "yesterday"}, "a.observedAt"),
            ({"value": 5, "observedAt": "2026-01-01T00:00:00"}, "a.observedAt"),
            ({"value": 5, "observedAt": {"value": "x"}}, "a.observedAt"),
            ({"value": 5, "unitCode": 5}, "a.unitCode"),
            ({"value": 5, "datasetId": "no uri"}, "a.datasetId"),
            ({"value": 5, "b c": 5}, "a.b c"),
            ([{"value": 1}, {"value": 2}], "a.datasetId"),
            ({"type": "Property", "value": "urn:ngsi-ld:null"}, "a.value"),
        ],
    )
    def test_the_member_at_fault_is_named(self, given: Any, field: str) -> None:
        with pytest.raises(BadInput) as caught:
            parsed(given)
        assert caught.value.field == field
        assert caught.value.type_uri == "https://uri.etsi.org/ngsi-ld/errors/BadRequestData"

    def test_nesting_has_an_end(self) -> None:
        value: Any = 1
        for _ in range(100):
            value = [value]
        with pytest.raises(BadInput):
            parsed({"value": value})
        attribute: Any = {"value": 1}
        for _ in range(20):
            attribute = {"value": 1, "b": attribute}
        with pytest.raises(BadInput):
            parsed(attribute)

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ([], None),
            ({"type": "T"}, "id"),
            ({"id": "urn:x:1"}, "type"),
            ({"id": "x", "type": "T"}, "id"),
            ({"id": 5, "type": "T"}, "id"),
            ({"id": "urn:x:1", "type": []}, "type"),
            ({"id": "urn:x:1", "type": 5}, "type"),
            ({"id": "urn:x:1", "type": "T", "scope": "a b"}, "scope"),
            ({"id": "urn:x:1", "type": "T", "expiresAt": "soon"}, "expiresAt"),
            ({"id": "urn:x:1", "type": "T", "a": 1, "https://uri.etsi.org/ngsi-ld/default-context/a": 2}, None),
        ],
    )
    def test_an_entity_too(self, given: Any, field: str | None) -> None:
        with pytest.raises(BadInput) as caught:
            validation.parse_entity(given, CORE)
        assert field is None or caught.value.field == field
