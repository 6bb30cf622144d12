"""The city's memory: entities, their history, the change stream."""

from alembic import op

revision = "t0001_context"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        -- One row a combination of (expanded) entity types; small, kept in memory by every process.
        CREATE TABLE kind (
            kind int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            types text[] NOT NULL UNIQUE
        );

        -- fillfactor: a reading rewrites its entity's row, and half-empty pages keep that inside the page (HOT).
        CREATE TABLE entity (
            key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id text NOT NULL UNIQUE,
            kind int NOT NULL,
            scope text[],
            document jsonb NOT NULL,
            place box,
            created_at timestamptz NOT NULL,
            modified_at timestamptz NOT NULL,
            observed_at timestamptz,
            expires_at timestamptz
        ) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
        ALTER TABLE entity ALTER COLUMN document SET STORAGE MAIN;

        CREATE INDEX entity_by_kind ON entity (kind, id);
        CREATE INDEX entity_by_place ON entity USING gist (kind, place) WHERE place IS NOT NULL;
        CREATE INDEX entity_by_scope ON entity USING gin (scope) WHERE scope IS NOT NULL;
        CREATE INDEX entity_by_expiry ON entity (expires_at) WHERE expires_at IS NOT NULL;

        CREATE TABLE series (
            series bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            entity bigint NOT NULL,
            attribute text NOT NULL,
            dataset text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL,
            UNIQUE (entity, attribute, dataset)
        );

        CREATE TABLE observation (
            observed_at timestamptz NOT NULL,
            recorded_at timestamptz NOT NULL,
            number float8,
            series bigint NOT NULL,
            json jsonb,
            PRIMARY KEY (series, observed_at)
        ) PARTITION BY RANGE (observed_at);

        -- Readings of days that have no partition (long past, or a clock ahead); packed like any closed day.
        CREATE TABLE observation_other PARTITION OF observation DEFAULT;
        CREATE INDEX observation_other_by_time ON observation_other (observed_at);

        CREATE TABLE observation_chunk (
            series bigint NOT NULL,
            day date NOT NULL,
            count int NOT NULL,
            data bytea NOT NULL,
            PRIMARY KEY (series, day)
        );
        ALTER TABLE observation_chunk ALTER COLUMN data SET STORAGE EXTERNAL;

        CREATE TABLE observation_hour (
            series bigint NOT NULL,
            hour timestamptz NOT NULL,
            count int NOT NULL,
            sum float8 NOT NULL,
            minimum float8 NOT NULL,
            maximum float8 NOT NULL,
            PRIMARY KEY (series, hour)
        );

        -- One row a transaction; positions are in commit order (see context/store/changes.py).
        CREATE TABLE change (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            recorded_at timestamptz NOT NULL,
            payload bytea NOT NULL
        );
        ALTER TABLE change ALTER COLUMN payload SET STORAGE EXTERNAL;

        CREATE TABLE change_cursor (
            consumer text PRIMARY KEY,
            position bigint NOT NULL
        );
        """
    )
