"""Owed is delivered: at least once, in order, through failures, restarts and long silences (clause 5.8.6)."""

import asyncio
import random
import socket
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from tests.context.subscriptions.conftest import TENANT, City, Worker
from tests.context.subscriptions.receiver import Received, Receiver

from vidik.context.subscriptions import consumer, deliverer, schedule
from vidik.context.subscriptions.registry import Known
from vidik.kernel import clock
from vidik.kernel.database import Connection, Database


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(schedule, "LONGEST_PAUSE_SECONDS", 0.2)


def levels_of(told: list[Received], entity_id: str) -> list[int]:
    return [entity["level"] for one in told for entity in one.data if entity["id"] == entity_id]


def without_repeats(levels: list[int]) -> list[int]:
    """What a receiver keeps that throws away what it has had already."""
    kept: list[int] = []
    for level in levels:
        if not kept or level > kept[-1]:
            kept.append(level)
    return kept


async def owed(database: Database) -> int:
    async with database.session(TENANT) as connection:
        cursor = await connection.execute("SELECT count(*) AS count FROM notification_owed")
        row = await cursor.fetchone()
    return int(row["count"]) if row else 0


async def until_nothing_is_owed(database: Database) -> None:
    async with asyncio.timeout(30):
        while await owed(database):  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.05)


