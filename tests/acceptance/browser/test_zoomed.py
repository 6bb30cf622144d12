"""What a person sees who has the page at 200 %: as many pixels of layout as a window of half its size."""

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.acceptance.browser.look import ZOOMED, settle
from tests.acceptance.browser.small_city import container_name
from vidik.kernel.scripts import to_latin

LONG = "Бројач саобраћаја 11, Булевар Светог Пантелејмона"
Open = Callable[..., Page]


def with_a_long_name(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace(container_name(3), LONG))


def test_the_table_of_assets_says_whole_names(open_page: Open) -> None:
    page = open_page("/alarms", size=ZOOMED, language="sr-Cyrl")
    page.route("**/api/console/assets*", with_a_long_name)
    page.goto("/situation?view=table")
    settle(page)
    expect(page.get_by_role("link", name=LONG)).to_be_visible()
    cut = page.evaluate(
        """() => [...document.querySelectorAll("[role=row] .name")]
            .filter((name) => name.scrollWidth > name.clientWidth + 1 || name.scrollHeight > name.clientHeight + 1)
            .map((name) => name.textContent)"""
    )
    assert cut == []


def test_the_table_of_assets_has_rows_in_sight_below_its_tools(open_page: Open) -> None:
    page = open_page("/situation?view=table", size=ZOOMED, language="sr-Latn")
    settle(page)
    expect(page.get_by_role("link", name=to_latin(container_name(3)))).to_be_attached()
    in_sight = page.evaluate(
        """() => {
            const tops = [...document.querySelectorAll("nav")].map((nav) => nav.getBoundingClientRect().top);
            return [...document.querySelectorAll("[role=row]:not(.head)")]
                .filter((row) => row.getBoundingClientRect().bottom <= Math.max(...tops)).length;
        }"""
    )
    assert in_sight >= 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
