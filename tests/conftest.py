"""Real PostgreSQL for every test that asks: one embedded server a run, one fresh database a test.

Hypothesis tries the same examples in every run, so that a change is judged by itself; `VIDIK_SEARCH=1 make test` tries
others. The machine is shared, so no single example has a deadline.
"""

import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg.conninfo import make_conninfo

from tests import routes
from tests.memory import quick_folder
from vidik.kernel.database import Connection, Database
from vidik.kernel.embedded import EmbeddedServer
from vidik.kernel.migrate import migrate
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings

pytest_plugins = (
    "tests.one_connection",
    "tests.web",
    "tests.operations.following",
    "tests.operations.requests.outside",
)
"""A watch over connections; fixtures of the whole web application, and of a worker that follows the changes."""

TENANT = "city"

hypothesis_settings.register_profile(
    "shared",
    deadline=None,
    derandomize=not os.environ.get("VIDIK_SEARCH"),
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("shared")


ORDER = (
    "faults/test_kill",
    "",
    "faults/test_disk_full",
    "acceptance/browser/",
    "faults/test_broker",
    "acceptance/",
    "faults/",
)
"""Files that mostly wait stand where others have work to do beside them; "" is whatever is not named."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files so that at the end nobody waits alone (the files of one kind keep their order)."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(tests).as_posix()
        return next((ORDER.index(start) for start in ORDER if start and path.startswith(start)), ORDER.index(""))

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _routes_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        routes.share(patch)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data (../shared/data) is not on this machine")
    return folder


class Databases:
    """Migrated databases of one server; the next one is made, and the last one dropped, while a test runs."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._numbers = itertools.count(1)
        self._next = self._worker.submit(self._create)

    def take(self) -> str:
        """The name of a fresh database."""
        name = self._next.result()
        self._next = self._worker.submit(self._create)
        return name

    def discard(self, name: str) -> None:
        """Drop a database some time soon."""
        self._worker.submit(self._execute, f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._worker.shutdown(cancel_futures=True)

    def _create(self) -> str:
        name = f"test_{next(self._numbers)}"
        # Copied by the kernel, file by file: a tenth of the time of writing the copy to the log.
        self._execute(
            "SET file_copy_method = clone", f"CREATE DATABASE {name} TEMPLATE template_vidik STRATEGY file_copy"
        )
        return name

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """An embedded PostgreSQL server whose database `template_vidik` stands at the newest revision."""
    folder = quick_folder("vidik-test-")
    server = EmbeddedServer(folder, durable=False)
    server.start()
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE template_vidik")
        migrate(make_conninfo(server.url, dbname="template_vidik"), [TENANT])
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def databases(server_url: str) -> Iterator[Databases]:
    databases = Databases(server_url)
    yield databases
    databases.close()


@pytest.fixture
def database_url(server_url: str, databases: Databases) -> Iterator[str]:
    """A fresh, migrated database with the tenant `city`."""
    name = databases.take()
    yield make_conninfo(server_url, dbname=name)
    databases.discard(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """A connection of the city's tenant inside a transaction that is committed when the test ends well."""
    async with database.transaction(TENANT) as connection:
        yield connection


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path,
        database_url=database_url,
        tenant=TENANT,
        argon2_memory_kib=64,
        allow_private_endpoints=True,
    )


@pytest.fixture
def services(settings: Settings, database: Database) -> Services:
    return Services(settings=settings, database=database)
