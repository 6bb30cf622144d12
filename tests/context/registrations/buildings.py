"""Buildings that the tests of sharing put here and elsewhere."""

from typing import Any

import httpx

ID = "urn:ngsi-ld:Building:1"
ENTITIES = "peer/ngsi-ld/v1/entities"
REDIRECTION = ["redirectionOps"]
BATCHES = ["createBatch", "upsertBatch", "updateBatch", "mergeBatch", "deleteBatch"]


def building(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Building:{number}", "type": "Building", **attributes}


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


async def create(client: httpx.AsyncClient, number: int = 1, **attributes: Any) -> None:
    response = await client.post("/entities?local=true", json=building(number, **attributes))
    assert response.status_code == 201, response.text


async def local(client: httpx.AsyncClient, number: int = 1) -> Any:
    response = await client.get(f"/entities/urn:ngsi-ld:Building:{number}", params={"local": "true"})
    return response.json() if response.status_code == 200 else None
