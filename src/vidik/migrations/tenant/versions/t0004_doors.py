"""By which door a device last spoke, and who took a command."""

from alembic import op

revision = "t0004_doors"
down_revision = "t0003_operations"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE device_health ADD COLUMN door text;
        -- 'broker': the city's own broker took it for somebody who listens; that is not yet the device's word.
        ALTER TABLE command ADD COLUMN taken_by text CHECK (taken_by IN ('device', 'broker'));
        """
    )
