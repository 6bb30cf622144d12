"""Procedures in the browser: led through by keyboard on an incident, written, tried, published, for everybody."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SmallCity
from tests.family import wait_for

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def http(city: SmallCity) -> Iterator[httpx.Client]:
    """The same person elsewhere, with the packaged procedures there."""
    with city.vidik.client() as client:
        wait_for("the packaged procedures", lambda: len(client.get("/api/procedures").json()["items"]) >= 5)
        yield client


def open_incident(http: httpx.Client, title: str) -> dict[str, Any]:
    draft = {"type": "fire", "title": title, "place": {"type": "Point", "coordinates": [21.8958, 43.3209]}}
    return dict(http.post("/api/incidents", json=draft).raise_for_status().json())


def run_of(http: httpx.Client, incident: dict[str, Any]) -> dict[str, Any]:
    (run,) = http.get("/api/procedure-runs", params={"incident": incident["id"], "state": "all"}).json()["items"]
    return dict(run)


def act(http: httpx.Client, run: dict[str, Any], verb: str, **said: object) -> None:
    """Go on with a run's current step, as another desk does."""
    told = {"If-Match": f'"{run["version"]}"'}
    address = f"/api/procedure-runs/{run['id']}/steps/{run['current']}/{verb}"
    http.post(address, json=said, headers=told).raise_for_status()


def test_keys_lead_through_a_packaged_procedure(open_page: Open, http: httpx.Client) -> None:
    incident = open_incident(http, "Гори контејнер")
    page = open_page(f"/incidents/{incident['id']}")
    keyboard = page.keyboard
    panel = page.get_by_role("region", name="Procedure", exact=True)
    step = panel.get_by_role("heading", level=3)
    expect(panel.get_by_text("Container fire").first).to_be_visible()

    keyboard.press("p")
    expect(panel.get_by_role("button", name="Start")).to_be_focused()
    keyboard.press("Enter")
    expect(step).to_have_text("Call the fire brigade (193)")
    expect(step).to_be_focused()
    expect(panel.get_by_text(re.compile(r"\d (min|s) left"))).to_be_visible()
    keyboard.press("d")
    expect(panel.get_by_label("Note")).to_be_focused()
    keyboard.insert_text("Звао <b>193</b>")
    keyboard.press("Enter")
    expect(step).to_have_text("Is something in danger beside it?")
    keyboard.press("3")
    expect(panel.get_by_role("button", name="Nothing")).to_be_focused()
    keyboard.press("Enter")
    expect(step).to_have_text("Is the fire out?")
    gone = panel.get_by_role("listitem")
    expect(gone.filter(has_text="Call the fire brigade").first).to_contain_text("<b>193</b>")
    expect(gone.filter(has_text="Is something in danger").first).to_contain_text("Nothing")

    # Another desk goes on while a note is being typed here: it is kept, and answers nothing else.
    panel.get_by_label("Note").fill("Још гори")
    act(http, run_of(http, incident), "choose", branch=0)
    expect(step).to_have_text("See that nothing glows on")
    expect(step).to_be_focused()
    expect(panel.get_by_role("alert")).to_contain_text("Još gori")
    panel.get_by_role("button", name="Drop it").click()
    expect(panel.get_by_text("goes on by itself at")).to_be_visible()
    keyboard.press("x")
    expect(panel.get_by_label("Why it is left out")).to_be_focused()
    keyboard.press("Enter")
    expect(panel.get_by_role("alert")).to_have_text("Say why it is left out.")
    keyboard.insert_text("Ватрогасци кажу да не тиња")
    keyboard.press("Enter")
    expect(step).to_have_text("Does anything still glow or smoke?")

    panel.get_by_role("button", name="Stop").click()
    page.get_by_label("Why", exact=True).fill("Погрешна дојава")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(panel.get_by_text("stopped").first).to_be_visible()
    run = run_of(http, incident)
    assert (run["path"][0]["state"], run["path"][0]["note"]) == ("done", "Звао <b>193</b>")
    assert (run["state"], run["reason"]) == ("stopped", "Погрешна дојава")


