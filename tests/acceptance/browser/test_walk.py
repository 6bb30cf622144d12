"""What a dispatcher does: see an alarm arrive, open its asset, read its past, take it over."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.browser.small_city import (
    CONTAINERS,
    SUBSTATION,
    SmallCity,
    container,
    entity_id,
)

Open = Callable[..., Page]
CITY_CONTEXT = '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'

# What a browser says of a tab behind another; one without a screen never says it.
HIDDEN = "window.isHidden = true; Object.defineProperty(document, 'hidden', { get: () => window.isHidden })"

# A browser says "close" of a dialog with its next frame, and a busy machine draws few: as if none ever came.
NO_FRAMES = "document.addEventListener('close', (event) => event.stopImmediatePropagation(), true)"


def test_an_alarm_arrives_live_and_is_acknowledged_with_name_and_time(open_page: Open, city: SmallCity) -> None:
    page = open_page("/situation")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    city.burn(1)
    # Into an empty list it comes by itself; beside others it waits behind the bar, so that nothing jumps.
    row = page.get_by_role("listitem").filter(has=page.locator(f'a[href*="{container(1)}"].message'))
    waiting = page.get_by_role("button", name=re.compile("new alarm"))
    expect(row.or_(waiting).first).to_be_visible()
    if waiting.is_visible():
        waiting.click()
    expect(row).to_contain_text("88")
    row.locator("a.message").click()

    expect(page).to_have_url(re.compile(f"/assets/.*{container(1)}"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Kontejner 1, Đerdapska")
    here = page.get_by_role("table", name="Alarms here")
    here.get_by_role("button", name="Acknowledge").click()
    page.get_by_label("Note for the next shift").fill("Fire brigade called")
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    expect(here).to_contain_text(re.compile(r"First dispatcher acknowledged at \d\d:\d\d"))
    expect(here).to_contain_text("Fire brigade called")


def test_tabs_that_nobody_looks_at_leave_the_lines_to_the_one_that_is_seen(open_page: Open) -> None:
    """A browser has six lines to a server; each tab kept one, and the seventh waited for ever."""
    first = open_page("/situation")
    expect(first.get_by_text("live", exact=True)).to_be_visible()
    hidden = []
    for _ in range(6):
        tab = first.context.new_page()
        tab.add_init_script(HIDDEN)
        tab.goto("/alarms")
        hidden.append(tab)
    seen = first.context.new_page()
    seen.goto("/situation")
    expect(seen.get_by_text("live", exact=True)).to_be_visible()
    expect(hidden[0].get_by_text("connecting")).to_be_visible()
    hidden[0].evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(hidden[0].get_by_text("live", exact=True)).to_be_visible()


def test_a_reading_appears_on_the_open_screen(open_page: Open, city: SmallCity) -> None:
    page = open_page(f"/assets/{entity_id(SUBSTATION)}")
    supply = page.get_by_role("group", name="Now").locator(".tile").filter(has_text="Supply, secondary")
    expect(supply).to_contain_text("°C")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    city.send(SUBSTATION, {"t": int(time.time()), "sup2": 61.0})
    expect(supply).to_contain_text("61")


def test_history_is_drawn_zoomed_and_saved(open_page: Open) -> None:
    page = open_page(f"/assets/{entity_id(SUBSTATION)}")
    chart = page.get_by_role("img", name=re.compile("Supply, secondary"))
    expect(chart.locator("canvas")).to_be_visible()
    page.get_by_role("button", name="1 h", exact=True).click()
    expect(page).to_have_url(re.compile("range=1h"))
    expect(page.get_by_role("button", name="1 h", exact=True)).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(1000)  # the hour replaces the day in the drawing
    plot = chart.locator(".u-over").bounding_box()
    assert plot is not None
    page.mouse.move(plot["x"] + plot["width"] * 0.3, plot["y"] + 80)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.7, plot["y"] + 80, steps=6)
    page.mouse.up()
    expect(page).to_have_url(re.compile("from=.*to="))
    with page.expect_download() as saving:
        page.get_by_role("button", name="CSV of what is seen").click()
    text = saving.value.path().read_text()
    assert text.startswith("time,supplyTemperatureSecondary")
    assert len(text.splitlines()) > 5
    page.locator(".u-over").dblclick()
    expect(page).not_to_have_url(re.compile("from="))


def test_every_value_says_where_it_came_from(open_page: Open) -> None:
    page = open_page(f"/assets/{entity_id(SUBSTATION)}")
    attributes = page.get_by_role("table").filter(has_text="Supply, secondary").first
    expect(attributes.get_by_role("link", name=SUBSTATION).first).to_be_visible()
    expect(page.get_by_text("simulated").first).to_be_visible()
    raw = page.get_by_role("group", name="Raw readings")
    expect(raw.get_by_role("row").nth(5)).to_be_visible()


def test_the_map_has_a_table_twin(open_page: Open) -> None:
    page = open_page("/situation")
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible()
    page.keyboard.press("t")
    table = page.get_by_role("table", name="Assets")
    expect(table.get_by_role("row")).to_have_count(CONTAINERS + 2)
    page.get_by_label("Filter by name").fill("djerdapska")
    expect(table.get_by_role("row")).to_have_count(CONTAINERS + 1)
    expect(page).to_have_url(re.compile("view=table"))
    table.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/assets/"))
    page.go_back()
    expect(page.get_by_role("table", name="Assets")).to_be_visible()


def test_layers_and_services_filter_map_and_table_alike(open_page: Open) -> None:
    page = open_page("/situation?view=table")
    rows = page.get_by_role("table", name="Assets").get_by_role("row")
    expect(rows).to_have_count(CONTAINERS + 2)
    layers = page.get_by_role("group", name="Layers")
    layers.get_by_role("button", name="Waste").click()
    # What has an alarm stays for as long as alarms are on: nobody hides by a service what must be looked at.
    layers.get_by_role("button", name="Alarms").click()
    expect(rows).to_have_count(2)
    page.reload()
    expect(rows).to_have_count(2)


def test_keyboard_alone_leads_through_the_walk(open_page: Open, city: SmallCity) -> None:
    city.burn(2)
    page = open_page("/situation")
    page.evaluate(NO_FRAMES)
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("njegos")
    expect(page.get_by_role("option").first).to_contain_text("Njegoševa")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(SUBSTATION))

    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Alarms", level=1)).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Kontejner 2,")
    expect(row).to_be_visible()
    for _ in range(page.get_by_role("row").count()):
        page.keyboard.press("j")
        page.wait_for_timeout(50)  # the row is drawn anew after the key
        if "selected" in (row.get_attribute("class") or ""):
            break
    expect(row).to_have_class(re.compile("selected"))
    page.keyboard.press("a")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("On the way")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(row).to_contain_text("On the way")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("On the way")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(container(2)))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/alarms"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Search anything")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_dead_letters_are_found_read_and_discarded(open_page: Open, city: SmallCity) -> None:
    city.send_fault()
    page = open_page("/situation")
    page.get_by_role("link", name="Dead letters").first.click()
    page.get_by_role("table", name="Dead letters").get_by_role("button").first.click()
    payload = page.get_by_role("complementary", name="Payload")
    expect(payload).to_contain_text("-39.9")
    expect(payload).to_contain_text("Outdoors")
    payload.get_by_role("button", name="Discard").click()
    page.get_by_label("Why may it be discarded?").fill("Known broken sensor")
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.get_by_text("Discarded.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Discarded", exact=True).click()
    expect(page.get_by_role("table", name="Dead letters")).to_contain_text(SUBSTATION)


def test_devices_are_counted_searched_and_opened(open_page: Open) -> None:
    page = open_page("/devices")
    expect(page.get_by_role("group", name="Health")).to_contain_text("Silent")
    page.get_by_label("Search devices").fill("substation")
    table = page.get_by_role("table", name="Devices")
    expect(table.get_by_role("row")).to_have_count(2)
    table.get_by_role("link", name=SUBSTATION).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(SUBSTATION)
    expect(page.get_by_text("Last seen")).to_be_visible()


def test_a_cut_stream_is_said_with_its_age_and_mends_itself(open_page: Open) -> None:
    page = open_page("/situation")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text(re.compile("The live stream is cut"))).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("live", exact=True)).to_be_visible()


def test_a_new_asset_comes_to_the_open_table_and_a_deleted_one_leaves_it(open_page: Open, city: SmallCity) -> None:
    bin_ = "urn:ngsi-ld:WasteContainer:nis:passing"
    place = {"type": "Point", "coordinates": [21.9, 43.32]}
    entity = {"id": bin_, "type": "WasteContainer", "name": "Passing container", "location": place}
    with city.vidik.client() as client:
        client.headers["Link"] = CITY_CONTEXT
        page = open_page("/situation?view=table")
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        row = page.get_by_role("row").filter(has_text="Passing container")
        assert client.post("/ngsi-ld/v1/entities", json=entity).status_code == 201
        expect(row).to_be_visible()
        assert client.delete(f"/ngsi-ld/v1/entities/{bin_}").status_code == 204
    expect(row).to_have_count(0)
