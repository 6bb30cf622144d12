"""What everybody must be able to: small screens, large text, other scripts, assistive technology."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.small_city import SUBSTATION, SmallCity, container, entity_id

Open = Callable[..., Page]

SCREENS = {
    "situation": "/situation",
    "table": "/situation?view=table",
    "asset": f"/assets/{entity_id(SUBSTATION)}",
    "asset-in-alarm": f"/assets/{entity_id(container(3))}",
    "alarms": "/alarms",
    "devices": "/devices",
    "device": f"/devices/{SUBSTATION}",
    "dead-letters": "/dead-letters",
    "rules": "/administration/rules",
    "accounts": "/administration/accounts",
    "tokens": "/administration/tokens",
    "audit": "/administration/audit",
    "nowhere": "/no-such-place",
}
DIALOGS = {
    "command dialog": (f"/devices/{SUBSTATION}", "Give a command"),
    "rule dialog": ("/administration/rules", "Supply below its curve"),
    "account dialog": ("/administration/accounts", "New account"),
    "token dialog": ("/administration/tokens", "New token"),
    "audit dialog": ("/administration/audit", "Signed in"),
}
# A desk of 1440 by 900 at 200 % zoom shows as many pixels of layout as a window of half its size.
ZOOMED = (720, 450)


@pytest.fixture(scope="module", autouse=True)
def _something_to_see(city: SmallCity) -> None:
    city.burn(3)
    city.send_fault()


def settle(page: Page) -> None:
    """Wait until nothing is a skeleton any more."""
    expect(page.locator("main .skeleton")).to_have_count(0)
    page.wait_for_timeout(400)


def findings(page: Page) -> list[str]:
    return [
        f"{found['id']}: {node['html'][:200]}"
        for found in Axe().run(page).response["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_at_the_door(open_page: Open, theme: str, size: tuple[int, int]) -> None:
    page = open_page("/sign-in", signed_in=False, theme=theme, size=size)
    assert findings(page) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_on_any_screen(open_page: Open, theme: str, size: tuple[int, int]) -> None:
    page = open_page(theme=theme, size=size)
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", ["en", "sr-Cyrl", "sr-Latn"])
@pytest.mark.parametrize("size", [PHONE, ZOOMED, DESK], ids=["phone", "zoomed", "desk"])
def test_nothing_is_cut_or_scrolls_sideways(open_page: Open, language: str, size: tuple[int, int]) -> None:
    page = open_page(size=size, language=language)
    too_wide = {}
    for name, path in SCREENS.items():
        page.goto(path)
        settle(page)
        too_wide[name] = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert {name: pixels for name, pixels in too_wide.items() if pixels > 0} == {}


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


def test_nothing_is_loaded_from_anywhere_else(open_page: Open, city: SmallCity) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in SCREENS.values():
        page.goto(path)
        settle(page)
    strangers = [url for url in asked if not url.startswith((city.base_url, "data:", "blob:"))]
    assert strangers == []


def test_the_first_load_is_small(open_page: Open) -> None:
    page = open_page("/sign-in", signed_in=False)
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        """() => performance.getEntriesByType("resource")
            .filter((entry) => !entry.name.includes("/api/"))
            .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
    )
    assert sizes < 800_000  # uncompressed on this door; 400 kB is the limit over gzip