def test_a_small_procedure_is_written_tried_and_published(open_page: Open, http: httpx.Client) -> None:
    page = open_page("/situation")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_role("button", name="New procedure").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("En").fill("Ice on the bridge")
    dialog.get_by_label("Ср").fill("Лед на мосту")
    dialog.get_by_role("button", name="Make a draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Edit: Ice on the bridge")
    flow = page.get_by_role("group", name="Ice on the bridge")
    first = flow.get_by_role("button", name="Confirm what has happened")
    expect(first).to_be_visible()

    page.get_by_label("Add a step here").select_option("question")
    line = page.get_by_role("group", name="In a line")
    line.get_by_label("En").fill("Is it slippery?")
    expect(line).to_contain_text("Two languages are needed")
    line.get_by_label("Ср").fill("Да ли је клизаво?")
    expect(line).not_to_contain_text("Two languages are needed")
    page.get_by_role("group", name="Answer 1", exact=True).get_by_label("Add a step here").select_option("wait")
    line.get_by_label("En").fill("Let the salt work")
    line.get_by_label("Ср").fill("Сачекати да со делује")
    page.get_by_label("Minutes").fill("15")
    expect(flow.get_by_role("button")).to_have_count(3)
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(flow.get_by_role("button", name="Let the salt work")).to_be_focused()

    page.get_by_role("button", name="Try").click()
    tried = page.get_by_role("region", name="Try without effect")
    tried.get_by_role("button", name="Done").click()
    tried.get_by_role("button", name="Yes").click()
    expect(tried).to_contain_text("The end, after at least 15 min")
    page.get_by_role("button", name="Try").click()

    # Somebody else saves meanwhile; what was written here is still here, and a person decides.
    draft = http.get("/api/procedures/ice_on_the_bridge/draft").json()
    theirs = draft["definition"] | {"purpose": {"en": "Winter.", "sr": "Зима."}}
    told = {"If-Match": f'"{draft["version"]}"'}
    http.put("/api/procedures/ice_on_the_bridge/draft", json={"definition": theirs}, headers=told).raise_for_status()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("alert")).to_contain_text("saved another draft")
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_text("Draft saved")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ice on the bridge")
    expect(page.get_by_role("region", name="Versions")).to_contain_text("counts now")
    kinds = [
        step["kind"] for step in http.get("/api/procedures/ice_on_the_bridge/versions/1").json()["definition"]["steps"]
    ]
    assert kinds == ["check", "question", "wait"]


def test_on_a_phone_a_step_opens_in_the_place_of_the_steps_and_leads_back_to_them(
    open_page: Open, http: httpx.Client
) -> None:
    page = open_page("/procedures/heating_burst/edit", size=PHONE)
    step = page.get_by_role("button", name="Close the section", exact=True)
    step.click()
    expect(page.get_by_role("heading", name="Step 4")).to_be_in_viewport()
    expect(step).to_be_hidden()
    back = page.get_by_role("button", name="All steps")
    expect(back).to_be_focused()
    back.click()
    expect(step).to_be_focused()
    expect(step).to_be_in_viewport()

    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.get_by_role("heading", name="Try without effect")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Steps", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Try without effect")).to_be_hidden()


def test_everybody_can_use_them(open_page: Open, http: httpx.Client) -> None:
    incident = open_incident(http, "Дим у Дуваништу")
    http.post(f"/api/incidents/{incident['id']}/procedures", json={"procedure": "fire"}).raise_for_status()
    run = run_of(http, incident)
    act(http, run, "done", note="Стижу за пет минута")
    page = open_page("/procedures")
    found: dict[str, Any] = {}
    for path, shown in (
        (f"/procedures/fire?run={run['id']}", "Where it stands now"),
        ("/procedures/heating_burst?view=list&try=1", "One back"),
        ("/procedures/heating_burst/edit", "Kind of step"),
        (f"/incidents/{incident['id']}", "Is something in danger beside it?"),
    ):
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        page.goto(path)
        expect(page.get_by_text(shown).first).to_be_visible()
        settle(page)
        found[path] = [*findings(page), *too_wide(page)]
    assert {path: what for path, what in found.items() if what} == {}
