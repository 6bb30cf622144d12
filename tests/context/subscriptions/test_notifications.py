"""When a notification is sent, and what it says (ETSI GS CIM 009, clauses 5.8.6, 5.2.12, 4.5.20 and 5.3.1)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.context.subscriptions.conftest import City, Worker
from tests.context.subscriptions.receiver import Received, Receiver

from vidik.context.subscriptions import intervals
from vidik.kernel import clock
from vidik.kernel.database import Database

NULL = "urn:ngsi-ld:null"


async def silence(receiver: Receiver, city: City, **members: Any) -> None:
    """Nothing comes, though a notification that is owed later does."""
    await city.subscribe(entities=[{"type": "Marker"}], notificationTrigger=["entityCreated"], notification={})
    await city.client.post("/entities", json={"id": "urn:ngsi-ld:Marker:1", "type": "Marker", "m": 1})
    await receiver.wait(1)
    await asyncio.sleep(0.3)
    assert [one.data[0]["type"] for one in receiver.received] == ["Marker"]


async def test_an_update_is_told_with_the_whole_entity(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(name="Tower", level=1)
    subscription_id = await city.subscribe()

    await city.change(entity_id, level=4)

    (told,) = await receiver.wait(1)
    assert told.body["type"] == "Notification"
    assert told.body["id"].startswith("urn:ngsi-ld:Notification:")
    assert told.body["subscriptionId"] == subscription_id
    assert told.body["notifiedAt"].endswith("Z")
    assert told.data == [
        {
            "id": entity_id,
            "type": "Building",
            "name": {"type": "Property", "value": "Tower"},
            "level": {"type": "Property", "value": 4},
        }
    ]
    assert told.headers["Content-Type"] == "application/json"
    assert "ngsi-ld-core-context" in told.headers["Link"]
    assert "NGSILD-Tenant" not in told.headers


@pytest.mark.parametrize(
    ("selector", "is_told"),
    [
        ({"type": "Building"}, True),
        ({"type": "Tower"}, False),
        ({"type": "(Building|Tower)"}, True),
        ({"type": "Building;Tower"}, False),
        ({"type": "*"}, True),
        ({"type": "Building", "id": "urn:ngsi-ld:Building:1"}, True),
        ({"type": "Building", "id": "urn:ngsi-ld:Building:2"}, False),
        ({"type": "Tower", "id": "urn:ngsi-ld:Building:1"}, False),
        ({"type": "Building", "idPattern": ".*Building:[0-9]$"}, True),
        ({"type": "Building", "idPattern": ".*Building:[a-z]$"}, False),
        ({"type": "Building", "id": "urn:ngsi-ld:Building:1", "idPattern": ".*Tower.*"}, True),  # 5.2.33
    ],
)
async def test_selectors(city: City, receiver: Receiver, selector: dict[str, str], is_told: bool) -> None:
    await city.subscribe(entities=[selector])
    await city.create(level=1)

    if is_told:
        assert len(await receiver.wait(1)) == 1
    else:
        await silence(receiver, city)


@pytest.mark.parametrize(
    ("members", "is_told"),
    [
        ({"watchedAttributes": ["level"]}, True),
        ({"watchedAttributes": ["name"]}, False),
        ({"watchedAttributes": ["level"], "entities": None}, True),
        ({"q": "level>3"}, True),
        ({"q": "level<3"}, False),
        ({"q": 'name=="Tower";level==4'}, True),
        ({"q": 'name=="Hut"|level==5'}, False),
        ({"q": "!height"}, True),
        ({"q": "!next{height};!next{City:height}"}, True),
        ({"q": "next{height}"}, False),
        ({"q": "!name"}, False),
        ({"scopeQ": "/Nis/#"}, True),
        ({"scopeQ": "/Beograd/#"}, False),
        ({"geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [21.9, 43.32]}}, True),
        ({"geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [20.4, 44.8]}}, False),
        ({"notificationTrigger": ["attributeUpdated"]}, True),
        ({"notificationTrigger": ["entityUpdated"]}, True),
        ({"notificationTrigger": ["attributeCreated"]}, False),
        ({"notificationTrigger": ["attributeDeleted"]}, False),
        ({"notificationTrigger": ["entityCreated", "entityDeleted"]}, False),
        ({"isActive": False}, False),
    ],
)
async def test_conditions_of_an_update(city: City, receiver: Receiver, members: dict[str, Any], is_told: bool) -> None:
    entity_id = await city.create(
        name="Tower",
        level=1,
        scope="/Nis/Medijana",
        location={"type": "Point", "coordinates": [21.9, 43.32]},
    )
    await city.subscribe(**members)

    await city.change(entity_id, level=4)

    if is_told:
        assert (await receiver.wait(1))[0].data[0]["level"]["value"] == 4
    else:
        await silence(receiver, city)


async def test_a_new_attribute_triggers_attribute_created(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(level=1)
    await city.subscribe(notificationTrigger=["attributeCreated"])

    await city.client.post(f"/entities/{entity_id}/attrs", json={"height": 3})

    assert (await receiver.wait(1))[0].data[0]["height"]["value"] == 3


async def test_a_deleted_attribute_is_told_as_null(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(name="Tower", level=1)
    await city.subscribe(notificationTrigger=["attributeDeleted"], watchedAttributes=["name"])
    await city.subscribe(notificationTrigger=["attributeDeleted"], notification={"format": "keyValues"})
    await city.subscribe(notificationTrigger=["attributeDeleted"], notification={"sysAttrs": True})
    await city.subscribe(notificationTrigger=["attributeDeleted"], notification={"showChanges": True})

    await city.delete(f"{entity_id}/attrs/name")

    told = {one.body["subscriptionId"]: one.data[0]["name"] for one in await receiver.wait(4)}
    normalized, simplified, system, changes = (told[one] for one in sorted(told, key=list(told).index))
    shown = [normalized, simplified, system, changes]
    assert {"type": "Property", "value": NULL} in shown
    assert NULL in shown
    assert {"type": "Property", "value": NULL, "previousValue": "Tower"} in shown
    assert any(isinstance(one, dict) and "deletedAt" in one for one in shown)


async def test_a_deleted_instance_is_told_beside_those_that_stay(city: City, receiver: Receiver) -> None:
    french = "urn:ngsi-ld:Dataset:fr"
    names = [{"type": "Property", "value": "Tower"}, {"type": "Property", "value": "Tour", "datasetId": french}]
    entity_id = await city.create(name=names)
    await city.subscribe(notificationTrigger=["attributeDeleted"])

    await city.delete(f"{entity_id}/attrs/name?datasetId={french}")

    assert (await receiver.wait(1))[0].data[0]["name"] == [
        {"type": "Property", "value": "Tower"},
        {"type": "Property", "value": NULL, "datasetId": french},
    ]


async def test_a_deleted_entity_is_told(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(name="Tower")
    await city.subscribe(notificationTrigger=["entityDeleted"], q='name=="Tower"')

    await city.delete(entity_id)

    (entity,) = (await receiver.wait(1))[0].data
    assert entity.pop("deletedAt").endswith("Z")
    assert entity == {"id": entity_id, "type": "Building"}


async def test_a_deleted_entity_has_the_times_it_had(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(name="Tower")
    before = (await city.client.get(f"/entities/{entity_id}", params={"options": "sysAttrs"})).json()
    await city.subscribe(notificationTrigger=["entityDeleted"], notification={"sysAttrs": True})

    await city.delete(entity_id)

    (entity,) = (await receiver.wait(1))[0].data
    assert entity.keys() == {"id", "type", "createdAt", "modifiedAt", "deletedAt"}
    assert (entity["createdAt"], entity["modifiedAt"]) == (before["createdAt"], before["modifiedAt"])


async def test_the_core_context_is_named_as_the_subscriber_names_it(city: City, receiver: Receiver) -> None:
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
    accept = {"endpoint": {"accept": "application/ld+json"}}
    await city.subscribe(jsonldContext=core, notification=accept)

    await city.create(name="Tower")

    (entity,) = (await receiver.wait(1))[0].data
    assert entity["@context"] == core


async def test_a_deleted_entity_shows_what_it_was(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(name="Tower", at={"type": "Relationship", "object": "urn:ngsi-ld:City:Nis"})
    await city.subscribe(notificationTrigger=["entityDeleted"], notification={"showChanges": True})

    await city.delete(entity_id)

    (entity,) = (await receiver.wait(1))[0].data
    assert entity["name"] == {"type": "Property", "value": NULL, "previousValue": "Tower"}
    assert entity["at"] == {"type": "Relationship", "object": NULL, "previousObject": "urn:ngsi-ld:City:Nis"}


async def test_a_language_map_goes_in_its_own_way_with_its_entity_too(city: City, receiver: Receiver) -> None:  # 4.6.5
    entity_id = await city.create(name={"languageMap": {"sr": "Kula"}})
    await city.subscribe(notificationTrigger=["entityDeleted"], notification={"showChanges": True})

    await city.delete(entity_id)

    (entity,) = (await receiver.wait(1))[0].data
    assert entity["name"]["languageMap"] == {"@none": NULL}
    assert entity["name"]["previousLanguageMap"] == {"sr": "Kula"}


async def test_the_watched_attribute_goes_with_its_entity(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(name="Tower", level=1)
    await city.subscribe(notificationTrigger=["attributeDeleted"], watchedAttributes=["name"])

    await city.delete(entity_id)

    (entity,) = (await receiver.wait(1))[0].data
    assert entity.keys() == {"id", "type", "deletedAt", "name"}
    assert entity["name"]["value"] == NULL


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (1, 2, {"type": "Property", "value": 2, "previousValue": 1}),
        (
            {"languageMap": {"sr": "Kula"}},
            {"languageMap": {"sr": "Zgrada"}},
            {
                "type": "LanguageProperty",
                "languageMap": {"sr": "Zgrada"},
                "previousLanguageMap": {"sr": "Kula"},
            },
        ),
        (
            {"vocab": "monument"},
            {"vocab": "museum"},
            {"type": "VocabProperty", "vocab": "museum", "previousVocab": "monument"},
        ),
        (
            {"type": "JsonProperty", "json": {"a": 1}},
            {"type": "JsonProperty", "json": {"b": None}},
            {"type": "JsonProperty", "json": {"b": None}, "previousJson": {"a": 1}},
        ),
    ],
)
async def test_changes_are_shown(city: City, receiver: Receiver, before: Any, after: Any, shown: Any) -> None:
    entity_id = await city.create(level=before)
    await city.subscribe(notification={"showChanges": True})

    await city.change(entity_id, level=after)

    assert (await receiver.wait(1))[0].data[0]["level"] == shown


async def test_an_instance_that_stayed_as_it_was_has_no_previous_value(city: City, receiver: Receiver) -> None:
    other = "urn:ngsi-ld:Dataset:other"
    entity_id = await city.create(level=[{"value": 1}, {"value": 5, "datasetId": other}])
    await city.subscribe(notification={"showChanges": True})

    await city.change(entity_id, level=2)

    assert (await receiver.wait(1))[0].data[0]["level"] == [
        {"type": "Property", "value": 2, "previousValue": 1},
        {"type": "Property", "value": 5, "datasetId": other},
    ]


async def test_a_created_entity_has_no_previous_values(city: City, receiver: Receiver) -> None:
    await city.subscribe(notificationTrigger=["entityCreated"], notification={"showChanges": True})

    await city.create(level=1)

    assert (await receiver.wait(1))[0].data[0]["level"] == {"type": "Property", "value": 1}


@pytest.mark.parametrize(
    ("notification", "level"),
    [
        ({"format": "normalized"}, {"type": "Property", "value": 4}),
        ({"format": "concise"}, 4),
        ({"format": "simplified"}, 4),
        ({"format": "concise", "showChanges": True}, {"value": 4, "previousValue": 1}),
    ],
)
async def test_formats(city: City, receiver: Receiver, notification: dict[str, Any], level: Any) -> None:
    entity_id = await city.create(level=1)
    await city.subscribe(notification=notification)

    await city.change(entity_id, level=4)

    assert (await receiver.wait(1))[0].data[0]["level"] == level


@pytest.mark.parametrize(
    ("notification", "members"),
    [
        ({"attributes": ["level"]}, {"id", "type", "level"}),
        ({"pick": ["id", "level"]}, {"id", "level"}),
        ({"omit": ["type", "name"]}, {"id", "level"}),
        ({"sysAttrs": True}, {"id", "type", "level", "name", "createdAt", "modifiedAt"}),
    ],
)
async def test_members(city: City, receiver: Receiver, notification: dict[str, Any], members: set[str]) -> None:
    entity_id = await city.create(level=1, name="Tower")
    await city.subscribe(notification=notification)

    await city.change(entity_id, level=4)

    assert (await receiver.wait(1))[0].data[0].keys() == members


async def test_datasets_and_language_are_chosen(city: City, receiver: Receiver) -> None:
    french = "urn:ngsi-ld:Dataset:fr"
    await city.subscribe(datasetId=[french], lang="sr")

    await city.create(
        name=[{"value": "Tower"}, {"value": "Tour", "datasetId": french}],
        street={"languageMap": {"sr": "Ulica", "en": "Street"}, "datasetId": french},
    )

    (entity,) = (await receiver.wait(1))[0].data
    assert entity["name"] == {"type": "Property", "value": "Tour", "datasetId": french}
    assert entity["street"]["value"] == "Ulica"


@pytest.mark.parametrize(
    ("join", "number", "inside"),
    [("inline", 1, {"id": "urn:ngsi-ld:City:Nis", "type": "City", "size": {"type": "Property", "value": 5}})],
)
async def test_a_linked_entity_comes_inside(
    city: City, receiver: Receiver, join: str, number: int, inside: dict[str, Any]
) -> None:
    await city.client.post("/entities", json={"id": "urn:ngsi-ld:City:Nis", "type": "City", "size": 5})
    await city.subscribe(notification={"join": join})

    await city.create(at={"type": "Relationship", "object": "urn:ngsi-ld:City:Nis"})

    (entity,) = (await receiver.wait(1))[0].data
    assert entity["at"]["entity"] == inside


@pytest.mark.parametrize(("limit", "is_told"), [(1, True), (3, False)])
async def test_q_asks_of_what_the_entity_links_to(city: City, receiver: Receiver, limit: int, is_told: bool) -> None:
    await city.subscribe(entities=[{"type": "Wall"}], q=f"of{{Building:level}}>{limit}")
    entity_id = await city.create(level=2)
    wall = {"id": "urn:ngsi-ld:Wall:1", "type": "Wall", "of": {"type": "Relationship", "object": entity_id}}
    assert (await city.client.post("/entities", json=wall)).status_code == 201

    if is_told:
        assert (await receiver.wait(1))[0].data[0]["id"] == "urn:ngsi-ld:Wall:1"
    else:
        await silence(receiver, city)


async def test_a_linked_entity_comes_beside(city: City, receiver: Receiver) -> None:
    await city.client.post("/entities", json={"id": "urn:ngsi-ld:City:Nis", "type": "City", "size": 5})
    await city.subscribe(notification={"join": "flat", "format": "keyValues"})

    entity_id = await city.create(at={"type": "Relationship", "object": "urn:ngsi-ld:City:Nis"})

    assert (await receiver.wait(1))[0].data == [
        {"id": entity_id, "type": "Building", "at": "urn:ngsi-ld:City:Nis"},
        {"id": "urn:ngsi-ld:City:Nis", "type": "City", "size": 5},
    ]


async def test_json_ld_carries_its_context(city: City, receiver: Receiver) -> None:
    await city.subscribe(notification={"endpoint": {"accept": "application/ld+json"}})

    await city.create(level=1)

    (told,) = await receiver.wait(1)
    assert "@context" in told.data[0]
    assert told.headers["Content-Type"] == "application/ld+json"
    assert "Link" not in told.headers


async def test_geo_json_is_a_feature_collection(city: City, receiver: Receiver) -> None:
    await city.subscribe(notification={"endpoint": {"accept": "application/geo+json"}})

    await city.create(location={"type": "Point", "coordinates": [21.9, 43.32]})

    told = (await receiver.wait(1))[0].data
    assert told["type"] == "FeatureCollection"
    assert told["features"][0]["geometry"] == {"type": "Point", "coordinates": [21.9, 43.32]}
    assert told["features"][0]["properties"]["type"] == "Building"


async def test_receiver_info_becomes_headers(city: City, receiver: Receiver) -> None:
    await city.subscribe(notification={"endpoint": {"receiverInfo": [{"key": "X-Key", "value": "secret"}]}})

    await city.create(level=1)

    assert (await receiver.wait(1))[0].headers["X-Key"] == "secret"


async def test_notifications_at_intervals(city: City, receiver: Receiver) -> None:
    await city.create("1", level=1)
    await city.create("2", level=9)
    await city.subscribe(timeInterval=1, q="level>5")

    for told in await receiver.wait(2):
        assert [entity["id"] for entity in told.data] == ["urn:ngsi-ld:Building:2"]


async def test_intervals_go_on_when_the_clock_was_ahead_and_is_right_again(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta()
    monkeypatch.setattr(intervals, "now", lambda: clock.now() + ahead)
    await city.create("1", level=1)
    await city.subscribe(timeInterval=1)
    await receiver.wait(1)
    ahead = timedelta(days=1)
    await receiver.wait(len(receiver.received) + 1)

    ahead = timedelta()

    await receiver.wait(len(receiver.received) + 2)


async def test_throttling_keeps_the_newest_state(city: City, receiver: Receiver) -> None:
    entity_id = await city.create(level=0)
    await city.subscribe(throttling=1, notification={"format": "keyValues"})

    for level in range(1, 6):
        await city.change(entity_id, level=level)
        await asyncio.sleep(0.1)

    first, second = await receiver.wait(2)
    assert first.data[0]["level"] < 5
    assert second.data == [{"id": entity_id, "type": "Building", "level": 5}]


async def test_throttling_outlasts_a_restart(city: City, receiver: Receiver, worker: Worker) -> None:
    loop, times = asyncio.get_running_loop(), list[float]()

    def note(_: Received) -> int:
        times.append(loop.time())
        return 204

    receiver.answer = note
    entity_id = await city.create(level=0)
    await city.subscribe(throttling=4, notification={"format": "keyValues"})
    await city.change(entity_id, level=1)
    await receiver.wait(1)
    await asyncio.sleep(0.3)  # until it is written down

    await worker.stop()
    await worker.start()
    await city.change(entity_id, level=2)

    await receiver.wait(2)
    assert times[1] - times[0] > 3.5


async def test_an_expired_entity_counts_as_deleted(city: City, receiver: Receiver) -> None:
    from vidik.context.store import entities

    await city.subscribe(notificationTrigger=["entityDeleted"])
    entity_id = await city.create(level=1, expiresAt="2026-01-01T00:00:00Z")
    database = city.client._transport.app.state.services.database  # type: ignore[attr-defined]  # an ASGI transport
    async with database.transaction("city") as connection:
        await entities.delete_expired(connection)

    assert (await receiver.wait(1))[0].data[0]["id"] == entity_id


async def test_what_happened_before_a_change_of_a_subscription_is_judged_by_its_former_words(
    city: City, receiver: Receiver, worker: Worker, database: Database
) -> None:
    entity_id = await city.create(name="Tower", level=1)
    subscription_id = await city.subscribe(watchedAttributes=["level"], q="level>5")
    other = await city.subscribe(watchedAttributes=["level"], q="level>90", entities=[{"type": "Building"}])
    await worker.stop()
    await city.change(entity_id, level=7)
    path = f"/subscriptions/{subscription_id}"
    for fragment in ({"watchedAttributes": ["name"], "q": "level<5"}, {"description": "once more"}):
        assert (await city.client.patch(path, json=fragment)).status_code == 204
    await city.change(entity_id, level=8)
    await city.change(entity_id, level=2, name="Spire")
    await city.change(entity_id, level=9, name="Mast")
    assert (await city.client.patch(f"/subscriptions/{other}", json={"q": "level<90"})).status_code == 204
    await city.change(entity_id, level=10)
    await worker.start()

    told = await receiver.wait(3)

    found = [(one.body["subscriptionId"], one.data[0]["level"]["value"]) for one in told]
    assert [level for name, level in found if name == subscription_id] == [7, 2]
    assert [level for name, level in found if name == other] == [10]
    async with database.session("city") as connection:
        cursor = await connection.execute("SELECT FROM subscription_former")
        assert cursor.rowcount == 0
