"""A city of 50,000 assets in a real browser: how soon it stands, and how long the page is deaf to the person.

Without a graphics processor the drawing itself is done by the processor and says nothing of ordinary hardware. What
counts is the page's own thread: while it is busy no key and no pointer is answered (W3C Long Tasks). The limit is the
same walk over the same streets with no assets, in the same run.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass

import httpx
from playwright.async_api import Browser, Page, async_playwright
from tests.acceptance.browser.conftest import ARGUMENTS, DESK, chromium
from tests.family import RunningVidik, running

from bench.report import Figure, Report
from bench.server import folder

ASSETS = 50_000
A_CALL = 1_000
CHANGED_A_SECOND = 500
CENTRE = (21.8958, 43.3209)
CITY = '<https://vidik.rs/ns/city.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
# Tasks of the page's thread over 50 ms, and the pause between frames while the map is moved.
WATCH = """() => {
  window.long = [];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((task) => task.duration)))
    .observe({ type: "longtask", buffered: true });
}"""
# What a graphics processor does on ordinary hardware is left out, or nothing but that would be measured here.
NO_DRAWING = "--disable-gl-drawing-for-tests"
MAP = "canvas.maplibregl-canvas"


@dataclass(frozen=True)
class Walk:
    """How a page bore being loaded and walked through; all in seconds."""

    listed: float
    longest_while_listed: float
    longest_while_shown: float
    longest_while_moved: float
    deaf_share: float


def asset(number: int, draw: random.Random) -> dict[str, object]:
    """A street light within some four kilometres of the centre."""
    place = [CENTRE[0] + draw.gauss(0, 0.02), CENTRE[1] + draw.gauss(0, 0.014)]
    return {
        "id": f"urn:ngsi-ld:Streetlight:nis:map-{number:05d}",
        "type": "Streetlight",
        "name": f"Светиљка {number}",
        "location": {"type": "Point", "coordinates": [round(one, 6) for one in place]},
        "powerState": "on",
    }


async def lay(client: httpx.AsyncClient) -> None:
    """Create the assets through the batch door."""
    draw = random.Random(7)
    for first in range(0, ASSETS, A_CALL):
        body = [asset(number, draw) for number in range(first, first + A_CALL)]
        (await client.post("/ngsi-ld/v1/entityOperations/create", json=body)).raise_for_status()


async def change(client: httpx.AsyncClient) -> None:
    """Write to some of the assets without end."""
    draw = random.Random(8)
    while True:
        begin = time.monotonic()
        numbers = draw.sample(range(ASSETS), CHANGED_A_SECOND)
        body = [
            {"id": asset(number, draw)["id"], "type": "Streetlight", "powerState": draw.choice(("on", "off"))}
            for number in numbers
        ]
        (await client.post("/ngsi-ld/v1/entityOperations/update", json=body)).raise_for_status()
        await asyncio.sleep(max(0.0, 1 - (time.monotonic() - begin)))


async def walk(vidik: RunningVidik, browser: Browser, *, has_assets: bool) -> Walk:
    """Load the situation, wait for its assets, then drag and zoom for a while."""
    context = await browser.new_context(base_url=vidik.base_url, viewport={"width": DESK[0], "height": DESK[1]})
    login, password = vidik.login()
    session = {"login": login, "password": password}
    answer = await context.request.post("/api/session", data=session, headers={"Origin": vidik.base_url})
    assert answer.status == 204, await answer.text()
    page = await context.new_page()
    await page.add_init_script(f"({WATCH})()")
    listed = await _list(page) if has_assets else 0.0
    while_listed = await _longest(page) if has_assets else 0.0
    await page.goto("/situation")
    await page.locator(MAP).wait_for(timeout=120_000)
    await page.wait_for_timeout(8_000)  # what it has to do once is done: the rest is what a person feels
    while_shown = await _longest(page)
    await page.evaluate("long.length = 0")
    seconds = await _move(page)
    tasks = [float(one) / 1000 for one in await page.evaluate("long")]
    await context.close()
    return Walk(listed, while_listed, while_shown, max(tasks, default=0.0), sum(tasks) / seconds)


async def _longest(page: Page) -> float:
    """The longest task of the page's thread so far, in seconds."""
    tasks = [float(one) / 1000 for one in await page.evaluate("long")]
    return max(tasks, default=0.0)


async def _list(page: Page) -> float:
    """Seconds from asking for the page to the first asset in its table."""
    begin = time.monotonic()
    await page.goto("/situation?view=table")
    await page.get_by_role("table", name="Assets").get_by_role("row").nth(1).wait_for(timeout=120_000)
    return time.monotonic() - begin


async def _move(page: Page) -> float:
    box = await page.locator(MAP).bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    begin = time.monotonic()
    await page.mouse.move(*middle)
    for step in range(12):
        await page.mouse.down()
        await page.mouse.move(middle[0] + 180 * (-1) ** step, middle[1] + 60, steps=12)
        await page.mouse.up()
        await page.mouse.move(*middle)
        await page.mouse.wheel(0, -240 if step % 4 < 2 else 240)
        await page.wait_for_timeout(250)
    return time.monotonic() - begin


async def run(report: Report) -> None:
    """Walk through the empty city, then through 50,000 assets at rest, then while they change."""
    with folder() as path, running(path / "data") as vidik:
        login, password = vidik.login()
        headers = {"Origin": vidik.base_url, "Link": CITY}
        async with (
            async_playwright() as playwright,
            httpx.AsyncClient(base_url=vidik.base_url, headers=headers, timeout=60) as client,
        ):
            (await client.post("/api/session", json={"login": login, "password": password})).raise_for_status()
            browser = await playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, NO_DRAWING])
            empty = await walk(vidik, browser, has_assets=False)
            await lay(client)
            await asyncio.sleep(3)
            answer = await client.get("/api/console/assets.ndjson")
            packed = int(answer.num_bytes_downloaded)
            full = await walk(vidik, browser, has_assets=True)
            changing = asyncio.create_task(change(client))
            lively = await walk(vidik, browser, has_assets=True)
            changing.cancel()
            await browser.close()
    details = {
        "list of assets": f"{len(answer.content) / 1e6:.1f} MB, {packed / 1e6:.1f} MB on the way",
        "from load to the table": f"{full.listed:.1f} s, longest task {full.longest_while_listed * 1000:.0f} ms",
        "longest task until the map stands": f"{full.longest_while_shown * 1000:.0f} ms"
        f" (with no assets {empty.longest_while_shown * 1000:.0f} ms)",
    }
    for name, found in ((f"{ASSETS:,} assets at rest", full), (f"{CHANGED_A_SECOND} changes a second", lively)):
        report.add(
            Figure(
                f"map, {name}: longest time the page does not answer while it is moved",
                found.longest_while_moved * 1000,
                "ms",
                goal=100,
                higher_is_better=False,
                limit=max(empty.longest_while_moved * 1000, 1),
                limit_is="the same streets with no assets",
                details={"share of the time deaf": f"{found.deaf_share:.1%}", **details},
            )
        )
    report.say(json.dumps({"empty city deaf": round(empty.deaf_share, 4)}))
