"""A folder for the databases of tests: in memory where there is room, for nothing in them outlives the test."""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 3_000_000_000
"""So much must be free: several servers with their logs, and what a demo city writes in a few minutes."""


def quick_folder(prefix: str) -> Path:
    """Make a folder that other users may pass through (the server drops to one when the tests run as root).

    Copying a migrated database takes a twentieth of the time there. Tests of disks and of killed processes stay on
    the disk.
    """
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if has_room else None))
    folder.chmod(0o711)
    return folder
