"""What everybody must be able to: small screens, large text, other scripts, assistive technology."""

from collections import Counter
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SUBSTATION, SmallCity, container, entity_id

Open = Callable[..., Page]

SCREENS = {
    "situation": "/situation",
    "table": "/situation?view=table",
    "asset": f"/assets/{entity_id(SUBSTATION)}",
    "asset-in-alarm": f"/assets/{entity_id(container(3))}",
    "alarms": "/alarms",
    "vitals": "/vitals",
    "vitals-table": "/vitals?view=table",
    "vital": "/vitals/heating_in_band",
    "city": "/city",
    "wall": "/wall",
    "devices": "/devices",
    "device": f"/devices/{SUBSTATION}",
    "dead-letters": "/dead-letters",
    "accounts": "/administration/accounts",
    "tokens": "/administration/tokens",
    "audit": "/administration/audit",
    "nowhere": "/no-such-place",
    "no-such-asset": "/assets/urn:ngsi-ld:Streetlight:nobody",
    "no-such-device": "/devices/nobody",
    "no-such-incident": "/incidents/999999",
    "no-such-request": "/requests/nobody",
}
DIALOGS = {
    "command dialog": (f"/devices/{SUBSTATION}", "Give a command"),
    "account dialog": ("/administration/accounts", "New account"),
    "token dialog": ("/administration/tokens", "New token"),
    "audit dialog": ("/administration/audit", "Signed in"),
}


@pytest.fixture(scope="module", autouse=True)
def _something_to_see(city: SmallCity) -> None:
    city.burn(3)
    city.send_fault()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_at_the_door(open_page: Open, size: tuple[int, int]) -> None:
    page = open_page("/sign-in", signed_in=False, size=size)
    assert findings(page) == []


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_on_any_screen(open_page: Open, size: tuple[int, int], city: SmallCity) -> None:
    page = open_page(size=size)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    found = {}
    for name, path in SCREENS.items():
        page.goto(path)
        settle(page)
        found[name] = findings(page)
    for name, (path, button) in DIALOGS.items():
        page.goto(path)
        page.get_by_role("button", name=button).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found[name] = findings(page)
    page.goto("/devices")
    page.get_by_role("button", name="Account of").click()
    found["account"] = findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    found["help"] = findings(page)
    assert {name: what for name, what in found.items() if what} == {}
    strangers = [url for url in asked if not url.startswith((city.base_url, "data:", "blob:"))]
    assert strangers == [], "something is loaded from elsewhere"


@pytest.mark.parametrize("language", ["en", "sr-Cyrl", "sr-Latn"])
def test_nothing_scrolls_sideways_at_any_size(open_page: Open, language: str) -> None:
    page = open_page(language=language)
    found = {}
    for name, path in SCREENS.items():
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        page.goto(path)
        settle(page)
        found[name] = too_wide(page)
    assert {name: sizes for name, sizes in found.items() if sizes} == {}


def test_no_screen_asks_for_the_same_thing_twice_while_it_opens(open_page: Open) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: "/api/" in request.url and asked.append(f"{request.method} {request.url}"))
    rooms = ("desk", "incidents", "requests", "procedures", "tasks", "duty", "warnings", "exercises", "pilots/plans")
    found = {}
    for path in (*SCREENS.values(), *(f"/{room}" for room in rooms)):
        asked.clear()
        page.goto(path)
        settle(page)
        if path != "/wall":
            expect(page.get_by_text("live", exact=True)).to_be_visible()
        page.wait_for_timeout(400)  # what comes a second time comes when the first answers are there
        found[path] = sorted(address for address, times in Counter(asked).items() if times > 1)
    assert {path: twice for path, twice in found.items() if twice} == {}


def test_the_phone_lists_first_and_has_the_map_as_a_tab(open_page: Open) -> None:
    page = open_page(size=PHONE)
    expect(page.get_by_role("heading", name="Open alarms")).to_be_visible()
    expect(page.locator("canvas.maplibregl-canvas")).to_have_count(0)
    page.get_by_role("button", name="Map", exact=True).click()
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible()


def test_targets_on_the_phone_are_large_enough_for_a_thumb(open_page: Open) -> None:
    page = open_page(size=PHONE)
    settle(page)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, nav a, .button")]
            .map((element) => [element.outerHTML.slice(0, 90), element.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
            .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""
    )
    assert small == []


def test_the_first_load_is_small(open_page: Open) -> None:
    page = open_page("/sign-in", signed_in=False)
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        """() => performance.getEntriesByType("resource")
            .filter((entry) => !entry.name.includes("/api/"))
            .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
    )
    assert sizes < 800_000  # uncompressed on this door; 400 kB is the limit over gzip
