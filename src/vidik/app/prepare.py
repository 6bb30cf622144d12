"""What must be done between a database that answers and a family that starts: migrations, the first login.

Runs as a short process of its own, so that the supervisor never carries Alembic and the modules in its memory.
Prints one line of JSON for the supervisor.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass

from vidik.kernel.database import Database
from vidik.kernel.embedded import database_url
from vidik.kernel.identity.first_account import ensure_first_account, first_login
from vidik.kernel.logs import configure_logging
from vidik.kernel.migrate import migrate, tenants_of
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings, get_settings


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the supervisor needs to know; `password` is None once the person has chosen another."""

    migrated: list[str]
    login: str | None
    password: str | None


def prepare() -> None:
    """Migrate every tenant, make the first login when there is none, and print the outcome."""
    settings = get_settings()
    configure_logging(settings.log_format, "prepare", folder=settings.data / "logs")
    prepared = prepare_database(settings)
    sys.stdout.write(json.dumps(asdict(prepared)) + "\n")


def prepare_database(settings: Settings) -> Prepared:
    """Migrate every tenant, and make the first login when there is none."""
    url = database_url(settings)
    tenants = [settings.tenant]
    migrated = migrate(url, tenants)
    tenants = [name for name in tenants_of(url) if name not in tenants]
    if tenants:
        migrated += migrate(url, tenants)
    asyncio.run(_first_account(settings, url))
    known = first_login(settings)
    return Prepared(migrated, known.login if known else None, known.password if known else None)


async def _first_account(settings: Settings, url: str) -> None:
    database = Database(url, max_size=2)
    await database.open()
    try:
        await ensure_first_account(Services(settings=settings, database=database))
    finally:
        await database.close()
