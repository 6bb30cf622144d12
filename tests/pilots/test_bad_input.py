"""Every door of pilots, knocked at with nonsense: a refusal that names the field, never a 500, nothing changed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

NUMBER_TOO_LARGE = 10**20
HASH = "a" * 64
JSON = {"Content-Type": "application/json"}
NONSENSE: list[Any] = [
    None,
    [],
    "text",
    17,
    {"unknown": 1},
    {"specification": None},
    {"specification": []},
    {"specification": {"title": "nul \x00 byte"}},
    {"specification": {"title": "\ud800"}},
    {"specification": {"title": "x" * 10_000}},
    {"specification": {"units": {"0": 1}, "donors": "all", "baseline": {"first": "yesterday"}}},
    {"specification": {"units": [{"name": "a", "file": HASH, "unit": "KWH", "column": "nul\x00"}]}},
    {"specification": {"seed": NUMBER_TOO_LARGE, "expected": "NaN", "tariff": [{"price": {"value": "1e999999"}}]}},
    {"hash": HASH, "statement": "nul \x00 byte"},
    {"hash": "A" * 64, "statement": ""},
    {"changes": {"title": "nul \x00 byte"}, "reason": "why"},
    {"changes": {"nothing": 1}, "reason": "why"},
    {"answer": "adjusted", "note": "n", "amount_per_day": "1e999999"},
    {"answer": "excluded", "note": "n", "first": "0001-01-01", "last": "9999-12-31"},
    {"decision": "scale_up", "note": "n", "corrects": NUMBER_TOO_LARGE},
    {"decision": "maybe", "note": "n"},
    {"budget": -1},
    {"budget": 1e308, "discount_rate": 0.999999, "weights": [0.0] * 5},
    {"weights": [1e308] * 5},
    {"weights": ["a"]},
    {"overrides": {"waste": {"cost": {"low": "NaN", "likely": 1, "high": 2}}}},
    {"overrides": {"waste": {"cost": {"low": 3, "likely": 2, "high": 1}}}},
    {"overrides": {"waste": {"years": NUMBER_TOO_LARGE}}},
    {"overrides": {"gold": {}}},
    {"overrides": {"waste": {"title": "\x00"}}},
]
WRITING = [
    ("POST", "/plans"),
    ("PUT", "/plans/{plan}"),
    ("POST", "/plans/{plan}/freeze"),
    ("POST", "/plans/{plan}/amendments"),
    ("POST", "/plans/{plan}/watch"),
    ("POST", "/plans/{plan}/power"),
    ("POST", "/plans/{plan}/verdict"),
    ("POST", "/plans/{plan}/events/1/answer"),
    ("POST", "/candidates/rank"),
    ("PUT", "/candidates"),
]
READING = [
    "/plans/{plan}",
    "/plans/{plan}/power",
    "/plans/{plan}/watch",
    "/plans/{plan}/report.html?lang=xx",
    "/plans/{plan}/report.pdf",
    "/plans/{plan}/extract.zip",
    "/jobs/{plan}",
]
NUMBERS = ["0", "-1", str(NUMBER_TOO_LARGE), "1.5", "nul%00", "%F0%9F%9A%80"]
FILES = [
    b"",
    b"\x00" * 100,
    bytes(range(256)) * 20,
    b"datetime,kwh\n" + b"2024-01-01,1\n" * 3,
    b"nul\x00,kwh\n2024-01-01,1\n2024-01-02,1\n",
    b",\n" * 1000,
    b"datetime," + b"c," * 5_000 + b"\n",
    b"\xff\xfea\x00,\x00b\x00\n\x00",
]


async def plan_of(client: httpx.AsyncClient) -> int:
    """A draft that the nonsense is said about."""
    answer = await client.post("/api/pilots/plans", json={"specification": {"title": "A draft"}})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def test_nonsense_is_refused_at_every_door(client: httpx.AsyncClient) -> None:
    plan = await plan_of(client)
    broken = []
    for method, path in WRITING:
        address = "/api/pilots" + path.format(plan=plan)
        for body in NONSENSE:
            # Escaped to ASCII: a lone surrogate is JSON, though no UTF-8 can say it.
            content = json.dumps(body).encode()
            answer = await client.request(method, address, content=content, headers=JSON)
            if answer.status_code >= 500:
                broken.append((method, path, body, answer.status_code))
    assert broken == []


async def test_what_is_not_json_is_refused(client: httpx.AsyncClient) -> None:
    plan = await plan_of(client)
    for method, path in WRITING:
        if path.endswith(("/watch", "/power")):  # these ask for no body
            continue
        address = "/api/pilots" + path.format(plan=plan)
        for content in (b"{", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 5_000):
            answer = await client.request(method, address, content=content, headers=JSON)
            assert 400 <= answer.status_code < 500, (method, path, content[:10], answer.status_code)


@pytest.mark.parametrize("number", NUMBERS)
async def test_numbers_that_name_nothing(client: httpx.AsyncClient, number: str) -> None:
    for path in READING:
        answer = await client.get("/api/pilots" + path.format(plan=number))
        assert 400 <= answer.status_code < 500, (path, number, answer.status_code)
    for method, path in WRITING[1:8]:
        answer = await client.request(method, "/api/pilots" + path.format(plan=number), json={})
        assert 400 <= answer.status_code < 500, (path, number, answer.status_code)


async def test_files_that_are_no_tables(client: httpx.AsyncClient) -> None:
    for content in FILES:
        answer = await client.post("/api/pilots/files", params={"name": "m.csv"}, content=content)
        assert answer.status_code < 500, (content[:20], answer.text)
    for name in ("nul\x00", "x" * 201, ""):
        answer = await client.post("/api/pilots/files", params={"name": name}, content=b"datetime,kwh\n2024-01-01,1\n")
        assert 400 <= answer.status_code < 500, (name, answer.status_code)


async def test_a_search_for_nonsense_finds_nothing(client: httpx.AsyncClient) -> None:
    for words in ("nul\x00", "%", "_" * 1_000, "'; --", "\\"):
        answer = await client.get("/api/pilots/signals", params={"q": words})
        assert answer.status_code < 500, (words, answer.text)
