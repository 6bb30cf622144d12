"""Tasks and crews in the browser: sent by keyboard, worked on by a phone that loses the line, old news refused."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SmallCity
from tests.family import wait_for

Open = Callable[..., Page]
PLACE = {"type": "Point", "coordinates": [21.8958, 43.3209]}
KEPT = """new Promise((done) => {
  const asked = indexedDB.open("vidik-phone", 1);
  asked.onsuccess = () => {
    const all = asked.result.transaction("outbox").objectStore("outbox").getAll();
    all.onsuccess = () => (asked.result.close(), done(all.result.length));
  };
})"""
AGED = """new Promise((done) => {
  const asked = indexedDB.open("vidik-phone", 1);
  asked.onsuccess = () => {
    const store = asked.result.transaction("outbox", "readwrite").objectStore("outbox");
    const all = store.getAll();
    all.onsuccess = () => {
      for (const kept of all.result) {
        kept.change.at = new Date(Date.parse(kept.change.at) - 2 * 86400000).toISOString();
        store.put(kept);
      }
      store.transaction.oncomplete = () => (asked.result.close(), done());
    };
  };
})"""
SHELL_KEPT = "caches.match('/phone').then((kept) => !!kept && !!navigator.serviceWorker.controller)"


@pytest.fixture(scope="module")
def desk(city: SmallCity) -> Iterator[httpx.Client]:
    """The doors of the desk, and two crews on duty; the dispatcher belongs to the first."""
    with city.vidik.client() as client:
        yield client


@pytest.fixture(scope="module")
def crews(desk: httpx.Client) -> list[dict[str, Any]]:
    made = []
    for name, members in (("Водовод 1", ["dispatcher"]), ("Водовод 2", [])):
        body = {"name": name, "members": members, "skills": ["water"], "depot": PLACE}
        crew = desk.post("/api/crews", json=body).json()
        made.append(desk.post(f"/api/crews/{crew['id']}/duty", json={"on_duty": True}).json())
    return made


def a_task(desk: httpx.Client, title: str, crew: dict[str, Any] | None = None) -> dict[str, Any]:
    body = {
        "title": title,
        "place": PLACE,
        "address": "Обреновићева 12",
        "instructions": "Затворити вентил па прегледати.",
        "crew": crew["id"] if crew else None,
        "client_id": str(uuid4()),
    }
    answer = desk.post("/api/tasks", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def now_of(desk: httpx.Client, task: dict[str, Any]) -> dict[str, Any]:
    return dict(desk.get(f"/api/tasks/{task['id']}").json())


def a_picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (640, 480), (120, 90, 60)).save(made, "JPEG")
    return made.getvalue()


def open_on_phone(page: Page, title: str) -> None:
    page.get_by_role("button", name=title).click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def test_the_desk_opens_a_task_and_sends_the_best_crew_by_keyboard(
    open_page: Open, desk: httpx.Client, crews: list[dict[str, Any]]
) -> None:
    page = open_page("/tasks", size=DESK)
    expect(page.get_by_role("group", name="Crews on duty").get_by_role("button")).to_have_count(2)
    page.keyboard.press("c")
    page.keyboard.type("Leak under the bridge")
    expect(page.get_by_role("button", name="Open and send")).to_be_visible()
    page.keyboard.press("Enter")

    row = page.get_by_role("row", name="Leak under the bridge")
    expect(row).to_contain_text("Sent, not accepted")
    page.get_by_role("heading", name="Tasks").click()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Leak under the bridge")).to_be_visible()
    # What another desk does is seen here without asking.
    (task,) = [one for one in desk.get("/api/tasks").json()["items"] if one["title"] == "Leak under the bridge"]
    answer = desk.post(
        f"/api/tasks/{task['id']}/cancel",
        json={"note": "другом екипом"},
        headers={"If-Match": f'"{task["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    expect(page.get_by_text("Cancelled", exact=True).first).to_be_visible()


def test_a_crew_is_in_the_situation_with_its_task_and_where_it_is_and_leaves_it_with_the_end_of_its_duty(
    open_page: Open, desk: httpx.Client, crews: list[dict[str, Any]]
) -> None:
    crew = desk.post("/api/crews", json={"name": "Расвета 3"}).json()["id"]
    desk.post(f"/api/crews/{crew}/duty", json={"on_duty": True})
    page = open_page("/situation?view=table&twin=crews", size=DESK)
    table = page.get_by_role("table", name="Crews")
    row = table.get_by_role("row").filter(has_text="Rasveta 3")
    expect(row).to_contain_text("Free")
    expect(row).to_contain_text("Has not said where it is.")
    said = {"place": PLACE, "at": datetime.now(UTC).isoformat()}
    assert desk.post(f"/api/crews/{crew}/position", json=said).status_code == 204
    task = a_task(desk, "Замена сијалице", {"id": crew})
    expect(row).to_contain_text("ago")
    expect(row.get_by_role("link", name=task["number"])).to_be_visible()
    expect(row).to_contain_text("Sent")
    page.get_by_role("group", name="Layers").get_by_role("button", name="Incidents").click()
    expect(page.get_by_role("group", name="Tables of the map").get_by_role("button", name="Incid")).to_have_count(0)
    assert desk.post(f"/api/crews/{crew}/duty", json={"on_duty": False}).status_code == 200
    expect(row).to_have_count(0)


def test_names_of_crews_give_way_on_the_map_and_their_marks_stay(
    open_page: Open, desk: httpx.Client, crews: list[dict[str, Any]]
) -> None:
    a_task(desk, "Вентил под екипама", crews[1])
    for crew in crews:
        here = {"place": PLACE, "at": datetime.now(UTC).isoformat()}
        desk.post(f"/api/crews/{crew['id']}/position", json=here).raise_for_status()
    page = open_page("/tasks", size=DESK)
    names = [page.locator(".crew[data-side]", has_text=name) for name in ("Vodovod 1", "Vodovod 2")]
    for one in names:
        expect(one.locator("canvas")).to_be_visible()
    (first, second) = (one.locator("span").bounding_box() for one in names)
    assert first is not None
    assert second is not None
    assert first["y"] + first["height"] <= second["y"] or first["x"] + first["width"] <= second["x"]


def test_a_phone_works_without_a_line_and_sends_when_it_is_back(
    open_page: Open, desk: httpx.Client, crews: list[dict[str, Any]]
) -> None:
    task = a_task(desk, "Procurivanje u šahtu", crews[0])
    page = open_page("/phone", size=PHONE)
    expect(page.get_by_text("Everything is sent.")).to_be_visible()
    page.wait_for_function(SHELL_KEPT)
    open_on_phone(page, task["title"])
    # The line falls between the act that the desk has taken and the answer how things stand: nothing is undone here.
    page.route("**/api/tasks/mine*", lambda route: route.abort())
    page.get_by_role("button", name="Accept").click()
    wait_for("the accepted task", lambda: now_of(desk, task)["state"] == "accepted")
    expect(page.get_by_text("No connection.")).to_be_visible()
    expect(page.get_by_role("button", name="Arrived")).to_be_visible()
    page.unroute("**/api/tasks/mine*")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_text("Everything is sent.")).to_be_visible()

    page.context.set_offline(True)
    expect(page.get_by_text("No connection.")).to_be_visible()
    page.get_by_role("button", name="Arrived").click()
    page.get_by_role("button", name="Done", exact=True).click()
    page.get_by_label("Note").fill("Вентил замењен, не цури.")
    page.set_input_files("input[type=file]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": a_picture()})
    expect(page.get_by_alt_text("Photo 1")).to_be_visible()
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.get_by_text("2 things are not sent yet. They are kept on this phone.")).to_be_visible()
    assert now_of(desk, task)["state"] == "accepted"

    page.reload()
    expect(page.get_by_text("2 things are not sent yet.")).to_be_visible()
    expect(page.get_by_role("button", name=task["title"])).to_contain_text("not sent yet")

    page.context.set_offline(False)
    expect(page.get_by_text("Everything is sent.")).to_be_visible()
    assert page.evaluate(KEPT) == 0
    found = now_of(desk, task)
    assert (found["state"], found["result_note"], len(found["pictures"])) == ("done", "Вентил замењен, не цури.", 1)
    assert [event["kind"] for event in found["events"]] == ["created", "assigned", "accept", "arrive", "done"]


def test_changes_that_are_two_days_old_are_refused_with_the_reason_and_what_stands_now(
    open_page: Open, desk: httpx.Client, crews: list[dict[str, Any]]
) -> None:
    task = a_task(desk, "Pukla cev", crews[0])
    page = open_page("/phone", size=PHONE)
    open_on_phone(page, task["title"])
    page.context.set_offline(True)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("1 thing is not sent yet.")).to_be_visible()
    page.evaluate(AGED)
    body = {"crew": crews[1]["id"]}
    given = desk.post(f"/api/tasks/{task['id']}/assign", json=body, headers={"If-Match": f'"{task["version"]}"'})
    assert given.status_code == 200, given.text
    page.reload() if page.evaluate(SHELL_KEPT) else page.get_by_role("button", name="My tasks").click()

    page.context.set_offline(False)
    late = page.get_by_role("region", name="Came too late")
    expect(late).to_contain_text("the task had been given to another crew")
    expect(late).to_contain_text("Now: Sent, not accepted, Vodovod 2")
    found = now_of(desk, task)
    assert (found["state"], found["crew"]["name"]) == ("assigned", "Водовод 2")
    assert [event["refused"] for event in found["events"] if event["kind"] == "accept"] == ["another-crew"]
    late.get_by_role("button", name="Understood").click()
    expect(late).to_have_count(0)

    history = open_page(f"/tasks/{task['id']}", size=DESK)
    expect(history.get_by_text("Came too late and changed nothing")).to_be_visible()


def test_a_shared_phone_keeps_nothing_after_signing_out(
    open_page: Open, desk: httpx.Client, crews: list[dict[str, Any]]
) -> None:
    task = a_task(desk, "Otvoren šaht", crews[0])
    page = open_page("/phone", size=PHONE)
    open_on_phone(page, task["title"])
    page.route("**/api/tasks/**", lambda route: route.abort())
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("1 thing is not sent yet.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog")).to_contain_text("would delete it from this phone")
    page.get_by_role("button", name="Stay signed in").click()
    assert page.evaluate(KEPT) == 1
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Delete and sign out").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate(KEPT) == 0
    assert task["title"] not in json.dumps(page.evaluate("caches.keys()")) + page.content()
    assert now_of(desk, task)["state"] == "assigned"


@pytest.mark.parametrize("language", ["en", "sr-Cyrl"])
def test_every_screen_is_for_everybody(
    open_page: Open, desk: httpx.Client, crews: list[dict[str, Any]], language: str
) -> None:
    task = a_task(desk, "Преглед електроенергетске трансформаторске станице", crews[0])
    page = open_page("/tasks", size=DESK, language=language)
    found: dict[str, Any] = {}
    for path in ("/tasks", "/tasks/crews", f"/tasks/{task['id']}", "/phone"):
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        page.goto(path)
        page.locator("h1").first.wait_for()
        settle(page)
        found[path] = findings(page) + [f"{size} is {pixels} too wide" for size, pixels in too_wide(page).items()]
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    found["my tasks on a phone"] = findings(page)
    page.get_by_role("button", name="T-").first.click()
    found["task on the phone"] = findings(page)
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    page.goto("/tasks")
    page.locator("h1:not(.visually-hidden)").first.wait_for()  # its keys are there with it
    settle(page)
    page.keyboard.press("c")
    expect(page.get_by_role("radio").first).to_be_visible()
    found["new task"] = findings(page)
    assert {name: what for name, what in found.items() if what} == {}
