"""Alarms by ISA-18.2: states with what hides them, causes of transitions, groups, trials of rules."""

from alembic import op

revision = "t0013_alarm_states"
down_revision = "t0012_pilots"


def upgrade() -> None:
    op.execute(
        """
        -- Alarms of one cause, shown as one.
        CREATE TABLE alarm_group (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('related', 'service')),
            subject text NOT NULL,
            service text NOT NULL,
            opened_at timestamptz NOT NULL,
            newest_at timestamptz NOT NULL        -- when the newest member was observed
        );
        CREATE INDEX alarm_group_by_subject ON alarm_group (kind, subject, newest_at DESC);

        ALTER TABLE alarm
            DROP CONSTRAINT alarm_check,
            DROP CONSTRAINT alarm_state_check,
            ADD latching boolean NOT NULL DEFAULT false,
            ADD ask_on_return boolean NOT NULL DEFAULT true,
            ADD hidden_by text CHECK (hidden_by IN ('out_of_service', 'suppressed', 'shelved')),
            ADD returned_at timestamptz,
            ADD returned_observed_at timestamptz,
            ADD related text[] NOT NULL DEFAULT '{}',   -- entities that its own points to
            ADD alarm_group bigint REFERENCES alarm_group;
        -- What cleared before states asked for an acknowledgement shall not ask for one now.
        UPDATE alarm
           SET returned_at = cleared_at,
               returned_observed_at = cleared_observed_at,
               ask_on_return = cleared_at IS NULL,
               state = CASE WHEN cleared_at IS NOT NULL THEN 'normal'
                            WHEN acknowledged_at IS NOT NULL THEN 'acknowledged'
                            ELSE 'unacknowledged' END;
        ALTER TABLE alarm
            ADD CHECK (state IN ('normal', 'unacknowledged', 'acknowledged', 'returned_unacknowledged',
                                 'latched_unacknowledged', 'latched_acknowledged', 'shelved', 'suppressed',
                                 'out_of_service')),
            ADD CHECK ((state IN ('normal', 'returned_unacknowledged')) = (cleared_at IS NOT NULL)),
            ADD CHECK (cleared_at IS NULL OR returned_at IS NOT NULL);
        CREATE INDEX alarm_returned ON alarm (id) WHERE state = 'returned_unacknowledged';
        CREATE INDEX alarm_hidden ON alarm (id) WHERE hidden_by IS NOT NULL AND cleared_at IS NULL;
        CREATE INDEX alarm_of_group ON alarm (alarm_group) WHERE alarm_group IS NOT NULL;
        CREATE INDEX alarm_by_service ON alarm (service, observed_at);

        ALTER TABLE alarm_event
            DROP CONSTRAINT alarm_event_transition_check,
            ADD CHECK (transition IN ('raised', 'acknowledged', 'cleared', 'latched', 'reset', 'updated', 'shelved',
                                      'suppressed', 'out_of_service', 'noted', 'faded')),
            ADD cause text CHECK (cause IN ('reading', 'person', 'time', 'design', 'gone')),
            ADD state_before text,
            ADD state_after text,
            ADD reason text;
        CREATE INDEX alarm_event_of_alarm ON alarm_event (alarm, id);

        -- What people put aside: a shelf has an end; the design and what is out of service may have one.
        CREATE TABLE alarm_hold (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('out_of_service', 'suppressed', 'shelved')),
            rule text,
            entity_id text,
            attribute text,
            reason text NOT NULL,
            begins_at timestamptz NOT NULL,
            until timestamptz CHECK (until > begins_at),
            placed_by text NOT NULL,
            placed_at timestamptz NOT NULL,
            ended_at timestamptz,
            ended_by text,
            CHECK (kind <> 'shelved' OR (until IS NOT NULL AND rule IS NOT NULL AND entity_id IS NOT NULL)),
            CHECK (rule IS NOT NULL OR entity_id IS NOT NULL)
        );
        CREATE INDEX alarm_hold_open ON alarm_hold (id) WHERE ended_at IS NULL;

        -- Rules tried against history, and how far long trials have come.
        CREATE TABLE rule_trial (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            definition jsonb NOT NULL,
            begins_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
            done int NOT NULL DEFAULT 0,
            of_steps int NOT NULL DEFAULT 0,
            result jsonb,
            asked_by text NOT NULL,
            asked_at timestamptz NOT NULL,
            touched_at timestamptz,
            finished_at timestamptz
        );
        CREATE INDEX rule_trial_open ON rule_trial (asked_at) WHERE state IN ('waiting', 'running');
        """
    )
