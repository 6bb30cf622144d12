"""Areas of the city, and whose work is: what belongs to which organisation and lies in which area, kept by triggers.

Rows of work carry the answer, so that a list is filtered by columns and a live frame by sets. It is worked out where
something is written, by functions that read the areas of the same transaction: there is no copy to keep fresh.
"""

from alembic import op

revision = "t0026_areas"
down_revision = "t0025_procedure_calls"


def upgrade() -> None:
    op.execute(_AREAS)
    op.execute(_COLUMNS)
    op.execute(_TRIGGERS)
    op.execute(_OLD_ROWS)


_AREAS = """
    CREATE TABLE area (
        code text PRIMARY KEY,
        name text NOT NULL,
        shape jsonb NOT NULL,                 -- GeoJSON Polygon or MultiPolygon, as it was given
        version int NOT NULL DEFAULT 1,
        changed_by text NOT NULL,
        changed_at timestamptz NOT NULL
    );
    -- The rings of shapes, as PostgreSQL compares them; the second and further of a part are holes.
    CREATE TABLE area_ring (
        area text NOT NULL REFERENCES area ON DELETE CASCADE,
        part int NOT NULL,
        hole boolean NOT NULL,
        ring polygon NOT NULL
    );
    CREATE INDEX area_ring_of ON area_ring (area);

    CREATE FUNCTION ring_of(positions jsonb) RETURNS polygon LANGUAGE sql IMMUTABLE STRICT AS $$
        SELECT ('(' || string_agg(format('(%s,%s)', p ->> 0, p ->> 1), ',' ORDER BY n) || ')')::polygon
          FROM jsonb_array_elements(positions) WITH ORDINALITY AS e (p, n)
    $$;
    CREATE FUNCTION areas_at(spot point) RETURNS text[] LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT coalesce(array_agg(DISTINCT o.area ORDER BY o.area), '{}')
          FROM area_ring o
         WHERE NOT o.hole
           AND o.ring @> spot
           AND NOT EXISTS (SELECT FROM area_ring h
                            WHERE h.hole AND (h.area, h.part) = (o.area, o.part) AND h.ring @> spot)
    $$;
    CREATE FUNCTION areas_touching(outline polygon) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT coalesce(array_agg(DISTINCT o.area ORDER BY o.area), '{}')
          FROM area_ring o
         WHERE NOT o.hole
           AND o.ring && outline
           AND NOT EXISTS (SELECT FROM area_ring h
                            WHERE h.hole AND (h.area, h.part) = (o.area, o.part) AND h.ring @> outline)
    $$;
    -- Of a GeoJSON Point or Polygon; whatever else lies nowhere.
    CREATE FUNCTION areas_of(shape jsonb) RETURNS text[] LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT CASE shape ->> 'type'
               WHEN 'Point' THEN areas_at(point((shape -> 'coordinates' ->> 0)::float8,
                                                (shape -> 'coordinates' ->> 1)::float8))
               WHEN 'Polygon' THEN areas_touching(ring_of(shape -> 'coordinates' -> 0))
               ELSE '{}' END
    $$;
    CREATE FUNCTION areas_of_box(place box) RETURNS text[] LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT CASE WHEN place IS NULL THEN '{}'
                    WHEN area(place) = 0 THEN areas_at(center(place))
                    ELSE areas_touching(polygon(place)) END
    $$;
    CREATE FUNCTION together(one text[], other text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
        SELECT coalesce(array_agg(DISTINCT each ORDER BY each), '{}')
          FROM unnest(one || other) AS each
         WHERE each IS NOT NULL
    $$;
"""

_COLUMNS = """
    ALTER TABLE alarm
        ADD organisations text[] NOT NULL DEFAULT '{}',  -- which have the devices of its asset
        ADD areas text[] NOT NULL DEFAULT '{}';          -- where its asset stood when it was raised
    ALTER TABLE incident
        ADD organisations text[] NOT NULL DEFAULT '{}',  -- whom it concerns
        ADD areas text[] NOT NULL DEFAULT '{}',
        ADD people text[] NOT NULL DEFAULT '{}';         -- logins who hold a role in it
    ALTER TABLE task
        ADD owners text[] NOT NULL DEFAULT '{}',         -- the organisations of who opened it
        ADD organisations text[] NOT NULL DEFAULT '{}',  -- owners and that of its crew
        ADD areas text[] NOT NULL DEFAULT '{}';
    ALTER TABLE crew ADD areas text[] NOT NULL DEFAULT '{}';  -- where its depot is
"""

