"""Incidents in the browser: from an alarm to a crew by keyboard, two at once, every screen for everybody."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SmallCity, container, container_name, container_reading, entity_id
from tests.family import wait_for
from vidik.kernel.scripts import to_latin

Open = Callable[..., Page]
PLACE = {"type": "Point", "coordinates": [21.8958, 43.3209]}
NAME = to_latin(container_name(9))
WARM = {
    "kind": "threshold",
    "service": "waste",
    "priority": "high",
    "entity_types": ["WasteContainer"],
    "entity_ids": [entity_id(container(9))],
    "title": {"en": "Warm", "sr": "Топло"},
    "message": {"en": "Warm: {value} {unit}.", "sr": "Топло: {value} {unit}."},
    "attribute": "temperature",
    "above": 30,
    "clear": 20,
    "confirm_flood": True,
}

WORDS = {"en": "Look at it from afar.", "sr": "Погледајте га издалека."}
REASONS = {
    "cause": {"en": "Ash.", "sr": "Пепео."},
    "consequence": {"en": "It may burn.", "sr": "Може да се запали."},
    "impact": "serious",
    "respond_within": "15m",
    "owner": "waste",
}
CITY = {"Link": '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}


def a_request(number: int, **said: Any) -> dict[str, Any]:
    """A citizen's request as another system writes it."""
    return {
        "id": f"urn:ngsi-ld:service_requests:nis:{number}",
        "type": "service_requests",
        "service_code": "fallen_tree",
        "description": "Грана је <b>преко</b> тротоара.",
        "address_string": f"Чаирска {number}",
        "location": PLACE,
        **said,
    }


def send(http: httpx.Client, *requests: dict[str, Any]) -> None:
    answer = http.post("/ngsi-ld/v1/entityOperations/upsert", json=list(requests), headers=CITY)
    assert answer.status_code in (201, 204), answer.text


@pytest.fixture(scope="module")
def http(city: SmallCity) -> Iterator[httpx.Client]:
    with city.vidik.client() as client:
        yield client


@pytest.fixture(scope="module")
def incident(http: httpx.Client) -> dict[str, Any]:
    """An incident with everything that a screen can show."""
    draft = {
        "type": "heating_outage",
        "severity": "severe",
        "title": "Пукао топловод <b>код</b> Тврђаве",
        "place": PLACE,
        "address": "Ђуке Динић 1",
        "summary": "Избија топла вода.\nСаобраћај стоји.",
        "links": [{"kind": "asset", "target": entity_id(container(2))}],
    }
    made = http.post("/api/incidents", json=draft).json()
    http.post(f"/api/incidents/{made['id']}/entries", json={"text": "Деца из вртића су премештена."})
    http.post(
        f"/api/incidents/{made['id']}/roles",
        json={"role": "command", "person": "dispatcher"},
        headers={"If-Match": '"1"'},
    )
    return dict(http.get(f"/api/incidents/{made['id']}").json())


@pytest.fixture
def alarm(city: SmallCity, http: httpx.Client) -> Iterator[None]:
    """An open alarm that belongs to no incident, and a crew on duty."""
    crew = http.post("/api/crews", json={"name": "Чистоћа 9", "depot": PLACE}).json()
    http.post(f"/api/crews/{crew['id']}/duty", json={"on_duty": True}).raise_for_status()
    http.put("/api/rules/test_warm", json=WARM).raise_for_status()

    def is_warm() -> bool:
        city.send(container(9), container_reading(int(time.time()), celsius=41.0))
        time.sleep(1)
        return any(one["rule"] == "test_warm" for one in http.get("/api/alarms").json()["items"])

    wait_for("the alarm", is_warm)
    yield
    http.put("/api/rules/test_warm", json={"enabled": False}).raise_for_status()
    http.post(f"/api/crews/{crew['id']}/duty", json={"on_duty": False}).raise_for_status()
    city.send(container(9), container_reading(int(time.time())))


@pytest.fixture
def another_alarm(city: SmallCity, http: httpx.Client) -> Iterator[str]:
    """An open alarm of a rule that says why it is there; its number."""
    rule = WARM | {"entity_ids": [entity_id(container(8))], "advice": WORDS, "rationalisation": REASONS}
    http.put("/api/rules/test_warm_8", json=rule).raise_for_status()
    found: list[str] = []

    def is_warm() -> bool:
        city.send(container(8), container_reading(int(time.time()), celsius=41.0))
        time.sleep(1)
        found.extend(one["id"] for one in http.get("/api/alarms").json()["items"] if one["rule"] == "test_warm_8")
        return bool(found)

    wait_for("the alarm", is_warm)
    yield found[0]
    http.put("/api/rules/test_warm_8", json={"enabled": False}).raise_for_status()
    city.send(container(8), container_reading(int(time.time())))


