"""Whose devices and crews' phones are, alarms of twins belong where their assets do, incidents follow their requests.

Whoever shows things live hears (`vidik_reach`) when whose they are has changed without the things themselves.
"""

from alembic import op

revision = "t0029_reach"
down_revision = "t0028_tasks_in_scripts"


def upgrade() -> None:
    op.execute(_DEVICES)
    op.execute(_TWINS)
    op.execute(_INCIDENTS)
    op.execute(_TOLD)


_DEVICES = """
    -- A device is where its asset is; one of no asset, or whose asset is nowhere, is where it was registered to stand.
    CREATE FUNCTION areas_of_device(of_entity text, registered jsonb) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT coalesce((SELECT areas_of_box(place) FROM entity WHERE id = of_entity AND place IS NOT NULL),
                        areas_of(registered))
    $$;
    -- A phone belongs to the crews of the people who use it: their organisations, and the areas of their depots.
    CREATE FUNCTION crews_organisations(logins text[]) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT together(array_agg(organisation), '{}')
          FROM crew
         WHERE in_use AND id IN (SELECT crew FROM crew_member WHERE login = ANY (logins))
    $$;
    CREATE FUNCTION crews_areas(logins text[]) RETURNS text[] LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT together(array_agg(one), '{}')
          FROM crew CROSS JOIN unnest(areas) AS one
         WHERE in_use AND id IN (SELECT crew FROM crew_member WHERE login = ANY (logins))
    $$;
"""

# The twin's document names its asset; ids of twins are operations/twins.py's.
_TWINS = """
    CREATE OR REPLACE FUNCTION organisations_of_entity(of_entity text) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT coalesce(array_agg(DISTINCT organisation ORDER BY organisation), '{}')
          FROM device
         WHERE organisation IS NOT NULL
           AND entity_id = CASE WHEN starts_with(of_entity, 'urn:ngsi-ld:Exercise:')
                                THEN (SELECT document -> 'https://uri.etsi.org/ngsi-ld/default-context/twinOf'
                                             ->> 'value'
                                        FROM entity
                                       WHERE id = of_entity)
                                ELSE of_entity END
    $$;
"""

_INCIDENTS = """
    CREATE OR REPLACE FUNCTION link_concerns() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM incident_concerns(NEW.incident, CASE NEW.kind
            WHEN 'alarm' THEN (SELECT organisations FROM alarm WHERE id = NEW.target::bigint)
            WHEN 'alarm-group' THEN (SELECT together(array_agg(DISTINCT one), '{}')
                                       FROM alarm CROSS JOIN unnest(organisations) AS one
                                      WHERE alarm_group = NEW.target::bigint)
            WHEN 'request' THEN (SELECT organisations FROM citizen_request WHERE entity_id = NEW.target)
            WHEN 'asset' THEN organisations_of_entity(NEW.target) END);
        RETURN NULL;
    END $$;
    -- A sender who names the responsible one later reaches the incident, too.
    CREATE FUNCTION request_concerns() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM incident_concerns(incident, NEW.organisations)
           FROM incident_link
          WHERE kind = 'request' AND target = NEW.entity_id AND unlinked_at IS NULL;
        RETURN NULL;
    END $$;
    CREATE TRIGGER concerns AFTER UPDATE OF organisations ON citizen_request FOR EACH ROW
        WHEN (OLD.organisations <> NEW.organisations) EXECUTE FUNCTION request_concerns();

    -- And so does an alarm that joins a group for which an incident was opened before.
    CREATE FUNCTION alarm_joins() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM incident_concerns(incident, NEW.organisations)
           FROM incident_link
          WHERE kind = 'alarm-group' AND target = NEW.alarm_group::text AND unlinked_at IS NULL;
        RETURN NULL;
    END $$;
    CREATE TRIGGER joins AFTER UPDATE OF alarm_group ON alarm FOR EACH ROW
        WHEN (NEW.alarm_group IS NOT NULL AND OLD.alarm_group IS DISTINCT FROM NEW.alarm_group)
        EXECUTE FUNCTION alarm_joins();

    -- Where what is linked to an incident lies.
    CREATE FUNCTION areas_of_links(of_incident bigint) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT together(array_agg(one), '{}')
          FROM incident_link l
         CROSS JOIN LATERAL (
               SELECT areas FROM alarm WHERE id = CASE WHEN l.kind = 'alarm' THEN l.target::bigint END
                UNION ALL
               SELECT areas FROM alarm WHERE alarm_group = CASE WHEN l.kind = 'alarm-group' THEN l.target::bigint END
                UNION ALL
               SELECT areas FROM citizen_request WHERE l.kind = 'request' AND entity_id = l.target
                UNION ALL
               SELECT areas_of_box(place) FROM entity WHERE l.kind = 'asset' AND id = l.target) AS lies
         CROSS JOIN unnest(lies.areas) AS one
         WHERE l.incident = of_incident AND l.unlinked_at IS NULL
    $$;
    -- Where it is itself, and where those are that were merged into it; one without a place is where its links are.
    CREATE OR REPLACE FUNCTION areas_of_incident(of_incident bigint, place jsonb, shape jsonb) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        WITH RECURSIVE part (id, areas) AS (
            SELECT of_incident, CASE WHEN place IS NULL AND shape IS NULL THEN areas_of_links(of_incident)
                                     ELSE together(areas_of(place), areas_of(shape)) END
             UNION
            SELECT i.id, CASE WHEN i.place IS NULL AND i.area IS NULL THEN areas_of_links(i.id)
                              ELSE together(areas_of(i.place), areas_of(i.area)) END
              FROM incident i
              JOIN part ON i.merged_into = part.id
        )
        SELECT together(array_agg(DISTINCT one), '{}') FROM part CROSS JOIN unnest(part.areas) AS one
    $$;
    CREATE FUNCTION link_places() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE incident SET areas = areas_of_incident(id, place, area)
         WHERE id = NEW.incident AND place IS NULL AND area IS NULL
           AND areas <> areas_of_incident(id, place, area);
        RETURN NULL;
    END $$;
    CREATE TRIGGER places AFTER INSERT OR UPDATE OF unlinked_at ON incident_link
        FOR EACH ROW EXECUTE FUNCTION link_places();
"""

_TOLD = """
    CREATE FUNCTION reach_changes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM pg_notify('vidik_reach', TG_TABLE_SCHEMA);
        RETURN NULL;
    END $$;
    CREATE TRIGGER reach_changes AFTER INSERT OR UPDATE OF shape OR DELETE ON area
        FOR EACH STATEMENT EXECUTE FUNCTION reach_changes();
    CREATE TRIGGER reach_changes AFTER UPDATE ON device FOR EACH ROW
        WHEN (OLD.organisation IS DISTINCT FROM NEW.organisation) EXECUTE FUNCTION reach_changes();
    CREATE TRIGGER reach_changes AFTER UPDATE ON crew FOR EACH ROW
        WHEN (OLD.organisation IS DISTINCT FROM NEW.organisation OR OLD.areas <> NEW.areas)
        EXECUTE FUNCTION reach_changes();
"""
