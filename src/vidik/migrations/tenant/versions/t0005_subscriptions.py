"""Subscriptions, how each is doing, and the notifications that are owed."""

from alembic import op

revision = "t0005_subscriptions"
down_revision = "t0004_doors"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE subscription (
            key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id text NOT NULL UNIQUE,
            body jsonb NOT NULL,            -- as the client wrote it, without @context
            context jsonb NOT NULL,         -- what its @context was: an address, an object or a list
            is_active boolean NOT NULL,
            expires_at timestamptz,
            since bigint NOT NULL,          -- the newest change when it was made: only later ones concern it
            revision bigint NOT NULL,
            created_at timestamptz NOT NULL,
            modified_at timestamptz NOT NULL
        );
        CREATE INDEX subscription_by_revision ON subscription (revision);

        -- One number that grows with every change of a subscription: who keeps them in memory compares it.
        CREATE TABLE subscription_revision (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            revision bigint NOT NULL
        );
        INSERT INTO subscription_revision (revision) VALUES (0);

        -- Beside the subscription, because this row is written with every notification.
        CREATE TABLE subscription_status (
            subscription bigint PRIMARY KEY REFERENCES subscription ON DELETE CASCADE,
            times_sent bigint NOT NULL DEFAULT 0,
            times_failed bigint NOT NULL DEFAULT 0,
            times_merged bigint NOT NULL DEFAULT 0,
            last_notification timestamptz,
            last_success timestamptz,
            last_failure timestamptz,
            last_interval timestamptz
        ) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05);

        -- A notification that is owed; positions are in the order in which the changes were committed.
        CREATE TABLE notification_owed (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            subscription bigint NOT NULL,
            entity_id text NOT NULL,
            owed_at timestamptz NOT NULL,
            payload text NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
        CREATE INDEX notification_owed_in_order ON notification_owed (subscription, position);
        """
    )
