"""Every door of alarms and rules, knocked at with nonsense: a refusal that names the reason, nothing changed."""

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.operations.conftest import rows

TOO_LARGE = 10**20
SOON = "2099-01-01T00:00:00Z"
WORDS = {"en": "x", "sr": "х"}
RULE: dict[str, Any] = {
    "code": "nonsense_rule",
    "kind": "threshold",
    "title": WORDS,
    "message": WORDS,
    "service": "water",
    "priority": "low",
    "entity_types": ["WaterLevelObserved"],
    "attribute": "waterLevel",
    "above": 1,
    "clear": 0.5,
}
DEEP: Any = 1
for _ in range(200):
    DEEP = [DEEP]
BODIES: list[Any] = [
    [],
    "text",
    17,
    {"unknown": 1},
    {"note": "nul \x00 byte"},
    {"note": "\ud800"},
    {"note": 1},
    {"note": "x" * 1_000_000},
    {"reason": "x", "until": "yesterday"},
    {"reason": "x", "until": "0001-01-01T00:00:00+14:00"},
    {"reason": "x", "until": "9999-12-31T23:59:59-12:00"},
    {"reason": "nul \x00 byte", "until": SOON},
    {"reason": "\udfff", "until": SOON},
    {"reason": "x" * 501, "until": SOON},
    {"reason": "x", "kind": "gone", "rule": "heating_return_high"},
    {"reason": "x", "rule": "nul\x00"},
    {"reason": "x", "entity_id": "urn:\ud800"},
    {"reason": "x", "entity_id": "a", "begins_at": "0001-01-01T00:00:00Z"},
    {"reason": DEEP},
    {"rule": RULE | {"above": float("nan")}},
    {"rule": RULE | {"above": float("inf")}},
    {"rule": RULE | {"code": "\x00"}},
    {"rule": RULE | {"code": 17}},
    {"rule": RULE, "from": "0001-01-01T00:00:00Z", "until": "9999-12-31T00:00:00Z"},
]
RULES: list[dict[str, Any]] = [
    {"kind": "no such"},
    {"kind": ["threshold"]},
    {"kind": {}},
    {"above": TOO_LARGE},
    {"above": "1e999999"},
    {"above": True, "below": 1},
    {"attribute": "x" * 100_001},
    {"attribute": "nul \x00"},
    {"nul \x00": 1},
    {"\ud800": 1},
    {"hold": "9" * 30 + "d"},
    {"hold": "9" * 5_000 + "d"},
    {"hold": -1},
    {"hold": 1e300},
    {"title": {"en": "{value.__class__}", "sr": "х"}},
    {"message": {"en": "{value:>999999999}", "sr": "х"}},
    {"message": {"en": "{", "sr": "х"}},
    {"message": {"en": "x", "sr": "\ud800"}},
    {"message": {"en": "x", "sr": "х", "de": "x"}},
    {"entity_types": []},
    {"entity_types": ["\x00"]},
    {"entity_types": ["x"] * 1_000},
    {"entity_ids": [TOO_LARGE]},
    {"priority": "urgent"},
    {"when": [{"hours": "25:00-26:00"}]},
    {"when": [{"hours": "٠١:٠٠-٠٢:٠٠"}]},
    {"when": DEEP},
    {"maintenance": [{"hours": "02:00-04:00", "days": ["someday"]}]},
    {"inhibited_by": [{"rule": "nonsense_rule", "at": "moon"}]},
    {"rationalisation": {"impact": "none"}},
    {"rationalisation": 17},
    {"reason": 17},
    {"reason": "x" * 2_001},
    {"reason": "nul \x00"},
    {"confirm_flood": "yes"},
    {"kind": "geofence", "must_be": "inside", "polygon": [[1e308, 1e308], [-1e308, 0], [0, 0]]},
    {"kind": "geofence", "must_be": "inside", "polygon": [[0, 0]]},
    {"kind": "geofence", "must_be": "inside", "circle": {"centre": [0, 0, 0], "radius_m": -1}},
    {"kind": "combination", "of": [{"attribute": "a", "above": 1}], "at_least": TOO_LARGE},
    {"kind": "quality", "bad": TOO_LARGE},
    {"kind": "silence", "intervals": 1e308, "together_message": WORDS},
    {"kind": "state", "values": [{}]},
]
ACTING = [
    "/alarms/{}/acknowledge",
    "/alarms/{}/reset",
    "/alarms/{}/shelve",
    "/alarms/{}/unshelve",
    "/alarms/{}/suppress",
    "/alarms/{}/unsuppress",
    "/alarms/{}/out-of-service",
    "/alarms/{}/back-in-service",
    "/alarm-groups/{}/acknowledge",
    "/alarm-holds/{}/end",
]
NUMBERS = ["0", "-1", str(TOO_LARGE), "9" * 5_000, "1.5", "nul%00", "%F0%9F%9A%80", "%ed%a0%80"]
READING = [
    "/alarms?entity_id=nul%00",
    "/alarms?service=nul%00",
    "/alarms?before=" + str(TOO_LARGE),
    "/alarms?limit=0",
    "/alarms?limit=" + str(TOO_LARGE),
    "/alarms?state=sleepy",
    "/alarms?entity_id=" + "x" * 5_000,
    "/alarm-groups?limit=-1",
    "/alarms/performance?from=0001-01-01T00:00:00%2B14:00",
    "/alarms/performance?until=9999-12-31T23:59:59-12:00",
    "/alarms/performance?operators=nan",
    "/rules/dry-run/not-a-number",
]


