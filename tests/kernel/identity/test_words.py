"""What the console calls permissions and recorded actions, in English and in Serbian."""

import re
from pathlib import Path

import pytest

from vidik.kernel.identity.roles import PERMISSIONS, ROLES

ROOT = Path(__file__).parents[3]
# The action of a record, where it is written as such; some modules put theirs together from a verb.
ACTION = re.compile(r'audit\.record\(\s*\w+,\s*[\w.]+,\s*"([a-z-]+\.[a-z_.-]+)"')


def spoken(language: str) -> set[str]:
    texts = [path.read_text("utf-8") for path in (ROOT / "frontend/src/lib/i18n").glob(f"*.{language}.ts")]
    return {key for text in texts for key in re.findall(r'^  "([\w.-]+)":', text, re.MULTILINE)}


@pytest.mark.parametrize("language", ["en", "sr-cyrl"])
def test_every_permission_role_and_recorded_action_has_a_word(language):
    sources = [path.read_text("utf-8") for path in (ROOT / "src/vidik").rglob("*.py")]
    recorded = {action for source in sources for action in ACTION.findall(source)}

    needed = {f"permission.{name}" for name in PERMISSIONS} | {f"role.{name}" for name in ROLES}
    needed |= {f"action.{name}" for name in recorded}

    assert len(recorded) > 30
    assert needed - spoken(language) == set()
