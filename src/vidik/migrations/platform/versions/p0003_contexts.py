"""The @contexts that clients have asked this installation to keep and serve."""

from alembic import op

revision = "p0003_contexts"
down_revision = "p0002_jobs"


def upgrade() -> None:
    op.execute(
        """
        -- Beside the tenants, because a reference to a context is resolved before anybody knows whose it is; only its
        -- tenant lists, serves and deletes it.
        CREATE TABLE hosted_context (
            id text PRIMARY KEY,
            tenant text NOT NULL,
            implicit boolean NOT NULL,  -- made for a subscription's inline @context, not by a client
            context jsonb NOT NULL,
            created_at timestamptz NOT NULL
        );
        CREATE INDEX hosted_context_by_tenant ON hosted_context (tenant, id);
        """
    )
