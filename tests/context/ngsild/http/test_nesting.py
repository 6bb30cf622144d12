"""How deep a body is nested: its brackets say it as well as its content does."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.ngsild.http import nesting

json_values = st.recursive(
    st.text('[]{}"\\x', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("[]{}x", max_size=3), inner, max_size=3),
    max_leaves=20,
)


def depth(content: Any) -> int:
    if not isinstance(content, list | dict):
        return 0
    return 1 + max((depth(one) for one in (content.values() if isinstance(content, dict) else content)), default=0)


@pytest.mark.parametrize("shape", ["[%s]", '{"a":%s}', '[{"a":0},%s]'])
def test_a_hundred_levels_are_the_most(shape: str) -> None:
    body = "1"
    for _ in range(nesting.MAXIMUM_NESTING // (2 if "[{" in shape else 1)):
        body = shape % body
    deeper = ("[" * 51 + body + "]" * 51).encode()

    assert not nesting.is_too_deep(body.encode(), orjson.loads(body))
    assert nesting.is_too_deep(deeper, orjson.loads(deeper))


@given(json_values, st.integers(1, 4))
def test_brackets_in_text_do_not_count(content: Any, maximum: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "MAXIMUM_NESTING", maximum)
        assert nesting.is_too_deep(orjson.dumps(content), content) == (depth(content) > maximum)
