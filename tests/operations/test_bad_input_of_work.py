"""Every door of incidents, requests, tasks, crews, duty, warnings and exercises, knocked at with nonsense: refused
with the reason, the field named, and nothing changed."""

import json
import re
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.web import DISPATCHER

from vidik.kernel.clock import iso, now
from vidik.kernel.identity import authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services

TOO_LARGE = 10**20
DEEP: Any = 1
for _ in range(100):
    DEEP = [DEEP]
# Wrong for whatever member of whatever form.
NONSENSE: list[Any] = [
    "nul \x00 byte",
    "\ud800",
    "x" * 200_000,
    TOO_LARGE,
    float("nan"),
    DEEP,
    {"unknown": 1},
]
DEEPER = ["nul \x00 byte", TOO_LARGE, {"unknown": 1}]
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"17",
    b"{",
    b"\xff\xfe",
    b"[" * 50_000,
    b'{"a":' * 5_000,
    b'{"unknown": 1}',
    json.dumps({"\ud800": 1}).encode(),
]
NUMBERS = ["0", "-1", str(TOO_LARGE), "9" * 5_000, "1.5", "nul%00", "%F0%9F%9A%80", "%ed%a0%80"]
VERSIONS = ["", '""', '"x"', '"-1"', '"1e3"', "*", '"' + "9" * 30 + '"', '"\u0661"'.encode().decode("latin-1")]
PLACE = {"type": "Point", "coordinates": [21.9, 43.32]}
AREA = {"type": "Polygon", "coordinates": [[[21.8, 43.3], [21.9, 43.3], [21.9, 43.4], [21.8, 43.3]]]}
UUID = "9b2f0e52-8f0a-4d41-9a64-1f6a3f6f7a10"
TABLES = (
    "incident", "incident_entry", "incident_link", "incident_role", "task", "task_event", "task_photo", "crew",
    "crew_member", "crew_position", "shift", "on_call_plan", "duty_contact", "duty_browser", "duty_log", "handover",
    "notice", "warning", "warning_browser", "exercise", "citizen_request", "work_event", "platform.audit_record",
)  # fmt: skip


def hours(count: float) -> str:
    return iso(now() + timedelta(hours=count))


WORDS = {"event": "Поплава", "headline": "Поплава", "description": "Вода.", "instruction": "Горе.", "area": "Кеј"}
CONTENT = {
    "status": "Actual",
    "category": "Met",
    "response": "Prepare",
    "urgency": "Immediate",
    "severity": "Severe",
    "certainty": "Observed",
    "onset": hours(1),
    "expires": hours(6),
    "sr": WORDS,
    "en": WORDS,
    "polygon": [[43.3, 21.8], [43.3, 21.9], [43.4, 21.9]],
    "geocodes": [{"name": "EMMA_ID", "value": "RS001"}],
}
STEP = {
    "person": "dispatcher",
    "channels": ["web-push"],
    "wait_minutes": 5,
    "hours": [{"days": [0, 6], "begins": "22:00", "ends": "06:00"}],
}
ROTA = {"people": ["dispatcher"], "first_day": "2026-11-02", "hands_over": "08:00", "every_days": 7}
SHIFT = {"desk": "Центар", "login": "dispatcher", "begins_at": hours(30), "ends_at": hours(38), "client_id": UUID}
CHANGE = {"client_id": UUID, "task": 1, "round": 1, "act": "accept", "at": hours(-1), "note": "x", "photos": ["a" * 64]}
KEYS = {"p256dh": "BGsX0fLhLEJH", "auth": "MDEyMzQ1Njc4OWFiY2RlZg"}
PLAN = {"title": "Ноћ", "priorities": ["critical"], "services": ["water"], "severities": ["extreme"], "rounds": 2}


@dataclass(frozen=True)
class Door:
    """A door that takes a body: one that holds together, of which any member may be spoilt."""

    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    version: bool = False


