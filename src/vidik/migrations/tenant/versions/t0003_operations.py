"""Operations: alarms and their events, what rules remember, a city's own rules."""

from alembic import op

revision = "t0003_operations"
down_revision = "t0002_intake"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE alarm (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            rule text NOT NULL,
            entity_id text NOT NULL,
            attribute text NOT NULL DEFAULT '',
            entity_name text NOT NULL,
            service text NOT NULL,
            origin text NOT NULL,
            priority text NOT NULL CHECK (priority IN ('critical', 'high', 'medium', 'low')),
            state text NOT NULL CHECK (state IN ('raised', 'acknowledged', 'cleared')),
            message jsonb NOT NULL,
            shown_attribute text,
            value jsonb,
            unit text,
            threshold float8,
            observed_at timestamptz NOT NULL,
            raised_at timestamptz NOT NULL,
            last_seen_at timestamptz NOT NULL,
            count int NOT NULL,
            acknowledged_by text,
            acknowledged_at timestamptz,
            note text,
            cleared_at timestamptz,
            cleared_observed_at timestamptz,
            CHECK ((state = 'cleared') = (cleared_at IS NOT NULL))
        );
        -- The promise that one alarm is open for a rule at an entity and attribute.
        CREATE UNIQUE INDEX alarm_open ON alarm (rule, entity_id, attribute) WHERE cleared_at IS NULL;
        CREATE INDEX alarm_by_key ON alarm (rule, entity_id, attribute, id DESC);
        CREATE INDEX alarm_by_entity ON alarm (entity_id, observed_at);
        CREATE INDEX alarm_by_time ON alarm (raised_at DESC, id DESC);

        -- What happened to alarms, in the order it was written: read by live screens and the feed.
        CREATE TABLE alarm_event (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL,
            alarm bigint NOT NULL REFERENCES alarm ON DELETE CASCADE,
            transition text NOT NULL CHECK (transition IN ('raised', 'acknowledged', 'cleared', 'updated')),
            person text
        );
        CREATE INDEX alarm_event_by_time ON alarm_event (at DESC, id DESC);

        -- What the rules remember of an entity between two readings; entities without anything to remember have no row.
        CREATE TABLE rule_memory (
            entity_id text PRIMARY KEY,
            memory bytea NOT NULL
        ) WITH (fillfactor = 60);

        -- How far the memory above has come: a worker whose own copy is not of this position reads it again.
        CREATE TABLE rule_checkpoint (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            position bigint NOT NULL,
            rules_revision bigint NOT NULL DEFAULT 0
        );
        INSERT INTO rule_checkpoint (position) VALUES (0);

        CREATE TABLE rule_override (
            code text PRIMARY KEY,
            definition jsonb NOT NULL,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL
        );
        """
    )
