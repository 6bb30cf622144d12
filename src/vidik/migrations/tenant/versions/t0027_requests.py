"""Citizens' requests: when they came and what the desk decided of them; what they say stays in their entities."""

from alembic import op

revision = "t0027_requests"
down_revision = "t0026_areas"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE citizen_request (
            entity_id text PRIMARY KEY,
            seen_at timestamptz NOT NULL,
            requested_at timestamptz NOT NULL,
            service_code text NOT NULL,
            longitude double precision,
            latitude double precision,
            exercise_id bigint,
            organisations text[] NOT NULL DEFAULT '{}',     -- whom its sender names as responsible
            areas text[] NOT NULL DEFAULT '{}',             -- where it lies
            status text NOT NULL CHECK (status IN ('open', 'closed')),
            decision text CHECK (decision IN ('refused', 'forwarded')),
            reason text NOT NULL DEFAULT '',
            forwarded_to text NOT NULL DEFAULT '',
            decided_at timestamptz,
            decided_by text,
            told jsonb,
            version int NOT NULL DEFAULT 1,
            changed_at timestamptz NOT NULL,
            changed_by text NOT NULL,
            CHECK ((decision IS NULL) = (decided_at IS NULL)),
            CHECK ((longitude IS NULL) = (latitude IS NULL))
        );
        CREATE INDEX citizen_request_by_time ON citizen_request (requested_at DESC, entity_id);
        CREATE INDEX citizen_request_by_change ON citizen_request (changed_at);
        CREATE INDEX citizen_request_by_code ON citizen_request (service_code, requested_at);

        CREATE FUNCTION request_lies() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            NEW.areas := CASE WHEN NEW.longitude IS NULL THEN '{}'
                              ELSE areas_at(point(NEW.longitude, NEW.latitude)) END;
            RETURN NEW;
        END $$;
        CREATE TRIGGER lies BEFORE INSERT OR UPDATE OF longitude, latitude ON citizen_request
            FOR EACH ROW EXECUTE FUNCTION request_lies();
        CREATE FUNCTION requests_are_placed_anew() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            UPDATE citizen_request SET longitude = longitude
             WHERE longitude IS NOT NULL AND areas <> areas_at(point(longitude, latitude));
            RETURN NULL;
        END $$;
        CREATE TRIGGER requests_are_placed_anew AFTER INSERT OR UPDATE OF shape OR DELETE ON area
            FOR EACH STATEMENT EXECUTE FUNCTION requests_are_placed_anew();

        -- Which requests a rule took for one thing: its alarm stands at the anchor.
        CREATE TABLE request_gathering (
            rule text NOT NULL,
            request text NOT NULL REFERENCES citizen_request ON DELETE CASCADE,
            anchor text NOT NULL,
            PRIMARY KEY (rule, request)
        );
        CREATE INDEX request_gathering_by_anchor ON request_gathering (anchor, rule);
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TRIGGER requests_are_placed_anew ON area;
        DROP TABLE request_gathering;
        DROP TABLE citizen_request;
        DROP FUNCTION requests_are_placed_anew;
        DROP FUNCTION request_lies;
        """
    )
