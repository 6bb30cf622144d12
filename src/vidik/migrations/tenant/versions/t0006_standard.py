"""What NGSI-LD asks for beyond now and then: entities that have only a past."""

from alembic import op

revision = "t0006_standard"
down_revision = "t0005_subscriptions"


def upgrade() -> None:
    op.execute(
        """
        -- An entity that was never there, but whose temporal representation was brought in from outside, stands among
        -- the gone ones, without a time of deletion; its newest instances are its document, for queries.
        ALTER TABLE entity_gone ALTER COLUMN deleted_at DROP NOT NULL;
        ALTER TABLE entity_gone
            ADD COLUMN scope text[],
            ADD COLUMN document jsonb NOT NULL DEFAULT '{}',
            ADD COLUMN several boolean NOT NULL DEFAULT false,
            ADD COLUMN place box,
            ADD COLUMN created_at timestamptz,
            ADD COLUMN modified_at timestamptz;
        CREATE INDEX entity_gone_by_kind ON entity_gone (kind, id) WHERE deleted_at IS NULL;

        -- What a temporal query looks through: the entities of now and those that have only a past.
        CREATE VIEW entity_remembered AS
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, expires_at FROM entity
            UNION ALL
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, NULL FROM entity_gone
            WHERE deleted_at IS NULL;
        """
    )
