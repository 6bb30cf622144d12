"""When the next attribute of an entity expires, for the job that removes those whose time has passed."""

from alembic import op

revision = "t0015_attribute_expiry"
down_revision = "t0014_near"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE attribute_expiry (
            entity_id text PRIMARY KEY,
            expires_at timestamptz NOT NULL
        );
        CREATE INDEX attribute_expiry_by_time ON attribute_expiry (expires_at);
        """
    )
