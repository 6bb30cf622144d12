"""What a person writes is in the audit record; what programs write is not."""

from vidik.kernel import audit
from vidik.kernel.identity import ensure_first_account

ENTITY = {"id": "urn:ngsi-ld:Bench:1", "type": "Bench", "seats": {"type": "Property", "value": 3}}


async def writes(database) -> list[tuple[str, str]]:
    async with database.platform() as connection:
        records = await audit.newest(connection, "city", before=None, limit=50)
    return [
        (record["action"], record["subject"]) for record in reversed(records) if record["action"].startswith("entity.")
    ]


async def test_a_persons_writes_are_recorded(anonymous, services, database):
    first = await ensure_first_account(services)
    signed_in = await anonymous.post(
        "http://vidik.test/api/session", json={"login": first.login, "password": first.password}
    )
    assert signed_in.status_code == 204

    await anonymous.post("/entities", json=ENTITY)
    await anonymous.post("/entities", json=ENTITY)
    await anonymous.patch(f"/entities/{ENTITY['id']}", json={"seats": {"type": "Property", "value": 4}})
    await anonymous.post("/entityOperations/upsert", json=[ENTITY, ENTITY | {"id": "urn:ngsi-ld:Bench:2"}])
    await anonymous.delete(f"/entities/{ENTITY['id']}")

    assert await writes(database) == [
        ("entity.create", "urn:ngsi-ld:Bench:1"),
        ("entity.update", "urn:ngsi-ld:Bench:1"),
        ("entity.upsert", "2 entities"),
        ("entity.delete", "urn:ngsi-ld:Bench:1"),
    ]


async def test_a_programs_writes_are_not(client, database):
    await client.post("/entities", json=ENTITY)

    assert await writes(database) == []
