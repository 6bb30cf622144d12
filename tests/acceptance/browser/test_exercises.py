"""An exercise in the browser: chosen, marked on every screen, stopped and scored; both themes, all widths."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SmallCity

Open = Callable[..., Page]
CUT_ON_THE_WALL = """[...document.querySelectorAll(".vital")]
  .filter((one) => one.firstElementChild.offsetHeight > one.clientHeight)
  .map((one) => one.textContent)"""


@pytest.fixture(autouse=True)
def nothing_is_played_afterwards(city: SmallCity) -> Iterator[None]:
    """Others share this Vidik: whatever becomes of a test, no exercise goes on, and nothing of it stands."""
    yield
    with city.vidik.client() as client:
        for one in client.get("/api/exercises", params={"which": "playing"}).json()["items"]:
            headers = {"If-Match": f'"{one["version"]}"'}
            client.post(f"/api/exercises/{one['id']}/stop", json={}, headers=headers)
        for _ in range(600):
            if not any(one["exercise"] for one in client.get("/api/incidents").json()["items"]):
                return
            time.sleep(0.1)
        raise AssertionError("what an exercise opened still stands a minute after its end")


def test_an_exercise_is_played_marked_and_scored(open_page: Open) -> None:
    page = open_page("/situation")
    page.keyboard.press("g")
    page.keyboard.press("x")
    expect(page.get_by_role("heading", level=1)).to_have_text("Exercises")
    settle(page)
    assert findings(page) == []
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Concert in the Fortress"))
    card.get_by_role("button", name="Start").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()

    banner = page.get_by_role("main").get_by_role("status").filter(has_text="EXERCISE")
    expect(banner).to_contain_text("Concert in the Fortress")
    events = page.get_by_role("region", name="What happens")
    expect(events.get_by_role("link", name=re.compile(r"^\d{4}-\d{4}$"))).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("Somebody takes command")
    settle(page)
    assert findings(page) == []
    assert too_wide(page) == {}
    page.set_viewport_size({"width": 1440, "height": 900})

    wall = open_page("/wall", size=(901, 700))
    expect(wall.get_by_role("status").filter(has_text="EXERCISE")).to_be_visible()
    expect(wall.get_by_role("region", name="Vital signs").locator("strong").first).to_be_visible()
    assert wall.evaluate(CUT_ON_THE_WALL) == []

    page.get_by_role("button", name="Open an incident").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox", name=re.compile("Belongs to the exercise"))).to_be_checked()
    dialog.get_by_role("button", name="Cancel").click()

    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(banner).to_be_visible()
    expect(page.get_by_text("Exercise", exact=True).first).to_be_visible()

    banner.get_by_role("link").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_label("What was learnt").fill("Раније затворити мост.")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", level=2, name="Score", exact=True)).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("not tested")
    expect(banner).to_have_count(0)
    page.get_by_role("main").get_by_role("link", name="Exercises", exact=True).click()
    expect(page.get_by_role("link", name="Concert in the Fortress")).to_be_visible()