async def shown(city: City, subscription_id: str, **wanted: Any) -> Any:
    """The notification member of a subscription, once it shows what is wanted."""
    async with asyncio.timeout(30):
        while True:
            notification = (await city.subscription(subscription_id))["notification"]
            if wanted.items() <= notification.items():
                return notification
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", range(4))
async def test_a_flaky_receiver_gets_every_state_in_order(
    city: City, receiver: Receiver, database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    receiver.answer = lambda _: chance.choice((204, 204, 204, 500, 503, 0))
    entities = [await city.create(str(number), level=0) for number in range(5)]
    await city.subscribe(notification={"format": "keyValues"})

    for level in range(1, 13):
        await asyncio.gather(*(city.change(entity_id, level=level) for entity_id in entities))
    await until_nothing_is_owed(database)

    for entity_id in entities:
        assert without_repeats(levels_of(receiver.received, entity_id)) == list(range(1, 13))


async def test_a_restart_loses_nothing(city: City, receiver: Receiver, worker: Worker) -> None:
    entity_id = await city.create(level=0)
    await city.subscribe(notification={"format": "keyValues"})

    for level in range(1, 31):
        await city.change(entity_id, level=level)
        if level % 6 == 0:
            await worker.stop()
        if level % 6 == 3 and level > 6:
            await worker.start()
    await worker.start()
    async with asyncio.timeout(30):
        while levels_of(receiver.received, entity_id)[-1:] != [30]:  # noqa: ASYNC110  the receiver tells nobody
            await asyncio.sleep(0.05)

    assert without_repeats(levels_of(receiver.received, entity_id)) == list(range(1, 31))


async def test_changes_of_a_moment_when_nobody_worked_are_told(city: City, receiver: Receiver, worker: Worker) -> None:
    await city.subscribe(notification={"format": "keyValues"})
    await worker.stop()
    entity_id = await city.create(level=0)
    await city.change(entity_id, level=1)
    await worker.start()

    async with asyncio.timeout(30):
        while len(levels_of(receiver.received, entity_id)) < 2:  # noqa: ASYNC110  the receiver tells nobody
            await asyncio.sleep(0.05)
    assert levels_of(receiver.received, entity_id) == [0, 1]


async def test_a_change_before_the_subscription_is_not_told(city: City, receiver: Receiver, worker: Worker) -> None:
    await worker.stop()
    await city.create("before", level=0)
    await city.subscribe()
    await city.create("after", level=0)
    await worker.start()

    (told,) = await receiver.wait(1)
    assert [entity["id"] for entity in told.data] == ["urn:ngsi-ld:Building:after"]


async def test_the_state_is_that_of_the_commit_though_read_later(
    city: City, receiver: Receiver, worker: Worker
) -> None:
    entity_id = await city.create(level=0)
    await city.subscribe(q="level==1", notification={"format": "keyValues"})
    await worker.stop()
    await city.change(entity_id, level=1)
    await city.change(entity_id, level=2)
    await worker.start()

    (told,) = await receiver.wait(1)
    assert told.data[0]["level"] == 1


async def test_a_dead_receiver_is_reached_when_it_is_back(city: City, receiver: Receiver) -> None:
    port = receiver.port
    await receiver.close()
    subscription_id = await city.subscribe(notification={"format": "keyValues"})
    entity_id = await city.create(level=0)

    failed = await shown(city, subscription_id, status="failed")
    assert failed["timesFailed"] >= 1
    assert failed["lastFailure"].endswith("Z")
    assert "lastSuccess" not in failed

    await receiver.open(port)
    await receiver.wait(1)
    assert levels_of(receiver.received, entity_id) == [0]
    back = await shown(city, subscription_id, status="ok")
    assert back["lastSuccess"] >= back["lastFailure"]
    assert back["timesSent"] == back["timesFailed"] + 1


async def test_how_it_is_doing_is_how_the_last_attempt_went_whatever_the_clock_said(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta(days=3)
    monkeypatch.setattr(deliverer, "now", lambda: clock.now() + ahead)
    receiver.answer = lambda _: 500
    subscription_id = await city.subscribe()
    entity_id = await city.create(level=0)
    await shown(city, subscription_id, status="failed")

    ahead, receiver.answer = timedelta(), lambda _: 204
    await shown(city, subscription_id, status="ok")

    receiver.answer = lambda _: 500
    await city.change(entity_id, level=1)
    await shown(city, subscription_id, status="failed")


async def test_a_dead_receiver_does_not_hold_up_the_others(city: City, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, never answers
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        for _ in range(50):
            await city.subscribe(notification={"endpoint": {"uri": uri, "timeout": 5000}})
        await city.subscribe(notification={"format": "keyValues"})
        await city.create(level=0)

        async with asyncio.timeout(4):
            await receiver.wait(1)


async def test_a_queue_beyond_its_bound_keeps_the_newest_state_of_each_entity(
    city: City, receiver: Receiver, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "KEPT_IN_ORDER", 10)
    port = receiver.port
    await receiver.close()
    subscription_id = await city.subscribe(notification={"format": "keyValues"})
    one, other = await city.create("1", level=0), await city.create("2", level=0)
    for level in range(1, 31):
        await city.change(one, level=level)
    await city.change(other, level=1)

    assert await owed(database) < 20
    await receiver.open(port)
    await receiver.wait(1)
    await until_nothing_is_owed(database)

    levels = levels_of(receiver.received, one)
    assert levels == sorted(levels)
    assert levels[-1] == 30
    assert len(levels) < 20
    assert levels_of(receiver.received, other)[-1] == 1
    assert (await shown(city, subscription_id))["timesMerged"] > 0


async def test_what_was_counted_twice_gives_way_no_earlier(
    city: City, receiver: Receiver, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "KEPT_IN_ORDER", 10)
    keeps = consumer._keep_bounded

    async def keeps_after_two_that_were_never_committed(
        connection: Connection, known: Known, fresh: Counter[int]
    ) -> None:
        await keeps(connection, known, fresh + fresh + fresh)

    port = receiver.port
    await receiver.close()
    subscription_id = await city.subscribe(notification={"format": "keyValues"})
    entity_id = await city.create(level=0)
    await shown(city, subscription_id, status="failed")
    monkeypatch.setattr(consumer, "_keep_bounded", keeps_after_two_that_were_never_committed)
    for level in range(1, 9):
        await city.change(entity_id, level=level)
    async with asyncio.timeout(60):
        while await owed(database) < 9:  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.05)
    await receiver.open(port)
    await until_nothing_is_owed(database)

    assert without_repeats(levels_of(receiver.received, entity_id)) == list(range(9))


async def test_large_entities_go_out_in_notifications_that_are_not_larger_still(
    city: City, receiver: Receiver, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer, "TOGETHER_BYTES", 5_000)
    port = receiver.port
    await receiver.close()
    await city.subscribe(notification={"format": "keyValues"})
    for number in range(10):
        await city.create(str(number), level=number, plan=random.Random(number).randbytes(1_500).hex())
    await receiver.open(port)
    await until_nothing_is_owed(database)

    told = receiver.received
    assert [entity["level"] for one in told for entity in one.data] == list(range(10))
    assert {len(one.data) for one in told[1:]} <= {1, 2, 3}


async def test_what_waited_goes_out_together(city: City, receiver: Receiver) -> None:
    port = receiver.port
    await receiver.close()
    await city.subscribe(notification={"format": "keyValues"})
    for number in range(20):
        await city.create(str(number), level=number)
    await receiver.open(port)

    async with asyncio.timeout(30):
        while sum(len(one.data) for one in receiver.received) < 20:  # noqa: ASYNC110  the receiver tells nobody
            await asyncio.sleep(0.05)
    assert len(receiver.received) < 10


async def test_a_refusal_for_good_lets_the_next_one_pass(city: City, receiver: Receiver) -> None:
    receiver.answer = lambda told: 400 if told.data[0]["level"] == 1 else 200
    subscription_id = await city.subscribe(notification={"format": "keyValues"})
    entity_id = await city.create(level=1)
    await city.change(entity_id, level=2)

    await shown(city, subscription_id, status="ok")
    assert levels_of(receiver.received, entity_id) == [1] * deliverer.REFUSALS + [2]


async def test_of_many_refused_together_only_the_one_at_fault_is_given_up(
    city: City, receiver: Receiver, database: Database
) -> None:
    port = receiver.port
    await receiver.close()
    await city.subscribe(notification={"format": "keyValues"})
    for number in range(9):
        await city.create(str(number), level=number)
    taken: list[int] = []

    def answer(told: Received) -> int:
        levels = [entity["level"] for entity in told.data]
        if 5 in levels:
            return 400
        taken.extend(levels)
        return 200

    receiver.answer = answer
    await receiver.open(port)
    await until_nothing_is_owed(database)

    assert taken == [0, 1, 2, 3, 4, 6, 7, 8]


async def test_a_receiver_that_asks_for_peace_is_given_it_until_the_subscription_goes_elsewhere(
    city: City, receiver: Receiver
) -> None:
    receiver.answer = lambda told: 503 if told.path == "/notify" else 204
    receiver.headers = ("Retry-After: 1800",)
    subscription_id = await city.subscribe(notification={"format": "keyValues"})
    other_id = await city.subscribe(notification={"endpoint": {"uri": f"{receiver.uri}/other"}})
    await city.create(level=0)
    await shown(city, subscription_id, status="failed")
    await shown(city, other_id, status="ok")
    await asyncio.sleep(1)  # five of the pauses that there would be else
    assert [one.path for one in receiver.received].count("/notify") == 1

    moved = {"notification": {"endpoint": {"uri": f"{receiver.uri}/moved"}}}
    assert (await city.client.patch(f"/subscriptions/{subscription_id}", json=moved)).status_code == 204

    await shown(city, subscription_id, status="ok")
    assert receiver.received[-1].path == "/notify/moved"


async def test_what_moved_to_a_dead_receiver_does_not_hold_up_those_it_left(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = lambda told: 500 if told.path == "/notify" else 204
    subscription_id = await city.subscribe()
    await city.create(level=0)
    await shown(city, subscription_id, status="failed")
    monkeypatch.setattr(schedule, "FIRST_PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(schedule, "LONGEST_PAUSE_SECONDS", 3600.0)

    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    moved = {"notification": {"endpoint": {"uri": dead}}}
    assert (await city.client.patch(f"/subscriptions/{subscription_id}", json=moved)).status_code == 204
    before = (await shown(city, subscription_id))["timesFailed"]
    async with asyncio.timeout(30):
        while (await shown(city, subscription_id))["timesFailed"] == before:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.05)
    stayed_id = await city.subscribe(notification={"endpoint": {"uri": f"{receiver.uri}/stayed"}})
    await city.create("2", level=0)

    await shown(city, stayed_id, status="ok")


async def test_a_repeated_notification_has_the_same_id(city: City, receiver: Receiver) -> None:
    receiver.answer = lambda _: 500 if len(receiver.received) < 2 else 200
    await city.subscribe()
    entity_id = await city.create(level=0)
    await city.change(entity_id, level=1)

    told = await receiver.wait(4)
    assert len({one.body["id"] for one in told[:3]}) == 1
    assert told[3].body["id"] != told[0].body["id"]


async def test_the_cooldown_is_kept(city: City, receiver: Receiver) -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []

    def answer(_: Received) -> int:
        times.append(loop.time())
        return 500 if len(times) == 1 else 200

    receiver.answer = answer
    await city.subscribe(notification={"endpoint": {"cooldown": 700}})
    await city.create(level=0)

    await receiver.wait(2)
    assert times[1] - times[0] >= 0.7


async def test_a_slow_receiver_counts_as_failed(city: City) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        subscription_id = await city.subscribe(notification={"endpoint": {"uri": uri, "timeout": 100}})
        await city.create(level=0)

        await shown(city, subscription_id, status="failed")


async def test_a_deleted_subscription_is_owed_nothing(city: City, receiver: Receiver, database: Database) -> None:
    await receiver.close()
    subscription_id = await city.subscribe()
    await city.create(level=0)
    await shown(city, subscription_id, status="failed")

    await city.client.delete(f"/subscriptions/{subscription_id}")

    await until_nothing_is_owed(database)


async def test_what_was_owed_before_a_pause_is_told_after_it(city: City, receiver: Receiver) -> None:
    port = receiver.port
    await receiver.close()
    subscription_id = await city.subscribe(notification={"format": "keyValues"})
    entity_id = await city.create(level=0)
    await shown(city, subscription_id, status="failed")
    await city.client.patch(f"/subscriptions/{subscription_id}", json={"isActive": False})
    await city.change(entity_id, level=1)
    await asyncio.sleep(1.5)
    await receiver.open(port)
    await asyncio.sleep(0.5)
    assert receiver.received == []

    await city.client.patch(f"/subscriptions/{subscription_id}", json={"isActive": True})
    await city.change(entity_id, level=2)

    async with asyncio.timeout(30):
        while levels_of(receiver.received, entity_id) != [0, 2]:  # noqa: ASYNC110  the receiver tells nobody
            await asyncio.sleep(0.05)
