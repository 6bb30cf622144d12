"""Every action that the source puts on the audit record has its words in the console, also where a verb makes it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef
SOURCES = {path: path.read_text("utf-8") for path in (ROOT / "src/vidik").rglob("*.py")}
ROOMS = {path.parent for path, text in SOURCES.items() if "audit.record(" in text}
MODULES = {path: ast.parse(text) for path, text in SOURCES.items() if path.parent in ROOMS}


def room_of(path: Path) -> list[ast.Module]:
    return [tree for other, tree in MODULES.items() if other.parent == path.parent]


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if name in (getattr(called, "id", None), getattr(called, "attr", None)):
                yield node


def records() -> Iterator[tuple[Path, Function, ast.expr]]:
    """Each call of `audit.record`: its file, the function around it, and its action."""
    for path, tree in MODULES.items():
        for function in tree.body:
            if isinstance(function, Function) and "audit.record(" in SOURCES[path]:
                for call in calls(function, "record"):
                    called = call.func
                    if isinstance(called, ast.Attribute) and getattr(called.value, "id", None) == "audit":
                        yield path, function, call.args[2]


def meant(path: Path, function: Function, expression: ast.expr) -> set[str]:
    """The texts that an expression can be: a text, a name's texts where it is given, parts together."""
    match expression:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.JoinedStr(values=parts):
            found = {""}
            for part in parts:
                texts = meant(path, function, part.value if isinstance(part, ast.FormattedValue) else part)
                found = {before + text for before in found for text in texts}
            return found
        case ast.Name(id=name):
            return given(path, function, name)
        case ast.Subscript(value=ast.Name(id=table)):
            return values_of(path, table)
        case ast.Attribute(attr="action"):  # kept until the end of the transaction, as records come last
            made = [call.args[1] for tree in room_of(path) for call in calls(tree, "Record")]
            return {str(one.value) for one in made if isinstance(one, ast.Constant)}
    raise AssertionError(f"{path}: an action that this test cannot read: {ast.unparse(expression)}")


def values_of(path: Path, table: str) -> set[str]:
    for node in ast.walk(MODULES[path]):
        named = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(named, ast.Name) and named.id == table and isinstance(node.value, ast.Dict):
            return {value.value for value in node.value.values if isinstance(value, ast.Constant)}
    raise AssertionError(f"{path}: no table {table}")


def given(path: Path, function: Function, name: str) -> set[str]:
    """What callers of a function (of its own room) say for a parameter, or what a loop of it runs over."""
    parameters = [argument.arg for argument in function.args.args]
    if name not in parameters:
        first = {
            row.elts[0].value
            for loop in ast.walk(function)
            if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Tuple)
            for row in loop.iter.elts
            if isinstance(row, ast.Tuple) and isinstance(row.elts[0], ast.Constant)
        }
        assert first, f"{path}: nobody says what {name} is"
        return {str(text) for text in first}
    place = parameters.index(name)
    found: set[str] = set()
    for caller in (one for tree in room_of(path) for one in tree.body if isinstance(one, Function)):
        for said in (call.args[place] for call in calls(caller, function.name) if len(call.args) > place):
            if isinstance(said, ast.Constant):
                found.add(str(said.value))
            elif isinstance(said, ast.Name):  # handed on: what its type lets it be
                types = [one.annotation for one in caller.args.args if one.arg == said.id and one.annotation]
                found |= {str(one.value) for kind in types for one in ast.walk(kind) if isinstance(one, ast.Constant)}
    return found


ACTIONS = {action for record in records() for action in meant(*record)}


def test_actions_are_found() -> None:
    # One of each way of writing them, or the test looks past what it is for.
    known = {"incident.open", "incident.close", "task.assign", "task.withdraw", "shift.plan", "duty.take",
             "warning.release", "crew.duty", "alarm.shelve", "alarm.shelve.end", "incident.reopen"}  # fmt: skip
    assert known <= ACTIONS


@pytest.mark.parametrize("language", ["en", "sr-cyrl"])
def test_each_has_its_words(language: str) -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "frontend/src/lib/i18n").rglob(f"*.{language}.ts")]
    spoken = {key for text in texts for key in re.findall(r'^  "action\.([\w.-]+)":', text, re.MULTILINE)}
    assert sorted(ACTIONS - spoken) == []
