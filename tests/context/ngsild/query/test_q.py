"""The query language: its grammar, and what it finds, held against a plain evaluator over random documents."""

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.rows import tuple_row

from vidik.context.jsonld import processing
from vidik.context.ngsild.query.expressions import And, Expression, Leaf, Or
from vidik.context.ngsild.query.q import (
    Boolean,
    Compare,
    Exists,
    Linked,
    Moment,
    Number,
    OneOf,
    Path,
    Range,
    Term,
    Text,
    parse_q,
    with_words,
    write_q,
)
from vidik.context.ngsild.repository.conditions import q_condition
from vidik.kernel.errors import VidikError

CORE = processing.build([], {})

names = st.sampled_from(["a", "b", "c"])
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4)
numbers = st.one_of(st.integers(-3, 3).map(str), st.sampled_from(["0.5", "-1.5", "2.0", "1e1"]))
moments = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-02T01:00:00+01:00"])
paths = st.builds(
    Path,
    st.one_of(st.tuples(names), st.tuples(names, names), st.tuples(names, st.just("observedAt"))),
    st.one_of(st.just(()), st.tuples(names), st.tuples(names, names)),
).filter(lambda path: not (path.trail and path.attributes[-1] == "observedAt"))
values = st.one_of(texts.map(Text), numbers.map(Number), st.booleans().map(Boolean), moments.map(Moment))
ranges = st.one_of(
    st.builds(Range, numbers.map(Number), numbers.map(Number)),
    st.builds(Range, texts.map(Text), texts.map(Text)),
    st.builds(Range, moments.map(Moment), moments.map(Moment)),
)
operands = st.one_of(values, ranges, st.lists(st.one_of(values, ranges), min_size=2, max_size=3).map(tuple).map(OneOf))
terms = st.one_of(
    st.builds(Exists, paths, st.booleans()),
    st.builds(Compare, paths, st.sampled_from(["==", "!="]), operands),
    st.builds(
        Compare, paths, st.sampled_from([">", "<", ">=", "<="]), values.filter(lambda one: type(one) is not Boolean)
    ),
    st.builds(Compare, paths, st.sampled_from(["~=", "!~="]), st.sampled_from(["^a", "b$", "[ab]+", "1"]).map(Text)),
)
queries: st.SearchStrategy[Expression[Term]] = st.recursive(
    terms.map(Leaf),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(And),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Or),
    ),
    max_leaves=5,
)

json_values = st.recursive(
    st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -1.5, 10.0]), texts, st.booleans(), moments),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=2)),
    max_leaves=4,
)


