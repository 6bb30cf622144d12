"""Pilots in the console: choose, plan, sign, watch, decide, sum up; by keyboard, on the phone, in three scripts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.browser.conftest import DESK, PHONE
from tests.acceptance.browser.look import findings, findings_shown, settle, too_wide
from tests.acceptance.browser.small_city import SmallCity
from tests.acceptance.browser.small_pilots import SAVED, STEPPED, UNDECIDED, hand_in, street_csv

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def made(city: SmallCity) -> dict[str, int]:
    """The pilots, by title."""
    with city.vidik.client() as client:
        return hand_in(client)


def test_the_three_to_choose_are_named_and_move_with_the_numbers(open_page: Open) -> None:
    page = open_page("/situation")
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page).to_have_url(re.compile("/pilots/plans"))
    page.get_by_role("link", name="Choose", exact=True).click()
    best = page.get_by_label("The three within the budget that one would regret least")
    expect(best).to_contain_text(re.compile(r"Best in \d+"))
    page.get_by_role("button", name="City's budget").click()
    expect(best).to_contain_text("Your numbers")
    page.get_by_role("button", name="Back to the city's numbers").click()
    expect(best).not_to_contain_text("Your numbers")

    page.keyboard.press("t")
    table = page.get_by_role("table", name="Chance and regret")
    expect(table.get_by_role("row")).to_have_count(8)
    page.get_by_role("table").get_by_role("button", name="Lighting").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Sources")
    expect(dialog.get_by_role("listitem").first).to_be_visible()


def test_a_plan_is_guided_saved_and_signed_by_keyboard_alone(open_page: Open, tmp_path: Path) -> None:
    meters = tmp_path / "streets.csv"
    meters.write_bytes(street_csv(saved=0.1, seed=3))
    page = open_page("/pilots/plans")
    press(page, page.get_by_role("button", name="New pilot"), "Enter")
    write(page, page.get_by_label("Name"), "Lamps by the river")
    write(page, page.get_by_label("Service"), "Lighting")
    press(page, page.get_by_role("button", name="Begin the plan"), "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lamps by the river")
    boundary = page.get_by_label("Boundary")
    expect(boundary).to_have_attribute("aria-invalid", "true")
    write(page, boundary, "The quay from bridge to bridge.")
    expect(page.get_by_text("Saved as a draft")).to_be_visible()
    expect(boundary).to_have_attribute("aria-invalid", "false")

    next_step(page)
    choose(page, page.get_by_label("With similar units"))
    next_step(page)
    give(page, page.get_by_role("group", name="Units in which something is changed"), meters, ["street"])
    give(page, page.get_by_role("group", name="Units in which nothing is changed"), meters, OTHERS)
    next_step(page)
    for group, first, last in (
        ("Before (baseline period)", "09012024", "04302025"),
        ("During the pilot (reporting period)", "05012025", "09302025"),
    ):
        period = page.get_by_role("group", name=group)
        write(page, period.get_by_label("First day"), first)
        write(page, period.get_by_label("Last day"), last)
    expect(page.get_by_label("First day").first).to_have_value("2024-09-01")
    next_step(page)
    press(page, page.get_by_role("button", name="Add a price"), "Enter")
    write(page, page.get_by_label("Price (RSD/kWh)"), "14.20")
    write(page, page.get_by_label("Source"), "Supplier's bill")
    expect(page.get_by_text("Saved as a draft")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Source")).to_have_value("Supplier's bill")

    press(page, page.get_by_role("button", name="Say what it costs"), "Enter")
    cost = page.get_by_role("group", name="What the pilot costs")
    write(page, cost.get_by_label("Amount (RSD)"), "90 000,50")
    write(page, cost.get_by_label("What it covers"), "Timers and their fitting")
    write(page, cost.get_by_label("Source"), "Tender 7")
    carbon = page.get_by_role("group", name="Emission factor")
    carbon.get_by_label("Take over a published value").select_option("electricity-ifi-efficiency-2021")
    expect(carbon.get_by_label("Factor (kg/kWh)")).to_have_value("0.678")
    expect(carbon.get_by_label("Source")).to_have_value(re.compile("Harmonized IFI Default Grid Factors"))
    expect(carbon.get_by_label("Kind of factor").locator("option:checked")).to_have_text(re.compile("combined margin"))
    assert findings(page) == []

    press(page, page.get_by_role("button", name=re.compile("Prove and sign")), "Enter")
    expect(page.get_by_text("Nothing is missing.")).to_be_visible()
    press(page, page.get_by_role("button", name="Work it out", exact=True), "Enter")
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    expect(page.get_by_role("button", name="Work it out again")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("img", name=re.compile("Chance to show a saving"))).to_be_visible()
    expect(page.locator(".sentence")).to_contain_text(re.compile(r"saving.*%"))
    expect(page.get_by_role("heading", name="What the data of the time before are like")).to_be_visible()
    press(page, page.get_by_role("button", name="Freeze and sign…"), "Enter")
    dialog = page.get_by_role("dialog")
    fingerprint = dialog.locator("code").inner_text()
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    expect(dialog.get_by_role("button", name="Sign and freeze")).to_be_disabled()
    assert findings(page) == []
    press(page, dialog.get_by_label("I have read every step"), "Space")
    press(page, dialog.get_by_role("button", name="Sign and freeze"), "Enter")
    expect(page.get_by_role("heading", name="Frozen and signed")).to_be_visible()
    expect(page.get_by_text(fingerprint)).to_be_visible()
    expect(page.get_by_text(re.compile("Timers and their fitting \\(Tender 7"))).to_be_visible()
    expect(page.get_by_text(re.compile("Grid Factors 2021.*2021, combined margin"))).to_be_visible()


OTHERS = ["other 1", "other 2", "other 3"]
MOST_ROUNDS, TABS = 6, 30


def walk_to(page: Page, target: Locator) -> None:
    """Go to a control as somebody without a mouse does: from where one is, by Tab, round the page once at most."""
    expect(target).to_be_visible()
    for _ in range(MOST_ROUNDS):
        control = target.element_handle()  # looked up again now and then: a list may be drawn anew meanwhile
        for _ in range(TABS):
            if control.evaluate("(element) => element === document.activeElement"):
                return
            page.keyboard.press("Tab")
    raise AssertionError(f"no way by keyboard to {target}")


def press(page: Page, target: Locator, key: str) -> None:
    expect(target).to_be_enabled()
    walk_to(page, target)
    page.keyboard.press(key)


def write(page: Page, target: Locator, text: str) -> None:
    """Type into a field; into a date as its parts, into a choice its first letters."""
    walk_to(page, target)
    page.keyboard.type(text)


def choose(page: Page, option: Locator) -> None:
    """One of some radio buttons: Tab goes to the group, arrows through it."""
    group = page.locator(f"input[name='{option.get_attribute('name')}']")
    chosen = group.and_(page.locator(":checked"))
    walk_to(page, chosen if chosen.count() else group.first)
    for _ in range(group.count()):
        if option.is_checked():
            return
        page.keyboard.press("ArrowDown")
    expect(option).to_be_checked()


def next_step(page: Page) -> None:
    press(page, page.get_by_role("button", name="Next"), "Enter")


def give(page: Page, group: Locator, file: Path, columns: list[str]) -> None:
    """Hand a file in and take columns of it as signals."""
    press(page, group.locator("summary").filter(has_text="Take it from a CSV file"), "Enter")
    press(page, group.get_by_label("The numbers are simulated"), "Space")
    with page.expect_file_chooser() as chooser:
        press(page, group.locator("input[type=file]"), "Enter")
    chooser.value.set_files(file)
    for column in columns:
        write(page, group.get_by_label("Column"), column)
        press(page, group.get_by_role("button", name="Add", exact=True), "Enter")
        expect(group.get_by_role("button", name=f"Remove streets.csv · {column}", exact=True)).to_be_visible()


def test_what_was_saved_is_said_drawn_and_tabled(open_page: Open, made: dict[str, int]) -> None:
    page = open_page(f"/pilots/plans/{made[SAVED]}/watch")
    result = page.get_by_role("region", name="Result", exact=True)
    expect(result).to_contain_text("Saved")
    expect(result).to_contain_text(re.compile(r"holds the truth in about 90 of 100 pilots"))
    expect(page.get_by_text("simulated").first).to_be_visible()
    chart = page.get_by_role("application", name=re.compile("Saved so far"))
    chart.press("End")
    expect(page.get_by_role("status").filter(has_text="30.9.2025")).to_contain_text("saved in all")
    with page.expect_download() as saving:
        page.get_by_role("button", name="CSV of what is seen: What was, and what would have been").click()
    assert saving.value.path().read_text().startswith("Month,Days,measured")
    page.keyboard.press("t")
    table = page.get_by_role("table", name="Saved so far")
    expect(table.get_by_role("row")).to_have_count(6)
    expect(page.get_by_role("link", name="PDF")).to_be_visible()


def test_a_pilot_that_is_over_is_decided_by_a_person(open_page: Open, made: dict[str, int]) -> None:
    page = open_page(f"/pilots/plans/{made[UNDECIDED]}/watch")
    page.get_by_role("button", name="Decide").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Stop").check()
    dialog.get_by_role("textbox").fill("Not enough to go on")
    assert findings(page) == []
    dialog.get_by_role("button", name="Enter in the ledger").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Decision: Stop").first).to_be_visible()
    page.goto("/pilots/ledger")
    expect(page.get_by_role("table", name="Entries").get_by_role("row").filter(has_text=UNDECIDED)).to_contain_text(
        "Stop"
    )


def test_a_question_about_the_data_is_answered_and_amends_the_plan(open_page: Open, made: dict[str, int]) -> None:
    page = open_page(f"/pilots/plans/{made[STEPPED]}/watch")
    question = page.get_by_role("listitem").filter(has=page.get_by_role("group", name="What was it?"))
    expect(question).to_have_count(1)
    expect(question).to_contain_text(re.compile(r"2025.*less than expected", re.DOTALL))
    expect(page.get_by_role("button", name="Decide")).to_be_disabled()
    question.get_by_label("leave these days out").check()
    question.get_by_label("What happened").fill("The market was closed for repairs")
    question.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("heading", name="Answered questions")).to_be_visible()
    expect(page.get_by_text("The market was closed for repairs").first).to_be_visible()
    expect(page.get_by_role("progressbar", name="Progress")).to_have_count(0, timeout=120_000)
    expect(page.get_by_role("button", name="Decide")).to_be_enabled()
    page.get_by_role("link", name="The plan", exact=True).click()
    amendments = page.get_by_role("region", name="Amendments", exact=True)
    expect(amendments).to_contain_text("Days left out")
    expect(amendments).to_contain_text("The market was closed for repairs")


def test_pilots_that_measure_the_same_say_who_counts_what_and_are_adjusted(
    open_page: Open, made: dict[str, int]
) -> None:
    page = open_page("/pilots/plans")
    plans = "/api/pilots/plans"
    same = page.request.get(f"{plans}/{made[STEPPED]}").json()["specification"] | {"title": "The market by night"}
    origin = {"Origin": page.url.split("/pilots")[0]}
    drafted = page.request.post(plans, data={"specification": same}, headers=origin).json()
    assert [one["title"] for one in drafted["overlaps"]] == [STEPPED]
    page.goto(f"/pilots/plans/{drafted['id']}?step=prove")
    expect(page.get_by_text("this plan cannot be frozen")).to_be_visible()

    page.get_by_role("button", name="Say how it is shared").click()
    sharing = page.get_by_role("group", name="Shared with other pilots")
    sharing.get_by_role("button", name="Say how it is shared").click()
    expect(sharing.get_by_label(STEPPED)).to_have_value("50")
    sharing.get_by_label("This pilot").fill("30")
    expect(sharing.get_by_role("status")).to_contain_text("must come to 100")
    assert findings(page) == []
    sharing.get_by_label(STEPPED).fill("70")
    sharing.get_by_label("The rule, in words").fill("By what each costs")
    expect(page.get_by_text("Saved as a draft")).to_be_visible()
    page.get_by_role("button", name=re.compile("Prove and sign")).click()
    page.get_by_role("button", name="Freeze and sign…").click()
    page.get_by_label("I have read every step").check()
    page.get_by_role("button", name="Sign and freeze").click()
    agreed = page.get_by_role("region", name="What was agreed")
    expect(agreed).to_contain_text("By what each costs")
    expect(agreed).to_contain_text(re.compile(rf"This pilot: 30\s%.*{STEPPED}: 70\s%", re.DOTALL))

    page.goto(f"/pilots/plans/{made[STEPPED]}")
    amendments = page.get_by_role("region", name="Amendments", exact=True)
    expect(amendments).to_contain_text("Shares between pilots")
    page.get_by_role("button", name="Amend", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What changes").select_option("adjustment")
    dialog.get_by_label("First day", exact=True).fill("2025-08-01")
    dialog.get_by_label("Last day", exact=True).fill("2025-08-05")
    dialog.get_by_label(re.compile("More or less a day")).fill("−12,5")
    dialog.get_by_label("Reason").fill("The fair had its own lamps")
    assert findings(page) == []
    dialog.get_by_role("button", name="Add the amendment").click()
    expect(dialog).to_be_hidden()
    expect(amendments).to_contain_text("Adjustment")
    expect(page.get_by_role("region", name="What was agreed")).to_contain_text(
        re.compile(r"−12[.,]5\skWh a day, The fair had its own lamps")
    )


def test_what_is_wrong_is_said_in_the_readers_language(open_page: Open) -> None:
    page = open_page("/pilots/plans", language="sr-Latn")
    wrong = {
        "title": "Naopako",
        "baseline": {"first": "2025-05-02", "last": "2025-04-01"},
        "units": [{"name": "a", "entity": "urn:x", "attribute": "y", "kind": "amount", "unit": "KWH"}],
        "expected": 2,
    }
    origin = {"Origin": page.url.split("/pilots")[0]}
    draft = page.request.post("/api/pilots/plans", data={"specification": wrong}, headers=origin).json()["id"]
    page.goto(f"/pilots/plans/{draft}?step=periods")
    expect(page.get_by_text("Završava se 1.4.2025, pre nego što počinje 2.5.2025.")).to_be_visible()
    page.goto(f"/pilots/plans/{draft}?step=aim")
    expect(page.get_by_text("Ovo mora biti manje od 100 %.")).to_be_visible()
    page.goto(f"/pilots/plans/{draft}?step=prove")
    missing = page.get_by_role("region", name=re.compile("Nedostaj"))
    expect(missing).to_contain_text("Granica: ovo nedostaje.")
    expect(missing).not_to_contain_text(re.compile("this|missing|must", re.IGNORECASE))


def test_the_ledger_and_the_one_page_sum_up_what_is_simulated_apart(open_page: Open, made: dict[str, int]) -> None:
    page = open_page("/pilots/ledger")
    totals = page.get_by_role("region", name="In all")
    expect(totals).to_contain_text("simulated")
    expect(totals).to_contain_text("RSD")
    page.get_by_role("button", name="Year", exact=True).click()
    expect(page).to_have_url(re.compile("by=year"))
    sums = page.get_by_role("region", name="Sums with their ranges")
    expect(sums).to_contain_text("2025")
    page.get_by_role("button", name="Service and year").click()
    expect(sums).to_contain_text("Lighting, 2025")
    page.get_by_role("link", name="One page").click()
    card = page.get_by_role("article").filter(has_text=SAVED)
    expect(card).to_contain_text("It saved")
    expect(card).to_contain_text("Decision: Scale up")
    expect(card).to_contain_text(re.compile(r"It cost 90.000\sRSD and saves .* paid back after about", re.DOTALL))


@pytest.fixture(scope="module")
def screens(city: SmallCity, made: dict[str, int]) -> list[str]:
    """Every screen of pilots, with a plan in each of its states and a draft in each of its steps."""
    with city.vidik.client() as client:
        draft = client.post(
            "/api/pilots/plans",
            json={"specification": {"title": "Нацрт", "service": "parking", "design": "baseline"}},
        )
    assert draft.status_code == 201, draft.text
    steps = ("aim", "method", "signals", "periods", "money", "decision", "prove")
    names = ("choose", "plans", "ledger", "summary", "choose?view=table", "summary?view=table", "nothing-here")
    watch = f"/pilots/plans/{made[SAVED]}/watch"
    return [
        *(f"/pilots/{name}" for name in names),
        *(f"/pilots/plans/{draft.json()['id']}?step={step}" for step in steps),
        f"/pilots/plans/{made[SAVED]}",
        watch,
        f"{watch}?view=table",
    ]


@pytest.mark.parametrize("first", range(3))
def test_axe_finds_nothing_and_nothing_is_cut(open_page: Open, screens: list[str], first: int) -> None:
    """Each screen is loaded once: axe on the desk in both themes and on the phone, all sizes in two scripts."""
    page = open_page("/pilots/plans")
    found: dict[str, object] = {}
    for path in screens[first::3]:
        at_size(page, DESK)
        page.goto(path)
        page.locator("main h1").first.wait_for(state="attached")
        settle(page)
        found[f"{path} on the desk"] = findings(page)
        found[f"{path} too wide in English"] = too_wide(page)
        at_size(page, PHONE)
        found[f"{path} on the phone"] = findings_shown(page)
        at_size(page, DESK)
        page.get_by_title("Српски, ћирилица", exact=True).click()
        found[f"{path} too wide in Cyrillic"] = too_wide(page)
        at_size(page, DESK)
        page.get_by_title("English", exact=True).click()
    assert {path: what for path, what in found.items() if what} == {}


def at_size(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def test_the_pilots_screens_are_loaded_only_when_asked_for(open_page: Open) -> None:
    page = open_page("/alarms")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    assert not any(
        "Pilots" in url for url in page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    )
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pilots")
    assert any("Pilots" in url for url in loaded)
