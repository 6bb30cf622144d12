"""The device registry over HTTP."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.intake.devices import DeviceDirectory, HealthRow, flush_health, health_of, repository
from vidik.kernel import audit

BIN = {"device_id": "bin-1", "profile": "demo-waste-container", "name": "Bin 1", "place": [21.9, 43.32]}
ADD = """
    INSERT INTO device (device_id, profile, name, origin, expected_interval)
    VALUES (%s, 'test', 'test', 'real', %s)
"""


async def actions(services) -> list[str]:
    async with services.database.platform() as connection:
        records = await audit.newest(connection, "city", before=None, limit=100)
    return [record["action"] for record in records]


async def see(services, *rows: HealthRow) -> None:
    async with services.database.transaction("city") as connection:
        await flush_health(connection, rows)


class TestRegister:
    async def test_a_device_takes_entity_and_interval_from_its_profile(self, administrator):
        answer = await administrator.post("/api/devices", json=BIN)

        assert answer.status_code == 201
        assert answer.json() == {"device_id": "bin-1", "entity_id": "urn:ngsi-ld:WasteContainer:nis:bin-1"}
        shown = (await administrator.get("/api/devices/bin-1")).json()
        assert shown["expected_interval_seconds"] == 900
        assert shown["service"] == "waste"
        assert shown["place"] == {"type": "Point", "coordinates": [21.9, 43.32]}
        assert shown["health"] == "never"

    async def test_the_secret_is_shown_once_and_opens_the_door_at_once(self, administrator, services):
        directory = services.get(DeviceDirectory)
        await directory.close()  # it no longer hears of changes by itself

        answer = await administrator.post("/api/devices", json=BIN, params={"with_secret": True})

        secret = answer.json()["secret"]
        assert directory.authenticate("bin-1", secret).device_id == "bin-1"
        assert "secret" not in (await administrator.get("/api/devices/bin-1")).json()

    async def test_a_thousand_at_once_and_once_more(self, administrator, services):
        devices = [BIN | {"device_id": f"bin-{number}", "name": f"Bin {number}"} for number in range(1000)]

        first = await administrator.post("/api/devices", json=devices)
        refused = await administrator.post("/api/devices", json=devices)
        again = await administrator.post("/api/devices", json=devices, params={"existing": "update"})

        assert first.status_code == 201
        assert len(first.json()["items"]) == 1000
        assert refused.status_code == 409
        assert again.status_code == 201
        listed = (await administrator.get("/api/devices", params={"limit": 10})).json()
        assert listed["counts"]["never"] == 1000
        assert listed["next"] == listed["items"][-1]["device_id"]
        assert (await actions(services)).count("device.register") == 2

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"device_id": "a/b"}, "device_id"),
            ({"device_id": "$SYS"}, "device_id"),
            ({"device_id": "+"}, "device_id"),
            ({"profile": "nothing"}, "profile"),
            ({"entity_id": "no uri"}, "entity_id"),
            ({"gateway_id": "nobody"}, "gateway_id"),
        ],
    )
    async def test_says_which_field_is_wrong(self, administrator, change, field):
        answer = await administrator.post("/api/devices", json=BIN | change)

        assert answer.status_code == 400
        assert answer.json()["field"] == field

    @pytest.mark.parametrize(
        "change", [{"place": [200, 10]}, {"place": {"type": "Point"}}, {"origin": "dreamt"}, {"unknown": 1}]
    )
    async def test_refuses_what_has_another_shape(self, administrator, change):
        assert (await administrator.post("/api/devices", json=BIN | change)).status_code in (400, 422)

    async def test_a_gateway_may_come_with_its_devices(self, administrator):
        answer = await administrator.post(
            "/api/devices", json=[BIN | {"gateway_id": "gateway"}, {"device_id": "gateway"}]
        )

        assert answer.status_code == 201

    async def test_a_role_in_one_organisation_reaches_its_devices_only(self, client):
        manager = client(("utility_manager", "Medijana"))

        own = await manager.post("/api/devices", json=BIN | {"organisation": "Medijana"})
        foreign = await manager.post("/api/devices", json=BIN | {"device_id": "x", "organisation": "Toplana"})
        nobodys = await manager.post("/api/devices", json=BIN | {"device_id": "x"})

        assert (own.status_code, foreign.status_code, nobodys.status_code) == (201, 403, 403)

    async def test_another_organisations_device_cannot_be_taken_over(self, administrator, client):
        await administrator.post("/api/devices", json=BIN | {"organisation": "Toplana"})
        manager = client(("utility_manager", "Medijana"))

        answer = await manager.post(
            "/api/devices", json=BIN | {"organisation": "Medijana"}, params={"existing": "update"}
        )

        assert answer.status_code == 403

    async def test_needs_the_permission(self, client):
        assert (await client().post("/api/devices", json=BIN)).status_code == 401
        assert (await client("dispatcher").post("/api/devices", json=BIN)).status_code == 403


class TestChange:
    async def test_another_profile_brings_its_own_entity_and_interval(self, administrator):
        await administrator.post("/api/devices", json=BIN)

        answer = await administrator.patch("/api/devices/bin-1", json={"profile": "demo-parking-site"})

        assert answer.status_code == 200
        assert answer.json()["entity_id"] == "urn:ngsi-ld:OffStreetParking:nis:bin-1"
        assert answer.json()["expected_interval_seconds"] == 120
        assert answer.json()["name"] == "Bin 1"

    async def test_what_a_person_chose_stays(self, administrator):
        await administrator.post("/api/devices", json=BIN | {"entity_id": "urn:mine:1", "expected_interval_seconds": 7})

        answer = await administrator.patch("/api/devices/bin-1", json={"profile": "demo-parking-site"})

        assert answer.json()["entity_id"] == "urn:mine:1"
        assert answer.json()["expected_interval_seconds"] == 7

    async def test_a_new_secret_ends_the_old_one_and_the_doors_hear_of_it(self, administrator, services):
        old = (await administrator.post("/api/devices", json=BIN | {"with_secret": True})).json()["secret"]
        directory = services.get(DeviceDirectory)
        await directory.refresh()
        ended: set[str] = set()
        directory.on_credential_end.append(ended.update)

        new = (await administrator.post("/api/devices/bin-1/secret")).json()["secret"]
        await directory.refresh()

        assert directory.authenticate("bin-1", old) is None
        assert directory.authenticate("bin-1", new) is not None
        assert ended == {"bin-1"}

    async def test_a_gateway_with_devices_cannot_go(self, administrator):
        await administrator.post("/api/devices", json=[BIN | {"gateway_id": "gateway"}, {"device_id": "gateway"}])

        assert (await administrator.delete("/api/devices/gateway")).status_code == 409
        assert (await administrator.delete("/api/devices/bin-1")).status_code == 204
        assert (await administrator.delete("/api/devices/gateway")).status_code == 204
        assert (await administrator.get("/api/devices/gateway")).status_code == 404


class TestList:
    async def test_filters_by_health_service_and_words(self, administrator, services):
        await administrator.post(
            "/api/devices",
            json=[
                BIN | {"device_id": "late", "name": "100%_full"},
                BIN | {"device_id": "fresh"},
                BIN | {"device_id": "car-park", "profile": "demo-parking-site"},
            ],
        )
        now = datetime.now(UTC)
        await see(services, HealthRow("late", now - timedelta(seconds=1000), "mqtt"), HealthRow("fresh", now, "mqtt"))

        by_health = (await administrator.get("/api/devices", params={"state": "late"})).json()
        by_service = (await administrator.get("/api/devices", params={"service": "parking"})).json()
        by_words = (await administrator.get("/api/devices", params={"search": "0%_f"})).json()

        assert [item["device_id"] for item in by_health["items"]] == ["late"]
        assert by_health["counts"] == {"ok": 1, "late": 1, "silent": 0, "rejecting": 0, "never": 1}
        assert [item["device_id"] for item in by_service["items"]] == ["car-park"]
        assert by_service["counts"]["never"] == 1
        assert [item["device_id"] for item in by_words["items"]] == ["late"]

    async def test_finds_a_name_in_whatever_script(self, administrator):
        await administrator.post("/api/devices", json=BIN | {"name": "Његошева 12"})

        for words in ("njegoševa", "ЊЕГОШЕВА", "njegoseva 12", "bin-1", "WasteContainer:nis"):
            listed = (await administrator.get("/api/devices", params={"search": words})).json()
            assert [item["device_id"] for item in listed["items"]] == ["bin-1"], words
        nothing = (await administrator.get("/api/devices", params={"search": "obilićev"})).json()
        assert nothing["items"] == []
        assert nothing["counts"]["never"] == 0

    async def test_pages(self, administrator):
        await administrator.post("/api/devices", json=[BIN | {"device_id": name} for name in "abc"])

        first = (await administrator.get("/api/devices", params={"limit": 2})).json()
        second = (await administrator.get("/api/devices", params={"limit": 2, "after": first["next"]})).json()

        assert [item["device_id"] for item in first["items"] + second["items"]] == ["a", "b", "c"]
        assert second["next"] is None

    async def test_a_gateway_was_seen_when_a_device_behind_it_was(self, administrator, services):
        await administrator.post("/api/devices", json=[BIN | {"gateway_id": "gateway"}, {"device_id": "gateway"}])
        await see(services, HealthRow("bin-1", datetime.now(UTC), "mqtt"))

        assert (await administrator.get("/api/devices/gateway")).json()["health"] == "ok"


class TestHealth:
    @given(
        interval=st.none() | st.integers(1, 10_000),
        quiet=st.none() | st.integers(-10, 40_000),
        rejected_before=st.none() | st.integers(-5, 5),
    )
    def test_silent_says_more_than_rejecting_and_rejecting_more_than_late(self, interval, quiet, rejected_before):
        now = datetime(2026, 11, 22, tzinfo=UTC)
        expected = None if interval is None else timedelta(seconds=interval)
        seen = None if quiet is None else now - timedelta(seconds=quiet)
        rejected = None if rejected_before is None or seen is None else seen - timedelta(seconds=rejected_before)

        health = health_of(now, expected, seen, rejected)

        assert (health == "never") == (seen is None)
        assert (health == "silent") == (quiet is not None and interval is not None and quiet > 3 * interval)
        if health == "late":
            assert interval < quiet <= 3 * interval
        if health in ("ok", "late") and rejected is not None:
            assert rejected < seen

    async def test_the_database_says_the_same(self, connection):
        moment = (await (await connection.execute("SELECT now() AS now")).fetchone())["now"]
        cases = list(product([None, 100], [None, 0, 50, 150, 290, 350], [None, 0, 1]))
        expected = {}
        for number, (interval, quiet, rejected_before) in enumerate(cases):
            name = f"d{number}"
            pace = None if interval is None else timedelta(seconds=interval)
            seen = None if quiet is None else moment - timedelta(seconds=quiet)
            refused = None
            if seen is not None and rejected_before is not None:
                refused = seen - timedelta(seconds=rejected_before)
            await connection.execute(ADD, [name, pace])
            if seen is not None:
                await flush_health(connection, [HealthRow(name, seen, "mqtt", None, refused, 1, 0)])
            expected[name] = health_of(moment, pace, seen, refused)

        criteria = {"profiles": None, "devices": None, "state": None, "after": None, "limit": 1000}
        rows = await repository.listed(connection, criteria)

        assert {row["device_id"]: row["health"] for row in rows} == expected

    async def test_flushes_add_counts_and_never_turn_back_time(self, connection):
        early = datetime(2026, 1, 1, tzinfo=UTC)
        late = early + timedelta(hours=1)
        await flush_health(connection, [HealthRow("d", late, "broker", late, None, 2, 1)])
        await flush_health(connection, [HealthRow("d", early, "http", early, early, 3, 1)])

        row = await (await connection.execute("SELECT * FROM device_health")).fetchone()

        assert (row["last_seen"], row["last_observed"], row["last_rejected"]) == (late, late, early)
        assert row["door"] == "broker"
        assert (row["messages"], row["rejected"]) == (5, 2)


class TestProfiles:
    async def test_lists_what_is_in_use(self, client):
        answer = (await client("dispatcher").get("/api/profiles")).json()

        assert "demo-waste-container" in [item["name"] for item in answer["items"]]
        assert answer["mistake"] is None
