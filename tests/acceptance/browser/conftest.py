"""One Vidik and one browser for all tests of the console; a fresh signed-in page for each."""

import json
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, expect, sync_playwright

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
class Witness:
    """What a failed test's pages were told and still waited for: a picture of a page does not say why it is empty."""

    began: float = field(default_factory=time.monotonic)
    waiting: dict[Request, float] = field(default_factory=dict)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=60))

    def watch(self, page: Page) -> None:
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("requestfinished", lambda request: self.waiting.pop(request, None))
        page.on("requestfailed", self._failed)
        page.on("console", lambda message: self._note(f"console {message.type}: {message.text}"))
        page.on("framenavigated", lambda frame: self._note(f"went to {frame.url}"))

    def report(self) -> str:
        open_ones = [f"{self._age(at)} open: {request.method} {request.url}" for request, at in self.waiting.items()]
        return "\n".join([*self.said, f"{self._age(time.monotonic())} failed; not ended:", *open_ones])

    def _age(self, at: float) -> str:
        return f"{at - self.began:7.2f} s"

    def _note(self, text: str) -> None:
        self.said.append(f"{self._age(time.monotonic())} {text}")

    def _asked(self, request: Request) -> None:
        self.waiting[request] = time.monotonic()

    def _answered(self, response: Response) -> None:
        if "/assets/" not in response.url:
            self._note(f"{response.status} {response.request.method} {response.url}")

    def _failed(self, request: Request) -> None:
        self.waiting.pop(request, None)
        self._note(f"{request.failure} {request.method} {request.url}")


@dataclass
class Opener:
    """Opens pages of the console with chosen size, theme and language, signed in unless told otherwise."""

    browser: Browser
    city: SmallCity
    contexts: list[BrowserContext] = field(default_factory=list)
    thrown: list[str] = field(default_factory=list)
    witness: Witness = field(default_factory=Witness)

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
        self.witness.watch(page)
        page.goto(path)
        page.locator("h1").first.wait_for(state="attached")
        return page


OPENER = pytest.StashKey[Opener]()
_LAST_LINES = 40


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put beside a failure what the pages waited for, and what the server said last."""
    report = yield
    opener = item.stash.get(OPENER, None)
    if report.failed and call.when == "call" and opener is not None:
        report.sections.append(("pages", opener.witness.report()))
        for file in sorted((opener.city.vidik.data / "logs").glob("*.log")):
            last = file.read_text(errors="replace").splitlines()[-_LAST_LINES:]
            report.sections.append((f"the server's {file.name}", "\n".join(last)))
    return report


@pytest.fixture
def open_page(browser: Browser, city: SmallCity, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open a page of the console; whatever it throws fails the test."""
    opener = Opener(browser, city)
    request.node.stash[OPENER] = opener
    yield opener
    for context in opener.contexts:
        context.close()
    assert opener.thrown == []
