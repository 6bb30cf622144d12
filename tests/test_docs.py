"""Documentation that the code can check: every setting, every command, every link, one version."""

import re
import tomllib
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import vidik
from vidik.cli import accounts, app, audit_record, city, devices, family  # noqa: F401  each registers its commands
from vidik.kernel.identity.roles import ROLES
from vidik.kernel.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONFIGURATION = (ROOT / "docs" / "operators" / "configuration.md").read_text(encoding="utf-8")
EVERYTHING = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `VIDIK_{name.upper()}` |" in CONFIGURATION


def test_no_setting_is_documented_that_does_not_exist() -> None:
    documented = set(re.findall(r"^\| `VIDIK_([A-Z0-9_]+)`", CONFIGURATION, re.MULTILINE))

    assert documented == {name.upper() for name in Settings.model_fields}


def _commands() -> list[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    names = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        names += [f"{name} {one}" for one in inner] if inner else [name]
    return names


@pytest.mark.parametrize("command", _commands())
def test_every_command_is_mentioned_somewhere(command: str) -> None:
    assert f"vidik {command}" in EVERYTHING


@pytest.mark.parametrize("role", ROLES)
def test_every_role_is_documented(role: str) -> None:
    assert f"| {role} |" in (ROOT / "docs" / "operators" / "accounts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    missing = [link for link in links if not (page.parent / link).exists()]

    assert missing == []


NOT_SAVED = {
    "contexts": "looked up again",
    "demo": "of the demo city",
    "first-login.txt": "until the password is changed",
    "lock": "of a start",
    "logs": "of what was",
    "postgres": "saved by PostgreSQL's own means",
    "replay": "bookmarks of a replay",
    "run": "of a start",
}


def test_a_backup_has_everything_that_is_kept_in_the_data_folder() -> None:
    running = (ROOT / "docs" / "operators" / "running.md").read_text(encoding="utf-8")
    saved = re.search(r"for mine in ((?:[\w.-]+|\s|\\)+); do", running)
    assert saved is not None
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("*.py")]
    kept = {name for text in sources for name in re.findall(r'\bdata(?:_folder)? / "([a-z][\w.-]*)"', text)}
    kept |= {name for text in sources for name in re.findall(r'\(folder / "([a-z-]+)"\)\.glob\("\*\.yaml"\)', text)}
    kept |= {name for text in sources if "data / FILE_NAME" in text for name in re.findall(r'FILE_NAME = "(.+)"', text)}

    assert sorted(kept - set(saved[1].split()) - NOT_SAVED.keys()) == []


def test_every_decision_says_what_was_turned_down() -> None:
    silent = [
        page.name
        for page in (ROOT / "docs" / "decisions").glob("*.md")
        if not re.search(r"turned down|what we turned down", page.read_text(encoding="utf-8"), re.IGNORECASE)
    ]

    assert silent == []


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["version"] == vidik.__version__


def test_make_help_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets is not None

    unexplained = [name for name in targets[1].split() if not re.search(rf"^{name}:.*## \S", makefile, re.MULTILINE)]

    assert unexplained == []
