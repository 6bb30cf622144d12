"""Looking at a screen as everybody must be able to use it: what axe finds in both themes, what does not fit."""

from collections.abc import Mapping

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE

# A desk of 1440 by 900 at 200 % zoom shows as many pixels of layout as a window of half its size.
ZOOMED = (720, 450)
SIZES: Mapping[str, tuple[int, int]] = {"desk": DESK, "zoomed": ZOOMED, "phone": PHONE}

_DRAWN = "document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))))"
# A colour on its way from one theme to the other is neither's.
_STILL = """() => Promise.all(
  document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => {}))
)"""


def settle(page: Page) -> None:
    """Wait until the page has begun, nothing is a skeleton any more, and what is there has been drawn."""
    expect(page.locator("h1").first).to_be_attached()  # an empty page has no skeleton either
    expect(page.locator("main .skeleton")).to_have_count(0)
    page.evaluate(_DRAWN)


def findings(page: Page, *, no_english: bool = False) -> list[str]:
    """What axe finds in the theme that is shown, and which contrasts are too weak in the other one.

    Contrasts do not know languages and take most of the time: they are looked at on the screens in English, and where
    a page is told to have `no_english`.
    """
    if not no_english and page.evaluate("document.documentElement.lang") != "en":
        return _run(page, {"rules": {"color-contrast": {"enabled": False}}})
    found = _run(page, {})
    shown = page.evaluate("document.documentElement.dataset.theme")
    _draw(page, "light" if shown == "dark" else "dark")
    found += _run(page, {"runOnly": ["color-contrast"]})
    _draw(page, shown)
    return found


def findings_shown(page: Page) -> list[str]:
    """What axe finds in the theme that is shown: for a second size of a screen whose colours were looked at."""
    return _run(page, {})


def _draw(page: Page, theme: str) -> None:
    page.evaluate("(theme) => document.documentElement.dataset.theme = theme", theme)
    page.evaluate(_STILL)


def _run(page: Page, options: dict[str, object]) -> list[str]:
    theme = page.evaluate("document.documentElement.dataset.theme")
    if not page.evaluate("'axe' in window"):  # half a megabyte: once a page that is loaded
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(
        "async (options) => (await axe.run(document, options)).violations", {"resultTypes": ["violations"], **options}
    )
    return [f"{found['id']} ({theme}): {node['html'][:200]}" for found in violations for node in found["nodes"]]


def too_wide(page: Page) -> dict[str, int]:
    """By how many pixels a screen scrolls sideways, in each size of window where it does."""
    found = {}
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        pixels = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if pixels > 0:
            found[name] = pixels
    return found
