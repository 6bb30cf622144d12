"""What a citizen wrote, and who it was, is read at the desk and at no door that shows the city's memory."""

from collections.abc import AsyncIterator
from datetime import datetime
from importlib import import_module
from typing import Any

import httpx
import pytest
from psycopg import sql
from starlette.applications import Starlette
from tests.operations.conftest import rows
from tests.operations.requests.outside import CITY_CONTEXT, Outside, Worker, a_request
from tests.principals import a_principal

from vidik.context.jobs import expire_entities
from vidik.context.store import sealed
from vidik.kernel.identity import authenticator
from vidik.kernel.services import Services
from vidik.operations.requests.jobs import forget_words

PLACE = [21.8912345, 43.3198765]
WORDS: dict[str, Any] = {
    "description": "Тајна реч: комшија Пера",
    "address_string": "Обреновићева 7, код Тајне",
    "service_name": "Тајни назив",
    "media_url": "https://example.rs/tajna.jpg",
    "first_name": "Тајна",
    "phone": "+381600tajna",
    "whatever": "Тајна",
    "location": {"type": "Point", "coordinates": PLACE},
}
SECRETS = ("Тајн", "tajna", "21.8912345")
REQUEST = "urn:ngsi-ld:service_requests:nis:7"
CREW = a_principal("crew", "crew", kind="session", id="crew")
NGSI = "/ngsi-ld/v1"
PAST = f"{NGSI}/temporal/entities/{REQUEST}?timeproperty=modifiedAt"
DOORS = (
    f"{NGSI}/entities/{REQUEST}",
    f"{NGSI}/entities/{REQUEST}?format=simplified&options=sysAttrs",
    f"{NGSI}/entities/{REQUEST}?local=true",
    f"{NGSI}/entities?type=service_requests",
    f"{NGSI}/entities?id={REQUEST}&format=simplified",
    f"{NGSI}/entities?type=service_requests&pick=description,location,address_string",
    PAST,
    f"{NGSI}/temporal/entities?type=service_requests&timeproperty=modifiedAt&timerel=after&timeAt=2020-01-01T00:00:00Z",
    f"{NGSI}/attributes?details=true",
    f"{NGSI}/types/service_requests",
    "/api/console/assets",
    "/api/console/assets.ndjson",
    f"/api/console/assets/{REQUEST}",
    "/api/console/feed",
    "/api/console/search?q=Тајна",
    "/api/console/search?q=Пера",
)


def told(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text or secret.encode("unicode-escape").decode() in text]


