"""Duty: shifts, on-call plans, escalations, messages to people, the duty log, handovers."""

from alembic import op

revision = "t0018_duty"
down_revision = "t0017_incidents"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE shift (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            desk text NOT NULL,
            login text NOT NULL,
            person text NOT NULL,
            begins_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL CHECK (ends_at > begins_at),
            version int NOT NULL DEFAULT 1,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL,
            client_id uuid UNIQUE,
            EXCLUDE USING gist (login WITH =, tstzrange(begins_at, ends_at) WITH &&)
        );
        CREATE INDEX shift_by_time ON shift (ends_at);

        CREATE TABLE on_call_plan (
            code text PRIMARY KEY CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
            definition jsonb NOT NULL,
            enabled boolean NOT NULL,
            stands_since timestamptz NOT NULL,     -- what happened before it calls nobody
            version int NOT NULL DEFAULT 1,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL
        );

        -- How a person is reached: an address for each channel.
        CREATE TABLE duty_contact (
            login text PRIMARY KEY,
            language text NOT NULL CHECK (language IN ('en', 'sr-Cyrl', 'sr-Latn')),
            addresses jsonb NOT NULL,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL
        );
        CREATE TABLE duty_browser (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            login text NOT NULL,
            endpoint text NOT NULL UNIQUE,
            p256dh text NOT NULL,
            auth text NOT NULL,
            made_at timestamptz NOT NULL
        );

        -- One call for help: a plan, and the event that raised the alarm (or the incident) it is about.
        CREATE TABLE escalation (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan text NOT NULL,
            cause text NOT NULL CHECK (cause IN ('alarm', 'incident')),
            subject bigint NOT NULL,
            call bigint NOT NULL,                  -- the event that raised the alarm; 0 for an incident
            facts jsonb NOT NULL,                  -- what a message says of it
            state text NOT NULL CHECK (state IN ('waiting', 'acknowledged', 'over', 'exhausted')),
            round int NOT NULL DEFAULT 0,
            step int NOT NULL DEFAULT 0,
            opened_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            ended_at timestamptz,
            ended_by text,
            exercise_id bigint,
            UNIQUE (plan, cause, subject, call)
        );
        CREATE INDEX escalation_waiting ON escalation (due_at) WHERE state = 'waiting';

        CREATE TABLE notice (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),   -- the same at each attempt
            escalation bigint REFERENCES escalation,
            round int,
            step int,
            login text NOT NULL,
            person text NOT NULL,
            channel text NOT NULL,
            facts jsonb NOT NULL,
            state text NOT NULL CHECK (state IN ('due', 'sent', 'failed', 'acknowledged', 'given_up')),
            attempts int NOT NULL DEFAULT 0,
            made_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            sent_at timestamptz,
            ended_at timestamptz,
            problem text,
            exercise_id bigint,
            UNIQUE (escalation, round, step, login, channel)
        );
        CREATE INDEX notice_due ON notice (due_at) WHERE state IN ('due', 'failed');

        CREATE TABLE duty_log (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            desk text NOT NULL,
            person text NOT NULL,
            text text NOT NULL,
            client_id uuid UNIQUE
        );
        CREATE INDEX duty_log_by_time ON duty_log (at);
        CREATE FUNCTION refuse_change_of_duty_log() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''the duty log is never changed''; END';
        CREATE TRIGGER duty_log_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON duty_log
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_duty_log();

        -- What one shift leaves to the next: the facts are frozen when it is drawn up; two people sign their hash.
        CREATE TABLE handover (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            desk text NOT NULL,
            begins_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL CHECK (ends_at > begins_at),
            note text NOT NULL,
            facts text NOT NULL,
            hash text NOT NULL,
            drawn_up_at timestamptz NOT NULL,
            outgoing_login text NOT NULL,
            outgoing text NOT NULL,
            incoming_login text,
            incoming text,
            signed_at timestamptz,
            client_id uuid UNIQUE,
            CHECK ((signed_at IS NULL) = (incoming IS NULL)),
            CHECK (incoming_login <> outgoing_login)
        );
        CREATE FUNCTION refuse_change_of_handover() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN
                IF TG_OP = ''DELETE'' OR OLD.signed_at IS NOT NULL
                   OR (OLD.facts, OLD.hash, OLD.note, OLD.outgoing_login, OLD.desk, OLD.begins_at, OLD.ends_at)
                      IS DISTINCT FROM
                      (NEW.facts, NEW.hash, NEW.note, NEW.outgoing_login, NEW.desk, NEW.begins_at, NEW.ends_at)
                THEN RAISE EXCEPTION ''what was signed stands'';
                END IF;
                RETURN NEW;
            END';
        CREATE TRIGGER handover_stands BEFORE UPDATE OR DELETE ON handover
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_handover();
        """
    )
