"""Things that belong to others: one of each kind, all of one organisation and outside an area, each text marked."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from psycopg.types.json import Jsonb
from tests.operations.factories import a_target, store
from tests.operations.requests.outside import Outside, a_request

from vidik.intake import deadletters
from vidik.intake.deadletters import Letter
from vidik.kernel.clock import iso, now_microseconds
from vidik.kernel.identity import phones_repository, repository
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services

MARK = "zzb"
"""In everything that others have, and in nothing else."""
OUTSIDE = [21.80123, 43.31123]
ASSET = f"urn:ngsi-ld:HeatSubstation:nis:{MARK}-asset"
PLACE = {"type": "Point", "coordinates": OUTSIDE}


async def ok(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def make_things_of_others(
    services: Services,
    desk: httpx.AsyncClient,
    outside: Outside,
    worker: Callable[[], Awaitable[None]],
    signal: Callable[..., Awaitable[None]],
) -> dict[str, str]:
    """Make one of each kind; returns what stands for it in a path, by the name of the parameter."""
    target = a_target(ASSET, "HeatSubstation", name=f"{MARK}-name", dataOrigin="real", location=PLACE)
    await store(services.database, target, {"power": 1.0})
    async with services.database.transaction("city") as connection:
        await connection.execute(
            "INSERT INTO device (device_id, profile, entity_id, name, organisation, origin)"
            " VALUES (%s, 'demo-heat-substation', %s, %s, 'parking', 'real')",
            [f"{MARK}-device", ASSET, f"{MARK}-devname"],
        )
        letter = Letter(
            device_id=f"{MARK}-device",
            principal_id=f"{MARK}-device",
            door="mqtt",
            topic="x",
            received_at=now_microseconds(),
            reason=f"{MARK}-reason",
            payload=f"{MARK}-payload".encode(),
        )
        await deadletters.store(connection, [letter])
    account = await _a_person(services)
    await signal("pressure", ASSET)
    await ok(await desk.post(f"/api/devices/{MARK}-device/commands", json={"name": f"{MARK}-command"}))
    hold = {"kind": "out_of_service", "reason": f"{MARK}-hold", "entity_id": ASSET}
    await ok(await desk.post("/api/alarm-holds", json=hold))
    alarm = (await ok(await desk.get("/api/alarms?state=all")))["items"][0]
    work = await _work(desk, alarm["id"])
    await outside.send(a_request(1, OUTSIDE, description=f"{MARK}-request", agency_responsible="parking"))
    await worker()
    async with services.database.transaction("city") as connection:
        await connection.execute(
            """
            WITH call AS (
                INSERT INTO escalation (plan, cause, subject, call, facts, state, opened_at, due_at)
                VALUES ('x', 'incident', %(incident)s, 0, %(facts)s, 'waiting', now(), now()) RETURNING id
            )
            INSERT INTO notice (escalation, round, step, login, person, channel, facts, state, made_at, due_at)
            SELECT id, 0, 0, 'zzb-login', 'zzb-person', 'sms', %(facts)s, 'sent', now(), now() FROM call
            """,
            {"incident": int(work["incident_id"]), "facts": Jsonb({"kind": "incident", "title": f"{MARK}-call"})},
        )
    group = (await ok(await desk.get("/api/alarm-groups")))["items"]
    return {
        **work,
        "account": str(account),
        "device_id": f"{MARK}-device",
        "letter": "1",
        "alarm_id": str(alarm["id"]),
        "group_id": str(group[0]["id"]) if group else "1",
        "asset_id": ASSET,
        "request_id": "urn:ngsi-ld:service_requests:nis:1",
        "login": f"{MARK}-login",
    }


async def _a_person(services: Services) -> int:
    values = {
        "tenant": "city", "login": f"{MARK}-login", "name": f"{MARK}-person", "organisation": "parking",
        "password_hash": None, "password_initial": False, "ends_at": None,
    }  # fmt: skip
    async with services.database.transaction("city") as connection:
        account = await repository.insert_account(connection, values)
        assert account is not None
        await repository.replace_roles(connection, account, [Grant("supervisor", "parking")])
        await phones_repository.insert_phone(connection, "city", b"x", f"{MARK}-phone", "parking", account)
        await connection.execute(
            "INSERT INTO duty_contact VALUES (%s, 'en', %s, 'x', now())",
            [f"{MARK}-login", Jsonb({"sms": f"{MARK}-address"})],
        )
    return account


async def _work(desk: httpx.AsyncClient, alarm: str) -> dict[str, str]:
    links = [{"kind": "alarm", "target": alarm}, {"kind": "asset", "target": ASSET}]
    opening = {"type": "other", "title": f"{MARK}-incident", "organisations": ["parking"], "place": PLACE}
    incident = (await ok(await desk.post("/api/incidents", json={**opening, "links": links})))["id"]
    await ok(await desk.post(f"/api/incidents/{incident}/entries", json={"text": f"{MARK}-entry"}))
    crew = {"name": f"{MARK}-crew", "organisation": "parking", "depot": PLACE, "members": [f"{MARK}-login"]}
    crew_id = (await ok(await desk.post("/api/crews", json=crew)))["id"]
    await ok(await desk.post(f"/api/crews/{crew_id}/duty", json={"on_duty": True}))
    await ok(await desk.post(f"/api/crews/{crew_id}/position", json={"place": PLACE, "at": iso(datetime.now(UTC))}))
    task = {"title": f"{MARK}-task", "incident": int(incident), "crew": int(crew_id)}
    task_id = (await ok(await desk.post("/api/tasks", json=task)))["id"]
    await ok(await desk.post(f"/api/incidents/{incident}/procedures", json={"procedure": "heating_burst"}))
    run = (await ok(await desk.get("/api/procedure-runs")))["items"][0]["id"]
    time = {"begins_at": iso(datetime.now(UTC) - timedelta(hours=1)), "ends_at": iso(datetime.now(UTC))}
    handed = await ok(await desk.post("/api/duty/handovers", json={"desk": "control", **time, "note": f"{MARK}-note"}))
    return {
        "incident_id": str(incident),
        "crew": str(crew_id),
        "task": str(task_id),
        "run_id": str(run),
        "handover": str(handed["id"]),
    }
