"""A slow line that gives answers in another order than they were asked for: each room ends as the server says."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.small_city import SmallCity, container, container_reading, entity_id
from tests.family import wait_for

Open = Callable[..., Page]
PLACE = {"type": "Point", "coordinates": [21.8958, 43.3209]}
CITY = {"Link": '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}
REQUEST = "urn:ngsi-ld:service_requests:nis:slow"
BURNING, MEASURED = container(11), container(10)
# The server has said it, and the page hears it up to a second and a half later; of the answers to the same question
# that are on their way the one that was asked for last comes first. The live stream stays as it is.
SLOW = """
(() => {
  const { fetch } = window;
  const due = new Map();
  window.fetch = async (...given) => {
    const answer = await fetch(...given);
    const { pathname, href } = new URL(answer.url);
    if (!pathname.startsWith("/api/") || pathname === "/api/console/stream") return answer;
    const now = performance.now();
    const others = (due.get(href) ?? []).filter((time) => time > now);
    const until = others.length ? (now + Math.min(...others)) / 2 : now + 300 + Math.random() * 1200;
    due.set(href, [...others, until]);
    await new Promise((resolve) => setTimeout(resolve, until - now));
    return answer;
  };
})();
"""
BURST = 6
PAUSE = 0.15  # s between two changes, while the rooms open


@dataclass
class Colleague:
    """Somebody at another desk, who changes one of each kind again and again."""

    http: httpx.Client
    city: SmallCity
    crew: dict[str, Any]
    task: dict[str, Any]
    incident: dict[str, Any]
    alarm: dict[str, Any]
    count: int = 0
    celsius: float = 10.7
    failures: list[BaseException] = field(default_factory=list)

    def change_task(self) -> None:
        if self.task["crew"]:
            self.task = self._post(f"/api/tasks/{self.task['id']}/withdraw", {"note": "Još jednom."}, self.task)
        else:
            self.task = self._post(f"/api/tasks/{self.task['id']}/assign", {"crew": self.crew["id"]}, self.task)

    def change_incident(self) -> None:
        self.count += 1
        path = f"/api/incidents/{self.incident['id']}"
        headers = {"If-Match": f'"{self.incident["version"]}"'}
        answer = self.http.patch(path, json={"title": f"Kvar {self.count}."}, headers=headers)
        assert answer.status_code == 200, answer.text
        self.incident = answer.json()
        self._post(f"{path}/entries", {"text": f"Zapis {self.count}."})

    def change_alarm(self) -> None:
        if self.alarm["hidden_by"]:
            self._post(f"/api/alarm-holds/{self.alarm['holds'][0]['id']}/end", None)
        else:
            self._post(f"/api/alarms/{self.alarm['id']}/suppress", {"reason": "Radovi."})
        self.alarm = self.http.get(f"/api/alarms/{self.alarm['id']}").json()

    def write_in_the_log(self) -> None:
        self._post("/api/duty/log", {"desk": "Dežurni", "text": f"Red {uuid4()}.", "client_id": str(uuid4())})

    def decide(self) -> None:
        wait_for("the decision", self._decide)

    def measure(self) -> None:
        self.celsius = 10.7 if self.celsius > 28 else self.celsius + 1
        self.city.send(MEASURED, container_reading(int(time.time()), celsius=self.celsius))

    def _decide(self) -> bool:
        """Refuse the request, or take that back; not while the server is still hearing of the decision before."""
        seen = self.http.get(f"/api/requests/{REQUEST}").json()
        deed = "take-back" if seen["state"] == "refused" else "refuse"
        body, headers = {"request": REQUEST, "reason": "Nije naše."}, {"If-Match": f'"{seen["version"]}"'}
        answer = self.http.post(f"/api/requests/{deed}", json=body, headers=headers)
        assert answer.status_code in (200, 409, 412), answer.text
        return answer.status_code == 200

    def _post(self, path: str, body: Any, seen: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"If-Match": f'"{seen["version"]}"'} if seen else {}
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        return dict(answer.json()) if answer.content else {}

    def leave(self) -> None:
        """End what was begun: the city is that of other tests, too."""
        if self.alarm["hidden_by"]:
            self.change_alarm()
        self._post(f"/api/tasks/{self.task['id']}/cancel", {"note": "Kraj."}, self.task)
        incident = self.http.get(f"/api/incidents/{self.incident['id']}").json()
        self._post(f"/api/incidents/{incident['id']}/close", {"cause": "Proba.", "lesson": "Kraj."}, incident)

    def work(self, stop: threading.Event) -> None:
        """Change one of each again and again, and at the end each at once a few times."""
        changes = (
            self.change_task,
            self.change_incident,
            self.change_alarm,
            self.write_in_the_log,
            self.decide,
            self.measure,
        )
        try:
            while not stop.wait(PAUSE):
                for change in changes:
                    change()
            for change in changes:
                for _ in range(BURST):
                    change()
        except BaseException as failure:  # told where the test waits for it
            self.failures.append(failure)


@pytest.fixture(scope="module")
def http(city: SmallCity) -> Iterator[httpx.Client]:
    with city.vidik.client() as client:
        yield client


@pytest.fixture
def colleague(city: SmallCity, http: httpx.Client) -> Iterator[Colleague]:
    crew = http.post("/api/crews", json={"name": "Spora linija 1", "depot": PLACE}).json()
    http.post(f"/api/crews/{crew['id']}/duty", json={"on_duty": True}).raise_for_status()
    body = {"title": "Proba spore linije", "place": PLACE, "address": "Čairska 1", "client_id": str(uuid4())}
    task = http.post("/api/tasks", json=body).json()
    draft = {"type": "heating_outage", "severity": "severe", "title": "Kvar 0.", "place": PLACE}
    incident = http.post("/api/incidents", json={**draft, "client_id": str(uuid4())}).json()
    request = {
        "id": REQUEST,
        "type": "service_requests",
        "service_code": "fallen_tree",
        "description": "Grana je na putu.",
        "address_string": "Čairska 2",
        "location": PLACE,
    }
    http.post("/ngsi-ld/v1/entityOperations/upsert", json=[request], headers=CITY).raise_for_status()
    city.send(BURNING, container_reading(int(time.time()), celsius=88.0))

    def alarm() -> Any:
        items = http.get("/api/alarms").json()["items"]
        return next(one for one in items if one["entity_id"] == entity_id(BURNING))

    wait_for("the request", lambda: http.get(f"/api/requests/{REQUEST}").status_code == 200)
    found = wait_for("the alarm", alarm)
    made = Colleague(http, city, crew, task, incident, http.get(f"/api/alarms/{found['id']}").json())
    yield made
    made.leave()
    city.send(BURNING, container_reading(int(time.time())))
    http.post(f"/api/crews/{crew['id']}/duty", json={"on_duty": False})


def test_every_room_ends_with_what_the_server_says(open_page: Open, http: httpx.Client, colleague: Colleague) -> None:
    task, incident, alarm = colleague.task["id"], colleague.incident["id"], colleague.alarm["id"]
    rooms = {
        "task": f"/tasks/{task}",
        "tasks": "/tasks",
        "incident": f"/incidents/{incident}",
        "incidents": "/incidents",
        "alarm": f"/alarms?state=all&alarm={alarm}",
        "log": "/duty/log",
        "request": f"/requests/{REQUEST}",
        "asset": f"/assets/{entity_id(MEASURED)}",
    }
    stop = threading.Event()
    changing = threading.Thread(target=colleague.work, args=[stop])
    changing.start()
    try:
        pages = {name: slowly(open_page, colleague.city, path) for name, path in rooms.items()}
        for page in pages.values():
            expect(page.locator("main h1").first).to_be_attached()
    finally:
        stop.set()
        changing.join()
    assert colleague.failures == []

    is_sent = colleague.task["crew"] is not None
    said = "Sent, not accepted, Spora linija 1" if is_sent else "Waits for a crew"
    expect(pages["task"].locator(".state")).to_contain_text(said)
    events = http.get(f"/api/tasks/{task}").json()["events"]
    expect(pages["task"].locator("main ol > li")).to_have_count(len(events))
    row = pages["tasks"].get_by_role("row").filter(has_text="Proba spore linije")
    expect(row).to_contain_text("Spora linija 1" if is_sent else "Waits for a crew")

    title, entry = f"Kvar {colleague.count}.", f"Zapis {colleague.count}."
    expect(pages["incident"].locator("h1").first).to_contain_text(title)
    expect(pages["incident"].get_by_text(entry)).to_be_visible()
    expect(pages["incidents"].get_by_role("link", name=title)).to_be_visible()

    transitions = http.get(f"/api/alarms/{alarm}/events").json()["items"]
    detail = pages["alarm"].get_by_role("article")
    expect(detail.locator("ol > li")).to_have_count(len(transitions))
    expect(detail.locator(".hold")).to_have_count(1 if colleague.alarm["hidden_by"] else 0)

    lines = http.get("/api/duty/log", params={"limit": 200}).json()["items"]
    expect(pages["log"].locator("ul.rows > li")).to_have_count(len(lines))
    expect(pages["log"].locator("ul.rows > li").first).to_contain_text(lines[0]["text"])

    refused = http.get(f"/api/requests/{REQUEST}").json()["state"] == "refused"
    again = pages["request"].get_by_role("button", name="Take back")
    expect(again).to_have_count(1 if refused else 0)
    asset = http.get(f"/api/console/assets/{entity_id(MEASURED)}").json()
    (celsius,) = [one["value"] for one in asset["attributes"] if one["name"] == "temperature"]
    expect(pages["asset"].get_by_role("main")).to_contain_text(f"{celsius:.1f}")


def slowly(open_page: Open, city: SmallCity, path: str) -> Page:
    """Open a page behind a slow line, and do not wait until it is there."""
    page = open_page("/sign-in", signed_in=False)
    login, password = city.vidik.login()
    said = {"login": login, "password": password}
    signed_in = page.context.request.post("/api/session", data=said, headers={"Origin": city.base_url})
    assert signed_in.status == 204, signed_in.text()
    page.context.add_init_script(SLOW)
    page.goto(path, wait_until="commit")
    return page
