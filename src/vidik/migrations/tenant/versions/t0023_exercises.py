"""Exercises: what is played, which of its events have happened, and the mark on alarms that come of it."""

from alembic import op

revision = "t0023_exercises"
down_revision = "t0022_warnings"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE alarm ADD COLUMN exercise_id bigint;
        ALTER TABLE alarm_group ADD COLUMN exercise_id bigint;
        CREATE INDEX alarm_of_exercise ON alarm (exercise_id) WHERE exercise_id IS NOT NULL;
        CREATE INDEX incident_of_exercise ON incident (exercise_id) WHERE exercise_id IS NOT NULL;

        CREATE TABLE exercise (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            scenario text NOT NULL,
            definition jsonb NOT NULL,                  -- the scenario as it was when it began
            speed float8 NOT NULL CHECK (speed >= 1 AND speed <= 60),
            state text NOT NULL CHECK (state IN ('running', 'paused', 'ended', 'stopped')),
            clock_seconds float8 NOT NULL DEFAULT 0,    -- of the scenario, at counted_at
            counted_at timestamptz NOT NULL,
            started_at timestamptz NOT NULL,
            started_by text NOT NULL,
            ended_at timestamptz,
            ended_by text,
            note text NOT NULL DEFAULT '',
            score jsonb,                                -- written when it is over
            cleared_at timestamptz,                     -- when what it left was cleared away
            version int NOT NULL DEFAULT 1,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL,
            client_id uuid UNIQUE,
            CHECK ((state IN ('ended', 'stopped')) = (ended_at IS NOT NULL))
        );
        -- One at a time: two would mix on every screen.
        CREATE UNIQUE INDEX exercise_alone ON exercise ((true)) WHERE state IN ('running', 'paused');

        CREATE TABLE exercise_event (
            exercise bigint NOT NULL REFERENCES exercise ON DELETE CASCADE,
            place int NOT NULL,
            event text NOT NULL,                        -- its id in the scenario; a course makes several of one
            at_seconds float8 NOT NULL,
            action jsonb NOT NULL,
            fired_at timestamptz,
            result jsonb,
            PRIMARY KEY (exercise, place)
        );

        CREATE TABLE exercise_pause (
            exercise bigint NOT NULL REFERENCES exercise ON DELETE CASCADE,
            begins_at timestamptz NOT NULL,
            ends_at timestamptz,
            PRIMARY KEY (exercise, begins_at)
        );
        """
    )
