"""Entity maps: which entities a query considers, page after page."""

from alembic import op

revision = "t0009_entity_maps"
down_revision = "t0008_registration_subscriptions"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE entity_map (
            id text PRIMARY KEY,
            ids text[] NOT NULL,            -- in the order of the query; null where one no longer fits it
            holders jsonb NOT NULL,         -- of an id, the registrations whose sources have it, "@none" for here
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL
        );
        """
    )
