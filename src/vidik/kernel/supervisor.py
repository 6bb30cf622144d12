"""The supervisor: starts the family in order, keeps it running, and stops it in order."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import psutil

from vidik.kernel.embedded import EmbeddedServer
from vidik.kernel.errors import Unavailable
from vidik.kernel.processes import (
    forget_process,
    note_process,
    prepare_metrics_folder,
    remove_metrics_folder,
    running_processes,
)
from vidik.kernel.supervisor_child import Child, ChildPlan

READY_SECONDS = 90.0
HUNG_SECONDS = 60.0
WATCH_SECONDS = 0.2
STARTS_BEFORE_GIVING_UP = 3

Say = Callable[[str], None]


class Stopped(Exception):
    """Somebody asked the family to stop while it was starting."""


class Supervisor:
    """Runs one family until it is told to stop.

    `database` is None when the city's own server is used. The children start at once, so that they read their modules
    while the database comes up; they are held until `prepare` has run (migrations, the first login). It returns the
    plans of children that come last: those that use the doors, and would only slow their opening.
    """

    def __init__(
        self,
        data: Path,
        *,
        database: EmbeddedServer | None,
        plans: Sequence[ChildPlan],
        prepare: Callable[[], Sequence[ChildPlan]],
        say: Say,
    ) -> None:
        self.data = data
        self.run_folder = data / "run"
        self.children = [Child(plan, self.run_folder) for plan in plans]
        self._database = database
        self._database_retry_at: float | None = None
        self._prepare = prepare
        self._say = say
        self._wake = threading.Event()
        self._stops_asked = 0

    def run(self, when_ready: Callable[[], None]) -> None:
        """Start everything, call `when_ready`, keep watch until told to stop, then stop everything.

        The caller holds the data folder's lock. Raises VidikError when the family cannot start.
        """
        with self._signals():
            try:
                self._start()
                when_ready()
                while not self._stops_asked:
                    self._watch()
                    self._wait(WATCH_SECONDS)
            except Stopped:
                pass
            finally:
                self._stop()

    # -- starting -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._clear_run_folder()
        serving = list(self.children)
        for child in serving:
            child.start(held=True)
        if self._database is not None:
            began = time.monotonic()
            self._database.start()
            self._note_database()
            self._say(f"Database ready ({time.monotonic() - began:.1f} s)")
        self._heed()
        last = [Child(plan, self.run_folder) for plan in self._prepare()]
        self._heed()
        began = time.monotonic()
        for child in serving:
            child.release()
        self._wait_until_ready(serving, began)
        for child in last:
            child.start()
            self.children.append(child)
            self._say(f"{child.name.capitalize()} started")

    def _wait_until_ready(self, serving: Sequence[Child], began: float) -> None:
        waiting = list(serving)
        while waiting:
            for child in [child for child in waiting if child.ready]:
                waiting.remove(child)
                self._say(f"{child.name.capitalize()} ready ({time.monotonic() - began:.1f} s)")
            if waiting and time.monotonic() - began > READY_SECONDS:
                names = ", ".join(child.name for child in waiting)
                raise Unavailable(
                    f"Not ready after {READY_SECONDS:.0f} s: {names}. The reason is in {self.data / 'logs'}.",
                    code="not-ready",
                )
            self._watch()
            for child in waiting:
                if child.restarts >= STARTS_BEFORE_GIVING_UP:
                    log = self.data / "logs" / f"{child.name}.log"
                    raise Unavailable(f"{child.name.capitalize()} cannot start; see {log}.", code="not-ready")
            self._wait(0.05)
            self._heed()

    def _clear_run_folder(self) -> None:
        self.run_folder.mkdir(parents=True, exist_ok=True)
        left_behind = [process for name, process in running_processes(self.run_folder) if name != "database"]
        for process in left_behind:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _gone, still_there = psutil.wait_procs(left_behind, timeout=10)
        for process in still_there:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for file in self.run_folder.iterdir():
            if file.is_file():
                file.unlink(missing_ok=True)
        prepare_metrics_folder(self.run_folder / "metrics")

    def _note_database(self) -> None:
        if self._database is not None and self._database.pid is not None:
            with contextlib.suppress(OSError):  # a full disk must not end the supervisor
                note_process(self.run_folder, "database", self._database.pid)

    # -- watching -------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        self._watch_database()
        for child in self.children:
            if child.still_seconds > HUNG_SECONDS:
                self._say(f"{child.name.capitalize()} has not moved for {child.still_seconds:.0f} s; ending it")
                child.send(signal.SIGKILL)
            self._restart_when_due(child)

    def _restart_when_due(self, child: Child) -> None:
        if child.retry_at is not None:
            if time.monotonic() >= child.retry_at:
                child.start()
            return
        how = child.ended()
        if how is not None:
            wait = child.plan_restart()
            with contextlib.suppress(OSError):  # a full disk must not end the supervisor
                (self.run_folder / f"{child.name}.restarts").write_text(f"{child.restarts}\n")
            self._say(f"{child.name.capitalize()} {how}; starting it again in {wait:g} s")

    def _watch_database(self) -> None:
        if self._database is None or self._database.pid is not None:
            return
        if self._database_retry_at is None:
            forget_process(self.run_folder, "database")
            self._say("The database ended; starting it again")
        elif time.monotonic() < self._database_retry_at:
            return
        try:
            self._database.start()
        except (Unavailable, OSError) as error:
            # A full disk, for instance: say it, and try again until somebody has made room.
            self._say(f"{error} Trying again in 5 s.")
            self._database_retry_at = time.monotonic() + 5
            return
        self._database_retry_at = None
        self._note_database()
        self._say("Database ready again")

    # -- stopping -------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        began = time.monotonic()
        running = [child for child in self.children if child.running]
        for child in running:
            child.send(signal.SIGTERM)
        while running and self._stops_asked < 2:
            for child in running:
                if time.monotonic() - began > child.plan.stop_seconds:
                    self._say(f"{child.name.capitalize()} does not stop; ending it")
                    child.send(signal.SIGKILL)
            self._wait(0.05)
            running = [child for child in running if child.running]
        for child in running:
            child.send(signal.SIGKILL)
        for child in self.children:
            child.release()  # one that was still held leaves its pipe
            forget_process(self.run_folder, child.name)
        remove_metrics_folder(self.run_folder / "metrics")
        if self._database is not None:
            self._database.stop(seconds=60 if self._stops_asked < 2 else 0.5)
            forget_process(self.run_folder, "database")

    # -- signals --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._asked_to_stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops_asked += 1
        if self._stops_asked == 1:
            os.write(1, b"\n")
            self._say("Stopping; once more to stop at once")
        self._wake.set()

    def _heed(self) -> None:
        if self._stops_asked:
            raise Stopped

    def _wait(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()
