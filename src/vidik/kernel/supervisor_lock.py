"""One family a data folder: the lock that a second start finds taken."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from vidik.kernel.errors import Conflict


class DataFolderLock:
    """Holds `data`/lock while in use; the kernel lets it go when the process ends, however it ends."""

    def __init__(self, data: Path) -> None:
        self._file = data / "lock"
        self._descriptor = -1

    def __enter__(self) -> DataFolderLock:
        """Take the lock; raises Conflict with a sentence when another process has it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise Conflict(
                f"Vidik already runs on {self._file.parent} (process {holder or 'unknown'}). "
                "Stop it first, or choose another folder with VIDIK_DATA.",
                code="already-running",
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def is_running(data: Path) -> bool:
    """Whether a family runs on this data folder now."""
    try:
        with DataFolderLock(data):
            return False
    except Conflict:
        return True
