"""Readings by HTTP."""

import json
import time

import pytest

from vidik.context.store import entities
from vidik.intake.devices import DeviceDirectory
from vidik.intake.message import Outcome
from vidik.kernel.identity import repository as identity
from vidik.kernel.identity.authentication import hash_secret
from vidik.kernel.identity.roles import Grant

BIN = {"device_id": "bin-1", "profile": "demo-waste-container", "name": "Bin 1", "with_secret": True}
ENTITY = "urn:ngsi-ld:WasteContainer:nis:bin-1"


def reading(fill: object = 42, ago: float = 0) -> bytes:
    return json.dumps({"t": time.time() - ago, "fill": fill, "temp": 12.5}).encode()


@pytest.fixture
async def secrets(administrator, services) -> dict[str, str]:
    answer = await administrator.post(
        "/api/devices",
        json=[
            BIN,
            BIN | {"device_id": "bin-2", "gateway_id": "gateway"},
            {"device_id": "gateway", "with_secret": True},
        ],
    )
    await services.get(DeviceDirectory).refresh()
    return {item["device_id"]: item["secret"] for item in answer.json()["items"]}


async def count(services, table: str) -> int:
    async with services.database.transaction("city") as connection:
        row = await (await connection.execute(f"SELECT count(*) AS count FROM {table}")).fetchone()
    return row["count"]


class TestPush:
    async def test_204_means_that_entity_and_history_are_there(self, client, secrets, services):
        answer = await client(secret=secrets["bin-1"]).post("/api/intake/bin-1", content=reading())

        assert answer.status_code == 204
        async with services.database.transaction("city") as connection:
            found = await entities.load(connection, [ENTITY])
        assert found[ENTITY].id == ENTITY
        assert await count(services, "observation") >= 2

    async def test_takes_basic_credentials_too(self, client, secrets):
        answer = await client().post("/api/intake/bin-1", content=reading(), auth=("bin-1", secrets["bin-1"]))

        assert answer.status_code == 204

    async def test_a_gateway_pushes_for_its_devices(self, client, secrets):
        gateway = client(secret=secrets["gateway"])

        assert (await gateway.post("/api/intake/bin-2", content=reading())).status_code == 204
        assert (await gateway.post("/api/intake/bin-1", content=reading())).status_code == 403

    async def test_refuses_strangers(self, client, secrets, administrator):
        foreign = await client(secret=secrets["bin-2"]).post("/api/intake/bin-1", content=reading())
        unknown = await client(secret=secrets["bin-2"]).post("/api/intake/nothing", content=reading())
        nobody = await client().post("/api/intake/bin-1", content=reading())
        wrong = await client(secret="vds_wrong").post("/api/intake/bin-1", content=reading())
        dispatcher = await client("dispatcher").post("/api/intake/bin-1", content=reading())
        missing = await administrator.post("/api/intake/nothing", content=reading())

        codes = [answer.status_code for answer in (foreign, unknown, nobody, wrong, dispatcher, missing)]
        assert codes == [403, 403, 401, 401, 403, 404]

    async def test_says_field_and_reason_of_what_it_refuses(self, client, secrets, services):
        device = client(secret=secrets["bin-1"])

        implausible = await device.post("/api/intake/bin-1", content=reading(fill=250))
        broken = await device.post("/api/intake/bin-1", content=b"{")

        assert implausible.status_code == broken.status_code == 422
        assert implausible.json()["field"] == "fillingLevel"
        assert implausible.json()["code"] == "reading-refused"
        assert broken.json()["detail"]
        assert await count(services, "dead_letter") == 2

    async def test_refuses_large_bodies_before_reading_them(self, client, secrets):
        async def endless():
            while True:
                yield b" " * 65536

        device = client(secret=secrets["bin-1"])
        declared = await device.post("/api/intake/bin-1", content=b" " * (256 * 1024 + 1))
        streamed = await device.post("/api/intake/bin-1", content=endless())

        assert declared.status_code == streamed.status_code == 413

    async def test_says_503_when_nothing_was_stored(self, client, secrets, pipeline, monkeypatch):
        monkeypatch.setattr(pipeline, "offer", lambda message, done: done(Outcome.FAILED))

        answer = await client(secret=secrets["bin-1"]).post("/api/intake/bin-1", content=reading())

        assert answer.status_code == 503
        assert "retry-after" in answer.headers

    async def test_a_disabled_device_is_refused(self, client, secrets, administrator, services):
        await administrator.patch("/api/devices/bin-1", json={"enabled": False})
        await services.get(DeviceDirectory).refresh()

        answer = await client(secret=secrets["bin-1"]).post("/api/intake/bin-1", content=reading())

        assert answer.status_code == 401

    async def test_a_program_with_a_token_may_push(self, client, secrets, services):
        async with services.database.platform() as connection:
            account = await identity.insert_account(
                connection,
                {
                    "tenant": "city",
                    "login": "importer",
                    "name": "Importer",
                    "organisation": None,
                    "password_hash": None,
                    "password_initial": False,
                    "ends_at": None,
                },
            )
            await identity.replace_roles(connection, account, [Grant("administrator")])
            await connection.execute(
                "INSERT INTO api_token (secret_hash, account, name, scopes, expires_at)"
                " VALUES (%s, %s, 'import', %s, now() + interval '1 day')",
                [hash_secret("vdk_import"), account, ["intake.push"]],
            )
        program = client(secret="vdk_import")

        assert (await program.post("/api/intake/bin-1", content=reading())).status_code == 204
        assert (await program.get("/api/devices")).status_code == 403


class TestBatch:
    async def test_each_line_has_its_own_result(self, client, secrets):
        lines = [reading(ago=3), b"", b"not json", reading(fill=900, ago=2), reading(ago=1)]

        answer = await client(secret=secrets["bin-1"]).post(
            "/api/intake/bin-1",
            content=b"\n".join(lines),
            headers={"content-type": "application/x-ndjson"},
        )

        assert answer.status_code == 200
        body = answer.json()
        assert (body["accepted"], body["rejected"], body["failed"]) == (2, 2, 0)
        assert [result["state"] for result in body["results"]] == [
            "accepted",
            "rejected",
            "rejected",
            "accepted",
        ]
        assert body["results"][2]["field"] == "fillingLevel"
        assert body["results"][1]["reason"]
