"""Whatever the module refuses over HTTP has a sentence in Serbian on the screens, by code and values."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from vidik import pilots
from vidik.kernel.errors import Unprocessable
from vidik.pilots.plans.checking import problems_in
from vidik.pilots.specification import Days

PILOTS = Path(pilots.__file__).parent
SCREENS = Path(__file__).parents[2] / "frontend/src/lib/i18n/pilots/refusals.sr-cyrl.ts"
NOT_OVER_HTTP = {
    "folders/evaluating.py",
    "folders/files.py",
    "folders/scaling.py",
    "reports/extract.py",
    "reports/pdf.py",
    "baselines/opendsm_check.py",
}
DEFAULT_CODES = {"NotFound": "not-found", "TooLarge": "too-large"}
REFUSALS = {"BadInput", "Conflict", "NotFound", "TooLarge", "Unprocessable"}
OPEN = None
"""Values that are put together elsewhere: any name may be among them."""

Given = tuple[str, str, set[str] | None]


def table(name: str) -> dict[str, str]:
    """A catalogue of the screens."""
    text = SCREENS.read_text(encoding="utf-8").partition(f"{name}: Record")[2].partition("\n};")[0]
    pairs = re.findall(r'^\s*(?:"([\w.-]+)"|(\w+)):\s*("(?:[^"\\]|\\.)*"),$', text, re.MULTILINE)
    return {quoted or plain: json.loads(sentence) for quoted, plain, sentence in pairs}


def calls(names: set[str]) -> Iterator[tuple[str, ast.Call, str]]:
    """Every call of these names in the module, with its file."""
    for file in PILOTS.rglob("*.py"):
        where = file.relative_to(PILOTS).as_posix()
        if where in NOT_OVER_HTTP:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield where, node, node.func.id


def names_in(values: ast.expr | None) -> set[str] | None:
    """The names of a literal dictionary; OPEN for another expression."""
    if values is None:
        return set()
    if isinstance(values, ast.Dict) and all(isinstance(key, ast.Constant) for key in values.keys):
        return {str(key.value) for key in values.keys if isinstance(key, ast.Constant)}
    return OPEN


def refusals() -> Iterator[Given]:
    for where, call, name in calls(REFUSALS):
        said = {keyword.arg: keyword.value for keyword in call.keywords}
        code = said.get("code")
        if code is not None and not isinstance(code, ast.Constant):
            continue
        given = str(code.value) if isinstance(code, ast.Constant) else DEFAULT_CODES.get(name, f"no code in {where}")
        values = said.get("values")
        yield where, given, names_in(values)
        about = named_in(values, "finding")
        if about is not None:
            yield where, about, names_in(values)


def named_in(values: ast.expr | None, name: str) -> str | None:
    """What a literal dictionary says of a name, where that is a text."""
    if isinstance(values, ast.Dict):
        for key, value in zip(values.keys, values.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == name and isinstance(value, ast.Constant):
                return str(value.value)
    return None


def problems() -> Iterator[Given]:
    for where, call, name in calls({"Problem", "PydanticCustomError", "UnsoundTariff"}):
        place = {"Problem": 2, "PydanticCustomError": 0, "UnsoundTariff": 1}[name]
        code = call.args[place] if len(call.args) > place else None
        if isinstance(code, ast.Constant):
            last = call.args[-1] if len(call.args) > (3 if name == "Problem" else 2) else None
            yield where, str(code.value), names_in(last)


def unsaid(found: Iterator[Given], known: dict[str, str], also: set[str]) -> list[str]:
    """What cannot be said: no sentence, or none whose places are all among the values."""
    wrong = []
    for where, code, values in found:
        sentences = [known[key] for key in (code, f"{code}.short") if key in known]
        fit = [one for one in sentences if values is OPEN or set(re.findall(r"\{(\w+)\}", one)) <= values | also]
        if not fit:
            wrong.append(f"{where}: {code} with {sorted(values or set())}")
    return wrong


def test_every_refusal_has_a_sentence() -> None:
    known = table("refusalsSrCyrl")
    assert len(known) > 50
    assert unsaid(refusals(), known, set()) == []


def test_every_problem_of_a_field_has_a_sentence() -> None:
    known = table("problemsSrCyrl")
    assert len(known) > 35
    assert unsaid(problems(), known, {"weekday"}) == []


def test_a_problem_is_said_plainly_with_its_values() -> None:
    with pytest.raises(ValidationError) as refused:
        Days(first=date(2025, 5, 2), last=date(2025, 5, 1))
    (problem,) = problems_in(refused.value)
    assert (problem.code, problem.reason) == (
        "ends-before-begins",
        "it ends on 2025-05-01, before it begins on 2025-05-02",
    )
    assert problem.values == {"first": "2025-05-02", "last": "2025-05-01"}


@pytest.mark.parametrize(
    ("typed", "code", "reason"),
    [
        ({}, "missing", "this is missing"),
        ({"first": "", "last": "2025-05-01"}, "no-day", "choose a day"),
        ({"first": "soon", "last": "2025-05-01"}, "no-day", "choose a day"),
        ({"first": "2025-05-01", "last": "2025-05-01", "why": 1}, "extra_forbidden", "a plan has no such member"),
    ],
)
def test_what_pydantic_says_is_said_as_people_say_it(typed: dict[str, Any], code: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Days.model_validate(typed)
    assert (problems_in(refused.value)[0].code, problems_in(refused.value)[0].reason) == (code, reason)


def test_the_values_of_a_refusal_go_with_it() -> None:
    refusal = Unprocessable("Too few.", code="few", values={"days": 3})
    assert refusal.problem()["values"] == {"days": 3}
    assert "values" not in Unprocessable("Too few.", code="few").problem()
