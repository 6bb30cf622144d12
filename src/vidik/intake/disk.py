"""Stops taking readings before the disk is full: a database that cannot write its log goes down altogether."""

import shutil
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)


class DiskGuard:
    """Watches the free space of the data folder's disk."""

    def __init__(self, folder: Path, reserve_mb: int) -> None:
        self._folder = folder
        self._reserve = reserve_mb * 1_000_000
        self.refusing: str | None = None
        """Why readings are refused, as a sentence; None while there is room."""
        self.look()

    def look(self) -> None:
        """Measure the free space again."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:
            return
        before = self.refusing
        if free < self._reserve:
            self.refusing = (
                f"The disk of the data folder has only {free // 1_000_000} MB left, so nothing more is stored; "
                "free some space, and send it again."
            )
        else:
            self.refusing = None
        if (before is None) != (self.refusing is None):
            _log.warning("the disk guard changed its mind", refusing=self.refusing, free_mb=free // 1_000_000)
