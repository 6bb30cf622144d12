"""Signing in to a whole Vidik through Canaille, a provider of OpenID Connect that others have written.

Canaille runs as a program of its own in an environment of its own (tests/provider).
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from playwright.sync_api import sync_playwright

from tests.acceptance.browser.conftest import ARGUMENTS, DESK, PATIENCE
from tests.acceptance.browser.look import findings
from tests.family import RunningVidik, free_port, wait_for
from tests.memory import quick_folder

ROOT = Path(__file__).parents[2]
PASSWORD = "lozinka-grada-nisa"
SECRET = "tajna & klijenta"


@dataclass
class Canaille:
    """The provider as a program: where it is, and what it is told."""

    issuer: str
    program: subprocess.Popen[str]

    def tell(self, **change: object) -> None:
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write(json.dumps(change) + "\n")
        self.program.stdin.flush()
        assert self.program.stdout.readline() == "done\n"

    def stop(self) -> None:
        self.program.kill()
        self.program.wait(timeout=60)
        for pipe in (self.program.stdin, self.program.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="module")
def python() -> str:
    """The Python of the provider's environment, which is made here when `make test` has not made it."""
    made = subprocess.run([ROOT / "scripts" / "bootstrap", "provider"], capture_output=True, text=True, check=False)
    if made.returncode and re.search(r"error sending request|Failed to fetch|dns error", made.stderr):
        pytest.skip(f"the provider cannot be fetched without a network: {made.stderr.strip()[-300:]}")
    assert made.returncode == 0, made.stderr
    return str(ROOT / ".cache" / "provider" / "bin" / "python")


@pytest.fixture(scope="module")
def city(python: str) -> Iterator[tuple[RunningVidik, Canaille]]:
    """A Vidik whose city signs in through Canaille."""
    folder = quick_folder("vidik-provider-")
    port, provider_port = free_port(), free_port()
    home, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{provider_port}"
    (folder / "secret").write_text(SECRET + "\n")
    entry = {
        "name": "City of Niš",
        "issuer": issuer,
        "client_id": "vidik",
        "client_secret_file": str(folder / "secret"),
        "scopes": ["openid", "profile", "groups"],
        "groups": {"dispeceri": {"role": "dispatcher"}, "toplana": {"role": "crew", "organisation": "toplana"}},
    }
    (folder / "sign-in.yaml").write_text(yaml.safe_dump({"city": entry}))
    environment = {"VIDIK_PUBLIC_URL": home, "VIDIK_SIGN_IN": str(folder / "sign-in.yaml")}
    vidik = RunningVidik(folder / "data", port, free_port(), environment)
    words = [python, str(ROOT / "tests" / "provider" / "city_provider.py"), str(provider_port)]
    with (folder / "canaille.out").open("w") as errors:
        program = subprocess.Popen(
            [*words, f"{home}/api/sign-in/callback", f"{home}/"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=folder,
        )
        canaille = Canaille(issuer, program)
        try:
            vidik.start()
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n", (folder / "canaille.out").read_text()
            canaille.tell(groups={"ana": ["dispeceri"], "petar": ["citaonica"]})
            yield vidik, canaille
        finally:
            canaille.stop()
            vidik.stop()
            shutil.rmtree(folder, ignore_errors=True)


def walk(browser: httpx.Client, vidik: RunningVidik, login: str, then: str = "/tasks") -> str:
    """Follow every redirect from Vidik's button, filling the provider's own forms; where it ends at Vidik."""
    answer = browser.get(f"{vidik.base_url}/api/sign-in/begin", params={"then": then})
    for _ in range(12):
        if answer.is_redirect:
            place = answer.url.join(answer.headers["location"])
            if answer.url.path == "/api/sign-in/callback":
                return place.raw_path.decode()
            answer = browser.get(place)
            continue
        assert answer.status_code == 200, answer.text
        form = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.text))
        answer = browser.post(answer.url, data=form | {"login": login, "password": PASSWORD})
    raise AssertionError(f"the walk did not end: {answer.url}")


def account(browser: httpx.Client, vidik: RunningVidik) -> dict[str, object] | None:
    answer = browser.get(f"{vidik.base_url}/api/session")
    return answer.json()["account"] if answer.status_code == 200 else None


def test_groups_at_the_provider_decide_who_comes_in_and_as_what(city: tuple[RunningVidik, Canaille]) -> None:
    vidik, canaille = city
    with httpx.Client(timeout=60) as ana, httpx.Client(timeout=60) as petar, httpx.Client(timeout=60) as again:
        assert walk(ana, vidik, "ana") == "/tasks"
        known = account(ana, vidik)
        assert known is not None
        assert (known["login"], known["name"], known["roles"]) == ("ana", "Ана Анић", ["dispatcher"])
        assert walk(petar, vidik, "petar") == "/sign-in?refused=not-admitted&to=%2Ftasks"
        assert account(petar, vidik) is None

        canaille.tell(groups={"ana": ["toplana"]}, new_key=True)  # the city changes its keys, too
        assert walk(again, vidik, "ana") == "/tasks"
        changed = account(again, vidik)
        assert changed is not None
        assert (changed["id"], changed["roles"], changed["organisation"]) == (known["id"], ["crew"], "toplana")
        assert account(ana, vidik) is None  # less than before: the session that began with more is over

        canaille.tell(groups={"ana": []})
        assert walk(again, vidik, "ana") == "/sign-in?refused=not-admitted&to=%2Ftasks"
        assert account(again, vidik) is None


def test_a_person_signs_in_and_out_in_a_browser_and_with_a_local_account_when_the_provider_is_gone(
    city: tuple[RunningVidik, Canaille],
) -> None:
    vidik, canaille = city
    canaille.tell(groups={"mira": ["dispeceri"]})
    found = os.environ.get("VIDIK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        page = chromium.new_page(
            base_url=vidik.base_url, viewport={"width": DESK[0], "height": DESK[1]}, locale="en-GB"
        )
        page.set_default_timeout(PATIENCE)
        page.goto("/tasks")
        page.get_by_role("link", name="Sign in with City of Niš").wait_for()
        assert findings(page) == []

        page.get_by_role("link", name="Sign in with City of Niš").click()
        page.locator("input[name=login]").fill("mira")
        page.locator("input[name=login]").press("Enter")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[name=password]").press("Enter")
        page.get_by_role("heading", name="Tasks", level=1).wait_for()
        assert "code=" not in page.url

        page.goto("/administration/sessions")
        page.get_by_text("this device").wait_for()
        page.get_by_role("button", name="Account of").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{canaille.issuer}/**")  # where the person says that they leave the city's service, too

        canaille.stop()
        page.goto("/tasks")
        page.get_by_role("link", name="Sign in with City of Niš").click()
        page.get_by_role("alert").filter(has_text="does not answer").wait_for()
        login, password = vidik.login()
        page.get_by_label("Name").fill(login)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Tasks", level=1).wait_for()
        chromium.close()
    wait_for("a log without tokens", lambda: "eyJ" not in vidik.output)
    written = "".join(path.read_text() for path in (vidik.data / "logs").glob("*.log"))
    assert "eyJ" not in written
    assert SECRET not in written
    assert "code=" not in written
