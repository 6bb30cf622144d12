"""Alarms in the console: one line for one cause, put aside and brought back, rules tried and changed, the figures."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.small_city import CONTAINERS, SmallCity, container, container_reading
from tests.acceptance.browser.test_everybody import findings, settle

Open = Callable[..., Page]
WORDS = {"en": "Battery at {value}.", "sr": "Батерија на {value}."}
STORM = {
    "kind": "threshold",
    "service": "air",
    "priority": "medium",
    "entity_types": ["WasteContainer"],
    "title": {"en": "Battery weak", "sr": "Слаба батерија"},
    "message": WORDS,
    "advice": {"en": "Change it on the next round.", "sr": "Замените је при следећем обиласку."},
    "attribute": "batteryLevel",
    "below": 0.5,
    "clear": 0.6,
    "rationalisation": {
        "cause": {"en": "It is old.", "sr": "Стара је."},
        "consequence": {"en": "The container falls silent.", "sr": "Контејнер утихне."},
        "impact": "minor",
        "respond_within": "5d",
        "owner": "waste",
    },
}
PAGES = ["/alarms?state=cleared", "/alarms/performance", "/alarms/rules", "/alarms/rules/heating_return_high"]


@pytest.fixture(scope="module", autouse=True)
def _weak_batteries(city: SmallCity) -> Iterator[None]:
    """A rule of our own whose alarms go with it: other files find the city as it was."""
    with city.vidik.client() as client:
        answer = client.put("/api/rules/battery_weak", json=STORM)
        assert answer.status_code == 200, answer.text
    yield
    with city.vidik.client() as client:
        assert client.delete("/api/rules/battery_weak").status_code == 200
        assert client.delete("/api/rules/heating_return_high").status_code in (200, 404)


def storm(city: SmallCity) -> None:
    """Every container says at once that its battery is weak."""
    at = int(time.time())
    for number in range(1, CONTAINERS + 1):
        city.send(container(number), container_reading(at) | {"bat": 0.2})


def test_a_storm_is_one_line_that_waits_until_it_is_asked_for(open_page: Open, city: SmallCity) -> None:
    city.burn(1)
    page = open_page("/alarms")
    table = page.get_by_role("table", name="Alarms")
    expect(table.get_by_role("row").filter(has_text="Kontejner 1,")).to_be_visible()
    before = table.get_by_role("row").count()
    storm(city)
    fresh = page.get_by_role("button", name=re.compile("new line"))
    expect(fresh).to_be_visible()
    assert table.get_by_role("row").count() == before
    line = table.get_by_role("row").filter(has_text=f"{CONTAINERS} alarms")
    while not line.is_visible():  # the last of them may come after the first look
        page.keyboard.press("n")
        page.wait_for_timeout(200)
    page.keyboard.press("n")  # those that were shown one by one before they were a group take their place in it
    expect(line).to_contain_text("Air, at the same time")
    line.get_by_role("button", expanded=False).first.click()
    expect(table.get_by_role("row").filter(has_text="Battery at 0.2")).to_have_count(CONTAINERS + 1)
    assert findings(page) == []
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{CONTAINERS} alarms")
    page.keyboard.type("One round for all")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(line).to_contain_text("acknowledged")
    expect(table.get_by_text("One round for all").first).to_be_visible()


def test_an_alarm_is_put_aside_and_brought_back_by_keyboard(open_page: Open) -> None:
    page = open_page("/alarms?service=air")
    table = page.get_by_role("table", name="Alarms")
    line = table.get_by_role("row").filter(has_text=f"{CONTAINERS} alarms")
    expect(line).to_be_visible()
    for key in ("j", "Enter", "j", "Enter"):
        page.keyboard.press(key)
    detail = page.get_by_role("article")
    expect(detail).to_contain_text("Change it on the next round.")
    expect(detail).to_contain_text("The container falls silent.")
    expect(detail.get_by_role("listitem").filter(has_text="One round for all")).to_contain_text("First dispatcher")
    expect(detail.get_by_role("heading", name="Air, at the same time")).to_be_visible()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog")
    page.keyboard.type("Spare part is on its way")
    assert findings(page) == []
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(detail).to_contain_text("shelved")
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    page.get_by_role("button", name=re.compile("^Hidden")).click()
    row = table.get_by_role("row").filter(has_text="shelved")
    expect(row).to_contain_text("until")
    page.keyboard.press("j")
    page.keyboard.press("b")
    expect(dialog).to_contain_text("Bring back")
    dialog.get_by_role("button", name="Bring back").click()
    expect(dialog).to_be_hidden()
    expect(table.get_by_role("row").filter(has_text="unacknowledged")).to_be_visible()


def test_a_rule_is_tried_changed_with_a_reason_and_taken_back(open_page: Open, city: SmallCity) -> None:
    page = open_page("/administration/rules")
    expect(page.get_by_role("heading", level=1)).to_have_text("Rules")
    page.get_by_label("Search rules").fill("return temp")
    page.get_by_role("link", name="Return temperature too high").click()
    page.get_by_label("Raises when").locator("xpath=following::input[1]").fill("30")
    page.get_by_label("Clears at").fill("35")
    page.get_by_role("textbox", name="Reason").fill("Exchanger replaced")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("on the good side of the level")
    page.get_by_label("Clears at").fill("25")
    page.get_by_role("button", name="Try it").click()
    trial = page.get_by_role("region", name="Dry run against history")
    expect(trial).to_contain_text("This rule would have raised 1 alarm in 30 days.")
    expect(trial.get_by_role("link").first).to_have_attribute("href", re.compile("/assets/.*from="))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved; it counts")).to_be_visible()
    expect(page.get_by_text("changed by First dispatcher")).to_be_visible()
    with city.vidik.client() as client:
        rule = client.get("/api/rules/heating_return_high").json()
        record = client.get("/api/audit?subject=rule:heating_return_high").json()["items"][0]
    assert (rule["above"], rule["clear"], record["reason"]) == (30, 25, "Exchanger replaced")
    page.get_by_role("button", name="Back to packaged").click()
    expect(page.get_by_label("Clears at")).to_have_value("47")


def test_on_a_phone_each_part_of_a_rule_is_a_tap_away(open_page: Open) -> None:
    page = open_page("/alarms/rules/heating_return_high", size=PHONE)
    parts = page.get_by_role("navigation", name="Parts of the rule")
    for part, heading in (("Dry run", "Dry run against history"), ("Why", "Why, and how urgent")):
        parts.get_by_role("button", name=part, exact=True).click()
        expect(page.get_by_role("heading", name=heading)).to_be_in_viewport()
        expect(parts).to_be_in_viewport()


def test_the_figures_stand_beside_their_targets(open_page: Open) -> None:
    page = open_page("/alarms/performance?period=24h")
    figures = page.get_by_role("region", name="Figures and targets")
    expect(figures).to_contain_text("missed, at most 10")
    expect(page.get_by_role("region", name="Floods")).to_contain_text("calls")
    page.get_by_label("Operators who share").fill("4")
    page.get_by_label("Operators who share").press("Enter")
    expect(page).to_have_url(re.compile("operators=4"))
    figures.get_by_role("button", name=re.compile("^Table")).click()
    expect(figures.get_by_role("row")).to_have_count(9)


@pytest.mark.parametrize(("language", "size"), [("en", DESK), ("sr-Cyrl", PHONE)], ids=["desk", "phone"])
def test_axe_finds_nothing_and_nothing_is_too_wide(open_page: Open, language: str, size: tuple[int, int]) -> None:
    page = open_page("/alarms", language=language, size=size, theme="light" if size == PHONE else "dark")
    found, wide = {}, {}
    for path in PAGES:
        page.goto(path)
        page.locator("main h1").first.wait_for(state="attached")
        settle(page)
        found[path] = findings(page)
        wide[path] = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert {path: what for path, what in found.items() if what} == {}
    assert {path: pixels for path, pixels in wide.items() if pixels > 0} == {}
