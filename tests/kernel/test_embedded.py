"""The embedded PostgreSQL: made, started, stopped, recovered, and left alone by nobody else."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from vidik.kernel.embedded import EmbeddedServer, database_url
from vidik.kernel.embedded_config import render
from vidik.kernel.errors import Unavailable
from vidik.kernel.settings import Settings


@pytest.fixture
def data() -> Iterator[Path]:
    """A short path outside pytest's private folder: the server's user must be able to enter it."""
    with tempfile.TemporaryDirectory(prefix="vidik-embedded-") as folder:
        yield Path(folder)


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(data, durable=False)
    server.start()
    yield server
    server.stop()


def answer(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_a_started_server_answers_in_utf8_with_checksums(server: EmbeddedServer) -> None:
    assert server.ready
    assert answer(server, "SELECT current_setting('server_encoding')") == "UTF8"
    assert answer(server, "SELECT current_setting('data_checksums')") == "on"
    assert answer(server, "SELECT datlocale FROM pg_database WHERE datname = 'vidik'") == "C.UTF-8"


def test_nothing_listens_on_the_network(server: EmbeddedServer) -> None:
    assert answer(server, "SELECT current_setting('listen_addresses')") == ""


def test_the_socket_is_in_a_folder_that_nobody_else_may_enter(server: EmbeddedServer) -> None:
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700


def test_data_are_there_after_a_restart(data: Path, server: EmbeddedServer) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    server.stop()

    again = EmbeddedServer(data, durable=False)
    again.start()

    assert answer(again, "SELECT number FROM kept") == 42
    again.stop()


def test_a_killed_server_recovers_at_the_next_start(data: Path, server: EmbeddedServer) -> None:
    assert server.process is not None
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        connection.commit()
        connection.execute("CHECKPOINT")
    server.process.kill()
    server.process.wait()
    assert not server.ready

    server.start()

    assert answer(server, "SELECT number FROM kept") == 42


def test_a_pid_file_with_somebody_elses_number_does_not_keep_it_from_starting(data: Path) -> None:
    server = EmbeddedServer(data, durable=False)
    server.start()
    server.stop()
    (server.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server.cluster}\n")

    server.start()

    assert server.ready
    server.stop()


def test_a_server_left_behind_is_replaced(data: Path, server: EmbeddedServer) -> None:
    left_behind = server.pid
    successor = EmbeddedServer(data, durable=False)

    successor.start()

    assert successor.pid != left_behind
    assert answer(successor, "SELECT 1") == 1
    successor.stop()


def test_the_server_ends_when_its_parent_is_killed(data: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from vidik.kernel.embedded import EmbeddedServer;"
        "server = EmbeddedServer(Path(sys.argv[1]), durable=False); server.start();"
        "print(server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(data)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)

    server.wait(timeout=20)


def test_a_long_path_gets_a_short_socket_folder_of_its_own(data: Path) -> None:
    server = EmbeddedServer(data / ("long" * 30), durable=False)

    assert len(str(server.socket_folder)) < 40
    assert server.socket_folder != EmbeddedServer(data / ("gone" * 30)).socket_folder


def test_a_socket_folder_of_somebody_else_is_refused(data: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder of somebody else")
    server = EmbeddedServer(data / ("long" * 30), durable=False)
    server.socket_folder.mkdir()
    os.chown(server.socket_folder, 12345, 12345)
    try:
        with pytest.raises(Unavailable, match="belongs to somebody else"):
            server.start()
    finally:
        server.socket_folder.rmdir()


def test_an_older_major_version_is_refused_with_what_to_do(data: Path) -> None:
    older = data / "postgres" / "17"
    older.mkdir(parents=True)
    (older / "PG_VERSION").write_text("17\n")

    with pytest.raises(Unavailable, match="PostgreSQL 17"):
        EmbeddedServer(data, durable=False).start()


def test_a_server_that_does_not_come_up_says_its_last_words(data: Path) -> None:
    (data / "postgresql.conf").write_text("shared_buffers = 'nonsense'\n")
    data.chmod(0o755)

    with pytest.raises(Unavailable, match="shared_buffers"):
        EmbeddedServer(data, durable=False).start()


def test_a_durable_server_never_trades_a_commit_for_speed(data: Path) -> None:
    text = render(socket_folder=data, log_folder=data, operator_file=data / "own.conf", durable=True)

    assert "fsync" not in text
    assert "synchronous_commit = 'on'" in text
    assert "full_page_writes = 'on'" in text


def test_the_citys_own_database_is_used_when_it_is_named(data: Path) -> None:
    settings = Settings(data=data, database_url="postgresql://a@b/c")

    assert database_url(settings) == "postgresql://a@b/c"
    assert "host=" in database_url(Settings(data=data))
