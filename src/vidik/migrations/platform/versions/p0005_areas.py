"""Roles that hold in one area of the city; those that were given before hold everywhere, as they did."""

from alembic import op

revision = "p0005_areas"
down_revision = "p0004_providers"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE account_role
            ADD COLUMN area text,
            DROP CONSTRAINT account_role_account_role_organisation_key,
            ADD UNIQUE NULLS NOT DISTINCT (account, role, organisation, area);
        COMMENT ON COLUMN account_role.area IS 'Code of an area of the tenant; null is everywhere';
        """
    )
