"""Alembic environment of the tenant chain."""

from vidik.migrations.environment import run

run()
