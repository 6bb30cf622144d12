"""One Vidik and one browser for all tests of the console; a fresh signed-in page for each."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.acceptance.browser.small_city import SmallCity
from tests.family import running
from tests.memory import quick_folder

ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-gpu-compositing",  # the map alone is drawn by what stands in for a graphics processor
)
DESK = (1440, 900)
PATIENCE = 60_000  # ms, for what must come true on however slow a machine
PHONE = (390, 844)


@pytest.fixture(scope="session")
def city() -> Iterator[SmallCity]:
    """A running Vidik with a small city that has something to show."""
    folder = quick_folder("vidik-browser-")
    try:
        with running(folder / "data") as vidik:
            built = SmallCity(vidik)
            built.build()
            yield built
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def chromium() -> str | None:
    """The machine's own browser; None for the one that Playwright brings."""
    return os.environ.get("VIDIK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a file: while it lives, no test of its process can run an event loop of its own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield started
        started.close()


@dataclass
class Opener:
    """Opens pages of the console with chosen size, theme and language, signed in unless told otherwise."""

    browser: Browser
    city: SmallCity
    contexts: list[BrowserContext] = field(default_factory=list)
    thrown: list[str] = field(default_factory=list)

    def __call__(
        self,
        path: str = "/situation",
        *,
        size: tuple[int, int] = DESK,
        theme: str = "dark",
        language: str = "en",
        scale: float = 1,
        signed_in: bool = True,
    ) -> Page:
        context = self.browser.new_context(
            base_url=self.city.base_url,
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=scale,
            reduced_motion="reduce",
        )
        self.contexts.append(context)
        choice = json.dumps({"theme": theme, "language": language})
        context.add_init_script(
            f"if (!localStorage.getItem('vidik.preferences')) localStorage.setItem('vidik.preferences', '{choice}')"
        )
        if signed_in:
            login, password = self.city.vidik.login()
            answer = context.request.post(
                "/api/session",
                data={"login": login, "password": password},
                headers={"Origin": self.city.base_url},
            )
            assert answer.status == 204, answer.text()
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.thrown.append(str(error)))
        page.goto(path)
        page.locator("h1").first.wait_for(state="attached")
        return page


@pytest.fixture
def open_page(browser: Browser, city: SmallCity) -> Iterator[Callable[..., Page]]:
    """Open a page of the console; whatever it throws fails the test."""
    opener = Opener(browser, city)
    yield opener
    for context in opener.contexts:
        context.close()
    assert opener.thrown == []