_TRIGGERS = """
    CREATE FUNCTION area_draws_rings() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        DELETE FROM area_ring WHERE area = NEW.code;
        INSERT INTO area_ring (area, part, hole, ring)
        SELECT NEW.code, p.n, r.n > 1, ring_of(r.positions)
          FROM jsonb_array_elements(CASE NEW.shape ->> 'type'
                                    WHEN 'Polygon' THEN jsonb_build_array(NEW.shape -> 'coordinates')
                                    ELSE NEW.shape -> 'coordinates' END) WITH ORDINALITY AS p (rings, n)
         CROSS JOIN jsonb_array_elements(p.rings) WITH ORDINALITY AS r (positions, n);
        RETURN NULL;
    END $$;
    CREATE TRIGGER draws_rings AFTER INSERT OR UPDATE OF shape ON area
        FOR EACH ROW EXECUTE FUNCTION area_draws_rings();

    -- Whoever moves many alarms takes this lock first (operations/alarms/repository.py), and so does this.
    CREATE FUNCTION work_is_placed_anew() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(x'564C4D56'::int, hashtext(current_schema()));
        UPDATE alarm
           SET areas = found.areas
          FROM (SELECT id, areas_of_box(place) AS areas
                  FROM entity
                 WHERE id IN (SELECT entity_id FROM alarm)) AS found
         WHERE alarm.entity_id = found.id AND alarm.areas <> found.areas;
        UPDATE incident SET areas = areas_of_incident(id, place, area)
         WHERE areas <> areas_of_incident(id, place, area);
        UPDATE task SET areas = areas_of(place) WHERE areas <> areas_of(place);
        UPDATE crew SET areas = areas_of(depot) WHERE areas <> areas_of(depot);
        RETURN NULL;
    END $$;
    CREATE TRIGGER work_is_placed_anew AFTER INSERT OR UPDATE OF shape OR DELETE ON area
        FOR EACH STATEMENT EXECUTE FUNCTION work_is_placed_anew();

    CREATE FUNCTION organisations_of_entity(of_entity text) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        SELECT coalesce(array_agg(DISTINCT organisation ORDER BY organisation), '{}')
          FROM device
         WHERE entity_id = of_entity AND organisation IS NOT NULL
    $$;
    CREATE FUNCTION alarm_belongs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        NEW.organisations := organisations_of_entity(NEW.entity_id);
        NEW.areas := coalesce((SELECT areas_of_box(place) FROM entity WHERE id = NEW.entity_id), '{}');
        RETURN NEW;
    END $$;
    CREATE TRIGGER belongs BEFORE INSERT ON alarm FOR EACH ROW EXECUTE FUNCTION alarm_belongs();
    -- What stands open follows its device to another organisation.
    CREATE FUNCTION device_changes_hands() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE alarm SET organisations = organisations_of_entity(entity_id)
         WHERE entity_id = NEW.entity_id AND cleared_at IS NULL;
        RETURN NULL;
    END $$;
    CREATE TRIGGER changes_hands AFTER UPDATE ON device FOR EACH ROW
        WHEN (OLD.organisation IS DISTINCT FROM NEW.organisation) EXECUTE FUNCTION device_changes_hands();

    -- Where it is itself, and where those are that were merged into it.
    CREATE FUNCTION areas_of_incident(of_incident bigint, place jsonb, shape jsonb) RETURNS text[]
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
        WITH RECURSIVE part (id, areas) AS (
            SELECT of_incident, together(areas_of(place), areas_of(shape))
             UNION
            SELECT i.id, together(areas_of(i.place), areas_of(i.area))
              FROM incident i
              JOIN part ON i.merged_into = part.id
        )
        SELECT together(array_agg(DISTINCT one), '{}') FROM part CROSS JOIN unnest(part.areas) AS one
    $$;
    CREATE FUNCTION incident_lies() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        NEW.areas := areas_of_incident(NEW.id, NEW.place, NEW.area);
        RETURN NEW;
    END $$;
    CREATE TRIGGER lies BEFORE INSERT OR UPDATE OF place, area ON incident
        FOR EACH ROW EXECUTE FUNCTION incident_lies();
    CREATE FUNCTION incident_concerns(of_incident bigint, also text[]) RETURNS void
    LANGUAGE sql SET search_path FROM CURRENT AS $$
        UPDATE incident SET organisations = together(organisations, also)
         WHERE id = of_incident AND NOT organisations @> also
    $$;
    CREATE FUNCTION link_concerns() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM incident_concerns(NEW.incident, CASE NEW.kind
            WHEN 'alarm' THEN (SELECT organisations FROM alarm WHERE id::text = NEW.target)
            WHEN 'alarm-group' THEN (SELECT together(array_agg(DISTINCT one), '{}')
                                       FROM alarm CROSS JOIN unnest(organisations) AS one
                                      WHERE alarm_group::text = NEW.target)
            WHEN 'asset' THEN organisations_of_entity(NEW.target) END);
        RETURN NULL;
    END $$;
    CREATE TRIGGER concerns AFTER INSERT ON incident_link FOR EACH ROW EXECUTE FUNCTION link_concerns();
    CREATE FUNCTION incident_is_led() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE incident
           SET people = (SELECT together(array_agg(person), '{}')
                           FROM incident_role WHERE incident_role.incident = NEW.incident AND until IS NULL)
         WHERE id = NEW.incident;
        RETURN NULL;
    END $$;
    CREATE TRIGGER is_led AFTER INSERT OR UPDATE ON incident_role
        FOR EACH ROW EXECUTE FUNCTION incident_is_led();

    CREATE FUNCTION task_belongs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        NEW.organisations := together(NEW.owners, ARRAY[(SELECT organisation FROM crew WHERE id = NEW.crew)]);
        NEW.areas := areas_of(NEW.place);
        RETURN NEW;
    END $$;
    CREATE TRIGGER belongs BEFORE INSERT OR UPDATE OF place, crew, owners ON task
        FOR EACH ROW EXECUTE FUNCTION task_belongs();
    -- The service whose crew goes there is one of those that an incident concerns.
    CREATE FUNCTION task_concerns() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM incident_concerns(NEW.incident, NEW.organisations);
        RETURN NULL;
    END $$;
    CREATE TRIGGER concerns AFTER INSERT OR UPDATE OF crew ON task
        FOR EACH ROW WHEN (NEW.incident IS NOT NULL) EXECUTE FUNCTION task_concerns();
    CREATE FUNCTION crew_lies() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        NEW.areas := areas_of(NEW.depot);
        RETURN NEW;
    END $$;
    CREATE TRIGGER lies BEFORE INSERT OR UPDATE OF depot ON crew FOR EACH ROW EXECUTE FUNCTION crew_lies();
    -- A crew that changes hands takes its tasks along.
    CREATE FUNCTION crew_changes_hands() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE task SET crew = crew WHERE crew = NEW.id AND ended_at IS NULL;
        RETURN NULL;
    END $$;
    CREATE TRIGGER changes_hands AFTER UPDATE ON crew FOR EACH ROW
        WHEN (OLD.organisation IS DISTINCT FROM NEW.organisation) EXECUTE FUNCTION crew_changes_hands();
"""

# There are no areas yet: only the organisations of what was there before are worked out.
_OLD_ROWS = """
    UPDATE alarm SET organisations = organisations_of_entity(entity_id)
     WHERE entity_id IN (SELECT entity_id FROM device WHERE organisation IS NOT NULL);
    UPDATE task SET organisations = ARRAY[crew.organisation]
      FROM crew
     WHERE crew.id = task.crew AND crew.organisation IS NOT NULL;
    UPDATE incident
       SET people = coalesce((SELECT together(array_agg(person), '{}')
                                FROM incident_role
                               WHERE incident_role.incident = incident.id AND until IS NULL), '{}'),
           organisations = together(
               (SELECT array_agg(DISTINCT one) FROM task CROSS JOIN unnest(task.organisations) AS one
                 WHERE task.incident = incident.id),
               (SELECT array_agg(DISTINCT one)
                  FROM incident_link l
                  JOIN alarm ON (l.kind = 'alarm' AND alarm.id::text = l.target)
                             OR (l.kind = 'alarm-group' AND alarm.alarm_group::text = l.target)
                 CROSS JOIN unnest(alarm.organisations) AS one
                 WHERE l.incident = incident.id AND l.unlinked_at IS NULL));
"""
