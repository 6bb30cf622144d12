"""Vital signs: what a city changed of them, how they are laid out, and what they were."""

from alembic import op

revision = "t0030_vital_signs"
down_revision = "t0029_reach"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE vital_sign (
            key text PRIMARY KEY,
            definition jsonb,                   -- NULL: the package's stands again, or there is none any more
            version int NOT NULL,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL
        );

        -- Which signs stand in the strip, which on the page only, which nowhere; each list in its order.
        CREATE TABLE vital_layout (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            strip text[] NOT NULL,
            page text[] NOT NULL,
            hidden text[] NOT NULL,
            version int NOT NULL,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL
        );

        -- One value of the whole city each half hour, kept for a month.
        CREATE TABLE vital_sample (
            sign text NOT NULL,
            at timestamptz NOT NULL,
            value float8,
            counted int NOT NULL,
            source text NOT NULL,               -- of which definition it is a value
            PRIMARY KEY (sign, at)
        );
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE vital_sample, vital_layout, vital_sign")
