"""Procedures: drafts, versions that never change, and runs whose rows are the truth about their timers."""

from alembic import op

revision = "t0024_procedures"
down_revision = "t0023_exercises"


def upgrade() -> None:
    op.execute(
        """
        -- A draft's version is never given twice: one that was thrown away and written anew is another one.
        CREATE SEQUENCE procedure_draft_version;
        CREATE TABLE procedure_draft (
            code text PRIMARY KEY,
            definition jsonb NOT NULL,
            based_on int,
            version bigint NOT NULL DEFAULT nextval('procedure_draft_version'),
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL
        );

        CREATE TABLE procedure_version (
            code text NOT NULL,
            version int NOT NULL CHECK (version > 0),
            state text NOT NULL CHECK (state IN ('published', 'replaced', 'withdrawn')),
            source text NOT NULL CHECK (source IN ('package', 'city')),
            definition jsonb NOT NULL,
            note text NOT NULL DEFAULT '',
            published_at timestamptz NOT NULL,
            published_by text NOT NULL,
            ended_at timestamptz,
            ended_by text,
            reason text,
            PRIMARY KEY (code, version),
            CHECK ((state = 'published') = (ended_at IS NULL))
        );
        CREATE UNIQUE INDEX procedure_published_once ON procedure_version (code) WHERE state = 'published';
        CREATE FUNCTION refuse_change_of_procedure() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN
                IF TG_OP = ''DELETE'' OR OLD.state <> ''published''
                   OR (OLD.code, OLD.version, OLD.source, OLD.definition, OLD.note, OLD.published_at, OLD.published_by)
                      IS DISTINCT FROM
                      (NEW.code, NEW.version, NEW.source, NEW.definition, NEW.note, NEW.published_at, NEW.published_by)
                THEN RAISE EXCEPTION ''what was published stands'' USING ERRCODE = ''restrict_violation'';
                END IF;
                RETURN NEW;
            END';
        CREATE TRIGGER procedure_version_stands BEFORE UPDATE OR DELETE ON procedure_version
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_procedure();

        CREATE TABLE procedure_run (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            procedure text NOT NULL,
            procedure_version int NOT NULL,
            incident bigint NOT NULL REFERENCES incident,
            exercise_id bigint,
            state text NOT NULL CHECK (state IN ('running', 'ended', 'stopped')),
            started_at timestamptz NOT NULL,
            started_by text NOT NULL,
            started_login text NOT NULL,
            ended_at timestamptz,
            ended_by text,
            ended_login text,
            reason text,
            due_at timestamptz,                  -- when the clock next has something to do
            version int NOT NULL DEFAULT 1,
            client_id uuid UNIQUE,
            FOREIGN KEY (procedure, procedure_version) REFERENCES procedure_version,
            CHECK ((state = 'running') = (ended_at IS NULL)),
            CHECK (state = 'running' OR due_at IS NULL)
        );
        CREATE UNIQUE INDEX procedure_run_once ON procedure_run (incident, procedure) WHERE state = 'running';
        CREATE INDEX procedure_run_due ON procedure_run (due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX procedure_run_of ON procedure_run (incident);

        -- Each entering of a step is a row of its own: ways may go round.
        CREATE TABLE procedure_visit (
            run bigint NOT NULL REFERENCES procedure_run,
            number int NOT NULL CHECK (number > 0),
            step text NOT NULL,
            state text NOT NULL CHECK (state IN ('current', 'done', 'skipped', 'failed')),
            since timestamptz NOT NULL,
            begun_version int NOT NULL,
            due_at timestamptz,
            overdue_at timestamptz,
            ended_at timestamptz,
            person text,
            login text,
            note text NOT NULL DEFAULT '',
            branch int,
            result jsonb,
            problem jsonb,
            PRIMARY KEY (run, number)
        );
        CREATE UNIQUE INDEX procedure_visit_open ON procedure_visit (run) WHERE state IN ('current', 'failed');
        """
    )
