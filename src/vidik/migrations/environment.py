"""Runs one chain of revisions in one schema; shared by both chains' `env.py`."""

from alembic import context
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import NullPool, create_engine, text


def run() -> None:
    """Upgrade the schema that `vidik.kernel.migrate` names, with that schema first on the search path."""
    attributes = context.config.attributes
    schema = attributes["schema"]
    engine = create_engine(
        "postgresql+psycopg://", connect_args=conninfo_to_dict(attributes["url"]), poolclass=NullPool
    )
    with engine.connect() as connection:
        connection.execute(text(f'SET search_path = "{schema}", platform, public'))
        connection.commit()
        context.configure(connection=connection, version_table_schema=schema)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()
