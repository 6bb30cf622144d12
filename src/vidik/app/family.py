"""The family of processes of one machine: who belongs to it, and how each is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from vidik.kernel.embedded import EmbeddedServer
from vidik.kernel.errors import Unavailable
from vidik.kernel.processes import read_beat
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
        with DataFolderLock(data):
            embedded = self.settings.database_url is None
            Supervisor(
                data,
                database=EmbeddedServer(data, say=self.say) if embedded else None,
                prepare=self._prepare,
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

    def _prepare(self) -> list[ChildPlan]:
        self.prepared = self._run_prepare()
        if self.prepared["migrated"]:
            self.say("Database brought to this release's version")
        environment = self._environment()
        plans = [
            ChildPlan(name, [sys.executable, "-m", "vidik.app", name], environment)
            for name in ("web", "intake", "worker")
        ]
        if self.demo:
            token = {"VIDIK_DEMO_TOKEN": str(self.prepared["demo_token"])}
            plans.append(ChildPlan("demo", [sys.executable, "-m", "vidik.demo"], environment | token, beats=False))
        return plans

    def _run_prepare(self) -> dict[str, object]:
        done = subprocess.run(  # noqa: S603  our own module
            [sys.executable, "-m", "vidik.app", "prepare", *(["demo"] if self.demo else [])],
            env={**os.environ, **self._environment()},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(
                f"The database could not be prepared; the reason is above and in {self.settings.data / 'logs'}.",
                code="not-prepared",
            )
        prepared: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return prepared
