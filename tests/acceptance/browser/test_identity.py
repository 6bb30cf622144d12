"""Where somebody is signed in, and the phone of a crew that gets lost."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.acceptance.browser.conftest import PHONE
from tests.acceptance.browser.look import findings, settle, too_wide
from tests.acceptance.browser.small_city import SmallCity

Open = Callable[..., Page]

# What the phone does when there is no line: an act of this person, on its disk, not sent.
KEEP_WORK = """(login) => new Promise((done, failed) => {
    const asked = indexedDB.open("vidik-phone", 1);
    asked.onerror = () => failed(asked.error);
    asked.onsuccess = () => {
        const change = {client_id: crypto.randomUUID(), task: 1, round: 2, act: "note", note: "Вентил затворен",
                        at: new Date().toISOString(), photos: []};
        const kept = {client_id: change.client_id, login, name: "x", crew: 4711, change, photos: []};
        const writing = asked.result.transaction("outbox", "readwrite");
        writing.objectStore("outbox").put(kept);
        writing.oncomplete = () => (asked.result.close(), done());
    };
})"""


def test_a_lost_phone_is_revoked_and_says_so_until_somebody_signs_in(open_page: Open, city: SmallCity) -> None:
    phone = open_page("/phone", size=PHONE)
    phone.get_by_role("button", name="Register this phone").click()
    phone.get_by_label("Name of the phone").fill("Топлана 3")
    assert findings(phone) == []
    phone.get_by_role("button", name="Register this phone").click()
    expect(phone.get_by_text("Phone: Toplana 3")).to_be_visible()

    login, password = city.vidik.login()
    phone.evaluate(KEEP_WORK, login)

    desk = open_page("/administration/phones")
    row = desk.get_by_role("table", name="Phones of crews").get_by_role("row").filter(has_text="Toplana 3")
    row.get_by_role("button", name="Revoke").click()
    desk.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert findings(desk) == []
    assert too_wide(desk) == {}

    phone.reload()
    expect(phone.get_by_role("alert").filter(has_text="took this phone out of use")).to_be_visible()
    phone.get_by_label("Name").fill(login)
    phone.get_by_label("Password").fill(password)
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.get_by_role("button", name="Register this phone")).to_be_visible()
    expect(phone.get_by_text("1 thing is not sent yet")).to_be_visible()  # it was kept, and waits for its crew


def test_ones_own_sessions_are_listed_and_the_others_ended(open_page: Open) -> None:
    other = open_page("/devices")
    page = open_page("/administration/sessions")
    table = page.get_by_role("table", name="Where I am signed in")
    expect(table).to_contain_text("Chrome, Linux")
    expect(table).to_contain_text("this device")
    assert findings(page) == []
    assert too_wide(page) == {}
    page.set_viewport_size({"width": 1440, "height": 900})
    settle(page)
    expect(open_page("/administration/sessions", size=PHONE).get_by_text("Since:").first).to_be_visible()

    page.get_by_role("button", name="End all others").click()
    page.get_by_role("dialog").get_by_role("button", name="End all others").click()

    expect(page.get_by_role("status").filter(has_text="ended")).to_be_visible()
    expect(page.get_by_role("button", name="End the session on")).to_have_count(0)
    other.reload()
    expect(other.get_by_label("Password")).to_be_visible()
