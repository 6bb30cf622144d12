"""Tasks and crews: what is to be done, who does it, what was decided and done, photos, positions while on duty."""

from alembic import op

revision = "t0019_tasks"
down_revision = "t0018_duty"


def upgrade() -> None:
    op.execute(
        """
        -- Who goes out. What of it is personal, why and how long: operations/tasks/personal_data.yaml.
        CREATE TABLE crew (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL UNIQUE,
            organisation text,
            skills text[] NOT NULL DEFAULT '{}',
            vehicle text NOT NULL DEFAULT '',
            depot jsonb,                          -- GeoJSON point
            origin text NOT NULL DEFAULT 'real' CHECK (origin IN ('real', 'simulated')),
            in_use boolean NOT NULL DEFAULT true,
            on_duty_since timestamptz,
            on_duty_until timestamptz,
            version int NOT NULL DEFAULT 1,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL,
            CHECK (on_duty_since IS NOT NULL OR on_duty_until IS NULL)
        );
        CREATE TABLE crew_member (
            crew bigint NOT NULL REFERENCES crew ON DELETE CASCADE,
            login text NOT NULL,
            name text NOT NULL,
            PRIMARY KEY (crew, login)
        );
        CREATE INDEX crew_member_by_login ON crew_member (login);
        CREATE TABLE crew_position (
            crew bigint NOT NULL REFERENCES crew ON DELETE CASCADE,
            at timestamptz NOT NULL,
            longitude double precision NOT NULL,
            latitude double precision NOT NULL,
            accuracy_metres double precision,
            PRIMARY KEY (crew, at)
        );
        CREATE INDEX crew_position_by_time ON crew_position (at);

        -- `acts` holds what the crew did in this round: act to (when, which message said so).
        CREATE TABLE task (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            incident bigint,
            asset text,
            kind text NOT NULL,
            title text NOT NULL,
            instructions text NOT NULL DEFAULT '',
            place jsonb,                          -- GeoJSON point
            address text NOT NULL DEFAULT '',
            priority text NOT NULL CHECK (priority IN ('critical', 'high', 'medium', 'low')),
            skill text,
            due_at timestamptz,
            origin text NOT NULL DEFAULT 'real' CHECK (origin IN ('real', 'simulated')),
            exercise boolean NOT NULL DEFAULT false,
            round int NOT NULL,
            decision text NOT NULL,
            decided_at timestamptz,
            crew bigint REFERENCES crew,
            acts jsonb NOT NULL DEFAULT '{}',
            state text NOT NULL CHECK (state IN ('open', 'assigned', 'accepted', 'under_way', 'arrived', 'done',
                                                 'failed', 'cancelled')),
            result_note text NOT NULL DEFAULT '',
            opened_at timestamptz NOT NULL,
            opened_by text NOT NULL,
            ended_at timestamptz,
            version int NOT NULL DEFAULT 1,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL,
            client_id uuid UNIQUE,
            CHECK ((state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
        );
        CREATE INDEX task_active ON task (id) WHERE ended_at IS NULL;
        CREATE INDEX task_of_crew ON task (crew, id) WHERE crew IS NOT NULL;
        CREATE INDEX task_of_incident ON task (incident, id) WHERE incident IS NOT NULL;
        CREATE INDEX task_ended ON task (ended_at DESC, id DESC) WHERE ended_at IS NOT NULL;

        CREATE TABLE task_event (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            task bigint NOT NULL REFERENCES task,
            recorded_at timestamptz NOT NULL,
            happened_at timestamptz NOT NULL,
            kind text NOT NULL,
            person text NOT NULL,
            login text NOT NULL,
            crew bigint,
            round int NOT NULL,
            state_before text,
            state_after text NOT NULL,
            note text NOT NULL DEFAULT '',
            data jsonb NOT NULL DEFAULT '{}',
            refused text,                         -- why an act that came late changed nothing
            client_id uuid UNIQUE
        );
        CREATE INDEX task_event_of_task ON task_event (task, id);
        CREATE INDEX task_event_refused ON task_event (crew, id) WHERE refused IS NOT NULL;
        CREATE FUNCTION task_event_stands() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the history of tasks is only ever appended to';
        END $$;
        CREATE TRIGGER stands BEFORE UPDATE OR DELETE OR TRUNCATE ON task_event
            FOR EACH STATEMENT EXECUTE FUNCTION task_event_stands();

        CREATE TABLE task_photo (
            task bigint NOT NULL REFERENCES task,
            sha256 text NOT NULL,
            given_sha256 text NOT NULL,           -- of what was sent, so that a repeat is known
            media_type text NOT NULL,
            bytes int NOT NULL,
            width int NOT NULL,
            height int NOT NULL,
            added_at timestamptz NOT NULL,
            added_by text NOT NULL,
            PRIMARY KEY (task, sha256)
        );
        """
    )
