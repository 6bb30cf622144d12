"""Devices, their health, dead letters and commands."""

from alembic import op

revision = "t0002_intake"
down_revision = "t0001_context"


def upgrade() -> None:
    op.execute(
        """
        -- A gateway is a device without a profile: it has a credential and carries the readings of others.
        CREATE TABLE device (
            device_id text PRIMARY KEY,
            profile text,
            entity_id text,
            gateway_id text REFERENCES device,
            name text NOT NULL,
            organisation text,
            place jsonb,
            origin text NOT NULL CHECK (origin IN ('real', 'simulated', 'recorded')),
            expected_interval interval CHECK (expected_interval > interval '0'),
            secret_hash bytea,
            enabled boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now(),
            revision bigint NOT NULL DEFAULT 0
        );
        CREATE INDEX device_by_revision ON device (revision);
        CREATE INDEX device_by_entity ON device (entity_id);
        CREATE INDEX device_by_gateway ON device (gateway_id) WHERE gateway_id IS NOT NULL;

        -- Every change of devices takes the next revision under this row's lock, so revisions are in commit order
        -- and a process that knows revision n misses nothing by reading what is above n.
        CREATE TABLE device_registry (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            revision bigint NOT NULL,
            removed_at_revision bigint NOT NULL
        );
        INSERT INTO device_registry VALUES (true, 0, 0);

        CREATE FUNCTION device_next_revision() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            UPDATE device_registry
               SET revision = revision + 1,
                   removed_at_revision = CASE TG_OP WHEN 'INSERT' THEN removed_at_revision
                                                    WHEN 'UPDATE' THEN removed_at_revision
                                                    ELSE revision + 1 END;
            PERFORM pg_notify('vidik_device', TG_TABLE_SCHEMA);
            RETURN NULL;
        END $$;
        CREATE FUNCTION device_take_revision() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            SELECT revision INTO NEW.revision FROM device_registry;
            RETURN NEW;
        END $$;
        CREATE TRIGGER next_revision BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON device
            FOR EACH STATEMENT EXECUTE FUNCTION device_next_revision();
        CREATE TRIGGER take_revision BEFORE INSERT OR UPDATE ON device
            FOR EACH ROW EXECUTE FUNCTION device_take_revision();

        -- No foreign key: the counters are flushed in bulk every few seconds, beside the devices' own changes.
        CREATE TABLE device_health (
            device_id text PRIMARY KEY,
            last_seen timestamptz NOT NULL,
            last_observed timestamptz,
            last_rejected timestamptz,
            messages bigint NOT NULL,
            rejected bigint NOT NULL
        ) WITH (fillfactor = 50);

        CREATE TABLE dead_letter (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            device_id text NOT NULL,
            principal_id text NOT NULL,
            door text NOT NULL,
            topic text NOT NULL,
            received_at timestamptz NOT NULL,
            field text,
            reason text NOT NULL,
            value text,
            others jsonb,
            payload bytea NOT NULL,
            size int NOT NULL,
            state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
            decided_at timestamptz,
            decided_by text,
            note text
        );
        CREATE INDEX dead_letter_by_state ON dead_letter (state, id);
        CREATE INDEX dead_letter_by_device ON dead_letter (device_id, id);
        CREATE INDEX dead_letter_by_time ON dead_letter (received_at);

        CREATE TABLE command (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            device_id text NOT NULL REFERENCES device ON DELETE CASCADE,
            name text NOT NULL,
            parameters jsonb NOT NULL,
            state text NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'sent', 'delivered', 'expired', 'failed')),
            created_at timestamptz NOT NULL DEFAULT now(),
            created_by text NOT NULL,
            reason text,
            expires_at timestamptz NOT NULL,
            sent_at timestamptz,
            delivered_at timestamptz,
            attempts int NOT NULL DEFAULT 0,
            failure text
        );
        CREATE INDEX command_by_device ON command (device_id, id);
        CREATE INDEX command_waiting ON command (id) WHERE state IN ('pending', 'sent');

        CREATE FUNCTION command_waits() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            PERFORM pg_notify('vidik_command', TG_TABLE_SCHEMA);
            RETURN NULL;
        END $$;
        CREATE TRIGGER waits AFTER INSERT ON command
            FOR EACH STATEMENT EXECUTE FUNCTION command_waits();
        """
    )
