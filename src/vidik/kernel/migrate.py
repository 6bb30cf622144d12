"""Migrations at start: what tenants share first, then every tenant's schema, one process at a time.

The revisions live in `vidik/migrations/{platform,tenant}/versions` as two linear Alembic chains. A schema that
already stands at the head is recognised by one query, so that a normal start does not pay for Alembic.
"""

import re
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from vidik.kernel.database import PLATFORM, tenant_schema

_LOCK = 0x564944494B  # "VIDIK": one migration at a time on a database
_ROOT = Path(__file__).resolve().parent.parent / "migrations"
_REVISION = re.compile(r'^(revision|down_revision)(?:: [^=]+)? = (?:"([^"]+)"|None)', re.MULTILINE)


def migrate(url: str, tenants: list[str]) -> list[str]:
    """Bring the platform schema and each tenant's schema to the newest revision; returns the schemas changed.

    Waits while another process migrates. Raises `psycopg.Error` when PostgreSQL refuses.
    """
    changed: list[str] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        for schema, chain in [(PLATFORM, "platform"), *((tenant_schema(name), "tenant") for name in tenants)]:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
            if _current(connection, schema) != head(chain):
                _upgrade(url, schema, chain)
                changed.append(schema)
            if chain == "tenant":
                _register(connection, schema)
    return changed


def tenants_of(url: str) -> list[str]:
    """Names of the tenants that this database already holds."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tenant\\_%' ORDER BY nspname"
        ).fetchall()
    return [str(name).removeprefix("tenant_") for (name,) in rows]


def _register(connection: psycopg.Connection, schema: str) -> None:
    connection.execute(
        "INSERT INTO platform.tenant (name) VALUES (%s) ON CONFLICT DO NOTHING", [schema.removeprefix("tenant_")]
    )


def _current(connection: psycopg.Connection, schema: str) -> str | None:
    exists = connection.execute("SELECT to_regclass(%s)", [f"{schema}.alembic_version"]).fetchone()
    if exists is None or exists[0] is None:
        return None
    row = connection.execute(
        sql.SQL("SELECT version_num FROM {}.alembic_version").format(sql.Identifier(schema))
    ).fetchone()
    return row[0] if row else None


@cache
def head(chain: str) -> str:
    """The newest revision of a chain (`platform` or `tenant`) in this release."""
    down: set[str] = set()
    revisions: set[str] = set()
    for path in (_ROOT / chain / "versions").glob("*.py"):
        for name, value in _REVISION.findall(path.read_text(encoding="utf-8")):
            if value:
                (revisions if name == "revision" else down).add(value)
    heads = revisions - down
    if len(heads) != 1:
        raise RuntimeError(f"the {chain} migrations must be one line, but end in {sorted(heads)}")
    return heads.pop()


def _upgrade(url: str, schema: str, chain: str) -> None:
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(_ROOT / chain))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["url"] = url
    configuration.attributes["schema"] = schema
    command.upgrade(configuration, "head")
