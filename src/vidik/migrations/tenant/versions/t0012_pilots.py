"""Pilots: plans, what was signed, what was found, and the ledger. What is signed or decided can never be changed."""

from alembic import op

revision = "t0012_pilots"
down_revision = "t0011_snapshots"

_STANDING = ("pilot_file", "pilot_frozen", "pilot_amendment", "pilot_event_answer", "pilot_extract", "pilot_ledger")


def upgrade() -> None:
    op.execute(
        """
        -- Files as they were given in, once each.
        CREATE TABLE pilot_file (
            sha256 text PRIMARY KEY,
            name text NOT NULL,
            size int NOT NULL,
            simulated boolean NOT NULL,
            description jsonb NOT NULL,         -- columns, rows, first, last, findings
            content bytea NOT NULL,             -- compressed by Zstandard
            given_by text NOT NULL,
            given_at timestamptz NOT NULL
        );

        CREATE TABLE pilot_plan (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            draft jsonb NOT NULL,               -- the specification as typed so far
            created_by text NOT NULL,
            created_at timestamptz NOT NULL,
            changed_by text NOT NULL,
            actor text NOT NULL,                -- who changed it last, as the audit record names people
            changed_at timestamptz NOT NULL,
            power jsonb                         -- the last power curve
        );

        CREATE TABLE pilot_frozen (
            plan bigint PRIMARY KEY REFERENCES pilot_plan,
            canonical text NOT NULL,            -- what the hash covers
            hash text NOT NULL,
            statement text NOT NULL,
            signed_by text NOT NULL,
            actor text NOT NULL,
            signed_at timestamptz NOT NULL,
            four_eyes boolean NOT NULL,         -- somebody else than the last author signed
            digests jsonb NOT NULL,             -- of the baseline data, by signal
            digests_until date NOT NULL,
            simulated boolean NOT NULL,
            audit_position bigint NOT NULL
        );

        CREATE TABLE pilot_amendment (
            plan bigint NOT NULL REFERENCES pilot_frozen,
            number int NOT NULL,
            canonical text NOT NULL,
            hash text NOT NULL,
            audit_position bigint NOT NULL,
            PRIMARY KEY (plan, number)
        );

        CREATE TABLE pilot_watch (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan bigint NOT NULL REFERENCES pilot_plan,
            computed_at timestamptz NOT NULL,
            until date NOT NULL,
            result jsonb NOT NULL
        );
        CREATE INDEX pilot_watch_newest ON pilot_watch (plan, id DESC);

        CREATE TABLE pilot_event (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan bigint NOT NULL REFERENCES pilot_plan,
            finding jsonb NOT NULL,
            found_at timestamptz NOT NULL
        );
        CREATE INDEX pilot_event_of_plan ON pilot_event (plan, id);

        CREATE TABLE pilot_event_answer (
            event bigint PRIMARY KEY REFERENCES pilot_event,
            answer text NOT NULL,
            note text NOT NULL,
            answered_by text NOT NULL,
            answered_at timestamptz NOT NULL,
            amendment int,
            audit_position bigint NOT NULL
        );

        -- The data, plan and outcome that an entry of the ledger was computed from, as one archive.
        CREATE TABLE pilot_extract (
            sha256 text PRIMARY KEY,
            content bytea NOT NULL
        );
        ALTER TABLE pilot_extract ALTER COLUMN content SET STORAGE EXTERNAL;

        CREATE TABLE pilot_ledger (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan bigint NOT NULL REFERENCES pilot_frozen,
            corrects bigint UNIQUE REFERENCES pilot_ledger,
            canonical text NOT NULL,
            hash text NOT NULL,
            extract text NOT NULL REFERENCES pilot_extract,
            audit_position bigint NOT NULL
        );
        -- A plan has one first entry; further ones correct an older one.
        CREATE UNIQUE INDEX pilot_ledger_first ON pilot_ledger (plan) WHERE corrects IS NULL;

        CREATE TABLE pilot_job (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            kind text NOT NULL,
            plan bigint NOT NULL,
            request jsonb NOT NULL,
            state text NOT NULL DEFAULT 'waiting',
            stage text,
            done int NOT NULL DEFAULT 0,
            of_steps int NOT NULL DEFAULT 0,
            result jsonb,
            error jsonb,
            created_at timestamptz NOT NULL,
            touched_at timestamptz,
            finished_at timestamptz
        );
        CREATE INDEX pilot_job_open ON pilot_job (created_at) WHERE state IN ('waiting', 'running');
        CREATE UNIQUE INDEX pilot_job_once ON pilot_job (plan, kind) WHERE state IN ('waiting', 'running');

        CREATE TABLE pilot_assumptions (
            only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
            content jsonb NOT NULL,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL
        );

        CREATE FUNCTION pilot_record_stands() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            RAISE EXCEPTION 'what was signed or decided stands: % is append-only', TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END $$;
        """
    )
    for table in _STANDING:
        op.execute(
            f"CREATE TRIGGER stands BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION pilot_record_stands()"
        )
