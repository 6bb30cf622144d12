"""Subscriptions that other sources were given a copy of; registrations that have expired are deleted, not marked."""

from alembic import op

revision = "t0021_subscription_copies"
down_revision = "t0020_series"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE subscription_copy (
            remote_id text PRIMARY KEY,
            subscription bigint NOT NULL,
            registration bigint NOT NULL,
            source jsonb NOT NULL,               -- the registration as it was when the source was last asked
            sent jsonb,                          -- what the source has taken; nothing yet where it is NULL
            gone_at timestamptz
        );
        CREATE UNIQUE INDEX subscription_copy_once ON subscription_copy (subscription, registration)
            WHERE gone_at IS NULL;
        ALTER TABLE registration DROP COLUMN has_lapsed;
        """
    )