@st.composite
def instances(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """A stored instance of an attribute, sometimes with a sub-attribute."""
    kind, member, value = draw(
        st.one_of(
            st.tuples(st.just("Property"), st.just("value"), json_values),
            st.tuples(st.just("Relationship"), st.just("object"), st.sampled_from(["urn:x:1", "urn:x:2"])),
            st.tuples(
                st.just("LanguageProperty"),
                st.just("languageMap"),
                st.dictionaries(names, texts, min_size=1, max_size=2),
            ),
            st.tuples(st.just("VocabProperty"), st.just("vocab"), names.map(CORE.expand)),
            st.tuples(st.just("JsonProperty"), st.just("json"), json_values),
        )
    )
    instance = {"type": kind, member: value}
    if draw(st.booleans()):
        instance["observedAt"] = draw(moments)
    if depth == 0 and draw(st.booleans()):
        instance[CORE.expand(draw(names))] = draw(instances(depth=1))
    return instance


documents = st.dictionaries(
    names.map(CORE.expand), st.one_of(instances(), st.lists(instances(), min_size=2, max_size=2)), max_size=3
)


class TestGrammar:
    @given(queries)
    def test_what_is_written_is_read_again(self, query: Expression[Term]) -> None:
        assert write_q(parse_q(write_q(query))) == write_q(query)

    @pytest.mark.parametrize(
        ("text", "tree"),
        [
            ("speed>50", Leaf(Compare(Path(("speed",)), ">", Number("50")))),
            ("speed==50..60", Leaf(Compare(Path(("speed",)), "==", Range(Number("50"), Number("60"))))),
            ('brand!="A","B"', Leaf(Compare(Path(("brand",)), "!=", OneOf((Text("A"), Text("B")))))),
            ("a.b.observedAt", Leaf(Exists(Path(("a", "b", "observedAt"))))),
            ("a[b.c]==1", Leaf(Compare(Path(("a",), ("b", "c")), "==", Number("1")))),
            ("!a", Leaf(Exists(Path(("a",)), absent=True))),
            ("on{name}", Leaf(Exists(Path(("on",), linked=Linked((), Path(("name",))))))),
            (
                "on{Road,Street:in{name.x[y]}}>=1",
                Leaf(
                    Compare(
                        Path(
                            ("on",),
                            linked=Linked(
                                ("Road", "Street"),
                                Path(("in",), linked=Linked((), Path(("name", "x"), ("y",)))),
                            ),
                        ),
                        ">=",
                        Number("1"),
                    )
                ),
            ),
            ("at==urn:ngsi-ld:X:1", Leaf(Compare(Path(("at",)), "==", Text("urn:ngsi-ld:X:1")))),
            ("a~=^(x|y);b", And((Leaf(Compare(Path(("a",)), "~=", Text("^(x|y)"))), Leaf(Exists(Path(("b",))))))),
            ("https://x.example/a.b>1", Leaf(Compare(Path(("https://x.example/a.b",)), ">", Number("1")))),
            (
                "a|b;c",
                Or((Leaf(Exists(Path(("a",)))), And((Leaf(Exists(Path(("b",)))), Leaf(Exists(Path(("c",)))))))),
            ),
            (
                "(a|b);c",
                And((Or((Leaf(Exists(Path(("a",)))), Leaf(Exists(Path(("b",)))))), Leaf(Exists(Path(("c",)))))),
            ),
        ],
    )
    def test_it_is_read_as_the_clause_says(self, text: str, tree: Any) -> None:
        assert parse_q(text) == tree

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "==1",
            "a==",
            "a>",
            "(a",
            "a)",
            "a;;b",
            "a|",
            "a[b",
            "a{b",
            "a{}==1",
            "a{B:}==1",
            "a[]==1",
            "a..b>1",
            'a=="x',
            "a>1..2",
            "a==1..true",
            "a~=",
            "a b",
        ],
    )
    def test_what_breaks_it_is_refused_with_the_place(self, text: str) -> None:
        with pytest.raises(VidikError) as caught:
            parse_q(text)
        assert caught.value.field == "q"
        assert caught.value.status == 400

    @pytest.mark.parametrize("text", ["(" * 50 + "a" + ")" * 50, ";".join(["a"] * 100), "a==" + "1," * 5000 + "1"])
    def test_a_bomb_is_refused(self, text: str) -> None:
        with pytest.raises(VidikError) as caught:
            parse_q(text)
        assert caught.value.status == 403


@pytest.fixture(scope="module")
def evaluate(server_url: str) -> Any:
    """Asks PostgreSQL whether a query finds a document."""
    with psycopg.connect(server_url, autocommit=True, row_factory=tuple_row) as connection:

        def ask(query: Expression[Term], document: Any) -> bool:
            condition = q_condition(query, CORE)
            row = connection.execute(
                f"SELECT {condition.sql} FROM (SELECT %s::jsonb AS document) AS one",
                [*condition.parameters, orjson.dumps(document).decode()],
            ).fetchone()
            assert row is not None
            return bool(row[0])

        yield ask


