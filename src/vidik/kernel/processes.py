"""What the family's processes leave in the data folder's `run`: who they are, and that they still move."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from vidik.kernel.tasks import begin_endless, end_tasks

BEAT_SECONDS = 1.0
FRESH_SECONDS = 15.0
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: `at` is the machine's monotonic clock, not stepped with the wall clock."""

    pid: int
    at: float
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.at


class Heart:
    """Writes this process's beat about once a second while its event loop moves."""

    def __init__(self, run_folder: Path, name: str) -> None:
        self._file = run_folder / f"{name}.json"
        self._task: asyncio.Task[None] | None = None
        self.ports: dict[str, int] = {}

    async def __aenter__(self) -> Heart:
        """Say that the process is ready, and keep saying so."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # on a full disk it is ready once there is room for the beat
            self._write()
        self._task = begin_endless(self._beat(), "sign of life")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await end_tasks(self._task)
        self._file.unlink(missing_ok=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(OSError):  # a full disk must not stop a process that still works
                self._write()

    def _write(self) -> None:
        beat = Beat(os.getpid(), time.monotonic(), self.ports)
        staging = self._file.with_suffix(f".{os.getpid()}.new")
        staging.write_text(json.dumps(asdict(beat)))
        staging.replace(self._file)


def read_beat(run_folder: Path, name: str) -> Beat | None:
    """The last beat of a process, or None when it never was ready or ended well."""
    try:
        return Beat(**json.loads((run_folder / f"{name}.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running_processes(run_folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The family's living processes by name, as the supervisor noted them in <name>.pid."""
    for file in sorted(run_folder.glob("*.pid")):
        try:
            process = psutil.Process(int(file.read_text()))
            if _started_ticks(process) == int(file.with_suffix(".started").read_text()):
                yield file.stem, process
        except (OSError, ValueError, psutil.NoSuchProcess):
            continue


def note_process(run_folder: Path, name: str, pid: int) -> None:
    """Note a child's id with its start time, so that no later process is taken for it."""
    started = _started_ticks(psutil.Process(pid))
    (run_folder / f"{name}.started").write_text(f"{started}\n")
    (run_folder / f"{name}.pid").write_text(f"{pid}\n")


def forget_process(run_folder: Path, name: str) -> None:
    """Remove what a child that has ended left behind."""
    for suffix in ("pid", "started", "json"):
        (run_folder / f"{name}.{suffix}").unlink(missing_ok=True)


def prepare_metrics_folder(folder: Path) -> None:
    """Make an empty folder for the family's metrics, in shared memory where the machine has it.

    The metrics are memory-mapped files: on a full disk, touching one kills the process (SIGBUS).
    """
    remove_metrics_folder(folder)
    name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
    shared = Path("/dev/shm") / f"vidik-{os.geteuid()}-{name}"  # noqa: S108  mkdir refuses what somebody else put there
    try:
        shutil.rmtree(shared, ignore_errors=True)
        shared.mkdir(mode=0o700)
        folder.symlink_to(shared)
    except OSError:
        folder.mkdir(exist_ok=True)


def remove_metrics_folder(folder: Path) -> None:
    """Remove the metrics of a family that has ended."""
    if folder.is_symlink():
        shutil.rmtree(folder.readlink(), ignore_errors=True)
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def end_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Something to run between fork and exec, so that the kernel signals the child when its parent dies."""
    parent = os.getpid()

    def arrange() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return arrange


def _started_ticks(process: psutil.Process) -> int:
    # Not create_time(): that is wall-clock time, and differs after the clock has been stepped.
    text = Path(f"/proc/{process.pid}/stat").read_text()
    return int(text.rpartition(")")[2].split()[19])
