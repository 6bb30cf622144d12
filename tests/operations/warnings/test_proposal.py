"""A warning that an incident suggests: its kind, words and area, and nothing that was written for colleagues alone."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from vidik.operations.incidents.incident import Act, Actor, Incident, Opening, opened
from vidik.operations.incidents.types import packaged_types
from vidik.operations.warnings.content import Content
from vidik.operations.warnings.proposal import propose

ANA = Actor("Ана", "person:1")
NOON = datetime(2026, 11, 22, 11, tzinfo=UTC)
PLACE = {"type": "Point", "coordinates": [21.9, 43.32]}
AREA = {"type": "Polygon", "coordinates": [[[21.8, 43.3], [21.9, 43.3], [21.9, 43.4], [21.8, 43.3]]]}


def an_incident(**said: Any) -> Incident:
    facts: Any = {"type": "flood", "severity": "severe", "title": "Поплава"} | said
    incident, _ = opened(Opening(**facts), Act(ANA, NOON))
    return incident


def completed(proposed: dict[str, Any]) -> Content:
    """The proposal with what only its author can say."""
    texts = proposed["sr"] | {"description": "Вода расте.", "area": proposed["sr"]["area"] or "Медијана"}
    return Content.model_validate(proposed | {"sr": texts})


class TestPropose:
    @pytest.mark.parametrize("kind", packaged_types())
    def test_only_words_are_missing_for_any_type(self, kind: str) -> None:
        content = completed(propose(an_incident(type=kind, place=PLACE), "Догађај", NOON))
        assert (content.severity, content.status, len(content.polygon)) == ("Severe", "Actual", 8)
        assert kind in ("technical_fault", "other") or content.category != "Other"

    def test_the_area_is_that_of_the_incident(self) -> None:
        content = completed(propose(an_incident(area=AREA, place=PLACE), "Поплава", NOON))
        assert content.polygon == [(43.3, 21.8), (43.3, 21.9), (43.4, 21.9)]
        assert propose(an_incident(), "Поплава", NOON)["polygon"] == []

    def test_an_exercise_stays_one(self) -> None:
        assert propose(an_incident(exercise_id=3), "Поплава", NOON)["status"] == "Exercise"

    def test_what_colleagues_wrote_for_colleagues_is_not_in_it(self) -> None:
        said = propose(an_incident(summary="звала Ана, 064 123", title="П" * 200, address="Кеј"), "Поплава", NOON)
        assert "Ана" not in str(said)
        assert (said["sr"]["headline"], said["sr"]["area"]) == ("П" * 160, "Кеј")


async def test_over_http_it_becomes_a_draft_of_the_incident(client: httpx.AsyncClient) -> None:
    opening = {"type": "fire", "title": "Пожар у магацину", "place": PLACE, "address": "Булевар 1"}
    incident = (await client.post("/api/incidents", json=opening)).json()
    answer = await client.get("/api/warnings/proposal", params={"incident": incident["id"]})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["number"], said["content"]["category"]) == (incident["number"], "Fire")
    content = completed(said["content"]).model_dump(mode="json")
    draft = await client.post("/api/warnings", json={"content": content, "incident": int(said["incident"])})
    assert (draft.status_code, draft.json()["incident"]) == (201, incident["id"])


@pytest.mark.parametrize("query", ["", "?incident=", "?incident=nul%00", "?incident=1e3", f"?incident={10**20}"])
async def test_nonsense_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/api/warnings/proposal{query}")).status_code == 422
    assert (await client.get("/api/warnings/proposal?incident=99")).status_code == 404
