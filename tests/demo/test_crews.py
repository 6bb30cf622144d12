"""The demo's crews: ways that follow the streets, and a round of work through the doors alone."""

import itertools
import json
import random
from typing import Any

import httpx
import pytest

from vidik.demo import crews
from vidik.demo.door import Door
from vidik.demo.routes import Streets, along
from vidik.demo.streets import metres_between


@pytest.fixture(scope="module")
def streets(basemap: dict[str, Any]) -> Streets:
    return Streets(basemap)


class TestWays:
    def test_lead_from_place_to_place_along_streets(self, streets: Streets) -> None:
        start, end = (21.8823, 43.3229), (21.9351, 43.3171)

        way = streets.way(start, end)

        metres = sum(metres_between(a, b) for a, b in itertools.pairwise(way))
        straight = metres_between(start, end)
        assert (way[0], way[-1]) == (start, end)
        assert straight <= metres <= 2 * straight
        assert set(way[1:-1]) <= set(streets.places)

    def test_are_driven_in_even_steps(self) -> None:
        places = list(along([(21.9, 43.3), (21.9, 43.301), (21.9, 43.302)], 80))

        steps = [metres_between(a, b) for a, b in itertools.pairwise([(21.9, 43.3), *places])]
        assert steps[:-1] == pytest.approx([80.0] * (len(steps) - 1))
        assert places[-1] == (21.9, 43.302)


class _Desk:
    """What Vidik answers a crew that has one task; remembers what came in."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.states = iter(["assigned", "accepted", "arrived"])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path:
            case "GET", "/api/tasks/mine":
                task = {"id": 7, "round": 2, "place": None, "state": next(self.states)}
                return httpx.Response(200, json={"crews": [{"on_duty": True}], "tasks": [task]})
            case "POST", "/api/tasks/sync":
                self.acts += [change["act"] for change in json.loads(request.content)["changes"]]
                return httpx.Response(200, json={})
            case "POST", "/api/crews/3/position":
                return httpx.Response(204)
        return httpx.Response(404)


class TestACrew:
    async def test_accepts_drives_and_finishes(self, streets: Streets, monkeypatch: pytest.MonkeyPatch) -> None:
        async def at_once(seconds: float) -> None:
            assert seconds > 0

        monkeypatch.setattr(crews.asyncio, "sleep", at_once)
        desk = _Desk()
        known = {"id": 3, "depot": {"type": "Point", "coordinates": [21.88, 43.32]}}

        async with Door("http://vidik.test", "secret", transport=httpx.MockTransport(desk)) as door:
            crew = crews._Crew(door, streets, known, random.Random(1))
            for _ in range(3):
                await crew._round()

        assert desk.acts == ["accept", "depart", "arrive", "done"]
