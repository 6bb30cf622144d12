"""From committed readings to alarms in the table: once, whatever breaks, and told to those who listen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection
from tests.operations.conftest import rows
from tests.operations.factories import a_rule, a_target, store, store_together
from tests.operations.following import Follow

from vidik.context.jsonld import names
from vidik.context.store import changes, entities
from vidik.context.store.changes import Rejection
from vidik.context.store.readings import ReadingWriter
from vidik.kernel.clock import to_microseconds
from vidik.kernel.services import Services
from vidik.operations.alarms.consumer import AlarmConsumer
from vidik.operations.alarms.service import apply_findings
from vidik.operations.rules.memory import Finding
from vidik.operations.rules.signals import AlarmKey, Signal

SUBSTATION = a_target(
    "urn:ngsi-ld:HeatSubstation:nis:s01", "HeatSubstation", name="Подстаница Чаир", dataOrigin="recorded"
)
BEGIN = datetime(2023, 1, 15, 10, tzinfo=UTC)


async def hours(services: Services, *readings: dict[str, Any], begin: datetime = BEGIN) -> None:
    writer = ReadingWriter()
    for hour, values in enumerate(readings):
        await store(services.database, SUBSTATION, values, begin + timedelta(hours=hour), writer)


HOT, COLD = {"returnTemperaturePrimary": 60.0}, {"returnTemperaturePrimary": 40.0}


async def the_alarms(services: Services) -> list[dict[str, Any]]:
    return await rows(services, "SELECT * FROM alarm ORDER BY id")


class TestRaising:
    async def test_a_hot_return_raises_one_alarm_with_its_story(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, HOT, HOT, HOT)
        await follow(consumer)
        (alarm,) = await the_alarms(services)
        assert alarm["rule"] == "heating_return_high"
        assert alarm["entity_name"] == "Подстаница Чаир"
        assert alarm["service"] == "heating"
        assert alarm["origin"] == "recorded"
        assert alarm["priority"] == "high"
        assert alarm["state"] == "unacknowledged"
        assert alarm["unit"] == "°C"
        assert alarm["count"] == 2
        assert alarm["observed_at"] == BEGIN + timedelta(hours=1)
        assert alarm["message"]["en"] == "Primary return at 60 °C, above 50 °C for 45 min."
        assert alarm["message"]["sr-Latn"] == "Povrat primara 60 °C, iznad 50 °C duže od 45 min."

    async def test_it_clears_when_the_readings_are_good_again(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, HOT, HOT, COLD, COLD)
        await follow(consumer)
        (alarm,) = await the_alarms(services)
        assert alarm["state"] == "returned_unacknowledged"
        assert alarm["cleared_observed_at"] == BEGIN + timedelta(hours=3)

    async def test_what_comes_back_soon_is_the_same_alarm(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, HOT, HOT, COLD, COLD, HOT, HOT)
        await follow(consumer)
        (alarm,) = await the_alarms(services)
        assert alarm["state"] == "unacknowledged"
        events = await rows(services, "SELECT transition FROM alarm_event ORDER BY id")
        assert [event["transition"] for event in events] == ["raised", "cleared", "raised"]

    async def test_what_comes_back_much_later_is_a_new_alarm(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, HOT, HOT, COLD, COLD)
        await hours(services, HOT, HOT, begin=BEGIN + timedelta(days=3))
        await follow(consumer)
        assert [alarm["state"] for alarm in await the_alarms(services)] == [
            "returned_unacknowledged",
            "unacknowledged",
        ]

    async def test_a_backlog_in_one_batch_is_judged_reading_by_reading(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        story = [HOT, HOT, COLD, COLD]
        await store_together(services.database, SUBSTATION, story, BEGIN, timedelta(hours=1))
        await follow(consumer)
        events = await rows(services, "SELECT transition FROM alarm_event ORDER BY id")
        assert [event["transition"] for event in events] == ["raised", "cleared"]

    async def test_one_that_ends_and_begins_anew_in_one_batch_is_two(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        story = [HOT, HOT, *[COLD] * 30, HOT, HOT, *[COLD] * 30, HOT, HOT]
        await store_together(services.database, SUBSTATION, story, BEGIN, timedelta(hours=1))
        await follow(consumer)
        alarms = await the_alarms(services)
        assert [alarm["state"] for alarm in alarms] == [
            "returned_unacknowledged",
            "returned_unacknowledged",
            "unacknowledged",
        ]
        assert [alarm["observed_at"] - BEGIN for alarm in alarms] == [timedelta(hours=hour) for hour in (1, 33, 65)]
        events = await rows(services, "SELECT alarm, transition FROM alarm_event ORDER BY id")
        first, second, third = (alarm["id"] for alarm in alarms)
        assert [(event["alarm"], event["transition"]) for event in events] == [
            (first, "raised"),
            (first, "cleared"),
            (second, "raised"),
            (second, "cleared"),
            (third, "raised"),
        ]

    async def test_many_are_written_in_one_statement(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        # While alarms are moved people wait: a way to the database for each would be seconds of a storm.
        said: list[str] = []
        execute = AsyncConnection.execute

        async def heard(self: AsyncConnection[Any], query: Any, *rest: Any, **options: Any) -> Any:
            said.append(str(query).strip())
            return await execute(self, query, *rest, **options)

        rule = a_rule()
        at = to_microseconds(BEGIN)
        findings = [
            Finding(AlarmKey(rule.code, f"urn:s{number}", ""), Signal("raised", at, 60.0 + number, 50.0))
            for number in range(20)
        ]
        monkeypatch.setattr(AsyncConnection, "execute", heard)
        async with services.database.transaction("city") as connection:
            await apply_findings(connection, {rule.code: rule}, findings)
        assert len([query for query in said if query.startswith("INSERT INTO alarm (")]) == 1
        written = await rows(services, "SELECT entity_id, value FROM alarm ORDER BY id")
        assert [(alarm["entity_id"], alarm["value"]) for alarm in written] == [
            (f"urn:s{number}", 60.0 + number) for number in range(20)
        ]

    async def test_late_readings_raise_nothing(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, COLD, begin=BEGIN + timedelta(days=1))
        await hours(services, HOT, HOT, HOT)
        await follow(consumer)
        assert await the_alarms(services) == []

    async def test_an_entity_that_is_deleted_takes_its_alarms_along(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, HOT, HOT)
        async with services.database.transaction("city") as connection:
            await entities.delete(connection, [SUBSTATION.entity_id])
        await follow(consumer)
        assert [alarm["state"] for alarm in await the_alarms(services)] == ["normal"]
        assert await rows(services, "SELECT * FROM rule_memory") == []


class TestRefusedValues:
    async def refuse(self, services: Services, *values: float) -> None:
        async with services.database.transaction("city") as connection:
            rejections = [
                Rejection(
                    SUBSTATION.entity_id,
                    names.expand_attribute("supplyTemperatureSecondary"),
                    "outside -35 to 95",
                    value,
                    to_microseconds(BEGIN + timedelta(minutes=place)),
                )
                for place, value in enumerate(values)
            ]
            await changes.append(connection, datetime.now(UTC), [], rejections)

    async def test_make_a_sensor_fault(self, services: Services, follow: Follow, consumer: AlarmConsumer) -> None:
        await hours(services, COLD, begin=BEGIN - timedelta(hours=1))
        await self.refuse(services, -39.9, -39.9)
        await follow(consumer)
        (alarm,) = await the_alarms(services)
        assert alarm["rule"] == "sensor_fault"
        assert alarm["attribute"] == "supplyTemperatureSecondary"
        assert alarm["service"] == "heating"
        assert alarm["value"] == -39.9

    async def test_of_an_entity_that_never_was_are_a_fault_too(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await self.refuse(services, -39.9, -39.9)
        await follow(consumer)
        (alarm,) = await the_alarms(services)
        assert alarm["entity_name"] == "s01"


class TestExactlyOnce:
    STORY = (HOT, HOT, COLD, COLD, HOT, HOT)

    @pytest.mark.parametrize("killed_at", [1, 2, 3, 4, 5, 6])
    async def test_a_worker_killed_before_its_commit_changes_nothing(
        self, killed_at: int, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, *self.STORY)
        with pytest.raises(ConnectionError):
            await follow(consumer, fail_after=killed_at)
        await follow(consumer)
        events = await rows(services, "SELECT transition FROM alarm_event ORDER BY id")
        assert [event["transition"] for event in events] == ["raised", "cleared", "raised"]

    @pytest.mark.parametrize("restarted_after", [1, 2, 3, 4, 5])
    async def test_a_restart_between_any_two_readings_changes_nothing(
        self, restarted_after: int, services: Services, follow: Follow
    ) -> None:
        await hours(services, *self.STORY[:restarted_after])
        await follow(AlarmConsumer())
        await hours(services, *self.STORY[restarted_after:], begin=BEGIN + timedelta(hours=restarted_after))
        await follow(AlarmConsumer())
        events = await rows(services, "SELECT transition FROM alarm_event ORDER BY id")
        assert [event["transition"] for event in events] == ["raised", "cleared", "raised"]

    async def test_two_workers_that_take_turns_agree(self, services: Services, follow: Follow) -> None:
        workers = (AlarmConsumer(), AlarmConsumer())
        for hour, values in enumerate(self.STORY):
            await hours(services, values, begin=BEGIN + timedelta(hours=hour))
            await follow(workers[hour % 2])
        events = await rows(services, "SELECT transition FROM alarm_event ORDER BY id")
        assert [event["transition"] for event in events] == ["raised", "cleared", "raised"]

    async def test_a_batch_given_twice_counts_once(
        self, services: Services, follow: Follow, consumer: AlarmConsumer
    ) -> None:
        await hours(services, HOT, HOT, HOT)
        await follow(consumer)
        async with services.database.transaction("city") as connection:
            for batch in await changes.read_after(connection, 0, 10):
                await consumer.handle(services, "city", connection, batch)
        (alarm,) = await the_alarms(services)
        assert alarm["count"] == 2


class TestValuesThatComeApart:
    async def test_after_a_restart_the_other_value_is_read_from_the_entity(
        self, services: Services, follow: Follow
    ) -> None:
        await store(
            services.database,
            SUBSTATION,
            {"referenceTemperature": 50.0, "supplyTemperaturePrimary": 80.0, "power": 200.0},
            BEGIN,
        )
        await follow(AlarmConsumer())
        restarted = AlarmConsumer()
        for minutes in (10, 70, 130):
            moment = BEGIN + timedelta(minutes=minutes)
            await store(services.database, SUBSTATION, {"supplyTemperatureSecondary": 38.0}, moment)
        await follow(restarted)
        (alarm,) = await the_alarms(services)
        assert alarm["rule"] == "heating_supply_below_curve"
        assert alarm["threshold"] == 45.0
