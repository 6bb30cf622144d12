"""Every reason that intake can say has a code and its Serbian."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vidik.intake
from vidik.intake.deadletters.reasons import described, field_texts, recognise

SOURCES = sorted(Path(vidik.intake.__file__).parent.rglob("*.py"))
SAID_BY = {"Rejected": 1, "dead_letter": 1}


def sentences(source: Path) -> Iterator[str]:
    """Every reason that a file says: second arguments of Rejected and dead_letter, and `return False, reason`."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[_, reason, *_]) if name in SAID_BY:
                yield from literal(reason)
            case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=False), reason])):
                yield from literal(reason)


def literal(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "1 to 5" for part in node.values)


ALL = sorted({sentence for source in SOURCES for sentence in sentences(source)})


def test_the_sources_were_read() -> None:
    assert len(ALL) > 45


@pytest.mark.parametrize("sentence", ALL)
def test_every_sentence_of_intake_is_known(sentence: str) -> None:
    found = recognise(sentence)
    assert found is not None
    assert found.texts["en"] == sentence
    assert found.texts["sr-Cyrl"] != sentence
    assert found.texts["sr-Latn"].isascii() or not set("абвгдежзиклмнопрстћуфхцчш") & set(found.texts["sr-Latn"])


def test_figures_are_parameters_and_have_a_comma_in_serbian() -> None:
    found = described("-39.9 is outside the plausible range -35 to 45.5")
    assert found["reason_code"] == "outside-range"
    assert found["reason_parameters"] == {"value": "-39.9", "low": "-35", "high": "45.5"}
    assert found["reason_texts"]["sr-Cyrl"] == "\N{MINUS SIGN}39,9 је ван вероватног опсега од \N{MINUS SIGN}35 до 45,5"
    assert found["reason_texts"]["sr-Latn"] == "\N{MINUS SIGN}39,9 je van verovatnog opsega od \N{MINUS SIGN}35 do 45,5"


@pytest.mark.parametrize(
    ("sentence", "code"),
    [
        ("-40 is outside the plausible range -35 or more", "below-range"),
        ("900 is outside the plausible range 500 or less", "above-range"),
        ("… is outside the plausible range 0 to 5", "outside-range"),
        ("a number was expected, with a comma as the decimal sign", "number-comma-expected"),
        ("this is not CSV: it contains a zero byte", "not-csv-zero"),
    ],
)
def test_the_nearest_reason_is_found(sentence: str, code: str) -> None:
    assert described(sentence)["reason_code"] == code


def test_a_sentence_of_somebody_else_stays() -> None:
    found = described("the moon was in the way")
    assert found["reason_code"] is None
    assert found["reason_texts"]["sr-Cyrl"] == "the moon was in the way"


def test_a_line_is_told_apart_from_its_column() -> None:
    assert field_texts("outdoorTemperature") == (None, "outdoorTemperature")
    line, column = field_texts("line 12, amb")
    assert (line["sr-Latn"] if line else None, column) == ("red 12", "amb")
