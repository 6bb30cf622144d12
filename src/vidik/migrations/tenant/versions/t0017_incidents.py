"""Incidents: what they are, what hangs on them, who leads, and a timeline to which one can only add."""

from alembic import op

revision = "t0017_incidents"
down_revision = "t0016_journal"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE incident (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            number text NOT NULL UNIQUE,                -- as people say it: 2026-0017
            type text NOT NULL,
            severity text NOT NULL CHECK (severity IN ('minor', 'moderate', 'severe', 'extreme')),
            state text NOT NULL CHECK (state IN ('open', 'contained', 'closed', 'merged')),
            title text NOT NULL,
            titles jsonb,                               -- what Vidik says, in three scripts; NULL: a person typed it
            summary text NOT NULL DEFAULT '',
            address text NOT NULL DEFAULT '',
            place jsonb,                                -- GeoJSON Point
            area jsonb,                                 -- GeoJSON Polygon
            origin text NOT NULL DEFAULT 'real' CHECK (origin IN ('real', 'simulated', 'recorded')),
            opened_at timestamptz NOT NULL,
            opened_by text NOT NULL,
            opened_from text NOT NULL
                CHECK (opened_from IN ('person', 'alarm', 'alarm-group', 'rule', 'request', 'system')),
            contained_at timestamptz,
            closed_at timestamptz,
            closed_by text,
            cause text,
            lesson text,
            merged_into bigint REFERENCES incident,
            split_from bigint REFERENCES incident,
            exercise_id bigint,
            changed_at timestamptz NOT NULL,
            changed_by text NOT NULL,
            version int NOT NULL DEFAULT 1,
            client_id uuid UNIQUE,
            folded text NOT NULL DEFAULT '',            -- number and words, as search compares them
            CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
            CHECK (state <> 'closed' OR (cause IS NOT NULL AND lesson IS NOT NULL)),
            CHECK ((state = 'merged') = (merged_into IS NOT NULL)),
            CHECK (merged_into <> id)
        );
        CREATE INDEX incident_running ON incident (id) WHERE state IN ('open', 'contained');
        CREATE INDEX incident_merged ON incident (merged_into) WHERE merged_into IS NOT NULL;

        -- The last number given in a year; its row is locked, so numbers have no gaps.
        CREATE TABLE incident_number (
            year int PRIMARY KEY,
            last int NOT NULL
        );

        CREATE TABLE incident_link (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            incident bigint NOT NULL REFERENCES incident,
            kind text NOT NULL CHECK (kind IN ('alarm', 'asset', 'request', 'alarm-group')),
            target text NOT NULL,
            linked_at timestamptz NOT NULL,
            linked_by text NOT NULL,
            unlinked_at timestamptz
        );
        -- The promise that one cause has one incident, whoever opens it; an asset may be in several.
        CREATE UNIQUE INDEX incident_link_once ON incident_link (kind, target)
            WHERE unlinked_at IS NULL AND kind <> 'asset';
        CREATE UNIQUE INDEX incident_link_standing ON incident_link (incident, kind, target)
            WHERE unlinked_at IS NULL;

        CREATE TABLE incident_role (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            incident bigint NOT NULL REFERENCES incident,
            role text NOT NULL CHECK (role IN ('command', 'planning', 'operations', 'logistics')),
            person text NOT NULL,                       -- the login
            person_name text NOT NULL,
            begins_at timestamptz NOT NULL,
            until timestamptz
        );
        CREATE UNIQUE INDEX incident_role_held ON incident_role (incident, role) WHERE until IS NULL;

        CREATE TABLE incident_entry (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            incident bigint NOT NULL REFERENCES incident,
            at timestamptz NOT NULL,                    -- when it happened, as told
            recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            kind text NOT NULL,
            person text NOT NULL,
            actor text NOT NULL,
            data jsonb NOT NULL
        );
        CREATE INDEX incident_entry_of ON incident_entry (incident, id);
        CREATE FUNCTION incident_entry_stands() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- Only the end of the time for which personal data may be kept changes an entry.
            IF TG_OP = 'UPDATE' AND current_setting('vidik.forgetting', true) = 'on' THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'the timeline of an incident can only be added to' USING ERRCODE = 'restrict_violation';
        END $$;
        CREATE TRIGGER incident_entry_stands BEFORE UPDATE OR DELETE ON incident_entry
            FOR EACH ROW EXECUTE FUNCTION incident_entry_stands();

        -- How far alarms have been looked at for incidents that they open by themselves.
        CREATE TABLE incident_cursor (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            alarm_event bigint NOT NULL
        );
        INSERT INTO incident_cursor (alarm_event) SELECT coalesce(max(id), 0) FROM alarm_event;
        """
    )
