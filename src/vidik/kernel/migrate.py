"""Migrations at start: what tenants share first, then every tenant's schema, one process at a time.

The revisions live in `vidik/migrations/{platform,tenant}/versions` as two linear Alembic chains. Schemas that
already stand at the head are recognised by one query, so that a normal start does not pay for Alembic.
"""

import re
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from vidik.kernel.database import PLATFORM, tenant_schema

_LOCK = 0x564944494B  # "VIDIK": one migration at a time on a database
_SCHEMAS_AT_ONCE = 500
_ROOT = Path(__file__).resolve().parent.parent / "migrations"
_REVISION = re.compile(r'^(revision|down_revision)(?:: [^=]+)? = (?:"([^"]+)"|None)', re.MULTILINE)


def migrate(url: str, tenants: list[str]) -> list[str]:
    """Bring the platform schema and each tenant's schema to the newest revision; returns the schemas changed.

    Waits while another process migrates. Raises `psycopg.Error` when PostgreSQL refuses.
    """
    changed: list[str] = []
    chains = {PLATFORM: "platform"} | {tenant_schema(name): "tenant" for name in tenants}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        standing = _revisions(connection)
        for schema, chain in chains.items():
            if standing.get(schema) != head(chain):
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
                _upgrade(url, schema, chain)
                changed.append(schema)
                if chain == "tenant":
                    _register(connection, [schema])
        _register(connection, [schema for schema, chain in chains.items() if chain == "tenant"])
    return changed


def tenants_of(url: str) -> list[str]:
    """Names of the tenants that this database already holds."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tenant\\_%' ORDER BY nspname"
        ).fetchall()
    return [str(name).removeprefix("tenant_") for (name,) in rows]


def _register(connection: psycopg.Connection, schemas: list[str]) -> None:
    connection.execute(
        "INSERT INTO platform.tenant (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
        [[schema.removeprefix("tenant_") for schema in schemas]],
    )


def _revisions(connection: psycopg.Connection) -> dict[str, str]:
    """Where each schema stands, many tenants to one question."""
    schemas = [
        name
        for (name,) in connection.execute(
            "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE relname = 'alembic_version'"
        )
    ]
    found: dict[str, str] = {}
    for start in range(0, len(schemas), _SCHEMAS_AT_ONCE):
        parts = [
            sql.SQL("SELECT {}, version_num FROM {}.alembic_version").format(sql.Literal(name), sql.Identifier(name))
            for name in schemas[start : start + _SCHEMAS_AT_ONCE]
        ]
        found.update(connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall())
    return found


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