@pytest.fixture
async def crew(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may read the city's memory, and no requests."""
    authenticator(app.state.services).sources.append(lambda _user, secret: CREW if secret == "crew" else None)
    headers = {"Authorization": "Bearer crew", "Link": CITY_CONTEXT}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://vidik.test", headers=headers) as http:
        yield http


async def _post(http: httpx.AsyncClient, path: str, body: Any, status: int = 201) -> httpx.Response:
    answer = await http.post(f"{NGSI}/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer


async def _create(http: httpx.AsyncClient) -> None:
    await _post(http, "entities", a_request(7, **WORDS))


async def _upsert_many(http: httpx.AsyncClient) -> None:
    many = [a_request(number, **WORDS) for number in range(40)]
    await _post(http, "entityOperations/upsert", many)
    await _post(http, "entityOperations/upsert", many, 204)


async def _append(http: httpx.AsyncClient) -> None:
    await _post(http, "entities", a_request(7, None, description=None, address_string=None))
    await _post(http, f"entities/{REQUEST}/attrs", WORDS, 204)


async def _merge(http: httpx.AsyncClient) -> None:
    await _post(http, "entities", a_request(7, None))
    assert (await http.patch(f"{NGSI}/entities/{REQUEST}", json=WORDS)).status_code == 204
    changed = {"type": "Property", "value": "Тајна опет"}
    assert (await http.patch(f"{NGSI}/entities/{REQUEST}/attrs/description", json=changed)).status_code == 204


async def _replace(http: httpx.AsyncClient) -> None:
    await _post(http, "entities", a_request(7, None))
    assert (await http.put(f"{NGSI}/entities/{REQUEST}", json=a_request(7, **WORDS))).status_code == 204


async def _temporal(http: httpx.AsyncClient) -> None:
    said = {name: {"type": "Property", "value": value} for name, value in WORDS.items() if name != "location"}
    said["location"] = {"type": "GeoProperty", "value": WORDS["location"]}
    body = {"id": REQUEST, "type": "service_requests", **said}
    await _post(http, "temporal/entities", body)
    await _post(http, f"temporal/entities/{REQUEST}/attrs", said, 204)
    await _post(http, "entities", a_request(7, **WORDS))
    await _post(http, f"temporal/entities/{REQUEST}/attrs", said, 204)


async def _without_context(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{NGSI}/entities", json=a_request(7, **WORDS), headers={"Link": ""})
    assert answer.status_code == 201


WAYS = (_create, _upsert_many, _append, _merge, _replace, _temporal, _without_context)


class TestSealed:
    @pytest.mark.parametrize("write", WAYS)
    async def test_no_door_and_no_table_of_the_memory_has_it_however_it_was_written(
        self, write: Any, outside: Outside, worker: Worker, crew: httpx.AsyncClient, services: Services
    ) -> None:
        follower = {"endpoint": {"uri": "http://127.0.0.1:9/n"}}
        body = {"type": "Subscription", "entities": [{"type": "service_requests"}], "notification": follower}
        await _post(outside.http, "subscriptions", body)
        await write(outside.http)
        await worker()
        snapshot = {
            "type": "Snapshot",
            "snapshotQueries": [{"type": "Query", "entities": [{"type": "service_requests"}]}],
        }
        await _post(outside.http, "snapshots", snapshot)
        for door in DOORS:
            answer = await crew.get(door)
            assert answer.status_code in (200, 400, 404), (door, answer.text)
            if answer.status_code == 200:
                assert not told(answer.text.replace("q=Тајна", "")), door
        tables = await rows(
            services,
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'tenant_city%%'"
            " AND tablename NOT IN ('entity_words', 'citizen_request')",
        )
        assert len(tables) > 40
        for table in tables:
            name = sql.Identifier(table["schemaname"], table["tablename"])
            async with services.database.session("city") as connection:
                cursor = await connection.execute(sql.SQL("SELECT t::text AS text FROM {} AS t").format(name))
                text = " ".join(row["text"] for row in await cursor.fetchall())
            assert not told(text), table
            assert not [secret for secret in SECRETS if secret.encode().hex() in text], table

    async def test_nobody_finds_by_it(self, outside: Outside, crew: httpx.AsyncClient) -> None:
        await _create(outside.http)
        near = f"georel=near;maxDistance==50&geometry=Point&coordinates=[{PLACE[0]},{PLACE[1]}]"
        for question in ('q=description~=".*"', "q=phone", "q=address_string", near):
            answer = await crew.get(f"{NGSI}/entities?type=service_requests&{question}")
            assert (answer.status_code, answer.json()) == (200, [])

    async def test_the_desk_reads_it_and_what_its_sender_changes_of_it(
        self, outside: Outside, worker: Worker, client: httpx.AsyncClient
    ) -> None:
        await _create(outside.http)
        await worker()
        view = (await client.get(f"/api/requests/{REQUEST}")).json()
        assert (view["description"], view["address"]) == (WORDS["description"], WORDS["address_string"])
        assert view["place"]["coordinates"] == PLACE
        await outside.patch(REQUEST, description="Друго", location={"type": "Point", "coordinates": [21.9, 43.3]})
        await worker()
        view = (await client.get(f"/api/requests/{REQUEST}")).json()
        assert (view["description"], view["address"]) == ("Друго", WORDS["address_string"])
        near = (await client.get("/api/requests")).json()["items"]
        assert near[0]["place"]["coordinates"] == [21.9, 43.3]

    async def test_it_goes_when_its_sender_takes_it_back(self, outside: Outside, services: Services) -> None:
        await _create(outside.http)
        assert (await outside.http.delete(f"{NGSI}/entities/{REQUEST}/attrs/description")).status_code == 204
        (kept,) = await rows(services, "SELECT document::text AS said FROM entity_words")
        assert "комшија" not in kept["said"]
        assert "Обреновићева 7" in kept["said"]
        await outside.delete(REQUEST)
        assert await rows(services, "SELECT id FROM entity_words") == []

    async def test_a_word_with_an_end_goes_at_that(self, outside: Outside, services: Services) -> None:
        await _create(outside.http)
        fleeting = {"type": "Property", "value": "комшија", "expiresAt": "2999-01-01T00:00:00Z"}
        assert (
            await outside.http.patch(f"{NGSI}/entities/{REQUEST}", json={"description": fleeting})
        ).status_code == 204
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE attribute_expiry SET expires_at = now()")
            await connection.execute(
                "UPDATE entity_words SET document = replace(document::text, '2999-', '2020-')::jsonb"
            )
        await expire_entities(services, "city")
        (kept,) = await rows(services, "SELECT document::text AS said FROM entity_words")
        assert "комшија" not in kept["said"]
        assert "Обреновићева 7" in kept["said"]

    async def test_it_goes_with_a_whole_new_state_that_does_not_say_it(
        self, outside: Outside, services: Services
    ) -> None:
        await _create(outside.http)
        bare = a_request(7, None, description=None, address_string=None)
        assert (await outside.http.put(f"{NGSI}/entities/{REQUEST}", json=bare)).status_code == 204
        assert await rows(services, "SELECT id FROM entity_words") == []

    async def test_who_reported_is_not_kept_at_all(self, outside: Outside, services: Services) -> None:
        await _create(outside.http)
        (kept,) = await rows(services, "SELECT document FROM entity_words")
        assert sealed.WORDS.issuperset(kept["document"])
        assert len(kept["document"]) == 5

    async def test_it_is_forgotten_after_a_year(self, outside: Outside, worker: Worker, services: Services) -> None:
        await _create(outside.http)
        await worker()
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE citizen_request SET changed_at = '2025-01-01T00:00:00Z'")
            await _forget_before(connection, "2025-01-01T00:00:00Z")
            assert (await (await connection.execute("SELECT id FROM entity_words")).fetchall()) != []
            await _forget_before(connection, "2025-01-02T00:00:00Z")
            assert (await (await connection.execute("SELECT id FROM entity_words")).fetchall()) == []


async def _forget_before(connection: Any, moment: str) -> None:
    await forget_words(connection, datetime.fromisoformat(moment))


class TestMigration:
    async def test_what_was_written_before_is_moved_and_its_past_removed(
        self, outside: Outside, services: Services, crew: httpx.AsyncClient, client: httpx.AsyncClient, worker: Worker
    ) -> None:
        """Written as an installation of before has it: everything in the entity, and in its history."""
        with pytest.MonkeyPatch.context() as before:
            before.setattr(sealed, "is_sealed", lambda _types: False)
            await _create(outside.http)
            await _post(outside.http, "entities", a_request(8, **WORDS))
            await outside.delete("urn:ngsi-ld:service_requests:nis:8")
        assert told((await crew.get(PAST)).text)
        migration = import_module("vidik.migrations.tenant.versions.t0032_words")
        async with services.database.transaction("city") as connection:
            await connection.execute(migration.move())
        await worker()
        for door in DOORS:
            answer = await crew.get(door)
            assert not told(answer.text.replace("q=Тајна", "")), door
        assert "service_code" in (await crew.get(PAST)).text
        view = (await client.get(f"/api/requests/{REQUEST}")).json()
        assert (view["description"], view["place"]["coordinates"]) == (WORDS["description"], PLACE)
        past = await rows(services, "SELECT json::text AS text FROM observation WHERE json IS NOT NULL")
        assert not told(str(past))


ALARM = """
    INSERT INTO alarm (rule, entity_id, attribute, entity_name, service, origin, priority, state, message, count,
                       observed_at, raised_at, last_seen_at)
    VALUES ('near', %s, '', %s, 'all', 'real', 'high', 'unacknowledged', '{}', 1, now(), now(), now())
"""


class TestStreets:
    @pytest.mark.parametrize(
        ("entity_id", "said", "stays"),
        [
            ("urn:ngsi-ld:service_requests:nis:8", "Вожда Карађорђа 12", "Вожда Карађорђа"),
            ("urn:ngsi-ld:service_requests:nis:8", "Vožda Karađorđa 12a/3, kod Tajne", "Vožda Karađorđa"),
            ("urn:ngsi-ld:service_requests:nis:8", "Булевар 12. фебруар 25", "Булевар 12. фебруар"),
            ("urn:ngsi-ld:service_requests:nis:8", "Вожда Карађорђа 12.", "Вожда Карађорђа"),
            ("urn:ngsi-ld:service_requests:nis:8", "7. јула 3", "7. јула"),
            ("urn:ngsi-ld:service_requests:nis:8", ", код Тајне", "8"),
            ("urn:x:own-name", "Обреновићева 3", "Обреновићева"),
            ("urn:ngsi-ld:HeatSubstation:nis:s01", "Подстаница 12, Чаир", "Подстаница 12, Чаир"),
        ],
    )
    async def test_an_alarm_of_before_keeps_the_street_of_a_request_and_every_name_of_an_asset(
        self, outside: Outside, services: Services, entity_id: str, said: str, stays: str
    ) -> None:
        await _post(outside.http, "entities", a_request(8, **WORDS) | {"id": "urn:x:own-name"})
        migration = import_module("vidik.migrations.tenant.versions.t0037_streets")
        async with services.database.transaction("city") as connection:
            await connection.execute(ALARM, [entity_id, said])
            await connection.execute(migration.CUT)
            await connection.execute(migration.CUT)
        assert await rows(services, "SELECT entity_name FROM alarm") == [{"entity_name": stays}]
