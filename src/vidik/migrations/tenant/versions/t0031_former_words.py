"""What a subscription asked for before it was changed, while changes from before that are still to be judged."""

from alembic import op

revision = "t0031_former_words"
down_revision = "t0030_vital_signs"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE subscription_former (
            subscription bigint NOT NULL REFERENCES subscription ON DELETE CASCADE,
            until bigint NOT NULL,          -- the newest change when it was changed: later ones do not concern these
            body jsonb NOT NULL,
            is_active boolean NOT NULL,
            expires_at timestamptz,
            PRIMARY KEY (subscription, until)
        );
        """
    )