async def answer_to(browser: httpx.AsyncClient, method: str, path: str, body: Any) -> httpx.Response:
    # Escaped to ASCII: a lone surrogate is JSON, though no UTF-8 can say it.
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await browser.request(method, "/api" + path, content=content, headers={"Content-Type": "application/json"})


async def kept(application: Starlette) -> list[dict[str, Any]]:
    """All that a person's hand could have changed."""
    return await rows(
        application.state.services,
        "SELECT (SELECT count(*) FROM alarm_hold) + (SELECT count(*) FROM rule_override)"
        " + (SELECT count(*) FROM alarm_event) + (SELECT count(*) FROM rule_trial) AS written",
    )


def is_a_refusal(answer: httpx.Response) -> bool:
    """Whether an answer is a problem with a reason."""
    return 400 <= answer.status_code < 500 and bool(answer.json()["detail"])


async def test_nonsense_is_refused_and_changes_nothing(
    app: Starlette,
    client: httpx.AsyncClient,
) -> None:
    doors = [(path.format(1), body) for path in ACTING for body in BODIES]
    doors += [(path, body) for path in ("/alarm-holds", "/rules/dry-run") for body in BODIES]
    doors += [("/rules/dry-run", {"rule": RULE | change}) for change in RULES]
    broken = []
    for path, body in doors:
        answer = await answer_to(client, "POST", path, body)
        if not is_a_refusal(answer):
            broken.append((path, str(body)[:80], answer.status_code))
    assert broken == []
    assert await kept(app) == [{"written": 0}]


async def test_no_rule_that_does_not_hold_together_is_kept(
    app: Starlette,
    client: httpx.AsyncClient,
) -> None:
    answers = [(change, await answer_to(client, "PUT", "/rules/nonsense_rule", RULE | change)) for change in RULES]
    assert [(change, answer.status_code) for change, answer in answers if not is_a_refusal(answer)] == []
    assert [change for change, answer in answers if "field" not in answer.json()] == []
    for code in ("nul%00", "A", "x" * 70, "%F0%9F%9A%80"):
        assert is_a_refusal(await answer_to(client, "PUT", f"/rules/{code}", RULE)), code
    assert await kept(app) == [{"written": 0}]


async def test_what_is_no_json_is_refused(client: httpx.AsyncClient) -> None:
    doors = [("POST", "/alarms/1/shelve"), ("POST", "/alarm-holds"), ("POST", "/rules/dry-run"), ("PUT", "/rules/abc")]
    for method, path in doors:
        for content in (b"{", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 5_000, b"null", b""):
            assert is_a_refusal(await answer_to(client, method, path, content)), (path, content[:10])


@pytest.mark.parametrize("number", NUMBERS)
async def test_numbers_that_name_nothing(client: httpx.AsyncClient, number: str) -> None:
    body = {"reason": "x", "until": "2030-01-01T00:00:00Z"}
    for path in ACTING:
        assert is_a_refusal(await answer_to(client, "POST", path.format(number), body)), path
    for path in ("/alarms/{}", "/alarms/{}/events", "/alarm-groups/{}/alarms", "/rules/dry-run/{}"):
        assert is_a_refusal(await client.get("/api" + path.format(number))), path


async def test_questions_without_sense(client: httpx.AsyncClient) -> None:
    answers = {path: (await client.get("/api" + path)).status_code for path in READING}
    assert {path: status for path, status in answers.items() if not 400 <= status < 500} == {}
