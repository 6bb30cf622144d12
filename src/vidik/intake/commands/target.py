"""The newest command of a device as an attribute of its entity, so that whoever reads the city sees it."""

from typing import Any

from vidik.context.jsonld import names
from vidik.context.store import entities
from vidik.context.store.document import Instance
from vidik.context.store.states import EntityWrite
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection

COMMAND = names.expand_attribute("command")


async def show_on_entity(connection: Connection, command: dict[str, Any]) -> None:
    """Set the entity's `command` (JsonProperty: id, name, parameters, state) in the caller's transaction.

    Nothing happens while the device has no entity yet, or once a newer command stands there. It has no observedAt:
    a wish is no reading and must not make an asset look fresh.
    """
    entity_id = await _entity_of(connection, command["device_id"])
    before = (await entities.load(connection, [entity_id], for_update=True)).get(entity_id) if entity_id else None
    if before is None:
        return
    standing = before.document.get(COMMAND)
    if isinstance(standing, list) or (standing is not None and _number(standing) > command["id"]):
        return
    moment = iso(now())
    instance: Instance = {
        "type": "JsonProperty",
        "json": {
            "id": str(command["id"]),
            "name": command["name"],
            "parameters": command["parameters"],
            "state": command["state"],
        },
        "createdAt": standing["createdAt"] if standing else moment,
        "modifiedAt": moment,
    }
    write = EntityWrite(
        entity_id=before.id,
        types=before.types,
        scope=before.scope,
        document={**before.document, COMMAND: instance},
        expires_at=before.expires_at,
        changed={COMMAND: [instance]},
        before=before,
    )
    await entities.save(connection, [write])


async def _entity_of(connection: Connection, device_id: str) -> str | None:
    query = "SELECT entity_id FROM device WHERE device_id = %s"
    row = await (await connection.execute(query, [device_id])).fetchone()
    return None if row is None else row["entity_id"]


def _number(instance: Instance) -> int:
    """The number of the command that an instance shows; 0 when somebody else wrote the attribute."""
    shown = instance.get("json")
    number = str(shown.get("id", "")) if isinstance(shown, dict) else ""
    return int(number) if number.isdigit() else 0
