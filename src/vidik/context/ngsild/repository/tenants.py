"""Which tenants there are."""

from vidik.kernel.database import Database, tenant_schema
from vidik.kernel.errors import BadInput


async def tenant_exists(database: Database, tenant: str) -> bool:
    """Whether the platform has a tenant of this name."""
    try:
        schema = tenant_schema(tenant)
    except BadInput:
        return False
    async with database.platform() as connection:
        cursor = await connection.execute("SELECT to_regnamespace(%s) IS NOT NULL AS found", [schema])
        row = await cursor.fetchone()
    return bool(row and row["found"])
