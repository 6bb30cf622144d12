"""People, their sessions and tokens, the brake on guessing passwords, and the audit record."""

from alembic import op

revision = "p0001_identity"
down_revision = "p0000_ground"


def upgrade() -> None:
    op.execute(
        """
        -- What each column is for, on what ground and how long: kernel/identity/personal_data.yaml.
        CREATE TABLE account (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            tenant text NOT NULL,
            login text NOT NULL CHECK (login = lower(login)),
            name text NOT NULL,
            organisation text,
            password_hash text,
            password_initial boolean NOT NULL DEFAULT false,
            password_changed_at timestamptz,
            enabled boolean NOT NULL DEFAULT true,
            ends_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (tenant, login)
        );
        COMMENT ON COLUMN account.password_hash IS 'argon2id; null for a service that signs in by token only';
        COMMENT ON COLUMN account.password_initial IS 'Made by Vidik or an administrator, not chosen by the person';

        -- A null organisation means the whole city.
        CREATE TABLE account_role (
            account bigint NOT NULL REFERENCES account ON DELETE CASCADE,
            role text NOT NULL,
            organisation text,
            UNIQUE NULLS NOT DISTINCT (account, role, organisation)
        );

        CREATE TABLE session (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            secret_hash bytea NOT NULL UNIQUE,
            account bigint NOT NULL REFERENCES account ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT now(),
            last_seen_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            address text,
            browser text
        );
        CREATE INDEX session_by_account ON session (account);
        CREATE INDEX session_by_expiry ON session (expires_at);

        CREATE TABLE api_token (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            secret_hash bytea NOT NULL UNIQUE,
            account bigint NOT NULL REFERENCES account ON DELETE CASCADE,
            name text NOT NULL,
            scopes text[] NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            last_used_at timestamptz
        );
        CREATE INDEX api_token_by_account ON api_token (account);

        -- Keys are SHA-256: a password typed into the login field must not lie here in clear.
        CREATE TABLE sign_in_throttle (
            key bytea PRIMARY KEY,
            failures int NOT NULL,
            last_attempt timestamptz NOT NULL,
            blocked_until timestamptz NOT NULL
        );

        -- Pairs of account and address that have signed in before: their attempts are braked apart from a
        -- stranger's, so that a stranger cannot lock a dispatcher out.
        CREATE TABLE sign_in_known (
            key bytea PRIMARY KEY,
            last_success timestamptz NOT NULL
        );

        CREATE FUNCTION identity_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            PERFORM pg_notify('vidik_identity', '');
            RETURN NULL;
        END $$;
        CREATE TRIGGER changed AFTER UPDATE OR DELETE ON account
            FOR EACH STATEMENT EXECUTE FUNCTION identity_changed();
        CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON account_role
            FOR EACH STATEMENT EXECUTE FUNCTION identity_changed();
        CREATE TRIGGER changed AFTER DELETE ON session
            FOR EACH STATEMENT EXECUTE FUNCTION identity_changed();
        CREATE TRIGGER changed AFTER DELETE ON api_token
            FOR EACH STATEMENT EXECUTE FUNCTION identity_changed();

        -- `content` is the canonical JSON that the hash covers; the other columns repeat it for searching and
        -- are compared with it by verify().
        CREATE TABLE audit_record (
            tenant text NOT NULL,
            position bigint NOT NULL,
            recorded_at timestamptz NOT NULL,
            actor text NOT NULL,
            action text NOT NULL,
            subject text NOT NULL,
            content text NOT NULL,
            hash bytea NOT NULL,
            PRIMARY KEY (tenant, position)
        );
        CREATE INDEX audit_record_by_actor ON audit_record (tenant, actor, position);
        CREATE INDEX audit_record_by_subject ON audit_record (tenant, subject, position);

        CREATE FUNCTION audit_record_stands() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            RAISE EXCEPTION 'the audit record is append-only' USING ERRCODE = 'insufficient_privilege';
        END $$;
        CREATE TRIGGER stands BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_record
            FOR EACH STATEMENT EXECUTE FUNCTION audit_record_stands();
        """
    )
