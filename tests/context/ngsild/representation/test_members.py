"""What an attribute may have, and what it may not (ETSI GS CIM 009 v1.9.1), each with its clause. No database."""

from typing import Any

import pytest

from vidik.context.jsonld import packaged, processing
from vidik.context.ngsild import values
from vidik.context.ngsild.representation import validation
from vidik.kernel.errors import BadInput

CONTEXT = processing.build([], {}, source=packaged.CORE_CONTEXT_URL)
CORE = "https://uri.etsi.org/ngsi-ld/"
POINT = {"type": "Point", "coordinates": [21.9, 43.3]}
PROOF = {"type": "Property", "value": {"type": "DataIntegrityProof"}}


def entity(attributes: dict[str, Any], rules: validation.Rules = validation.CREATE) -> validation.EntityInput:
    return validation.parse_entity({"id": "urn:x:1", "type": "T", **attributes}, CONTEXT, rules)


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": {"value": 1, "observedAt": "2026-08-10T12:00:00+02:00"}},  # 4.6.3
        {"datasetId": {"value": 1}},  # 4.5.1
        {"instanceId": {"value": 1}},
        {"observedAt": {"value": "2026-01-01T00:00:00Z"}},
        {"a": {"value": 1, "entityIdSealed": "urn:x:1"}},  # 4.5.2.2
        {"ngsildproof": {"value": "no proof"}},
        {"ngsildproof": {**PROOF, "entityTypeSealed": 42}},
        {"a": {"object": "urn:x:2", "unitCode": "MTR"}},  # 4.5.3.2
        {"a": {"type": "JsonProperty", "json": {"b": 1}, "unitCode": "MTR"}},  # 4.5.24.2
        {"a": {"json": 5}},
        {"a": {"json": [{}, 5]}},
        {"9a": 1},  # 4.6.2
        {"..": 1},
        {"location": {"value": 7}},  # 4.7.1
        {"location": "no geometry"},  # 4.7.2
        {"a": {"languageMap": {"en": "x"}, "valueType": "xsd:string"}},  # 5.2.32
        {"a": {"value": {"b": {"c": values.NULL}}}},  # 5.5.4
        {"a": {"b": values.NULL}},
        {"a": {"value": 1, "datasetId": values.NULL}},  # 5.5.8
        {"scope": "a-b"},  # 4.18
        {"scope": "/a/9"},
    ],
)
def test_what_an_entity_may_not_have(attributes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        entity(attributes)


def test_null_is_no_id() -> None:  # 5.5.4
    with pytest.raises(BadInput):
        entity({"id": values.NULL})


def test_null_inside_a_value_is_for_merging() -> None:  # 5.5.4, 5.5.12
    fragment = {"a": {"value": {"b": values.NULL}}}

    assert entity(fragment, validation.MERGE).attributes
    with pytest.raises(BadInput):
        entity(fragment, validation.PATCH)


def test_a_geometry_may_be_text() -> None:  # 4.7.2
    text = '{"type": "Point", "coordinates": [21.9, 43.3]}'

    for given in (text, {"value": text}, {"type": "GeoProperty", "value": text}):
        assert entity({"location": given}).attributes[f"{CORE}location"] == [{"type": "GeoProperty", "value": POINT}]


def test_a_proof_has_sealed_members() -> None:  # 4.5.2.2, C.11
    sealed = {**PROOF, "entityIdSealed": "urn:x:1", "entityTypeSealed": "T"}

    assert entity({"ngsildproof": sealed}).attributes[f"{CORE}ngsildproof"] == [
        {**PROOF, "entityIdSealed": "urn:x:1", "entityTypeSealed": f"{CORE}default-context/T"}
    ]


def test_a_value_has_a_type_of_data() -> None:  # 4.5.2.2, 5.2.32
    attributes = entity(
        {"a": {"value": 1, "valueType": "myType"}, "b": {"languageMap": {"en": "x"}, "valueType": "langString"}}
    ).attributes

    assert attributes[f"{CORE}default-context/a"][0]["valueType"] == f"{CORE}default-context/myType"
    assert attributes[f"{CORE}default-context/b"][0]["valueType"].endswith("#langString")


def test_what_only_answers_have_is_left_out() -> None:  # 5.2.5, table 5.2.5-2: "shall ignore them"
    assert entity({"a": {"type": "Property", "value": 1, "previousValue": 0}}).attributes[
        f"{CORE}default-context/a"
    ] == [{"type": "Property", "value": 1}]


def test_another_broker_is_taken_at_its_word() -> None:
    given = {"location": 7, "a": {"object": "urn:x:2", "unitCode": "MTR"}}

    assert entity(given, validation.RECEIVED).attributes.keys() == {f"{CORE}location", f"{CORE}default-context/a"}


def test_a_request_brings_no_context_inside_a_term() -> None:  # 5.5.7
    with pytest.raises(BadInput):
        processing.refuse_scoped(
            [{"Room": {"@id": "https://x.example/Room", "@context": {"b": "https://x.example/b"}}}]
        )
