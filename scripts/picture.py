"""Takes the picture of the console for the README from a running Vidik with the demo city.

.venv/bin/python scripts/picture.py [http://localhost:8080] [data folder] [file]
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from vidik.kernel.settings import default_data_folder

CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
WIDTH, HEIGHT = 1440, 900
SETTLE_MILLISECONDS = 30_000


def main(address: str, data: Path, target: Path) -> None:
    """Sign in, let the map and the live stream settle, and save the screen."""
    lines = (data / "first-login.txt").read_text().splitlines()
    known = dict(line.split(": ", 1) for line in lines if ": " in line)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(path for path in CHROMIUM if Path(path).exists()), args=ARGUMENTS
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
        page.request.post(
            f"{address}/api/session",
            data={"login": known["login"], "password": known["password"]},
            headers={"Origin": address},
        )
        page.goto(f"{address}/situation")
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        given[0] if given else "http://localhost:8080",
        Path(given[1]) if len(given) > 1 else default_data_folder(),
        Path(given[2]) if len(given) > 2 else Path("docs/images/console.png"),
    )
