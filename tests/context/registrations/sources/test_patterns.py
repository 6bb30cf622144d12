"""Patterns of ids: whatever a stranger writes is refused or answered at once."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.registrations.sources.patterns import id_pattern
from vidik.kernel.errors import BadInput

LONG_ID = "urn:ngsi-ld:Lamp:" + "a" * 5000 + "!"


@pytest.mark.parametrize("text", [r"^urn:.*:\d{2,3}$", "Лампа", ".*", "", "a|b"])
def test_it_finds_what_python_finds(text: str) -> None:
    for entity_id in ("urn:ngsi-ld:Lamp:12", "urn:x:Лампа", "urn:b:1"):
        assert bool(id_pattern(text, "idPattern").search(entity_id)) == bool(re.search(text, entity_id))


@pytest.mark.parametrize("text", [r"(a|aa)+$", "a*a*a*a*a*a*b", r"((a|aa)c?)+$", "(a*)*b", "(.?){30}b"])
def test_none_takes_for_ever(text: str) -> None:
    assert id_pattern(text, "idPattern").search(LONG_ID) is None


@pytest.mark.parametrize("text", ["[", "(?=a)", r"(a)\1", "x" * 513, "((((a{100}){100}){100}){100})", "(?<n"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        id_pattern(text, "idPattern")
    assert caught.value.field == "idPattern"


@given(st.text("abc.*+?|()[]{}^$\\1,", max_size=20))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        pattern = id_pattern(text, "idPattern")
    except BadInput:
        return
    pattern.search("urn:abc:" + "abc" * 20)
