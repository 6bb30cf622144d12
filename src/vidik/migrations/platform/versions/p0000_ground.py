"""The list of tenants, and the extensions that their indexes need."""

from alembic import op

revision = "p0000_ground"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

        CREATE TABLE tenant (
            name text PRIMARY KEY,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        """
    )
