"""What a deleted entity was is kept, so that queries of the past find it (context/store/remembered.py)."""

from alembic import op

revision = "t0035_departed"
down_revision = "t0034_linked_maps"


def upgrade() -> None:
    op.execute(TOLD_BY_HISTORY)
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
        DROP INDEX entity_gone_by_kind;
        CREATE INDEX entity_gone_by_kind ON entity_gone (kind, id);
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP VIEW entity_remembered;
        CREATE VIEW entity_remembered AS
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, expires_at FROM entity
            UNION ALL
            SELECT key, id, kind, scope, document, several, place, created_at, modified_at, NULL FROM entity_gone
            WHERE deleted_at IS NULL;
        DROP INDEX entity_gone_by_kind;
        CREATE INDEX entity_gone_by_kind ON entity_gone (kind, id) WHERE deleted_at IS NULL;
        UPDATE entity_gone SET document = '{}', scope = NULL, created_at = NULL, modified_at = NULL
         WHERE deleted_at IS NOT NULL;
        """
    )


# Of what was deleted before nothing is known but its history: which attributes it had by that, and, where the newest
# value is of a day that is not packed yet, whether they had gone before it and of what type they were. What is left
# of a series without values (its attribute is sealed, or its past was taken away) is no attribute.
TOLD_BY_HISTORY = """
    UPDATE entity_gone
       SET document = told.document,
           created_at = coalesce(entity_gone.created_at, told.created_at)
      FROM (SELECT entity, min(created_at) AS created_at, jsonb_object_agg(attribute, instances) AS document
              FROM (SELECT entity, attribute, min(series.created_at) AS created_at,
                           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                               'type', CASE WHEN newest.observed_at IS NOT NULL
                                            THEN coalesce(newest.json ->> 'type', 'Property') END,
                               'datasetId', nullif(dataset, '')))) AS instances
                      FROM entity_gone AS gone
                      JOIN series ON series.entity = gone.key
                      LEFT JOIN LATERAL (SELECT observed_at, json
                                           FROM observation
                                          WHERE observation.series = series.series
                                          ORDER BY observed_at DESC
                                          LIMIT 1) AS newest ON true
                     WHERE gone.deleted_at IS NOT NULL
                       AND gone.document = '{}'
                       AND attribute <> 'https://uri.etsi.org/ngsi-ld/scope'
                       AND NOT coalesce(newest.json ? 'deletedAt', false)
                       AND (newest.observed_at IS NOT NULL
                            OR EXISTS (SELECT FROM observation_chunk WHERE observation_chunk.series = series.series))
                     GROUP BY entity, attribute) AS attributes
             GROUP BY entity) AS told
     WHERE entity_gone.key = told.entity;
"""
