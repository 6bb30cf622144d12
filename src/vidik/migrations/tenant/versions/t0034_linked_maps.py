"""Which entity maps the sources of an entity map have made of their own."""

from alembic import op

revision = "t0034_linked_maps"
down_revision = "t0033_hands"


def upgrade() -> None:
    op.execute("ALTER TABLE entity_map ADD linked jsonb NOT NULL DEFAULT '{}'")  # by registration


def downgrade() -> None:
    op.execute("ALTER TABLE entity_map DROP linked")