DOORS = [
    Door("POST", "/incidents", {"type": "flood", "severity": "severe", "title": "Поплава", "summary": "x",
                                "address": "Кеј", "place": PLACE, "area": AREA, "opened_from": "person",
                                "links": [{"kind": "request", "target": "17"}], "client_id": UUID}),
    Door("PATCH", "/incidents/1", {"title": "x", "summary": "x", "address": "x", "place": PLACE, "area": AREA,
                                   "type": "flood", "severity": "minor"}, True),
    Door("POST", "/incidents/1/presence", {"here": True}),
    Door("POST", "/incidents/1/links", {"kind": "asset", "target": "urn:x"}),
    Door("POST", "/incidents/1/entries", {"text": "x", "at": hours(-1)}),
    Door("POST", "/incidents/1/contain", {"note": "x"}, True),
    Door("POST", "/incidents/1/close", {"cause": "x", "lesson": "x"}, True),
    Door("POST", "/incidents/1/reopen", {"reason": "x"}, True),
    Door("POST", "/incidents/1/merge", {"into": 2, "into_version": 1}, True),
    Door("POST", "/incidents/1/split", {"title": "x", "type": "flood", "severity": "minor", "summary": "x",
                                        "links": [{"kind": "asset", "target": "x"}]}, True),
    Door("POST", "/incidents/1/roles", {"role": "command", "person": "nobody", "note": "x"}, True),
    Door("POST", "/incidents/1/handover", {"role": "command", "to": "nobody", "note": "x"}, True),
    Door("POST", "/requests/refuse", {"request": "urn:x", "reason": "x"}, True),
    Door("POST", "/requests/forward", {"request": "urn:x", "reason": "x", "to": "x"}, True),
    Door("POST", "/requests/take-back", {"request": "urn:x", "reason": "x"}, True),
    Door("POST", "/tasks", {"title": "x", "kind": "repair", "instructions": "x", "place": PLACE, "address": "x",
                            "priority": "low", "skill": "water", "incident": 1, "asset": "urn:x", "due_at": hours(2),
                            "crew": 1, "origin": "real", "client_id": UUID}),
    Door("POST", "/tasks/suggest", {"skill": "water", "place": PLACE, "priority": "low"}),
    Door("PATCH", "/tasks/1", {"title": "x", "kind": "repair", "instructions": "x", "place": PLACE, "address": "x",
                               "priority": "low", "skill": "water", "asset": "x", "due_at": hours(2)}, True),
    Door("POST", "/tasks/1/assign", {"crew": 1, "note": "x"}, True),
    Door("POST", "/tasks/1/withdraw", {"note": "x"}, True),
    Door("POST", "/tasks/1/cancel", {"note": "x"}, True),
    Door("POST", "/tasks/1/reopen", {"note": "x"}, True),
    Door("POST", "/tasks/1/close", {"result": "done", "note": "x"}, True),
    Door("POST", "/tasks/sync", {"crew": 1, "client_time": hours(0), "changes": [CHANGE]}),
    Door("POST", "/crews", {"name": "x", "organisation": "x", "skills": ["water"], "members": ["dispatcher"],
                            "vehicle": "x", "depot": PLACE, "origin": "real"}),
    Door("PATCH", "/crews/1", {"name": "x", "organisation": "x", "skills": ["water"], "members": ["dispatcher"],
                               "vehicle": "x", "depot": PLACE, "in_use": True}, True),
    Door("POST", "/crews/1/duty", {"on_duty": True, "until": hours(2)}),
    Door("POST", "/crews/1/position", {"place": PLACE, "accuracy_metres": 5, "at": hours(0)}),
    Door("POST", "/duty/shifts", SHIFT),
    Door("PUT", "/duty/shifts/1", SHIFT, True),
    Door("PUT", "/duty/plans/day", {"plan": PLAN | {"steps": [STEP]}, "enabled": True, "version": 0}),
    Door("PUT", "/duty/plans/turns", {"plan": PLAN | {"steps": [{"rota": ROTA, "channels": ["web-push"]}]}}),
    Door("PUT", "/duty/channels/sms", {"title": "x", "kind": "sms", "url": "json://gateway.example"}),
    Door("PUT", "/duty/contacts/dispatcher", {"language": "en", "addresses": {"sms": "+38160"}}),
    Door("POST", "/duty/browsers", {"endpoint": "https://push.example/1", "keys": KEYS}),
    Door("POST", "/duty/browsers/remove", {"endpoint": "https://push.example/1"}),
    Door("POST", "/duty/log", {"desk": "x", "text": "x", "at": hours(-1), "client_id": UUID}),
    Door("POST", "/duty/handovers", {"desk": "x", "begins_at": hours(-9), "ends_at": hours(-1), "note": "x",
                                     "client_id": UUID}),
    Door("POST", "/duty/handovers/1/sign", {"hash": "a" * 64}),
    Door("POST", "/warnings", {"content": CONTENT, "kind": "Update", "follows": 1, "incident": 1, "client_id": UUID}),
    Door("PUT", "/warnings/1", {"content": CONTENT}, True),
    Door("POST", "/exercises", {"scenario": "no_such", "speed": 60, "client_id": UUID}),
    Door("POST", "/exercises/1/pause", {}, True),
    Door("POST", "/exercises/1/resume", {}, True),
    Door("POST", "/exercises/1/stop", {"note": "x"}, True),
    Door("POST", "/exercises/1/incidents", {"type": "flood", "title": "Поплава", "place": PLACE, "client_id": UUID,
                                            "links": [{"kind": "asset", "target": "urn:x"}]}),
]  # fmt: skip
WITHOUT_BODY = [
    ("DELETE", "/incidents/{}/links/alarm/1"),
    ("DELETE", "/duty/shifts/{}"),
    ("POST", "/duty/escalations/{}/take"),
    ("POST", "/warnings/{}/discard"),
    ("POST", "/warnings/{}/release"),
]
READING = [
    "/incidents?state=sleepy",
    "/incidents?q=nul%00",
    "/incidents?q=" + "x" * 5_000,
    "/incidents?limit=0",
    "/incidents?after=" + str(TOO_LARGE),
    "/incidents/figures?days=0",
    "/incidents/figures?days=1e3",
    "/incidents/1/entries?kind=nul%00",
    "/incidents/1/entries?before=-1",
    "/incidents/1/entries?limit=" + str(TOO_LARGE),
    "/tasks?state=sleepy",
    "/tasks?q=%ed%a0%80nul%00",
    "/tasks?crew=" + str(TOO_LARGE),
    "/tasks?incident=x",
    "/tasks?limit=0",
    "/tasks/mine?crew=nul%00",
    "/tasks/1/photos/nul%00",
    "/tasks/1/photos/..%2f..%2fvidik.toml",
    "/duty/shifts",
    "/duty/shifts?from=0001-01-01T00:00:00Z&to=9999-12-31T00:00:00Z",
    "/duty/shifts?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z",
    "/duty/facts?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    "/duty/facts?from=2026-01-01&to=x",
    "/duty/log?limit=0",
    "/duty/log?before=" + str(TOO_LARGE),
    "/duty/notices?before=x",
    "/duty/handovers?limit=" + str(TOO_LARGE),
    "/duty/handovers/1/report.pdf?language=xx",
    "/duty/contacts/nul%00",
    "/warnings?limit=0",
    "/warnings?before=" + str(TOO_LARGE),
    "/warnings/1/preview.html?language=xx",
]
READ_BY_NUMBER = [
    "/incidents/{}",
    "/incidents/{}/alarms",
    "/incidents/{}/entries",
    "/tasks/{}",
    "/tasks/{}/photos/" + "a" * 64,
    "/crews/{}",
    "/duty/handovers/{}",
    "/duty/handovers/{}/report.html",
    "/warnings/{}",
    "/warnings/{}/preview.html",
    "/warnings/{}/preview.xml",
]