class TestAgainstAnEvaluator:
    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(query=st.builds(with_words, queries, st.sampled_from([(), ("a", "b")])), document=documents)
    # A number beside a time: the method that reads times must not fail for both.
    @example(
        query=Leaf(Compare(Path(("a",)), "==", Moment("2026-01-01T00:00:00Z"))),
        document={CORE.expand("a"): {"type": "Property", "value": [0, "2026-01-01T00:00:00Z"]}},
    )
    @example(
        query=Leaf(Compare(Path(("a",)), "==", Moment("2026-01-01T00:00:00Z"))),
        document={CORE.expand("a"): {"type": "Property", "value": [["2026-01-01T00:00:00Z"]]}},
    )
    def test_postgresql_finds_what_the_clause_says(
        self, evaluate: Callable[..., bool], query: Expression[Term], document: dict[str, Any]
    ) -> None:
        assert evaluate(query, document) == holds(query, document)


def holds(query: Expression[Term], document: dict[str, Any]) -> bool:
    """The evaluator: clause 4.9 as plain Python."""
    if isinstance(query, Leaf):
        return term_holds(query.term, document)
    parts = [holds(part, document) for part in query.parts]
    return all(parts) if isinstance(query, And) else any(parts)


def term_holds(term: Term, document: dict[str, Any]) -> bool:
    names = list(term.path.attributes)
    meta = names.pop() if len(names) > 1 and names[-1] == "observedAt" else None
    found = [document]
    for name in names:
        found = [instance for one in found for instance in as_list(one.get(CORE.expand(name), []))]
    if isinstance(term, Exists):
        present = (
            any(targets(instance, term.path.trail, meta) for instance in found)
            if term.path.trail or meta
            else bool(found)
        )
        return present != term.absent
    positive = {"!=": "==", "!~=": "~="}.get(term.operator)
    for instance in found:
        if "object" in instance and meta is None and not term.path.trail and term.operator not in ("==", "!="):
            continue  # relationships are equal or unequal, nothing else
        seen = targets(instance, term.path.trail, meta)
        if positive is not None:
            if seen and not any(fits(value, positive, term.operand, vocab) for value, vocab in seen):
                return True
        elif any(fits(value, term.operator, term.operand, vocab) for value, vocab in seen):
            return True
    return False


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def targets(instance: dict[str, Any], trail: tuple[str, ...], meta: str | None) -> list[tuple[Any, bool]]:
    """The values of an instance to compare, each with whether it is a vocabulary value."""
    if meta is not None:
        return [(instance[meta], False)] if meta in instance else []
    if not trail:
        found = []
        for member in ("value", "object", "vocab", "json"):
            if member in instance:
                found += [(one, member == "vocab") for one in as_list(instance[member])] or []
                if instance[member] == []:
                    found.append((NOTHING, False))
        return found + [(text, False) for text in instance.get("languageMap", {}).values()]
    found = []
    for member in ("value", "json", "languageMap"):
        reached = [instance[member]] if member in instance else []
        for name in trail:
            reached = [one[name] for step in reached for one in as_list(step) if isinstance(one, dict) and name in one]
        for one in reached:
            found += [(item, False) for item in as_list(one)] or [(NOTHING, False)]
    return found


NOTHING = object()


def fits(value: Any, sign: str, operand: Any, vocab: bool) -> bool:
    if isinstance(operand, OneOf):
        return any(fits(value, sign, one, vocab) for one in operand.values)
    if isinstance(operand, Range):
        return fits(value, ">=", operand.low, vocab) and fits(value, "<=", operand.high, vocab)
    if isinstance(operand, Boolean):
        return isinstance(value, bool) and value == operand.truth
    if isinstance(operand, Number):
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and compare(value, sign, float(operand.number))
        )
    if isinstance(operand, Moment):
        try:
            return isinstance(value, str) and compare(
                datetime.fromisoformat(value), sign, datetime.fromisoformat(operand.text)
            )
        except (ValueError, TypeError):
            return False
    if not isinstance(value, str):
        return False
    if sign == "~=":
        return re.search(operand.text, value) is not None
    return compare(value, sign, CORE.expand(operand.text) if vocab and operand.is_word else operand.text)


def compare(left: Any, sign: str, right: Any) -> bool:
    signs = {"==": operator.eq, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
    return bool(signs[sign](left, right))
