"""The supervisor: order, readiness, restarts, a clean end, and nobody left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from vidik.kernel.errors import Conflict, Unavailable
from vidik.kernel.processes import Beat, note_process, read_beat, running_processes
from vidik.kernel.supervisor import Supervisor
from vidik.kernel.supervisor_child import Child, ChildPlan
from vidik.kernel.supervisor_lock import DataFolderLock, is_running

CHILD = """
import asyncio, signal, sys
from pathlib import Path
from vidik.kernel.processes import Heart

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Heart(Path(sys.argv[1]), sys.argv[2]):
        await stop.wait()
    Path(sys.argv[1], sys.argv[2] + ".ended").write_text("well")

asyncio.run(main())
"""


def plan(data: Path, name: str, program: str = CHILD) -> ChildPlan:
    return ChildPlan(name, [sys.executable, "-c", program, str(data / "run"), name])


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Watched:
    """A supervisor run in this test's main thread, driven by what happens while it runs."""

    def __init__(self, data: Path, plans: list[ChildPlan]) -> None:
        self.said: list[str] = []
        self.supervisor = Supervisor(data, database=None, plans=plans, prepare=list, say=self.said.append)

    def run(self, meanwhile: Callable[[], None]) -> None:
        def then_stop() -> None:
            try:
                meanwhile()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=then_stop)
        self.supervisor.run(thread.start)
        thread.join()


def pid_of(data: Path, name: str) -> int:
    return int((data / "run" / f"{name}.pid").read_text())


def test_children_are_ready_when_they_say_so_and_end_well(tmp_path: Path) -> None:
    watched = Watched(tmp_path, [plan(tmp_path, "web"), plan(tmp_path, "worker")])
    seen: list[str] = []

    watched.run(lambda: seen.extend(name for name, _ in running_processes(tmp_path / "run")))

    assert seen == ["web", "worker"]
    assert any(sentence.startswith("Web ready") for sentence in watched.said)
    assert (tmp_path / "run" / "web.ended").read_text() == "well"
    assert not list((tmp_path / "run").glob("*.pid"))


def test_children_start_at_once_but_begin_when_the_database_is_prepared(tmp_path: Path) -> None:
    held = f"import sys\nsys.stdin.buffer.read()\n{CHILD}"
    seen: list[str] = []

    def prepare() -> list[ChildPlan]:
        started = psutil.Process(pid_of(tmp_path, "web"))
        wait_for(lambda: started.num_fds() > 0 and started.status() == psutil.STATUS_SLEEPING)
        seen.append("prepared" if read_beat(tmp_path / "run", "web") is None else "too late")
        return [plan(tmp_path, "demo")]

    supervisor = Supervisor(
        tmp_path, database=None, plans=[plan(tmp_path, "web", held)], prepare=prepare, say=seen.append
    )
    supervisor.run(lambda: os.kill(os.getpid(), signal.SIGTERM))

    assert [sentence.partition(" (")[0] for sentence in seen] == [
        "prepared",
        "Web ready",
        "Demo started",
        "Stopping; once more to stop at once",
    ]


def test_a_held_child_that_died_is_started_again_unheld(tmp_path: Path) -> None:
    held = f"import sys\nsys.stdin.buffer.read()\n{CHILD}"
    said: list[str] = []

    def kill_it() -> list[ChildPlan]:
        os.kill(pid_of(tmp_path, "web"), signal.SIGKILL)
        return []

    supervisor = Supervisor(
        tmp_path, database=None, plans=[plan(tmp_path, "web", held)], prepare=kill_it, say=said.append
    )
    supervisor.run(lambda: os.kill(os.getpid(), signal.SIGTERM))

    assert said[0] == "Web was killed by SIGKILL; starting it again in 0.5 s"
    assert said[1].startswith("Web ready")


def test_when_the_database_cannot_be_prepared_held_children_end_without_having_begun(tmp_path: Path) -> None:
    held = f"import sys\nsys.stdin.buffer.read()\n{CHILD}"
    children: list[psutil.Process] = []

    def fail() -> list[ChildPlan]:
        children.append(psutil.Process(pid_of(tmp_path, "web")))
        raise Unavailable("The database could not be prepared.", code="not-prepared")

    supervisor = Supervisor(
        tmp_path, database=None, plans=[plan(tmp_path, "web", held)], prepare=fail, say=lambda _: None
    )
    with pytest.raises(Unavailable, match="could not be prepared"):
        supervisor.run(lambda: None)

    assert not children[0].is_running()
    assert not (tmp_path / "run" / "web.ended").exists()


def test_a_child_that_is_killed_is_started_again_and_this_is_said(tmp_path: Path) -> None:
    watched = Watched(tmp_path, [plan(tmp_path, "web")])

    def kill_it() -> None:
        first = pid_of(tmp_path, "web")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: (beat := read_beat(tmp_path / "run", "web")) is not None and beat.pid != first)

    watched.run(kill_it)

    assert "Web was killed by SIGKILL; starting it again in 0.5 s" in watched.said
    assert (tmp_path / "run" / "web.restarts").read_text() == "1\n"


def test_a_child_that_cannot_start_is_given_up_with_a_sentence(tmp_path: Path) -> None:
    watched = Watched(tmp_path, [plan(tmp_path, "web", "raise SystemExit(3)")])

    with pytest.raises(Unavailable, match=r"Web cannot start; see .*web\.log"):
        watched.supervisor.run(lambda: None)


def test_the_wait_before_a_restart_grows(tmp_path: Path) -> None:
    child = Child(plan(tmp_path, "web"), tmp_path)

    assert [child.plan_restart() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_does_not_move_is_ended(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    watched = Watched(tmp_path, [plan(tmp_path, "web")])

    def stop_its_heart() -> None:
        first = pid_of(tmp_path, "web")
        os.kill(first, signal.SIGSTOP)
        old = Beat(first, time.monotonic() - 120)
        (tmp_path / "run" / "web.json").write_text(json.dumps({"pid": old.pid, "at": old.at, "ports": {}}))
        wait_for(lambda: any("has not moved" in sentence for sentence in watched.said))
        wait_for(lambda: not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE)

    watched.run(stop_its_heart)


def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from vidik.kernel.supervisor import Supervisor
from vidik.kernel.supervisor_child import ChildPlan
data = Path(sys.argv[1])
plans = [ChildPlan("web", [sys.executable, "-c", {CHILD!r}, str(data / "run"), "web"])]
supervisor = Supervisor(data, database=None, plans=plans, prepare=list, say=lambda _: None)
supervisor.run(lambda: print("ready", flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        child = psutil.Process(pid_of(tmp_path, "web"))
        parent.kill()

    child.wait(timeout=15)


def test_what_an_earlier_run_left_behind_is_ended(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as left_behind:
        note_process(tmp_path / "run", "web", left_behind.pid)
        Watched(tmp_path, [plan(tmp_path, "web")]).run(lambda: None)

        left_behind.wait(timeout=10)


def test_a_later_process_with_the_same_number_is_not_taken_for_a_child(tmp_path: Path) -> None:
    (tmp_path / "web.pid").write_text(f"{os.getpid()}\n")
    (tmp_path / "web.started").write_text("1\n")

    assert list(running_processes(tmp_path)) == []


def test_a_second_start_on_one_data_folder_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with DataFolderLock(tmp_path):
        assert is_running(tmp_path)
        with pytest.raises(Conflict, match=rf"already runs on .* \(process {os.getpid()}\)"), DataFolderLock(tmp_path):
            pass

    assert not is_running(tmp_path)
