"""What must be done between a database that answers and a family that starts: migrations, the first login.

Runs as a short process of its own, so that the supervisor never carries Alembic and the modules in its memory.
Prints one line of JSON for the supervisor.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass

from vidik.app.process import wait_for_release
from vidik.kernel.database import Database
from vidik.kernel.embedded import database_url
from vidik.kernel.identity.first_account import ensure_first_account, first_login, issue_service_token
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
    demo_token: str | None = None


# The demo brings devices and the wiring between them, its pilots and crews; everything else it does as a device.
DEMO_PERMISSIONS = frozenset(
    {
        *("devices.read", "devices.manage", "context.read", "context.write"),
        *("pilots.read", "pilots.manage", "pilots.sign"),
        *("incidents.read", "tasks.work", "tasks.manage", "crews.manage"),
    }
)


def prepare(*, demo: bool) -> None:
    """Migrate every tenant, make the first login when there is none, and print the outcome."""
    settings = get_settings()
    configure_logging(settings.log_format, "prepare", folder=settings.data / "logs")
    wait_for_release()
    prepared = prepare_database(settings, demo=demo)
    sys.stdout.write(json.dumps(asdict(prepared)) + "\n")


def prepare_database(settings: Settings, *, demo: bool = False) -> Prepared:
    """Migrate every tenant, and make the first login when there is none."""
    url = database_url(settings)
    migrated = migrate_all(settings, url)
    token = asyncio.run(_logins(settings, url, demo=demo))
    known = first_login(settings)
    return Prepared(migrated, known.login if known else None, known.password if known else None, token)


def migrate_all(settings: Settings, url: str) -> list[str]:
    """Bring the platform and every tenant to this release's version; returns the schemas that changed."""
    others = [name for name in tenants_of(url) if name != settings.tenant]
    return migrate(url, [settings.tenant, *others])


async def _logins(settings: Settings, url: str, *, demo: bool) -> str | None:
    database = Database(url, max_size=2)
    await database.open()
    services = Services(settings=settings, database=database)
    try:
        await ensure_first_account(services)
        return await issue_service_token(services, "demo", DEMO_PERMISSIONS) if demo else None
    finally:
        await database.close()
