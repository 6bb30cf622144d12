"""Alembic revisions: `platform` for what tenants share, `tenant` for each tenant's schema."""
