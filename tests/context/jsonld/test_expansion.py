"""Names under a context, held against PyLD, the reference processor."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld

from vidik.context.jsonld import packaged, processing
from vidik.kernel.errors import BadInput

words = st.from_regex(r"[a-z][a-zA-Z0-9]{0,8}", fullmatch=True).filter(
    lambda word: word not in packaged.core_terms() and word not in {"urn", "http", "https"}
)
bases = st.sampled_from(["https://a.example/", "https://b.example/ns#", "urn:c:", "https://a.example/deep/"])


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, Any]:
    """A user's context: prefixes, simple terms, terms with a coercion, terms through a prefix."""
    prefixes = draw(st.dictionaries(words, bases, max_size=3))
    context: dict[str, Any] = dict(prefixes)
    for word in draw(st.lists(words, max_size=6, unique=True)):
        if word in context:
            continue
        base = draw(st.sampled_from([*[f"{prefix}:" for prefix in prefixes], "https://terms.example/"]))
        address = base + draw(words)
        context[word] = draw(
            st.sampled_from(
                [address, {"@id": address}, {"@id": address, "@type": "@id"}, {"@id": address, "@type": "@vocab"}]
            )
        )
    return context


def load_nothing(url: str, _options: Any) -> dict[str, Any]:
    document = {"@context": packaged.core_terms()} if packaged.is_core(url) else {"@context": {}}
    return {"contextUrl": None, "documentUrl": url, "document": document, "contentType": "application/ld+json"}


def expanded_by_pyld(document: dict[str, Any], context: Any) -> Any:
    # The proof's own context is on the internet; nothing here uses it.
    core = {name: term for name, term in packaged.core_terms().items() if name not in ("ngsildproof", "@protected")}
    return jsonld.expand(
        {**document, "@context": [*(context if isinstance(context, list) else [context]), core]},
        {"documentLoader": load_nothing},
    )


# Not null: PyLD fails where there was no vocabulary to take away.
vocabularies = st.sampled_from([{}, {"@vocab": "https://v.example/"}])
nothing = st.dictionaries(words, st.none(), max_size=2)


