"""The index of places knows the ids: a page near somewhere reads from the table only what stands on it."""

from alembic import op

revision = "t0014_near"
down_revision = "t0013_alarm_states"


def upgrade() -> None:
    op.execute(
        """
        DROP INDEX entity_by_place;
        CREATE INDEX entity_by_place ON entity USING gist (kind, place) INCLUDE (id) WHERE place IS NOT NULL;
        """
    )
