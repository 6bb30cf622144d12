"""Registrations of other context sources, and how each is doing."""

from alembic import op

revision = "t0007_registrations"
down_revision = "t0006_standard"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE registration (
            key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id text NOT NULL UNIQUE,
            body jsonb NOT NULL,            -- with every name of a type or attribute expanded
            created_at timestamptz NOT NULL,
            modified_at timestamptz NOT NULL
        );

        -- Beside the registration, because this row is written whenever something was forwarded.
        CREATE TABLE registration_status (
            registration bigint PRIMARY KEY REFERENCES registration ON DELETE CASCADE,
            times_sent bigint NOT NULL DEFAULT 0,
            times_failed bigint NOT NULL DEFAULT 0,
            last_success timestamptz,
            last_failure timestamptz
        ) WITH (fillfactor = 40);

        -- One number that grows with every change of a registration, and the name by which this tenant is known in
        -- the Via header of what it forwards (ETSI GS CIM 009, clause 6.3.18).
        CREATE TABLE registration_revision (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            revision bigint NOT NULL,
            alias text NOT NULL DEFAULT 'vidik-' || replace(gen_random_uuid()::text, '-', '')
        );
        INSERT INTO registration_revision (revision) VALUES (0);
        """
    )
