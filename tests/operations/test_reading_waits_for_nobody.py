"""Who reads waits for nobody: a page or a report must not stand behind a person who is just signing or releasing."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from vidik.kernel.clock import iso, now
from vidik.kernel.services import Services

WORDS = {"event": "Поплава", "headline": "Поплава", "description": "Вода расте.", "area": "Медијана"}
CONTENT = {
    "category": "Met",
    "urgency": "Immediate",
    "severity": "Severe",
    "certainty": "Observed",
    "expires": iso(now() + timedelta(hours=6)),
    "sr": WORDS,
}
SHIFT = {"desk": "Центар", "begins_at": iso(now() - timedelta(hours=8)), "ends_at": iso(now() - timedelta(hours=1))}
ROOMS = {
    "warning": ("/warnings", {"content": CONTENT}, ["", "/preview.html", "/preview.xml"]),
    "handover": ("/duty/handovers", SHIFT, ["", "/report.html"]),
    "incident": ("/incidents", {"type": "flood", "title": "Поплава"}, ["", "/alarms", "/entries"]),
    "task": ("/tasks", {"title": "Затворити вентил"}, [""]),
    "crew": ("/crews", {"name": "Водовод 1"}, [""]),
}


@pytest.mark.parametrize("table", ROOMS)
async def test_a_row_that_somebody_holds_is_read(client: httpx.AsyncClient, services: Services, table: str) -> None:
    door, body, pages = ROOMS[table]
    made = await client.post(f"/api{door}", json=body)
    assert made.status_code == 201, made.text
    async with services.database.transaction("city") as writer:
        await writer.execute(f"SELECT * FROM {table} FOR UPDATE")
        async with asyncio.timeout(60):
            for page in pages:
                answer = await client.get(f"/api{door}/{made.json()['id']}{page}")
                assert answer.status_code == 200, (page, answer.text)
