"""Hostile text in every field of accounts, tokens, phones and areas: kept as it is, or refused by its field."""

import json
from typing import Any

import httpx
import pytest

TEXTS = [
    "<script>alert(1)</script>",
    "'; DROP TABLE platform.account; --",
    "{login} %s %(login)s",
    "\u202e\u0301\u200bобрнуто",
    "nul\u0000nul",
    "\ud800 half a pair",
    " ",
]
ACCOUNT = {"login": "mira", "name": "Mira", "roles": ["crew"], "password": "zeleno-drvo-u-parku"}
RING = [[21.9, 43.3], [21.95, 43.3], [21.95, 43.33], [21.9, 43.3]]
AREA = {"name": "Medijana", "shape": {"type": "Polygon", "coordinates": [RING]}}
DOORS: list[tuple[str, str, dict[str, Any], tuple[Any, ...]]] = [
    ("POST", "/accounts", ACCOUNT, ("name",)),
    ("POST", "/accounts", ACCOUNT, ("login",)),
    ("POST", "/accounts", ACCOUNT, ("organisation",)),
    ("POST", "/accounts", ACCOUNT, ("password",)),
    ("POST", "/accounts", ACCOUNT | {"roles": [{"role": "crew"}]}, ("roles", 0, "role")),
    ("POST", "/accounts", ACCOUNT | {"roles": [{"role": "crew"}]}, ("roles", 0, "organisation")),
    ("POST", "/accounts", ACCOUNT | {"roles": [{"role": "crew"}]}, ("roles", 0, "area")),
    ("PATCH", "/accounts/1", {}, ("name",)),
    ("PATCH", "/accounts/1", {}, ("organisation",)),
    ("POST", "/tokens", {"name": "x", "scopes": ["context.read"]}, ("name",)),
    ("POST", "/tokens", {"name": "x", "scopes": ["context.read"]}, ("scopes", 0)),
    ("POST", "/crew-phones", {"name": "x"}, ("name",)),
    ("PUT", "/areas/medijana", AREA, ("name",)),
    ("POST", "/session", {"login": "x", "password": "x"}, ("login",)),
    ("POST", "/session", {"login": "x", "password": "x"}, ("password",)),
]


def with_text(body: dict[str, Any], place: tuple[Any, ...], text: str) -> bytes:
    """A body with a text put somewhere, in ASCII: half a pair is JSON to Python, though no UTF-8 can say it."""
    changed = json.loads(json.dumps(body))
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = text
    return json.dumps(changed).encode()


@pytest.mark.parametrize("text", TEXTS)
async def test_is_kept_as_the_text_it_is_or_refused(administrator: httpx.AsyncClient, text: str) -> None:
    broken = []
    for method, path, body, place in DOORS:
        answer = await administrator.request(
            method,
            f"/api{path}",
            content=with_text(body, place, text),
            headers={"Content-Type": "application/json", "Origin": "http://vidik.test"},
        )
        shown = json.loads(answer.content) if answer.content else {}
        kept = answer.status_code < 300 and (len(place) > 1 or shown.get(place[0], text) == text)
        if not kept and not (400 <= answer.status_code < 500 and shown["detail"]):
            broken.append((method, path, place, answer.status_code))
    assert broken == []
    assert (await administrator.get("/api/accounts")).status_code == 200
