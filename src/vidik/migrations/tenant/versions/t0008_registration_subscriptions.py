"""What a subscription is about: entities, or registrations of context sources."""

from alembic import op

revision = "t0008_registration_subscriptions"
down_revision = "t0007_registrations"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE subscription
            ADD COLUMN about text NOT NULL DEFAULT 'entities' CHECK (about IN ('entities', 'registrations')),
            DROP CONSTRAINT subscription_id_key,
            ADD CONSTRAINT subscription_id_key UNIQUE (about, id);
        """
    )
