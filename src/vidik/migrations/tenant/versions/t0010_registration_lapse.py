"""Whether it was told that a registration has expired."""

from alembic import op

revision = "t0010_registration_lapse"
down_revision = "t0009_entity_maps"


def upgrade() -> None:
    op.execute("ALTER TABLE registration ADD COLUMN has_lapsed boolean NOT NULL DEFAULT false")
