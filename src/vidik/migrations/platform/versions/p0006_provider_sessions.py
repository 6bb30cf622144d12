"""What the city's provider calls a session, so that it can end that one (Back-Channel Logout 1.0)."""

from alembic import op

revision = "p0006_provider_sessions"
down_revision = "p0005_areas"


def upgrade() -> None:
    op.execute("ALTER TABLE platform.session ADD COLUMN provider_session text")
