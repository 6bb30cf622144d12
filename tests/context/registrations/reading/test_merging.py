"""One entity out of several parts: newest first, gaps filled, holders alone (clauses 4.3.6 and 4.5.5)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.jsonld import packaged, processing
from vidik.context.ngsild.representation.rendering import Stored
from vidik.context.registrations.reading.merging import Part, merged, read_entity, without_held
from vidik.context.registrations.sources.model import MODES
from vidik.kernel.errors import BadInput

CORE = processing.build([], {}, source=packaged.CORE_CONTEXT_URL)
ID = "urn:ngsi-ld:Building:1"


def stored(**attributes: Any) -> Stored:
    return Stored(ID, ["T"], None, attributes)


def value(number: int, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": number, **members}


def test_a_source_s_entity_keeps_its_times() -> None:
    moment = "2026-01-01T00:00:00Z"
    body = {
        "id": ID,
        "type": "Building",
        "createdAt": moment,
        "modifiedAt": moment,
        "level": [value(1, modifiedAt=moment), value(2, datasetId="urn:a:b", createdAt=moment)],
    }

    found = read_entity(body, CORE)

    assert found.modified_at is not None
    (instances,) = found.document.values()
    assert [one.get("modifiedAt") for one in instances] == [moment, None]
    assert instances[1]["createdAt"] == moment


@pytest.mark.parametrize("body", [None, [], {"id": "x", "type": "T"}, {"id": ID}, {"id": ID, "type": "T", "a": None}])
def test_what_is_no_entity_is_refused(body: Any) -> None:
    with pytest.raises(BadInput):
        read_entity(body, CORE)


def test_the_newest_instance_of_each_dataset_counts() -> None:
    here = stored(
        a=[value(1, modifiedAt="2026-01-01T00:00:00Z"), value(1, datasetId="d", observedAt="2026-01-03T00:00:00Z")]
    )
    there = stored(
        a=[
            value(2, modifiedAt="2026-01-01T00:00:00.001Z"),
            value(2, datasetId="d", observedAt="2026-01-02T00:00:00Z"),
            value(2, datasetId="e"),
        ]
    )

    whole = merged(here, [Part(there, "inclusive")])

    assert whole is not None
    assert {one.get("datasetId"): one["value"] for one in whole.document["a"]} == {None: 2, "d": 1, "e": 2}


def test_what_is_here_wins_where_none_is_newer() -> None:
    whole = merged(stored(a=value(1)), [Part(stored(a=value(2)), "inclusive")])

    assert whole is not None
    assert whole.document["a"] == value(1)


def test_auxiliary_sources_come_last_whatever_their_order() -> None:
    parts = [Part(stored(a=value(1), b=value(1)), "auxiliary"), Part(stored(a=value(2)), "inclusive")]

    whole = merged(None, parts)

    assert whole is not None
    assert whole.document == {"a": value(2), "b": value(1)}


def test_types_and_scopes_are_those_of_all() -> None:
    whole = merged(Stored(ID, ["T"], ["/a"], {}), [Part(Stored(ID, ["U", "T"], ["/b"], {}), "inclusive")])

    assert whole is not None
    assert (list(whole.types), whole.scope) == (["T", "U"], ["/a", "/b"])


def test_what_others_hold_alone_is_not_here() -> None:
    here = stored(a=value(1), b=value(2))

    less = without_held(here, [frozenset("b"), frozenset("c")])

    assert less is not None
    assert less.document == {"a": value(1)}
    assert without_held(here, [frozenset("b"), None]) is None


attributes = st.dictionaries(st.sampled_from("abc"), st.builds(value, st.integers(0, 9)))


@given(attributes, attributes, st.sampled_from(MODES))
def test_nothing_that_anybody_has_is_lost(here: Any, there: Any, mode: Any) -> None:
    held = [frozenset(there)] if mode in ("exclusive", "redirect") else []

    whole = merged(without_held(stored(**here), held), [Part(stored(**there), mode)])

    assert whole is not None
    assert set(whole.document) == set(here) | set(there)
    for name in set(there):
        if mode == "exclusive":
            assert whole.document[name] == there[name]
        if mode == "auxiliary" and name in here:
            assert whole.document[name] == here[name]
