"""The family of processes of one machine: who belongs to it, and how each is started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from vidik.kernel.embedded import EmbeddedServer
from vidik.kernel.errors import Unavailable
from vidik.kernel.processes import end_with_parent, read_beat
from vidik.kernel.settings import Settings
from vidik.kernel.supervisor import Supervisor
from vidik.kernel.supervisor_child import ChildPlan
from vidik.kernel.supervisor_lock import DataFolderLock

Say = Callable[[str], None]


@dataclass
class Family:
    """One installation's processes under one supervisor; `prepared` is known once the database stands."""

    settings: Settings
    demo: bool
    say: Say
    prepared: dict[str, object] = field(default_factory=dict)

    def run(self, when_ready: Callable[[], None]) -> None:
        """Start, watch, and stop everything; raises VidikError with a sentence when it cannot start."""
        data = self.settings.data
        with DataFolderLock(data), self._preparation() as preparation:
            embedded = self.settings.database_url is None
            Supervisor(
                data,
                database=EmbeddedServer(data, say=self.say) if embedded else None,
                plans=[self._plan(name) for name in ("web", "worker", "intake")],
                prepare=partial(self._prepare, preparation),
                say=self.say,
            ).run(when_ready)

    @property
    def web_port(self) -> int:
        """The port that the web process really has (they differ when the setting is 0)."""
        beat = read_beat(self.settings.data / "run", "web")
        return beat.ports.get("http", self.settings.port) if beat is not None else self.settings.port

    def _environment(self) -> dict[str, str]:
        data = self.settings.data
        return {
            "VIDIK_DATA": str(data),
            "PROMETHEUS_MULTIPROC_DIR": str(data / "run" / "metrics"),
            "PYTHONUNBUFFERED": "1",
            # glibc makes up to eight arenas a core; two keep a long-lived process small.
            "MALLOC_ARENA_MAX": "2",
        }

    def _plan(self, name: str) -> ChildPlan:
        return ChildPlan(name, [sys.executable, "-m", "vidik.app", name], self._environment())

    @contextmanager
    def _preparation(self) -> Iterator[subprocess.Popen[str]]:
        """The short process that prepares the database: it reads its modules, and waits to be told that one stands."""
        with subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", "vidik.app", "prepare", *(["demo"] if self.demo else [])],
            env={**os.environ, **self._environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is the supervisor's to handle
            preexec_fn=end_with_parent(signal.SIGTERM),
        ) as process:
            try:
                yield process
            finally:
                process.terminate()

    def _prepare(self, preparation: subprocess.Popen[str]) -> list[ChildPlan]:
        answer, _ = preparation.communicate()
        if preparation.returncode != 0:
            raise Unavailable(
                f"The database could not be prepared; the reason is above and in {self.settings.data / 'logs'}.",
                code="not-prepared",
            )
        self.prepared = json.loads(answer.splitlines()[-1])
        if self.prepared["migrated"]:
            self.say("Database brought to this release's version")
        if not self.demo:
            return []
        token = {"VIDIK_DEMO_TOKEN": str(self.prepared["demo_token"])}
        return [ChildPlan("demo", [sys.executable, "-m", "vidik.demo"], self._environment() | token, beats=False)]
