"""People who sign in through a city's own provider, and the phones that crews carry."""

from alembic import op

revision = "p0004_providers"
down_revision = "p0003_contexts"


def upgrade() -> None:
    op.execute(
        """
        -- Issuer and subject together are somebody (OpenID Connect Core, clause 2); a login or a mail address is not.
        CREATE TABLE account_link (
            tenant text NOT NULL,
            issuer text NOT NULL,
            subject text NOT NULL,
            account bigint NOT NULL UNIQUE REFERENCES account ON DELETE CASCADE,
            linked_at timestamptz NOT NULL DEFAULT now(),
            vouched_at timestamptz,
            tokens_until timestamptz,
            PRIMARY KEY (tenant, issuer, subject)
        );
        COMMENT ON COLUMN account_link.vouched_at IS 'When the provider last said that this person may come in';
        COMMENT ON COLUMN account_link.tokens_until
            IS 'API tokens of this account rest from then until it signs in again';

        CREATE TABLE crew_device (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            tenant text NOT NULL,
            secret_hash bytea NOT NULL UNIQUE,
            name text NOT NULL,
            organisation text,
            registered_by bigint REFERENCES account ON DELETE SET NULL,
            registered_at timestamptz NOT NULL DEFAULT now(),
            last_seen_at timestamptz NOT NULL DEFAULT now(),
            revoked_at timestamptz
        );
        CREATE INDEX crew_device_by_tenant ON crew_device (tenant, id);

        ALTER TABLE session
            ADD COLUMN began_by text NOT NULL DEFAULT 'password' CHECK (began_by IN ('password', 'provider')),
            ADD COLUMN device bigint REFERENCES crew_device ON DELETE SET NULL;
        CREATE INDEX session_by_device ON session (device) WHERE device IS NOT NULL;
        """
    )
