"""People limited to an organisation, to an area and to both, and things that belong to each or to nobody."""

from typing import Any

import httpx

from vidik.kernel.identity import Principal
from vidik.kernel.identity.roles import Grant

Desks = dict[str, httpx.AsyncClient]
GRANTS = {
    "toplana": [Grant("supervisor", "toplana")],
    "medijana": [Grant("supervisor", None, "medijana")],
    "toplana-medijana": [Grant("supervisor", "toplana", "medijana")],
    "watching": [Grant("auditor"), Grant("supervisor", "parking")],
    "city": [Grant("supervisor")],
}
MEDIJANA = {
    "type": "Polygon",
    "coordinates": [[[21.9, 43.3], [21.95, 43.3], [21.95, 43.33], [21.9, 43.33], [21.9, 43.3]]],
}
INSIDE, OUTSIDE = [21.92, 43.31], [21.80, 43.31]
# Of each organisation, or of none; inside the area, or outside.
THINGS = {
    "heat-in": ("toplana", INSIDE),
    "heat-out": ("toplana", OUTSIDE),
    "lot-in": ("parking", INSIDE),
    "lot-out": ("parking", OUTSIDE),
    "free-in": (None, INSIDE),
    "free-out": (None, OUTSIDE),
    "nowhere": (None, None),
}
SEEN = {
    "toplana": {"heat-in", "heat-out"},
    "medijana": {"heat-in", "lot-in", "free-in"},
    "toplana-medijana": {"heat-in"},
    "watching": set(THINGS),
    "city": set(THINGS),
}
ACTED = SEEN | {"watching": {"lot-in", "lot-out"}}
LIMITED = ["toplana", "medijana", "toplana-medijana"]


def id_of(thing: str) -> str:
    return f"urn:ngsi-ld:Thing:nis:{thing}"


def a_person(login: str) -> Principal:
    grants = frozenset(GRANTS[login])
    organisation = login.partition("-")[0] if "toplana" in login else None
    return Principal(
        "token", login, login, login.capitalize(), organisation, frozenset(one.role for one in grants), "city", grants
    )


async def ok(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def names(items: list[dict[str, Any]]) -> set[str]:
    return {item["entity_id"].rpartition(":")[2] for item in items}
