"""What a city's own people look after: accounts, tokens, the audit record, commands to a device."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import PHONE
from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SUBSTATION, SmallCity

Open = Callable[..., Page]


def test_a_command_is_given_after_a_second_look_and_taken_back(open_page: Open) -> None:
    page = open_page(f"/devices/{SUBSTATION}")
    page.get_by_role("button", name="Give a command").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Command").fill("set_curve")
    dialog.get_by_label("Parameters").fill("not json")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must be a JSON object")
    dialog.get_by_label("Parameters").fill('{"offset": 1.5}')
    dialog.get_by_label("Reason").fill("Cold night ahead")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog).to_contain_text(f"Send this to {SUBSTATION}?")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_be_hidden()

    commands = page.get_by_role("region", name="Commands")
    expect(commands).to_contain_text("set_curve")
    expect(commands).to_contain_text("waits for the device")
    expect(commands).to_contain_text("Cold night ahead")
    commands.get_by_role("button", name="Take back").click()
    expect(commands).to_contain_text("given up")


def test_an_area_is_drawn_a_role_given_in_it_and_its_person_offered_nothing_beyond(
    open_page: Open, city: SmallCity
) -> None:
    page = open_page("/administration/areas")
    page.get_by_role("button", name="New area").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Нишка Бања")
    expect(dialog.get_by_label("Code")).to_have_value("niska-banja")
    dialog.get_by_label("Corners, one a line").fill("43.28, 21.99\n43.28, 22.02\n43.31, 22.02")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("table", name="Areas").get_by_role("row").filter(has_text="niska-banja")
    expect(row).to_contain_text("1 · 3")

    page.get_by_role("link", name="Accounts").click()
    page.get_by_role("button", name="New account").click()
    dialog.get_by_label("Name for signing in").fill("bojana")
    dialog.get_by_label("Name as people read it").fill("Бојана Илић")
    dialog.get_by_label("Area that the role holds in").select_option("niska-banja")
    assert findings(page) == []
    assert too_wide(page) == {}
    dialog.get_by_role("button", name="Make the account").click()
    password = dialog.locator("output").inner_text()
    dialog.get_by_role("button", name="Close").last.click()
    made = page.get_by_role("table", name="Accounts").get_by_role("row").filter(has_text="bojana")
    expect(made).to_contain_text("dispatcher (Niška Banja)")
    expect(open_page("/administration/areas", size=PHONE).get_by_text("Limited to it:").first).to_be_visible()

    with httpx.Client(base_url=city.base_url, headers={"Origin": city.base_url}, timeout=30) as bojana:
        assert bojana.post("/api/session", json={"login": "bojana", "password": password}).status_code == 204
        assert bojana.get("/api/alarms").json()["items"] == []
        assert bojana.post("/api/incidents", json={"type": "other", "title": "Квар"}).status_code == 403


def test_an_account_is_made_given_a_new_password_and_disabled(open_page: Open, city: SmallCity) -> None:
    page = open_page("/administration/accounts")
    page.get_by_role("button", name="New account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name for signing in").fill("milica")
    dialog.get_by_label("Name as people read it").fill("Милица Петровић")
    dialog.get_by_role("button", name="Make the account").click()
    first = dialog.locator("output").inner_text()
    dialog.get_by_role("button", name="Close").last.click()
    row = page.get_by_role("table", name="Accounts").get_by_role("row").filter(has_text="milica")
    expect(row).to_contain_text("dispatcher")
    expect(row).to_contain_text("first password not changed")
    assert signs_in(city, "milica", first) == 204

    row.get_by_role("button").click()
    dialog.get_by_role("button", name="New password").click()
    expect(dialog).to_contain_text("Give a new password?")
    dialog.get_by_role("alert").get_by_role("button", name="New password").click()
    second = dialog.locator("output").inner_text()
    dialog.get_by_role("button", name="Close").last.click()
    assert (signs_in(city, "milica", first), signs_in(city, "milica", second)) == (401, 204)

    row.get_by_role("button").click()
    dialog.get_by_role("button", name="Disable").click()
    dialog.get_by_role("alert").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("disabled")
    assert signs_in(city, "milica", second) == 401


def test_a_vital_sign_is_built_tried_kept_and_put_in_the_strip(open_page: Open) -> None:
    page = open_page("/administration/vitals")
    page.get_by_role("button", name="New sign").click()
    dialog = page.get_by_role("dialog")
    for label, text in {
        "Name": ("Nearly full", "Скоро пуни"),
        "What it means": ("Containers over 5 %.", "Контејнери преко 5 %."),
        "Who answers for it": ("Waste utility", "Чистоћа"),
        "Where the target comes from": ("Nobody's.", "Ничији."),
    }.items():
        dialog.get_by_label(f"{label} (English)").fill(text[0])
        dialog.get_by_label(f"{label} (Serbian, Cyrillic)").fill(text[1])
    dialog.get_by_label("Key").fill("nearly_full")
    dialog.get_by_label("Service").select_option("waste")
    dialog.get_by_label("Type of asset").select_option("WasteContainer")
    dialog.get_by_label("What is made of it").select_option("count")
    ways = dialog.get_by_role("group", name="It counts when all of these hold")
    ways.get_by_label("Attribute", exact=True).select_option("fillingLevel")
    ways.get_by_label("above", exact=True).fill("0.05")
    dialog.get_by_role("button", name="Try it").click()
    expect(dialog.get_by_role("status")).to_contain_text("Now: 12.", timeout=60_000)
    assert findings(page) == []
    assert too_wide(page) == {}
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()

    page.get_by_label("Nearly full: where it stands").select_option("strip")
    page.get_by_role("button", name="Save the order").click()
    expect(page.get_by_role("button", name="Save the order")).to_be_hidden()
    page.goto("/situation")
    strip = page.get_by_role("region", name="Vital signs")
    expect(strip.get_by_role("button", name="Nearly full")).to_contain_text("12")
    strip.get_by_title("All vital signs").click()
    page.get_by_role("link", name="Nearly full").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nearly full")
    expect(page.get_by_role("main")).to_contain_text("Waste container: number for which filling is above 5 %.")

    page.goto("/administration/vitals")
    page.get_by_role("button", name="Change Nearly full").click()
    dialog.get_by_role("button", name="Remove the sign").click()
    dialog.get_by_role("alert").get_by_role("button", name="Remove the sign").click()
    expect(page.get_by_role("button", name="Change Nearly full")).to_be_hidden()


def test_a_token_works_until_it_is_revoked(open_page: Open, city: SmallCity) -> None:
    page = open_page("/administration/tokens")
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What it is for").fill("Open data export")
    dialog.get_by_label("see devices").check()
    dialog.get_by_role("button", name="Make the token").click()
    token = dialog.locator("output").inner_text()
    dialog.get_by_role("button", name="Close").last.click()

    def asked() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{city.base_url}/api/devices?limit=1", headers=headers, timeout=30).status_code

    assert asked() == 200
    page.get_by_role("button", name="Revoke Open data export").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No tokens.")).to_be_visible()
    assert asked() == 401


def test_the_audit_record_is_read_narrowed_and_verified(open_page: Open) -> None:
    page = open_page("/administration/audit")
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("The chain holds")).to_be_visible()
    table = page.get_by_role("table", name="Audit record")
    table.get_by_role("button", name="Signed in").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Only by this person").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(table).to_contain_text("Signed in")


def test_the_parts_are_named_in_the_script_of_the_person(open_page: Open) -> None:
    page = open_page("/administration", language="sr-Cyrl")
    expect(page.get_by_role("heading", level=1)).to_have_text("Налози")
    tabs = page.get_by_role("navigation", name="Управа").get_by_role("link")
    expect(tabs).to_have_text(
        ["Налози", "Области", "API токени", "Моје сесије", "Телефони екипа", "Животни знаци", "Записник радњи"]
    )


def signs_in(city: SmallCity, login: str, password: str) -> int:
    answer = httpx.post(
        f"{city.base_url}/api/session",
        json={"login": login, "password": password},
        headers={"Origin": city.base_url},
        timeout=30,
    )
    return answer.status_code


OFFERS = {
    "/incidents": "Open an incident",
    "/tasks": "New task",
    "/warnings": "New warning",
    "/alarms/rules": "New rule",
    "/duty/roster": "Plan a shift",
    "/pilots/plans": "New pilot",
    "/administration/accounts": "New account",
}
WORK = {"/incidents", "/tasks", "/warnings"}
OFFERED: dict[str, tuple[dict[str, str], set[str]]] = {
    "ravijojla": ({"role": "auditor"}, set()),
    "oper": ({"role": "dispatcher"}, WORK),
    "smena": ({"role": "supervisor"}, WORK | {"/alarms/rules", "/duty/roster"}),
    "smena-vode": ({"role": "supervisor", "organisation": "Водовод"}, WORK),
}


@pytest.mark.parametrize("login", OFFERED)
def test_only_what_a_person_may_do_is_offered(open_page: Open, city: SmallCity, login: str) -> None:
    role, offered = OFFERED[login]
    with city.vidik.client() as client:
        made = client.post("/api/accounts", json={"login": login, "name": login, "roles": [role]}).json()
    page = open_page("/sign-in", signed_in=False)
    page.get_by_label("Name").fill(login)
    page.get_by_label("Password").fill(made["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Situation", level=1)).to_be_attached()
    found = set()
    for path, name in OFFERS.items():
        page.evaluate(
            "(path) => (history.pushState(null, '', path), dispatchEvent(new PopStateEvent('popstate')))", path
        )
        settle(page)
        button = page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name))
        if path in offered:
            expect(button).to_be_visible()
        found |= {path} if button.count() else set()
    assert found == offered
    places = page.get_by_role("navigation", name="Places").first
    expect(places.get_by_role("link", name="Duty")).to_have_count(0 if role["role"] == "auditor" else 1)
