"""The order of a query's answer as SQL (ETSI GS CIM 009, clause 4.23)."""

from __future__ import annotations

from typing import Final

from vidik.context.jsonld.active import ActiveContext
from vidik.context.ngsild import values
from vidik.context.ngsild.problems import bad_data
from vidik.context.ngsild.repository.conditions import Condition

MAXIMUM_MEMBERS: Final = 8
_COLUMNS: Final = {
    "id": "id",
    "type": "(SELECT types[1] FROM kind WHERE kind.kind = {table}.kind)",
    "scope": "scope",
    "createdAt": "created_at",
    "modifiedAt": "modified_at",
    "expiresAt": "expires_at",
}
_TIMES: Final = frozenset(("createdAt", "modifiedAt", "observedAt", "unitCode"))
_VALUES: Final = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")


def parse_order(text: str, context: ActiveContext, table: str) -> Condition:
    """The ORDER BY of `name;desc,location.createdAt`; entities that lack a member come last.

    Raises BadInput (BadRequestData).
    """
    parts: list[str] = []
    parameters: list[object] = []
    members = text.split(",")
    if len(members) > MAXIMUM_MEMBERS:
        raise bad_data(f"orderBy has at most {MAXIMUM_MEMBERS} members.", "orderBy")
    for member in members:
        path, _, direction = member.strip().partition(";")
        if direction not in ("", "asc", "desc"):
            raise bad_data("The direction of orderBy is asc or desc.", "orderBy")
        key = _key(path, context, table)
        parts.append(f"{key.sql} {'DESC' if direction == 'desc' else 'ASC'} NULLS LAST")
        parameters.extend(key.parameters)
    return Condition(", ".join([*parts, "id"]), tuple(parameters))


def _key(path: str, context: ActiveContext, table: str) -> Condition:
    if path in _COLUMNS:
        return Condition(_COLUMNS[path].format(table=table))
    steps = [values.name(step, "orderBy") for step in path.split(".")]
    last = steps.pop() if len(steps) > 1 and steps[-1] in _TIMES else None
    address = [context.expand(step) for step in steps]
    if last is not None:
        return Condition("document #> %s::text[]", ([*address, last],))
    # Of several instances the first one orders.
    found = ", ".join("document #> %s::text[], document #> %s::text[]" for _ in _VALUES)
    paths = [[*address, member] for member in _VALUES]
    first = [[address[0], "0", *address[1:], member] for member in _VALUES]
    return Condition(f"coalesce({found})", tuple(one for pair in zip(paths, first, strict=True) for one in pair))
