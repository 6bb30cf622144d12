"""An entity is born with one row for all of its series (context/store/births.py)."""

from alembic import op

revision = "t0020_series"
down_revision = "t0019_tasks"


def upgrade() -> None:
    op.execute(
        """
        -- Series that came one by one.
        ALTER TABLE series RENAME TO attribute_series;

        -- Which series an entity is born with: one row a combination that the tenant has; the number is a hash of it.
        CREATE TABLE series_shape (
            shape bigint PRIMARY KEY,
            attributes text[] NOT NULL,
            datasets text[] NOT NULL
        );

        -- The series that an entity was born with; their numbers follow from its key.
        CREATE TABLE entity_series (
            entity bigint PRIMARY KEY,
            shape bigint NOT NULL,
            created_at timestamptz NOT NULL
        );

        CREATE VIEW series AS
            SELECT series, entity, attribute, dataset, created_at FROM attribute_series
            UNION ALL
            SELECT (1::bigint << 60) + entity * 1024 + place - 1, entity, attribute, dataset, created_at
            FROM entity_series JOIN series_shape USING (shape)
            CROSS JOIN LATERAL unnest(attributes, datasets) WITH ORDINALITY AS member (attribute, dataset, place);
        """
    )
