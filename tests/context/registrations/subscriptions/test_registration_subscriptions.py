"""Subscriptions to registrations: /csourceSubscriptions (ETSI GS CIM 009, clauses 5.3.2, 5.11.2 to 5.11.7)."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.context.registrations.test_registrations_api import create, registration
from tests.context.subscriptions.conftest import Worker, receiver, worker
from tests.context.subscriptions.receiver import Received, Receiver

from vidik.context.registrations.subscriptions.announcing import lapse
from vidik.kernel.clock import iso, now
from vidik.kernel.services import Services

__all__ = ("receiver", "worker")

PATH = "/csourceSubscriptions"
REGISTRATIONS = "/csourceRegistrations"
SUBSCRIPTION_ID = "urn:ngsi-ld:Subscription:1"
OF_VEHICLES = [{"entities": [{"type": "Vehicle"}]}]


@pytest.fixture(autouse=True)
def private_endpoints(settings: Any) -> None:
    """Tests register and notify what runs beside them."""
    object.__setattr__(settings, "allow_private_endpoints", True)


def subscription(uri: str = "http://127.0.0.1:9/notify", **members: Any) -> dict[str, Any]:
    body = {
        "id": SUBSCRIPTION_ID,
        "type": "Subscription",
        "entities": [{"type": "Building"}],
        "notification": {"endpoint": {"uri": uri, "accept": "application/json"}},
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


async def subscribe(client: httpx.AsyncClient, receiver: Receiver, **members: Any) -> str:
    response = await client.post(PATH, json=subscription(receiver.uri, **members))
    assert response.status_code == 201, response.text
    return response.headers["location"].removeprefix(f"/ngsi-ld/v1{PATH}/")


async def told(receiver: Receiver, number: int) -> list[tuple[str, list[str]]]:
    """The first so many notifications: each with its reason and the numbers of its registrations."""
    return [_told(one) for one in (await receiver.wait(number, seconds=60))[:number]]


def _told(one: Received) -> tuple[str, list[str]]:
    return one.body["triggerReason"], [each["id"].rpartition(":")[2] for each in one.data]


class TestManaging:
    async def test_a_subscription_comes_back_as_it_was_made(self, client: httpx.AsyncClient) -> None:
        body = subscription(
            temporalQ={"timerel": "after", "timeAt": "2020-06-01T22:07:00Z"},
            csf='owner=="Niš"',
            watchedAttributes=["a"],
        )

        created = await client.post(PATH, json=body)
        shown = await client.get(created.headers["Location"].removeprefix("/ngsi-ld/v1"))

        assert created.status_code == 201
        assert created.headers["Location"] == f"/ngsi-ld/v1{PATH}/{SUBSCRIPTION_ID}"
        assert shown.json() == {**body, "status": "active"}

    async def test_subscriptions_to_entities_and_to_registrations_are_kept_apart(
        self, client: httpx.AsyncClient
    ) -> None:
        for path in (PATH, "/subscriptions"):
            assert (await client.post(path, json=subscription())).status_code == 201

        deleted = await client.delete(f"/subscriptions/{SUBSCRIPTION_ID}")

        assert deleted.status_code == 204
        assert (await client.get("/subscriptions")).json() == []
        assert [one["id"] for one in (await client.get(PATH)).json()] == [SUBSCRIPTION_ID]

    async def test_pages_are_counted_and_linked(self, client: httpx.AsyncClient) -> None:
        for number in range(3):
            body = subscription(id=f"urn:ngsi-ld:Subscription:{number}")
            assert (await client.post(PATH, json=body)).status_code == 201

        page = await client.get(PATH, params={"limit": 1, "offset": 1, "count": "true"})

        assert [one["id"] for one in page.json()] == ["urn:ngsi-ld:Subscription:1"]
        assert page.headers["NGSILD-Results-Count"] == "3"
        assert 'rel="next"' in page.headers["Link"]
        assert "/ngsi-ld/v1/csourceSubscriptions?" in page.headers["Link"]

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("type", "RandomType"),
            ("notification", None),
            ("watchedAttributes", []),
            ("expiresAt", "2018-08-01T22:07:00Z"),
            ("q", "a==("),
            ("csf", "a==("),
            ("entities", [{"type": "Building", "idPattern": "(?=a)"}]),
            ("temporalQ", "after"),
            ("temporalQ", {"timeAt": "2020-06-01T22:07:00Z"}),
            ("temporalQ", {"timerel": "after"}),
            ("temporalQ", {"timerel": "between", "timeAt": "2020-06-01T22:07:00Z"}),
            ("temporalQ", {"timerel": "after", "timeAt": 2020}),
        ],
    )
    async def test_what_is_no_subscription_is_refused(self, client: httpx.AsyncClient, member: str, value: Any) -> None:
        response = await client.post(PATH, json=subscription(**{member: value}))

        assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (400, "BadRequestData")
        assert (await client.get(PATH)).json() == []

    async def test_the_same_id_again_is_a_conflict(self, client: httpx.AsyncClient) -> None:
        assert (await client.post(PATH, json=subscription())).status_code == 201

        response = await client.post(PATH, json=subscription())

        assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (409, "AlreadyExists")

    async def test_a_deleted_or_unknown_one_is_not_found(self, client: httpx.AsyncClient) -> None:
        assert (await client.post(PATH, json=subscription())).status_code == 201
        assert (await client.delete(f"{PATH}/{SUBSCRIPTION_ID}")).status_code == 204

        answers = [
            await client.get(f"{PATH}/{SUBSCRIPTION_ID}"),
            await client.patch(f"{PATH}/{SUBSCRIPTION_ID}", json={"isActive": False}),
            await client.delete(f"{PATH}/{SUBSCRIPTION_ID}"),
        ]

        assert {(one.status_code, one.json()["type"].rpartition("/")[2]) for one in answers} == {
            (404, "ResourceNotFound")
        }


class TestNotifying:
    async def test_every_step_of_a_registration_is_told_with_its_reason(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        await create(client, 1)
        await subscribe(client, receiver)
        path = f"{REGISTRATIONS}/{registration(1)['id']}"

        await create(client, 2)
        await client.patch(path, json={"endpoint": "http://127.0.0.1:10"})
        await client.patch(path, json={"information": OF_VEHICLES})
        await client.patch(path, json={"information": registration()["information"]})
        await client.delete(path)

        assert await told(receiver, 6) == [
            ("newlyMatching", ["1"]),
            ("newlyMatching", ["2"]),
            ("updated", ["1"]),
            ("noLongerMatching", ["1"]),
            ("newlyMatching", ["1"]),
            ("noLongerMatching", ["1"]),
        ]

    async def test_a_notification_is_a_context_source_notification(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        subscription_id = await subscribe(client, receiver)
        await create(client, 1, contextSourceInfo=[{"key": "Authorization", "value": "secret"}])

        (one,) = await receiver.wait(1, seconds=60)

        assert one.body["type"] == "ContextSourceNotification"
        assert one.body["subscriptionId"] == subscription_id
        assert one.body["id"].startswith("urn:ngsi-ld:Notification:")
        assert one.body["notifiedAt"].endswith("Z")
        assert one.data == [registration(1)]

    async def test_only_the_parts_of_the_information_that_match_are_told(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        buildings = registration()["information"]
        await subscribe(client, receiver)

        await create(client, 1, information=[*OF_VEHICLES, *buildings])

        (one,) = await receiver.wait(1, seconds=60)
        assert one.data[0]["information"] == buildings

    @pytest.mark.parametrize(
        ("asked", "fitting", "other"),
        [
            ({"entities": [{"type": "Vehicle"}]}, {"information": OF_VEHICLES}, {}),
            (
                {"entities": [{"type": "Building", "id": "urn:b:1"}]},
                {"information": [{"entities": [{"type": "Building", "idPattern": "^urn:b:.$"}]}]},
                {"information": [{"entities": [{"type": "Building", "id": "urn:b:2"}]}]},
            ),
            (
                {"entities": None, "watchedAttributes": ["level"]},
                {"information": [{"propertyNames": ["level", "name"]}]},
                {"information": [{"propertyNames": ["name"]}]},
            ),
            (
                {"temporalQ": {"timerel": "after", "timeAt": "2020-06-01T22:07:00Z"}},
                {"observationInterval": {"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"}},
                {"observationInterval": {"startAt": "2019-01-01T00:00:00Z", "endAt": "2020-01-01T00:00:00Z"}},
            ),
            (
                {"temporalQ": {"timerel": "after", "timeAt": "2020-06-01T22:07:00Z", "timeproperty": "modifiedAt"}},
                {"managementInterval": {"startAt": "2020-01-01T00:00:00Z"}},
                {"observationInterval": {"startAt": "2020-01-01T00:00:00Z"}},
            ),
            ({}, {}, {"observationInterval": {"startAt": "2020-01-01T00:00:00Z"}}),
            (
                {"geoQ": {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [21.9, 43.3]}},
                {"location": {"type": "Point", "coordinates": [21.901, 43.301]}},
                {"location": {"type": "Point", "coordinates": [22.9, 43.3]}},
            ),
            (
                {"geoQ": {"georel": "within", "geometry": "Point", "coordinates": [21.9, 43.3]}},
                {"location": {"type": "Point", "coordinates": [21.9, 43.3]}},
                {},
            ),
            ({"csf": 'owner=="heat"'}, {"owner": "heat"}, {"owner": "light"}),
            ({"q": "level>2"}, {"level": 3}, {"level": 1}),
            ({"scopeQ": "/nis/#"}, {"scope": "/nis/centre"}, {"scope": ["/pirot"]}),
        ],
    )
    async def test_a_subscription_hears_of_what_it_asks_for_and_of_nothing_else(
        self,
        client: httpx.AsyncClient,
        receiver: Receiver,
        worker: Worker,
        asked: dict[str, Any],
        fitting: dict[str, Any],
        other: dict[str, Any],
    ) -> None:
        await subscribe(client, receiver, **asked)

        await create(client, 1, **other)
        await create(client, 2, **fitting)
        await create(client, 3, **fitting)

        assert await told(receiver, 2) == [("newlyMatching", ["2"]), ("newlyMatching", ["3"])]

    async def test_after_a_change_of_the_subscription_everything_that_matches_is_told(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        await create(client, 1, information=OF_VEHICLES)
        await create(client, 2, information=[{"entities": [{"type": "Bus"}]}])
        subscription_id = await subscribe(client, receiver)

        await client.patch(f"{PATH}/{subscription_id}", json={"entities": [{"type": "Vehicle"}, {"type": "Bus"}]})

        assert await told(receiver, 1) == [("newlyMatching", ["1", "2"])]

    async def test_a_paused_subscription_is_told_when_it_goes_on(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        subscription_id = await subscribe(client, receiver, isActive=False)
        await create(client, 1)
        await create(client, 2)

        await client.patch(f"{PATH}/{subscription_id}", json={"isActive": True})

        assert await told(receiver, 1) == [("newlyMatching", ["1", "2"])]

    async def test_at_intervals_everything_that_matches_is_told_and_changes_are_not(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        await create(client, 1)
        await subscribe(client, receiver, timeInterval=1)
        await create(client, 2, information=OF_VEHICLES)

        assert await told(receiver, 3) == [("newlyMatching", ["1"])] * 3

    async def test_at_intervals_it_is_told_though_nothing_matches(  # 5.11.7: "regardless of any changes"
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        await subscribe(client, receiver, timeInterval=1)
        assert await told(receiver, 2) == [("newlyMatching", [])] * 2

    async def test_names_are_in_the_words_of_the_subscription(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        words = {"Haus": "https://uri.etsi.org/ngsi-ld/default-context/Building"}
        body = subscription(receiver.uri, entities=[{"type": "Haus"}])
        body["notification"]["endpoint"]["accept"] = "application/ld+json"
        response = await client.post(
            PATH, json={**body, "@context": words}, headers={"Content-Type": "application/ld+json"}
        )
        assert response.status_code == 201, response.text

        await create(client, 1)

        (one,) = await receiver.wait(1, seconds=60)
        assert one.data[0]["information"] == [{"entities": [{"type": "Haus"}]}]
        assert "@context" in one.data[0]

    async def test_what_is_owed_outlives_a_worker_and_a_receiver_that_is_away(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        await worker.stop()
        await subscribe(client, receiver)
        await create(client, 1)
        await create(client, 2)
        await worker.start()

        assert await told(receiver, 2) == [("newlyMatching", ["1"]), ("newlyMatching", ["2"])]

    async def test_a_registration_that_expires_matches_no_longer_and_is_told_so_once(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker, services: Services
    ) -> None:
        soon = now() + timedelta(seconds=2)
        await subscribe(client, receiver)
        await create(client, 1, expiresAt=iso(soon))
        await lapse(services, "city")

        await asyncio.sleep((soon - now()).total_seconds() + 0.01)
        path = f"{REGISTRATIONS}/{registration(1)['id']}"
        assert (await client.get(path)).status_code == 404
        assert (await client.get(REGISTRATIONS, params={"type": "Building"})).json() == []
        later = {"expiresAt": "2099-01-01T00:00:00Z"}
        assert (await client.patch(path, json=later)).status_code == 404
        await lapse(services, "city")
        await lapse(services, "city")
        await create(client, 1)

        assert await told(receiver, 3) == [
            ("newlyMatching", ["1"]),
            ("noLongerMatching", ["1"]),
            ("newlyMatching", ["1"]),
        ]

    async def test_how_it_is_doing_is_shown(
        self, client: httpx.AsyncClient, receiver: Receiver, worker: Worker
    ) -> None:
        subscription_id = await subscribe(client, receiver)
        await create(client, 1)
        await receiver.wait(1, seconds=60)

        await worker.stop()
        shown = (await client.get(f"{PATH}/{subscription_id}")).json()["notification"]

        assert (shown["status"], shown["timesSent"]) == ("ok", 1)
        assert {"lastNotification", "lastSuccess"} <= shown.keys()
