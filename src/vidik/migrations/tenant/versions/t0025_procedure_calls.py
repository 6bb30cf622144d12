"""A message of a procedure calls for help as an alarm does: until somebody answers."""

from alembic import op

revision = "t0025_procedure_calls"
down_revision = "t0024_procedures"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE escalation DROP CONSTRAINT escalation_cause_check;
        ALTER TABLE escalation ADD CONSTRAINT escalation_cause_check
            CHECK (cause IN ('alarm', 'incident', 'procedure'));
        CREATE SEQUENCE escalation_call;       -- the calls of procedures: each message is one
        """
    )
