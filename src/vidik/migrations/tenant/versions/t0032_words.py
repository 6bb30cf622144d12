"""What citizens wrote leaves the entities, and their past, which everybody may read who may read the city's memory."""

from alembic import op

revision = "t0032_words"
down_revision = "t0031_former_words"

_MODEL = "https://smartdatamodels.org/dataModel.IssueTracking/"
_OF_THE_MODEL = (
    "service_code", "service_request_id", "requested_datetime", "updated_datetime", "expected_datetime",
    "status_notes", "agency_responsible",
)  # fmt: skip
_PUBLISHED = [
    "https://uri.etsi.org/ngsi-ld/status",
    *(f"https://vidik.rs/ns#{name}" for name in ("requestState", "incidentNumber", "dataOrigin")),
    *(_MODEL + name for name in _OF_THE_MODEL),
]
_WORDS = [
    "https://uri.etsi.org/ngsi-ld/location",
    "http://purl.org/dc/terms/description",
    "https://smartdatamodels.org/address",
    *(_MODEL + name for name in ("service_name", "address_string", "media_url")),
]


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_PLACES.format(whole="entity_whole"))
    op.execute(move())


def move() -> str:
    """Return the statements that put aside what was written before."""
    published, words = (f"ARRAY[{', '.join(map(repr, names))}]" for names in (_PUBLISHED, _WORDS))
    return _MOVE.format(published=published, words=words)


def downgrade() -> None:
    op.execute(_PLACES.format(whole="entity"))
    op.execute(
        """
        UPDATE entity SET document = entity.document || said.document, place = said.place
          FROM entity_words said
         WHERE said.id = entity.id;
        DROP VIEW entity_whole;
        DROP TABLE entity_words;
        """
    )


_TABLES = """
    CREATE TABLE entity_words (
        id text PRIMARY KEY,
        document jsonb NOT NULL,
        place box
    );
    -- Entities with what is sealed of them: for the desk, never for a door that shows entities.
    CREATE VIEW entity_whole AS
    SELECT key, entity.id, kind, scope,
           CASE WHEN said.id IS NULL THEN entity.document ELSE entity.document || said.document END AS document,
           coalesce(entity.place, said.place) AS place, created_at, modified_at
      FROM entity
      LEFT JOIN entity_words said ON said.id = entity.id;
"""

# An alarm about requests lies where they are.
_PLACES = """
    CREATE OR REPLACE FUNCTION alarm_belongs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        NEW.organisations := organisations_of_entity(NEW.entity_id);
        NEW.areas := coalesce((SELECT areas_of_box(place) FROM {whole} WHERE id = NEW.entity_id), '{{}}');
        RETURN NEW;
    END $$;
    CREATE OR REPLACE FUNCTION work_is_placed_anew() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(x'564C4D56'::int, hashtext(current_schema()));
        UPDATE alarm
           SET areas = found.areas
          FROM (SELECT id, areas_of_box(place) AS areas
                  FROM {whole}
                 WHERE id IN (SELECT entity_id FROM alarm)) AS found
         WHERE alarm.entity_id = found.id AND alarm.areas <> found.areas;
        UPDATE incident SET areas = areas_of_incident(id, place, area)
         WHERE areas <> areas_of_incident(id, place, area);
        UPDATE task SET areas = areas_of(place) WHERE areas <> areas_of(place);
        UPDATE crew SET areas = areas_of(depot) WHERE areas <> areas_of(depot);
        RETURN NULL;
    END $$;
"""

_MOVE = """
    CREATE TEMPORARY TABLE sealed ON COMMIT DROP AS
    SELECT kind FROM kind WHERE EXISTS (SELECT FROM unnest(types) AS one WHERE right(one, 16) = 'service_requests');

    INSERT INTO entity_words (id, document, place)
    SELECT entity.id, said.document, entity.place
      FROM entity
      JOIN sealed USING (kind)
     CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(key, value) AS document FROM jsonb_each(entity.document) WHERE key = ANY ({words})
          ) AS said
     WHERE said.document IS NOT NULL;

    UPDATE entity
       SET document = (SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(document)
                        WHERE key = ANY ({published})),
           place = NULL
     WHERE kind IN (SELECT kind FROM sealed);
    UPDATE entity_gone
       SET document = (SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(document)
                        WHERE key = ANY ({published})),
           place = NULL
     WHERE kind IN (SELECT kind FROM sealed) AND document IS NOT NULL;

    CREATE TEMPORARY TABLE sealed_series ON COMMIT DROP AS
    SELECT series
      FROM series
     WHERE entity IN (SELECT key FROM entity WHERE kind IN (SELECT kind FROM sealed)
                       UNION ALL
                      SELECT key FROM entity_gone WHERE kind IN (SELECT kind FROM sealed))
       AND attribute <> ALL ({published}) AND attribute <> 'https://uri.etsi.org/ngsi-ld/scope';
    DELETE FROM observation WHERE series IN (SELECT series FROM sealed_series);
    DELETE FROM observation_chunk WHERE series IN (SELECT series FROM sealed_series);
    DELETE FROM observation_hour WHERE series IN (SELECT series FROM sealed_series);
    DROP TABLE sealed, sealed_series;
"""
