"""The words for what crews can do: packaged, and the city's own beside them."""

from functools import lru_cache
from pathlib import Path

import yaml

from vidik.kernel.errors import Unprocessable
from vidik.kernel.scripts import three_scripts
from vidik.kernel.settings import Settings

_PACKAGED = Path(__file__).with_name("skills.yaml")
FILE_NAME = "skills.yaml"


def skills_of(settings: Settings) -> dict[str, dict[str, str]]:
    """Return every skill's code with its words in three scripts; the city's file adds to the packaged one."""
    own = settings.data / FILE_NAME
    return _read(own, own.stat().st_mtime_ns if own.is_file() else 0)


@lru_cache(maxsize=4)
def _read(own: Path, changed: int) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for file in (_PACKAGED, own) if changed else (_PACKAGED,):
        for code, words in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            found[str(code)] = three_scripts(words["en"], words["sr-Cyrl"])
    return found


def check_skills(settings: Settings, codes: list[str], field: str) -> None:
    """Raise Unprocessable, naming the field, for a skill that nobody has described."""
    for code in codes:
        if code not in skills_of(settings):
            known = ", ".join(skills_of(settings))
            raise Unprocessable(f"There is no skill {code!r}; there are: {known}.", field=field, code="no-skill")
