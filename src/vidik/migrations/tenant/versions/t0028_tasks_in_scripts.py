"""What Vidik says in a task in every script; the host of each browser's push service."""

from alembic import op

revision = "t0028_tasks_in_scripts"
down_revision = "t0027_requests"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE task ADD COLUMN titles jsonb, ADD COLUMN instruction_texts jsonb;
        ALTER TABLE warning_browser ADD COLUMN host text NOT NULL DEFAULT '';
        UPDATE warning_browser SET host = split_part(split_part(endpoint, '/', 3), ':', 1);
        """
    )