def spoilt(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A body with each of its members, at any depth, put in the place of each nonsense; and the member's place."""

    def places(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if place:
            yield place
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, member in members:
            yield from places(member, (*place, name))

    for place in places(body, ()):
        for nonsense in NONSENSE if len(place) == 1 else DEEPER:
            changed: Any = deepcopy(body)
            inner = changed
            for name in place[:-1]:
                inner = inner[name]
            inner[place[-1]] = nonsense
            yield ".".join(map(str, place)), changed


@pytest.fixture
async def desk(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may do everything, and one of each thing to do it to."""
    services: Services = app.state.services
    roles = ("dispatcher", "supervisor", "crew", "administrator", "utility_manager")
    everybody = replace(DISPATCHER, roles=frozenset(roles), grants=frozenset(Grant(role) for role in roles))
    authenticator(services).sources.append(lambda _user, secret: everybody if secret == "everybody" else None)
    async with services.database.platform() as connection:
        await connection.execute(
            "INSERT INTO platform.account (tenant, login, name, password_hash)"
            " VALUES ('city', 'dispatcher', 'Милица Петровић', 'x')"
        )
    headers = {"Authorization": "Bearer everybody", "Content-Type": "application/json"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test", headers=headers) as browser:
        plan = PLAN | {"steps": [STEP]}
        for method, path, body in (
            ("POST", "/incidents", {"type": "flood", "title": "Поплава"}),
            ("POST", "/tasks", {"title": "Затворити вентил"}),
            ("POST", "/crews", {"name": "Екипа 1", "members": ["dispatcher"]}),
            ("POST", "/crews/1/duty", {"on_duty": True}),
            ("POST", "/duty/shifts", SHIFT | {"client_id": None, "begins_at": hours(1), "ends_at": hours(9)}),
            ("PUT", "/duty/plans/night", {"plan": plan}),
            ("POST", "/duty/handovers", {"desk": "x", "begins_at": hours(-9), "ends_at": hours(-1)}),
            ("POST", "/warnings", {"content": CONTENT}),
        ):
            made = await browser.request(method, "/api" + path, json=body)
            assert made.is_success, (path, made.text)
        yield browser


async def kept(app: Starlette) -> dict[str, Any]:
    """All that a hand could have changed, at these doors."""
    counts = ", ".join(
        f"(SELECT count(*) || ' ' || coalesce(sum(hashtextextended({one}::text, 0)), 0) FROM {table} AS {one})"
        f' AS "{table}"'
        for one, table in ((f"t{number}", table) for number, table in enumerate(TABLES))
    )
    (row,) = await rows(app.state.services, f"SELECT {counts}")
    return row


def is_a_refusal(answer: httpx.Response) -> bool:
    """Whether an answer is a problem with a reason."""
    return 400 <= answer.status_code < 500 and bool(answer.json()["detail"])


async def knock(
    desk: httpx.AsyncClient, door: Door, content: bytes, version: str = '"1"', path: str | None = None
) -> httpx.Response:
    headers = {"If-Match": version.encode("latin-1")} if door.version else {}
    return await desk.request(door.method, "/api" + (path or door.path), content=content, headers=headers)


@pytest.mark.parametrize("room", sorted({door.path.split("/")[1] for door in DOORS}))
async def test_any_member_that_is_nonsense_is_named_and_changes_nothing(
    app: Starlette, desk: httpx.AsyncClient, room: str
) -> None:
    before = await kept(app)
    broken = []
    for door in (one for one in DOORS if one.path.startswith(f"/{room}")):
        for place, body in spoilt(door.body):
            # Escaped to ASCII: a lone surrogate is JSON, though no UTF-8 can say it.
            answer = await knock(desk, door, json.dumps(body).encode())
            named = answer.status_code != 422 or str(answer.json()["field"]).startswith(place.split(".", 1)[0])
            if not is_a_refusal(answer) or not named:
                broken.append((door.path, place, str(body)[:200], answer.status_code, answer.text[:200]))
        for content in BODIES:
            answer = await knock(desk, door, content)
            if not is_a_refusal(answer):
                broken.append((door.path, "", str(content[:40]), answer.status_code, answer.text[:200]))
    assert broken == []
    assert await kept(app) == before


ELSEWHERE = {
    "POST /incidents/{incident_id}/procedures",  # procedures/test_procedures_over_http.py
}


async def test_every_door_that_takes_a_body_is_knocked_at(desk: httpx.AsyncClient) -> None:
    doors = (await desk.get("/api/openapi.json")).json()["paths"]
    rooms = {door.path.split("/")[1] for door in DOORS}
    taking = {
        f"{method.upper()} {path}"
        for path, methods in doors.items()
        for method, told in methods.items()
        if path.split("/")[1] in rooms and "requestBody" in told
    }
    patterns = {one: re.compile(re.sub(r"\{[^}]+\}", "[^/]+", one)) for one in taking}
    knocked = {one for one in taking for door in DOORS if patterns[one].fullmatch(f"{door.method} {door.path}")}
    assert taking - knocked == ELSEWHERE


async def test_a_version_that_is_none_changes_nothing(app: Starlette, desk: httpx.AsyncClient) -> None:
    before = await kept(app)
    for door in DOORS:
        if door.version:
            for version in VERSIONS:
                answer = await knock(desk, door, json.dumps(door.body).encode(), version)
                assert is_a_refusal(answer), (door.path, version)
                assert answer.json()["field"] == "If-Match", (door.path, version, answer.text)
            missing = await desk.request(door.method, "/api" + door.path, json=door.body)
            assert missing.status_code == 428, door.path
    assert await kept(app) == before


async def test_numbers_that_name_nothing(app: Starlette, desk: httpx.AsyncClient) -> None:
    before = await kept(app)
    for number in NUMBERS:
        for door in DOORS:
            if "/1" in door.path:
                path = door.path.replace("/1", f"/{number}")
                answer = await knock(desk, door, json.dumps(door.body).encode(), path=path)
                assert is_a_refusal(answer), path
        for method, path in WITHOUT_BODY:
            answer = await desk.request(method, "/api" + path.format(number), headers={"If-Match": '"1"'})
            assert is_a_refusal(answer), (path, number)
        for path in READ_BY_NUMBER:
            assert is_a_refusal(await desk.get("/api" + path.format(number))), (path, number)
    assert await kept(app) == before


async def test_questions_without_sense(desk: httpx.AsyncClient) -> None:
    answers = {path: (await desk.get("/api" + path)).status_code for path in READING}
    assert {path: status for path, status in answers.items() if not 400 <= status < 500} == {}


def png(width: int, height: int, *parts: bytes) -> bytes:
    """A PNG that says how large it is, and has what it is given."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *((b"IDAT", part) for part in parts), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 1_000,
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"\xff\xd8\xff\xe0" + bytes(range(256)) * 10,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        png(10, 10),
        png(10, 10, b"no zlib"),
        png(10, 10, zlib.compress(b"\x00" * 5)),
        png(100_000, 100_000, zlib.compress(b"\x00" * 1_000)),
        png(0, 0),
        b"\xff" * (12 * 1024 * 1024 + 1),
    ],
    ids=lambda content: f"{len(content)} bytes {content[:6]!r}",
)
async def test_what_is_no_photo_is_refused_and_kept_nowhere(
    app: Starlette, desk: httpx.AsyncClient, content: bytes
) -> None:
    before = await kept(app)
    answer = await desk.post("/api/tasks/1/photos", content=content, headers={"Content-Type": "image/png"})
    assert is_a_refusal(answer), answer.status_code
    for crew in ("nul%00", str(TOO_LARGE), "-1", "99"):
        assert is_a_refusal(await desk.post(f"/api/tasks/1/photos?crew={crew}", content=png(1, 1)))
    assert await kept(app) == before
    assert not (app.state.services.settings.data / "task-photos").exists()
