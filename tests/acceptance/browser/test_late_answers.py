"""Answers that come late: they neither close nor overwrite what somebody has begun since."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Request, Route, expect

from tests.acceptance.browser.small_city import container_name
from vidik.kernel.scripts import to_latin

Open = Callable[..., Page]


class Held:
    """Requests that the test lets go when it likes."""

    def __init__(self, page: Page, method: str, address: re.Pattern[str]) -> None:
        self.page, self.method = page, method
        self.routes: list[Route] = []
        page.route(address, self._hold)

    def _hold(self, route: Route, request: Request) -> None:
        if request.method == self.method:
            self.routes.append(route)
        else:
            route.continue_()

    def asked(self, times: int) -> None:
        """Wait until so many were asked."""
        for _ in range(600):
            if len(self.routes) >= times:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"asked {len(self.routes)} of {times} times")

    def let_go(self, which: int, **answer: Any) -> None:
        """Let one go, to the server or with an answer, and wait until the page has it."""
        with self.page.expect_response(lambda response: response.request == self.routes[which].request):
            if answer:
                self.routes[which].fulfill(**answer)
            else:
                self.routes[which].continue_()
        self.page.wait_for_timeout(500)


def test_what_is_sent_from_a_dialog_that_was_left_does_not_close_the_next_one(open_page: Open) -> None:
    page = open_page("/tasks/crews")
    held = Held(page, "POST", re.compile(r"/api/crews$"))
    dialog = page.get_by_role("dialog")

    def type_name(name: str) -> None:
        page.get_by_role("button", name="New crew").click()
        dialog.get_by_label("Name", exact=True).fill(name)

    type_name("Kasna 1")
    dialog.get_by_role("button", name="Save").click()
    held.asked(1)
    dialog.get_by_role("button", name="Close").first.click()
    type_name("Kasna 2")
    held.let_go(0)
    expect(page.get_by_role("main")).to_contain_text("Kasna 1")
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Kasna 2")


def test_a_refusal_of_what_was_left_is_not_shown_in_the_next_one(open_page: Open) -> None:
    page = open_page("/tasks/crews")
    held = Held(page, "POST", re.compile(r"/api/crews$"))
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="New crew").click()
    dialog.get_by_label("Name", exact=True).fill("Kasna 3")
    dialog.get_by_role("button", name="Save").click()
    held.asked(1)
    dialog.get_by_role("button", name="Close").first.click()
    page.get_by_role("button", name="New crew").click()
    held.let_go(0, status=503, json={"code": "unavailable", "detail": "Not now."})
    expect(dialog.get_by_label("Name", exact=True)).to_be_visible()
    expect(dialog.get_by_role("alert")).to_have_count(0)


def test_a_place_is_looked_for_by_the_words_that_stand(open_page: Open) -> None:
    page = open_page("/tasks")
    held = Held(page, "GET", re.compile(r"/api/console/search\?"))
    page.get_by_role("button", name="New task").click()
    where = page.get_by_role("dialog").get_by_label("Where (street or asset)")
    where.fill("Kontejner 1")
    held.asked(1)
    where.fill("Kontejner 2")
    held.asked(2)
    held.let_go(1)
    first = page.get_by_role("dialog").locator("datalist option").first
    expect(first).to_have_attribute("value", to_latin(container_name(2)))
    held.let_go(0)
    expect(first).to_have_attribute("value", to_latin(container_name(2)))


def test_the_newest_verification_of_the_audit_record_counts(open_page: Open) -> None:
    page = open_page("/administration/audit")
    held = Held(page, "GET", re.compile(r"/api/audit/verify$"))
    verify = page.get_by_role("button", name="Verify the chain")
    verify.click()
    held.asked(1)
    verify.click()
    held.asked(2)
    held.let_go(1, json={"holds": True, "records": 12, "broken_at": None})
    expect(page.get_by_text("The chain holds: 12 records.")).to_be_visible()
    held.let_go(0, json={"holds": True, "records": 3, "broken_at": None})
    expect(page.get_by_text("The chain holds: 12 records.")).to_be_visible()
