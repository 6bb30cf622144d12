"""A durable embedded PostgreSQL of its own for a measurement."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidik.kernel.embedded import EmbeddedServer
from vidik.kernel.migrate import migrate

TENANT = "city"


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that the database's own user can reach."""
    path = Path(tempfile.mkdtemp(prefix="vidik-bench-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def database() -> Iterator[str]:
    """The URL of a fresh, migrated, durable database."""
    with folder() as path:
        server = EmbeddedServer(path)
        server.start()
        try:
            migrate(server.url, [TENANT])
            yield server.url
        finally:
            server.stop()
