"""One child process of the family: started, watched, started again, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vidik.kernel.processes import end_with_parent, forget_process, note_process, read_beat

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
STARTING_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """How a child is started. `beats` says that it writes signs of life, by which it is ready and still moves."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    beats: bool = True
    stop_seconds: float = 15.0


class Child:
    """A child process and what has happened to it so far."""

    def __init__(self, plan: ChildPlan, run_folder: Path) -> None:
        self.plan = plan
        self.restarts = 0
        self.retry_at: float | None = None
        self._run_folder = run_folder
        self._process: subprocess.Popen[bytes] | None = None
        self._began = time.monotonic()
        self._wait_seconds = FIRST_WAIT_SECONDS

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it has said that it serves (a child without beats: whether it runs)."""
        if not self.running or self._process is None:
            return False
        if not self.plan.beats:
            return True
        beat = read_beat(self._run_folder, self.name)
        return beat is not None and beat.pid == self._process.pid

    @property
    def still_seconds(self) -> float:
        """Seconds since its last sign of life; 0 while it is starting, which may take `STARTING_SECONDS`."""
        if not self.plan.beats or not self.running:
            return 0.0
        beat = read_beat(self._run_folder, self.name) if self.ready else None
        if beat is not None:
            return beat.age_seconds
        return max(time.monotonic() - self._began - STARTING_SECONDS, 0.0)

    def start(self, *, held: bool = False) -> None:
        """Start it; must be called from the process's main thread, whose death ends the child.

        A child that is held reads its modules and waits for the end of its standard input (see `release`).
        """
        forget_process(self._run_folder, self.name)
        self.retry_at = None
        self._began = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  the command is the supervisor's own
            list(self.plan.command),
            env={**os.environ, **self.plan.environment},
            stdin=subprocess.PIPE if held else subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is the supervisor's to handle
            preexec_fn=end_with_parent(signal.SIGTERM),
        )
        with contextlib.suppress(Exception):  # it may have ended already; the watch will say so
            note_process(self._run_folder, self.name, self._process.pid)

    def release(self) -> None:
        """Let a child that was held begin its work."""
        self._began = time.monotonic()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def ended(self) -> str | None:
        """How it ended, as the rest of a sentence; None while it runs, or once this has been said."""
        if self._process is None or self._process.poll() is None:
            return None
        for gauge in (self._run_folder / "metrics").glob(f"gauge_live*_{self._process.pid}.db"):
            gauge.unlink(missing_ok=True)  # what it held "now" is held no more
        code, self._process = self._process.returncode, None
        forget_process(self._run_folder, self.name)
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

    def plan_restart(self) -> float:
        """Choose when to start it again; returns the wait in seconds, longer each time it ends early."""
        if time.monotonic() - self._began > STEADY_SECONDS:
            self._wait_seconds = FIRST_WAIT_SECONDS
        wait = self._wait_seconds
        self._wait_seconds = min(self._wait_seconds * 2, LONGEST_WAIT_SECONDS)
        self.retry_at = time.monotonic() + wait
        self.restarts += 1
        return wait

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