@st.composite
def lists_of_contexts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Contexts after one another: the later ones name, rename and hide; some have a vocabulary for bare terms."""
    return [{**draw(vocabularies), **draw(contexts()), **draw(nothing)} for _ in range(draw(st.integers(1, 3)))]


class TestExpansion:
    @given(lists_of_contexts(), st.data())
    def test_contexts_in_a_list_build_on_one_another_as_in_pyld(
        self, listed: list[dict[str, Any]], data: st.DataObject
    ) -> None:
        known = sorted({name for one in listed for name in one if not name.startswith("@")})
        word = data.draw(st.one_of(words, st.sampled_from(known or ["x"])))
        active = processing.build(listed, {})
        expanded = expanded_by_pyld({word: {"type": "Property", "value": 1}}, listed)
        hidden = active.terms.get(word) is not None and active.terms[word].iri is None
        assert hidden or active.expand(word) in expanded[0]

    @given(contexts(), contexts(), st.data())
    def test_a_context_inside_a_term_means_what_pyld_says(
        self, outer: dict[str, Any], inner: dict[str, Any], data: st.DataObject
    ) -> None:
        local = {**outer, "within": {"@id": "https://terms.example/within", "@context": inner}}
        word = data.draw(st.one_of(words, st.sampled_from(sorted({*outer, *inner}) or ["x"])))
        active = processing.build(local, {})
        expanded = expanded_by_pyld({"within": {word: {"type": "Property", "value": 1}}}, local)
        (value,) = expanded[0]["https://terms.example/within"]
        assert active.inside("within").expand(word) in value

    @given(contexts(), st.data())
    def test_a_type_has_the_address_that_pyld_gives(self, context: dict[str, Any], data: st.DataObject) -> None:
        word = data.draw(st.one_of(words, st.sampled_from(sorted(context) or ["x"])))
        active = processing.build(context, {})
        assert expanded_by_pyld({"@type": word}, context)[0]["@type"] == [active.expand(word)]

    @given(contexts(), st.data())
    def test_an_attribute_has_the_address_that_pyld_gives(self, context: dict[str, Any], data: st.DataObject) -> None:
        prefix = data.draw(st.sampled_from([*[f"{word}:" for word in context], ""]))
        word = prefix + data.draw(words)
        active = processing.build(context, {})
        document = {word: {"type": "Property", "value": 1}}
        assert active.expand(word) in expanded_by_pyld(document, context)[0]

    @given(contexts(), words)
    def test_every_name_comes_back(self, context: dict[str, Any], word: str) -> None:
        active = processing.build(context, {})
        address = active.expand(word)
        assert active.expand(active.compact(address)) == address

    @given(contexts(), words)
    def test_a_compacted_name_is_the_one_that_pyld_gives(self, context: dict[str, Any], word: str) -> None:
        active = processing.build(context, {})
        core = {name: term for name, term in packaged.core_terms().items() if name not in ("ngsildproof", "@protected")}
        address = active.expand(word)
        node = [{address: [{"@type": ["https://uri.etsi.org/ngsi-ld/Property"]}]}]
        compacted = jsonld.compact(node, [context, core], {"documentLoader": load_nothing})
        names = {name for name in compacted if name != "@context"}
        assert names == {active.compact(address)}


class TestNestedContexts:
    def test_a_list_is_applied_in_order(self) -> None:
        active = processing.build([{"a": "https://x.example/one"}, {"a": "https://x.example/two"}], {})
        assert active.expand("a") == "https://x.example/two"

    def test_a_remote_context_may_refer_to_another_beside_it(self) -> None:
        remote = {
            "https://x.example/c/main.jsonld": ["parts.jsonld", {"a": "part:a"}],
            "https://x.example/c/parts.jsonld": {"part": "https://x.example/part#"},
        }
        local = "https://x.example/c/main.jsonld"
        assert list(processing.references(local)) == [local]
        assert list(processing.references(remote[local], local)) == ["https://x.example/c/parts.jsonld"]
        assert processing.build(local, remote).expand("a") == "https://x.example/part#a"

    def test_a_term_may_have_a_context_of_its_own(self) -> None:
        active = processing.build({"a": {"@id": "https://x.example/a", "@context": {"b": "https://x.example/b"}}}, {})
        assert active.inside("a").expand("b") == "https://x.example/b"
        assert active.expand("b") == "https://uri.etsi.org/ngsi-ld/default-context/b"

    def test_a_core_term_is_not_redefined(self) -> None:
        active = processing.build({"location": "https://x.example/place"}, {})
        assert active.expand("location") == "https://uri.etsi.org/ngsi-ld/location"

    def test_null_hides_a_term(self) -> None:
        active = processing.build([{"a": "https://x.example/a"}, {"a": None}], {})
        assert active.expand("a") == "a"


class TestBrokenContexts:
    @pytest.mark.parametrize(
        "local",
        [
            5,
            {"a": 5},
            {"a": {"@id": 5}},
            {"a": "b:c", "b": "a:c"},
            {"": "https://x.example/"},
            {"@vocab": 5},
            {"a": {"@id": "https://x.example/a", "@container": 5}},
            [[[[[[[[[[{"a": "https://x.example/a"}]]]]]]]]]],
        ],
    )
    def test_they_are_refused(self, local: Any) -> None:
        with pytest.raises(BadInput) as caught:
            processing.build(local, {})
        assert caught.value.field == "@context"

    def test_a_circle_is_refused(self) -> None:
        remote = {"https://x.example/a": "https://x.example/b", "https://x.example/b": "https://x.example/a"}
        with pytest.raises(BadInput):
            processing.build("https://x.example/a", remote)