def test_an_alarm_is_understood_added_to_an_incident_that_runs_and_put_aside_by_keyboard(
    open_page: Open, http: httpx.Client, incident: dict[str, Any], another_alarm: str
) -> None:
    page = open_page("/situation")
    keyboard = page.keyboard
    keyboard.press("g")
    keyboard.press("o")
    # Who came by key goes on in the screen, not twenty stops before it.
    expect(page.locator("main")).to_be_focused()
    row = page.get_by_role("button", name=to_latin(container_name(8)))
    expect(row).to_be_visible()
    while row.get_attribute("aria-current") != "true":
        keyboard.press("j")
        page.wait_for_timeout(100)
    pane = page.get_by_role("complementary", name="Incident")
    expect(pane).to_contain_text("Look at it from afar.")
    expect(pane).to_contain_text("It may burn.")
    keyboard.press("l")
    chosen = page.get_by_role("radio", name=incident["number"])
    while not chosen.is_checked():
        keyboard.press("ArrowDown")
        page.wait_for_timeout(100)
    assert findings(page) == []
    keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name="Pukao toplovod")).to_be_visible()
    linked = http.get(f"/api/incidents/{incident['id']}").json()["links"]
    assert ("alarm", another_alarm) in [(link["kind"], link["target"]) for link in linked]

    page.goto(f"/alarms?alarm={another_alarm}")
    detail = page.get_by_role("article")
    expect(detail.get_by_role("link", name=f"Part of incident {incident['number']}")).to_be_visible()
    http.delete(f"/api/incidents/{incident['id']}/links/alarm/{another_alarm}").raise_for_status()
    expect(detail.get_by_role("button", name="Add to an incident")).to_be_visible()
    page.goto(f"/desk?item=alarm:{another_alarm}")
    expect(page.get_by_role("button", name="Shelve")).to_be_visible()
    keyboard.press("s")
    expect(page.get_by_label("Reason")).to_be_focused()
    keyboard.type("A plastic lid in the sun")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(row).to_have_count(0)
    keyboard.press("j")
    expect(page.locator(".queue button[aria-current=true]")).to_have_count(1)


@pytest.mark.usefixtures("alarm")
def test_five_keys_lead_from_an_alarm_to_a_crew_on_its_way(open_page: Open, http: httpx.Client) -> None:
    page = open_page("/desk")
    page.get_by_role("button", name="Alarms", exact=True).click()
    expect(page.get_by_role("button", name=NAME)).to_be_visible()
    keyboard = page.keyboard
    keyboard.press("j")
    expect(page.get_by_role("button", name=NAME)).to_have_attribute("aria-current", "true")
    keyboard.press("i")
    expect(page.get_by_label("Title")).to_be_focused()
    keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name=NAME)).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()  # the stream may be quicker than the answer
    keyboard.press("c")
    expect(page.get_by_role("radio").first).to_be_focused()
    keyboard.press("Enter")
    expect(page.get_by_text("is sent").first).to_be_visible()
    (incident,) = http.get("/api/incidents", params={"q": NAME}).json()["items"]
    (task,) = http.get("/api/tasks", params={"incident": incident["id"]}).json()["items"]
    assert (task["state"], incident["links"][0]["kind"]) == ("assigned", "alarm")


def test_who_was_slower_sees_what_the_other_did_and_chooses(
    open_page: Open, http: httpx.Client, incident: dict[str, Any]
) -> None:
    page = open_page(f"/incidents/{incident['id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pukao toplovod")
    page.keyboard.press("e")
    page.get_by_label("Address or place in words").fill("Ђуке Динић 3")
    now = http.get(f"/api/incidents/{incident['id']}").json()
    told = {"If-Match": f'"{now["version"]}"'}
    http.patch(f"/api/incidents/{incident['id']}", json={"severity": "extreme"}, headers=told).raise_for_status()
    expect(page.locator("main header").get_by_text("Extreme")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("severity Severe → Extreme")
    page.get_by_role("button", name="Do it all the same").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    after = http.get(f"/api/incidents/{incident['id']}").json()
    assert (after["address"], after["severity"]) == ("Ђуке Динић 3", "extreme")


def test_is_closed_with_cause_and_lesson_and_opened_again(open_page: Open, http: httpx.Client) -> None:
    made = http.post("/api/incidents", json={"type": "other", "title": "Пало дрво"}).json()
    page = open_page(f"/incidents/{made['id']}")
    page.get_by_role("button", name="Close", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Cause").fill("Труло стабло")
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(dialog.get_by_text("This must be filled in.")).to_be_visible()
    dialog.get_by_label("Lesson").fill("Прегледати дрвеће")
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(
        page.get_by_text("Lesson: Прегледати дрвеће.").or_(page.get_by_text("Pregledati drveće.")).first
    ).to_be_visible()
    page.get_by_role("button", name="Open again").click()
    dialog.get_by_label("Why").fill("Пало је још једно")
    dialog.get_by_role("button", name="Open again").click()
    expect(page.get_by_role("button", name="Contained")).to_be_visible()


def test_an_asset_is_added_to_an_incident_that_runs_and_says_so(
    open_page: Open, http: httpx.Client, incident: dict[str, Any]
) -> None:
    page = open_page(f"/assets/{entity_id(container(7))}")
    expect(page.get_by_role("button", name="Add to an incident")).to_be_visible()
    page.keyboard.press("l")
    chosen = page.get_by_role("radio", name=incident["number"])
    expect(chosen).to_be_visible()
    chosen.check()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=f"Part of incident {incident['number']}")).to_be_visible()
    assert findings(page) == []
    linked = http.get(f"/api/incidents/{incident['id']}").json()["links"]
    assert ("asset", entity_id(container(7))) in [(link["kind"], link["target"]) for link in linked]


