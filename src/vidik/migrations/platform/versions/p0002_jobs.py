"""The queue of background jobs (procrastinate), in the schema that tenants share."""

from pathlib import Path

from alembic import op

revision = "p0002_jobs"
down_revision = "p0001_identity"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
