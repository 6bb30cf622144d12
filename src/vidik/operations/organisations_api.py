"""The organisations of a city over HTTP: whoever has people, crews or devices here, by the name that they go by."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from vidik.kernel.identity import Principal, require
from vidik.kernel.web import Transaction

router = APIRouter(tags=["accounts"])
Reader = Annotated[Principal, Depends(require("context.read"))]


@router.get("/organisations")
async def list_organisations(connection: Transaction, principal: Reader) -> dict[str, Any]:
    """List the names under which things belong to somebody: for choosing one, not for keeping them."""
    cursor = await connection.execute(
        """
        SELECT organisation FROM crew
         UNION
        SELECT organisation FROM device
         UNION
        SELECT organisation FROM platform.account WHERE tenant = %(tenant)s
         UNION
        SELECT account_role.organisation
          FROM platform.account_role
          JOIN platform.account ON account.id = account_role.account
         WHERE tenant = %(tenant)s
        """,
        {"tenant": principal.tenant},
    )
    return {"items": sorted(row["organisation"] for row in await cursor.fetchall() if row["organisation"])}