def test_a_slip_of_the_finger_or_the_mouse_throws_nothing_away_that_was_typed(
    open_page: Open, http: httpx.Client
) -> None:
    made = http.post("/api/incidents", json={"type": "other", "title": "Пала грана"}).json()
    page = open_page(f"/incidents/{made['id']}")
    page.get_by_role("button", name="Close", exact=True).click()
    dialog = page.get_by_role("dialog")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()  # nothing was typed
    page.get_by_role("button", name="Close", exact=True).click()
    cause = dialog.get_by_label("Cause")
    cause.fill("Ветар од 80 km/h")
    page.keyboard.press("Escape")
    asks_again = dialog.get_by_text("is not saved yet")
    expect(asks_again).to_be_visible()
    expect(cause).to_have_value("Ветар од 80 km/h")
    cause.press("End")
    cause.type("!")
    box = cause.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(20, 20, steps=3)  # marked with the mouse, and let go beside the dialog
    page.mouse.up()
    expect(cause).to_have_value("Ветар од 80 km/h!")
    expect(asks_again).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_requests_of_one_thing_become_one_incident_by_keyboard(open_page: Open, http: httpx.Client) -> None:
    first, second = a_request(1), a_request(2)
    send(http, first, second)
    page = open_page("/situation")
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.get_by_role("heading", level=1, name="Requests")).to_be_visible()
    expect(page.get_by_text("Čairska 2", exact=True)).to_be_visible()
    third = a_request(3, service_code="waste")
    send(http, third)
    expect(page.get_by_text("Čairska 3", exact=True)).to_be_visible()  # told by the stream
    found = {"list": findings(page), "list sideways": too_wide(page)}

    page.goto(f"/requests/{first['id']}")
    expect(page.get_by_role("heading", level=1, name="Fallen tree")).to_be_visible()
    page.get_by_role("checkbox", name="Čairska 2").check()
    found |= {"request": findings(page), "request sideways": too_wide(page)}
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    page.keyboard.press("i")
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Čairska 1")).to_be_visible()
    expect(page.get_by_role("link", name="Čairska", exact=True)).to_have_count(2)
    (incident,) = http.get("/api/incidents", params={"q": "Čairska 1"}).json()["items"]
    assert (incident["type"], incident["opened_from"], len(incident["links"])) == ("storm", "request", 2)

    def is_told() -> bool:
        said = http.get(f"/ngsi-ld/v1/entities/{second['id']}", params={"format": "simplified"}, headers=CITY).json()
        return said.get("incidentNumber") == incident["number"]

    wait_for("the answer in the entity", is_told)
    page.goto(f"/requests/{third['id']}")
    expect(page.get_by_role("heading", level=1, name="Rubbish")).to_be_visible()
    page.keyboard.press("x")
    page.get_by_role("dialog").get_by_label("Reason").fill("Није наш посао")
    page.get_by_role("dialog").get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible()
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(("language", "size"), [("en", DESK), ("sr-Cyrl", PHONE)])
def test_everybody_can_use_every_screen(
    open_page: Open, incident: dict[str, Any], language: str, size: tuple[int, int]
) -> None:
    page = open_page("/desk", language=language, size=size)
    found: dict[str, Any] = {}
    for path in (f"/desk?item=incident:{incident['id']}", "/incidents?state=all", f"/incidents/{incident['id']}"):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(path)
        settle(page)
        found[path] = findings(page)
        found[f"{path} sideways"] = too_wide(page)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    settle(page)
    for key in ("e", "c"):
        page.locator(f"main button[title={key}]").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found[f"dialog {key}"] = findings(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
    assert {name: what for name, what in found.items() if what} == {}
