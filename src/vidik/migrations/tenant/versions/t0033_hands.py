"""The alarm of a twin follows its asset to other hands; when crews were on duty is kept, for parts of the city."""

from alembic import op

revision = "t0033_hands"
down_revision = "t0032_words"


def upgrade() -> None:
    op.execute(_TWINS)
    op.execute(_DUTIES)


# The few alarms of an exercise are looked at, not the city's many entities: a twin names its asset, not the other way.
_TWINS = """
    CREATE OR REPLACE FUNCTION device_changes_hands() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE alarm SET organisations = organisations_of_entity(entity_id)
         WHERE entity_id = NEW.entity_id AND cleared_at IS NULL;
        UPDATE alarm SET organisations = organisations_of_entity(entity_id)
         WHERE cleared_at IS NULL AND exercise_id IS NOT NULL
           AND entity_id IN (SELECT id
                               FROM entity
                              WHERE id IN (SELECT entity_id
                                             FROM alarm
                                            WHERE cleared_at IS NULL AND exercise_id IS NOT NULL)
                                AND document -> 'https://uri.etsi.org/ngsi-ld/default-context/twinOf' ->> 'value'
                                    = NEW.entity_id);
        RETURN NULL;
    END $$;
"""

# From here on: who was on duty before is not known, and a crew that is counts from now.
_DUTIES = """
    CREATE TABLE crew_duty (
        crew bigint NOT NULL REFERENCES crew ON DELETE CASCADE,
        since timestamptz NOT NULL,
        until timestamptz,
        PRIMARY KEY (crew, since)
    );
    CREATE INDEX crew_duty_by_end ON crew_duty (until);
    INSERT INTO crew_duty (crew, since) SELECT id, now() FROM crew WHERE in_use AND on_duty_since IS NOT NULL;

    CREATE FUNCTION crew_serves() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE crew_duty SET until = greatest(since, now()) WHERE crew = NEW.id AND until IS NULL;
        IF NEW.in_use AND NEW.on_duty_since IS NOT NULL THEN
            INSERT INTO crew_duty (crew, since)
            VALUES (NEW.id,
                    CASE WHEN TG_OP = 'UPDATE' AND OLD.on_duty_since IS NOT DISTINCT FROM NEW.on_duty_since
                         THEN now() ELSE NEW.on_duty_since END)
                ON CONFLICT (crew, since) DO UPDATE SET until = NULL;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER serves_new AFTER INSERT ON crew FOR EACH ROW EXECUTE FUNCTION crew_serves();
    CREATE TRIGGER serves AFTER UPDATE ON crew FOR EACH ROW
        WHEN (OLD.on_duty_since IS DISTINCT FROM NEW.on_duty_since OR OLD.in_use <> NEW.in_use)
        EXECUTE FUNCTION crew_serves();
"""
