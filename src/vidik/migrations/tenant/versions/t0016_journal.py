"""The journal of work: what people and Vidik did in the command centre, for every desk that looks on."""

from alembic import op

revision = "t0016_journal"
down_revision = "t0015_attribute_expiry"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE work_event (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            topic text NOT NULL,
            subject text NOT NULL,
            data jsonb NOT NULL                  -- the view of what changed, as the API answers it
        );
        CREATE INDEX work_event_by_time ON work_event (at);
        """
    )
