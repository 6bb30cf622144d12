"""Snapshots: frozen parts of the memory. What each holds is in a schema of its own."""

from alembic import op

revision = "t0011_snapshots"
down_revision = "t0010_registration_lapse"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE snapshot (
            id text PRIMARY KEY,
            place text NOT NULL UNIQUE,     -- the schema is snapshot_<place>
            revision text NOT NULL,         -- of the tables that it was copied from
            body jsonb NOT NULL,            -- what its owner said of it, and how its queries went
            status text NOT NULL,
            priority int NOT NULL,
            created_at timestamptz NOT NULL,
            modified_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            last_used_at timestamptz NOT NULL
        );
        """
    )
