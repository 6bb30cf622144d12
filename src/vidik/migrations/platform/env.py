"""Alembic environment of the platform chain."""

from vidik.migrations.environment import run

run()
