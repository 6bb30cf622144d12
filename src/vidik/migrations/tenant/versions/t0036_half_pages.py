"""Pages of entities are filled by half: what is over is room for a second version of each row (HOT), and no more.

At 45 % the last row of a half hardly ever fitted: two entities of 1.3 kB on a page instead of three, so a third of
the pages that a batch reads and writes, and of the disk, held nothing (20,000 entities: 10,000 and 6,667 pages; of
2 kB 20,000 and 15,001). Each update of whole pages at once stays on its page, as before.
"""

from alembic import op

revision = "t0036_half_pages"
down_revision = "t0035_departed"


def upgrade() -> None:
    op.execute("ALTER TABLE entity SET (fillfactor = 50)")


def downgrade() -> None:
    op.execute("ALTER TABLE entity SET (fillfactor = 45)")
