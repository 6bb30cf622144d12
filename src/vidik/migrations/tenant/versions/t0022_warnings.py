"""Warnings to the public: drafts, what was released, who wants to be told."""

from alembic import op

revision = "t0022_warnings"
down_revision = "t0021_subscription_copies"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE warning (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('Alert', 'Update', 'Cancel')),
            follows bigint REFERENCES warning,
            incident bigint,
            state text NOT NULL
                CHECK (state IN ('draft', 'released', 'replaced', 'cancelled', 'expired', 'discarded')),
            content jsonb NOT NULL,
            authors text[] NOT NULL CHECK (cardinality(authors) > 0),   -- logins of all who wrote in it
            drafted_by text NOT NULL,
            drafted_at timestamptz NOT NULL,
            released_login text,
            released_by text,
            identifier text UNIQUE,
            sender text,
            sent_at timestamptz,
            expires_at timestamptz NOT NULL,
            xml text,
            version int NOT NULL DEFAULT 1,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL,
            client_id uuid UNIQUE,
            CHECK (NOT released_login = ANY(authors)),
            CHECK ((state IN ('draft', 'discarded')) = (released_login IS NULL)),
            CHECK ((released_login IS NULL) = (xml IS NULL) AND (xml IS NULL) = (identifier IS NULL)
                   AND (xml IS NULL) = (sent_at IS NULL)),
            CHECK ((kind = 'Alert') = (follows IS NULL))
        );
        CREATE INDEX warning_standing ON warning (expires_at) WHERE state = 'released';
        CREATE UNIQUE INDEX warning_followed_once ON warning (follows) WHERE state NOT IN ('draft', 'discarded');
        CREATE FUNCTION refuse_change_of_warning() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN
                IF TG_OP = ''DELETE'' THEN RAISE EXCEPTION ''a warning is never removed''; END IF;
                IF OLD.xml IS NOT NULL AND
                   (OLD.content, OLD.xml, OLD.identifier, OLD.sent_at, OLD.authors, OLD.released_login, OLD.kind)
                   IS DISTINCT FROM
                   (NEW.content, NEW.xml, NEW.identifier, NEW.sent_at, NEW.authors, NEW.released_login, NEW.kind)
                THEN RAISE EXCEPTION ''what was released stands'';
                END IF;
                IF NOT OLD.authors <@ NEW.authors THEN RAISE EXCEPTION ''an author stays one''; END IF;
                RETURN NEW;
            END';
        CREATE TRIGGER warning_stands BEFORE UPDATE OR DELETE ON warning
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_warning();

        -- Browsers of citizens who asked to be told: nothing of the person but where the push service is.
        CREATE TABLE warning_browser (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            endpoint text NOT NULL UNIQUE,
            p256dh text NOT NULL,
            auth text NOT NULL,
            language text NOT NULL CHECK (language IN ('en', 'sr-Cyrl', 'sr-Latn')),
            ends_at timestamptz NOT NULL
        );
        CREATE TABLE warning_push (
            warning bigint NOT NULL REFERENCES warning,
            browser bigint NOT NULL REFERENCES warning_browser ON DELETE CASCADE,
            attempts int NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL,
            PRIMARY KEY (warning, browser)       -- a row is one message that is still owed
        );
        CREATE INDEX warning_push_due ON warning_push (due_at);
        """
    )
