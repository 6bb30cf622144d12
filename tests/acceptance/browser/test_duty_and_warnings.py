"""Duty and warnings in the console: roster, a call that is taken over, handover by two, a warning by two persons."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SmallCity
from vidik.kernel.scripts import to_latin

Open = Callable[..., Page]
Second = Callable[[], AbstractContextManager[httpx.Client]]
NARROW = ("/duty", "/duty/plans", "/warnings")  # the ones whose words fill them
SCREENS = (*NARROW, "/duty/roster", "/duty/roster?view=table", "/duty/log", "/duty/handover")
DESK_NAME = "Командни центар"


@pytest.fixture(scope="module")
def second(city: SmallCity) -> Second:
    """A second person, a supervisor: opens a signed-in client."""
    with city.vidik.client() as client:
        made = client.post(
            "/api/accounts", json={"login": "vesna", "name": "Весна Илић", "roles": ["supervisor"]}
        ).json()

    @contextmanager
    def signed_in() -> Iterator[httpx.Client]:
        with httpx.Client(base_url=city.base_url, headers={"Origin": city.base_url}, timeout=30) as client:
            answer = client.post("/api/session", json={"login": "vesna", "password": made["password"]})
            assert answer.status_code == 204, answer.text
            yield client

    return signed_in


def test_a_shift_is_planned_called_for_and_handed_over(open_page: Open, city: SmallCity, second: Second) -> None:
    page = open_page("/situation")
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", level=1)).to_have_text("Duty")
    page.get_by_role("link", name="Roster").click()
    page.get_by_role("button", name="Plan a shift").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Desk").fill(DESK_NAME)
    dialog.get_by_label("Person").select_option("dispatcher")
    present = datetime.now(ZoneInfo("Europe/Belgrade"))
    dialog.get_by_label("Begins").fill(f"{present - timedelta(hours=4):%Y-%m-%dT%H:%M}")
    dialog.get_by_label("Ends").fill(f"{present + timedelta(hours=8):%Y-%m-%dT%H:%M}")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name=re.compile("^First dispatcher"))).to_be_visible()
    page.get_by_role("button", name="Plan a shift").click()
    dialog.get_by_label("Desk").fill(DESK_NAME)
    dialog.get_by_label("Person").select_option("dispatcher")
    dialog.get_by_label("Begins").fill(f"{present + timedelta(days=15):%Y-%m-%dT%H:%M}")
    dialog.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"week=[23]"))  # the roster goes where the shift is
    expect(page.get_by_role("button", name=re.compile("^First dispatcher"))).to_be_visible()
    page.get_by_role("button", name="This week").click()
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("table")).to_contain_text(to_latin(DESK_NAME))

    page.get_by_role("link", name="On-call plans").click()
    page.get_by_role("button", name="New plan").click()
    dialog.get_by_label("Name").fill("Night")
    dialog.get_by_label("Minutes that the desk has").fill("0")
    dialog.get_by_label("Desk", exact=True).fill(DESK_NAME)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile("After 0 min: whoever is on duty at"))).to_be_visible()

    city.burn(5)
    page.get_by_role("link", name="Now").click()
    calls = page.get_by_role("region", name="Calls for help")
    call = calls.get_by_role("listitem").filter(has_text="waits for somebody").first
    expect(call).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("First dispatcher")
    call.get_by_role("button", name="Take over").click()
    expect(calls).to_contain_text("taken by First dispatcher")
    phone = open_page("/duty", size=PHONE)
    told = phone.get_by_role("group", name="Messages to people")
    expect(told).to_contain_text("First dispatcher")
    assert told.evaluate("(told) => told.scrollWidth - told.clientWidth") == 0, "how it ended is beyond the edge"

    page.get_by_role("link", name="Duty log").click()
    page.get_by_label("Desk").fill(DESK_NAME)
    page.get_by_label("What happened").fill("<b>Пумпа 2</b> радила је до 14:00")
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_role("listitem").first).to_contain_text("<b>")

    page.get_by_role("link", name="Handover").click()
    page.get_by_role("button", name="Hand over").click()
    expect(dialog.get_by_role("status")).to_contain_text("lines of the log")
    dialog.get_by_label("What must the next shift know?").fill("Valve 4 stays shut.")
    dialog.get_by_role("button", name="Sign and hand over").click()
    expect(page.get_by_text("waits for who comes")).to_be_visible()
    with second() as vesna:
        (waiting,) = vesna.get("/api/duty/handovers").json()["items"]
        answer = vesna.post(f"/api/duty/handovers/{waiting['id']}/sign", json={"hash": waiting["hash"]})
        assert answer.status_code == 200, answer.text
    # Told live, not asked for.
    expect(page.get_by_role("listitem").filter(has_text="First dispatcher to Vesna")).to_be_visible()


def test_a_warning_takes_two_persons(open_page: Open, city: SmallCity, second: Second) -> None:
    place = {"type": "Point", "coordinates": [21.9, 43.32]}
    with city.vidik.client() as client:
        opening = {"type": "flood", "title": "Нишава расте", "address": "Кеј", "place": place}
        incident = client.post("/api/incidents", json=opening).json()
    page = open_page(f"/incidents/{incident['id']}")
    page.get_by_role("link", name="Warn the public").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"From incident {incident['number']}")
    expect(dialog.get_by_label("In one line")).to_have_value("Нишава расте")
    expect(dialog.get_by_label("Where, in words")).to_have_value("Кеј")
    expect(dialog.get_by_label("Corners of the area")).to_have_value(re.compile(r"^43\.32.*, 21\.90"))
    for label, text in (
        ("What it is", "Поплава"),
        ("In one line", "Нишава расте: склоните се са обале"),
        ("What happens", "Водостај расте 20 cm на сат."),
        ("Where, in words", "Обала Нишаве"),
    ):
        dialog.get_by_label(label).fill(text)
    corners = dialog.get_by_label("Corners of the area")
    corners.fill("43.32, 21.89\nnowhere")
    expect(dialog).to_contain_text("Line 2 is no latitude and longitude")
    corners.fill("43.32, 21.89\n43.33, 21.89\n43.33, 21.91")
    dialog.get_by_role("button", name="Save the draft").click()
    draft = page.get_by_role("listitem").filter(has_text="Nišava raste")
    expect(draft).to_contain_text("draft")
    draft.get_by_role("button", name="Release").click()
    expect(dialog).to_contain_text("Another person releases this")
    expect(dialog.get_by_role("button", name="Release")).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    with second() as vesna:
        (found,) = vesna.get("/api/warnings").json()["items"]
        assert found["incident"] == incident["id"]
        sent = vesna.post(f"/api/warnings/{found['id']}/release", headers={"If-Match": f'"{found["version"]}"'})
        assert sent.status_code == 200, sent.text
    expect(draft).to_contain_text("sent, stands")
    with city.vidik.client() as client:
        version = client.get(f"/api/incidents/{incident['id']}").json()["version"]
        said = {"cause": "Киша.", "lesson": "Нема."}
        client.post(f"/api/incidents/{incident['id']}/close", json=said, headers={"If-Match": f'"{version}"'})

    public = open_page("/cap/", signed_in=False)
    expect(public.get_by_role("heading", level=2)).to_have_text("Нишава расте: склоните се са обале")
    assert findings(public, no_english=True) == []
    public.get_by_role("link", name="Latinica").click()
    expect(public.get_by_role("heading", level=2)).to_have_text("Nišava raste: sklonite se sa obale")


@pytest.mark.parametrize("language", ["en", "sr-Cyrl"])
def test_everybody_can_use_them(open_page: Open, language: str) -> None:
    page = open_page("/duty", language=language)
    found: dict[str, list[str]] = {}
    for path in SCREENS if language == "en" else NARROW:
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        page.goto(path)
        settle(page)
        found[path] = [*findings(page), *too_wide(page)]
    for path, name in (("/duty/plans", "plans.new"), ("/warnings", "new")):
        page.goto(path)
        settle(page)
        page.locator("button.primary").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found[name] = findings(page)
    assert {path: what for path, what in found.items() if what} == {}
