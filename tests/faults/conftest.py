"""Families that are made to suffer: one for the tests that leave it well, others of their own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.family import RunningVidik, running


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A data folder that the database's own user can reach (pytest's temporary folders are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="vidik-faults-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def vidik() -> Iterator[RunningVidik]:
    """A running family that the tests of one module share, each with devices of its own."""
    folder = Path(tempfile.mkdtemp(prefix="vidik-faults-"))
    folder.chmod(0o755)
    with running(folder / "data") as family:
        yield family
    shutil.rmtree(folder, ignore_errors=True)
