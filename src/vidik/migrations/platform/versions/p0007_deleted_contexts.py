"""When a kept @context was deleted that subscriptions or registrations are still written in."""

from alembic import op

revision = "p0007_deleted_contexts"
down_revision = "p0006_provider_sessions"


def upgrade() -> None:
    op.execute("ALTER TABLE hosted_context ADD COLUMN deleted_at timestamptz")
