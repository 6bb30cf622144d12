"""When the past of what has gone ended: queries of later times pass over it (context/store/remembered.py)."""

from alembic import op

revision = "t0038_settled"
down_revision = "t0037_streets"


def upgrade() -> None:
    op.execute(
        """
        -- Nothing of its past is later; NULL is not known yet.
        ALTER TABLE entity_gone ADD COLUMN latest timestamptz;
        CREATE INDEX entity_gone_unsettled ON entity_gone (key) WHERE latest IS NULL;
        DROP VIEW entity_remembered;
        CREATE VIEW entity_remembered AS
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, expires_at,
                   NULL::timestamptz AS deleted_at, NULL::timestamptz AS latest
              FROM entity
             UNION ALL
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, NULL, deleted_at, latest
              FROM entity_gone;
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP VIEW entity_remembered;
        CREATE VIEW entity_remembered AS
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, expires_at,
                   NULL::timestamptz AS deleted_at
              FROM entity
             UNION ALL
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, NULL, deleted_at
              FROM entity_gone;
        ALTER TABLE entity_gone DROP COLUMN latest;
        """
    )
