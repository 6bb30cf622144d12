"""Migrations at start: what is behind is brought up, what stands is only asked about."""

import psycopg

from vidik.kernel.migrate import migrate, tenants_of


def test_only_what_is_not_at_the_newest_revision_is_migrated_and_every_tenant_is_known(database_url: str) -> None:
    first = migrate(database_url, ["city", "town", "village"])
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM platform.tenant WHERE name = 'city'")  # as an installation of before knew none
        connection.execute("DROP SCHEMA tenant_village CASCADE")

    second = migrate(database_url, ["city", "town", "village"])

    with psycopg.connect(database_url) as connection:
        registered = connection.execute("SELECT name FROM platform.tenant ORDER BY name").fetchall()
    assert (first, second) == (["tenant_town", "tenant_village"], ["tenant_village"])
    assert registered == [("city",), ("town",), ("village",)]
    assert tenants_of(database_url) == ["city", "town", "village"]
    assert migrate(database_url, ["city", "town", "village"]) == []
