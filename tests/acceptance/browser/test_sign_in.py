"""The door of the console."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.browser.small_city import SmallCity

Open = Callable[..., Page]


def sign_in(page: Page, login: str, password: str) -> None:
    page.get_by_label("Name").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_wrong_password_is_told_in_a_sentence(open_page: Open, city: SmallCity) -> None:
    page = open_page("/situation", signed_in=False)
    sign_in(page, city.vidik.login()[0], "certainly wrong")
    expect(page.get_by_role("alert")).to_contain_text("not right")


def test_signing_in_leads_to_the_place_of_the_address(open_page: Open, city: SmallCity) -> None:
    page = open_page("/devices", signed_in=False)
    sign_in(page, *city.vidik.login())
    expect(page.get_by_role("heading", name="Devices", level=1)).to_be_visible()


def test_signing_out_closes_the_console(open_page: Open) -> None:
    page = open_page("/alarms")
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Password")).to_be_visible()


def test_the_script_is_switched_and_remembered(open_page: Open) -> None:
    page = open_page("/alarms")
    page.get_by_role("button", name="Ћир").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Аларми")
    expect(page.locator("html")).to_have_attribute("lang", "sr-Cyrl")
    page.get_by_role("button", name="Lat").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alarmi")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alarmi")
    expect(page.locator("html")).to_have_attribute("lang", "sr-Latn")
