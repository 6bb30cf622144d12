"""The past: durations and aggregates without a database, then over HTTP (ETSI GS CIM 009, 6.18 and 6.19)."""

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidik.context.ngsild.temporal.aggregation import aggregate, aggregated, aggregated_numbers
from vidik.context.ngsild.temporal.query import METHODS, Duration, TemporalQuery, parse_duration
from vidik.context.ngsild.temporal.representation import instances_of_series
from vidik.context.store.chunks import SeriesRows
from vidik.context.store.history import Series
from vidik.kernel.errors import BadInput

LAMP = "urn:e:1"


def first(pair: tuple[int, int]) -> int:
    return pair[0]


SERIES = Series(1, "urn:a:b", "https://example.org/level", "", datetime(2026, 1, 1, tzinfo=UTC))


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "months", "span"),
        [
            ("PT1H", 0, timedelta(hours=1)),
            ("P1D", 0, timedelta(days=1)),
            ("P1W", 0, timedelta(days=7)),
            ("P1Y2M3DT4H5M6.5S", 14, timedelta(days=3, hours=4, minutes=5, seconds=6.5)),
            ("PT0S", 0, timedelta(0)),
        ],
    )
    def test_they_are_read(self, text: str, months: int, span: timedelta) -> None:
        assert parse_duration(text) == Duration(months, span)

    @pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1H", "PT1D", "P1DT", "-PT1H", "P99999999999D"])
    def test_or_refused(self, text: str) -> None:
        with pytest.raises(BadInput):
            parse_duration(text)


class TestAggregates:
    @given(st.lists(st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6)), min_size=1, max_size=20))
    def test_they_are_those_of_the_statistics_module(self, numbers: list[float]) -> None:
        assert aggregate("totalCount", numbers) == len(numbers)
        assert aggregate("min", numbers) == min(numbers)
        assert aggregate("max", numbers) == max(numbers)
        assert aggregate("sum", numbers) == pytest.approx(sum(numbers), abs=1e-6)
        assert aggregate("avg", numbers) == pytest.approx(statistics.fmean(numbers), abs=1e-6)
        assert aggregate("stddev", numbers) == pytest.approx(statistics.pstdev(numbers), abs=1e-3)
        assert aggregate("sumsq", numbers) == pytest.approx(sum(one**2 for one in numbers), rel=1e-9)

    @given(st.lists(st.tuples(st.integers(0, 10**11), st.integers(-50, 50)), min_size=1, max_size=20, unique_by=first))
    def test_a_series_of_plain_numbers_takes_a_shorter_way_to_the_same(self, values: list[tuple[int, int]]) -> None:
        values.sort()
        times = np.array([time for time, _ in values], np.int64)
        rows = SeriesRows(times, times, np.array([number for _, number in values], np.float64), {})
        query = TemporalQuery("observedAt", None, None, None, METHODS, parse_duration("PT1H"), False)
        instances = instances_of_series(rows, query, None, SERIES)
        assert aggregated_numbers(rows, query, "") == aggregated(instances, query)

    def test_of_what_is_no_number_only_some_have_a_meaning(self) -> None:
        assert aggregate("distinctCount", ["a", "b", "a"]) == 2
        assert aggregate("max", ["a", "b"]) == "b"
        assert aggregate("avg", ["a", "b"]) is None
        assert aggregate("sum", [True, False, True]) == 2


def at(hour: int, minute: int = 0) -> str:
    return datetime(2026, 1, 1, hour, minute, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
async def history(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A lamp whose power was 10 at ten, 11 at eleven, … 14 at fourteen o'clock; its state changed once."""
    await client.post("/entities", json={"id": LAMP, "type": "Lamp", "fixed": {"value": 1, "observedAt": at(9)}})
    for hour in range(10, 15):
        power = {"value": hour, "unitCode": "WTT", "observedAt": at(hour)}
        await client.post(f"/entities/{LAMP}/attrs", json={"power": power})
    for hour, state in ((10, "off"), (12, "on")):
        await client.post(f"/entities/{LAMP}/attrs", json={"state": {"value": state, "observedAt": at(hour)}})
    return client


async def retrieved(client: httpx.AsyncClient, **parameters: str) -> dict[str, Any]:
    response = await client.get(f"/temporal/entities/{LAMP}", params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


class TestRetrieve:
    async def test_every_instance_in_order_of_time(self, history: httpx.AsyncClient) -> None:
        body = await retrieved(history)
        assert (body["id"], body["type"]) == (LAMP, "Lamp")
        assert body["power"][0].pop("instanceId").startswith("urn:ngsi-ld:instance:")
        assert body["power"][0] == {"type": "Property", "value": 10, "unitCode": "WTT", "observedAt": at(10)}
        assert [one["value"] for one in body["power"]] == [10, 11, 12, 13, 14]
        assert [one["value"] for one in body["state"]] == ["off", "on"]

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ({"timerel": "before", "timeAt": at(12)}, [10, 11]),
            ({"timerel": "after", "timeAt": at(12)}, [12, 13, 14]),
            ({"timerel": "between", "timeAt": at(11), "endTimeAt": at(13)}, [11, 12]),
            ({"lastN": "2"}, [13, 14]),
            ({"timerel": "before", "timeAt": at(14), "lastN": "1"}, [13]),
        ],
    )
    async def test_a_range(self, history: httpx.AsyncClient, parameters: dict[str, str], expected: list[int]) -> None:
        body = await retrieved(history, attrs="power", **parameters)
        assert [one["value"] for one in body["power"]] == expected

    async def test_pairs_of_value_and_time(self, history: httpx.AsyncClient) -> None:
        for parameters in ({"options": "temporalValues"}, {"format": "temporalValues"}):
            body = await retrieved(history, attrs="state", **parameters)
            assert body["state"] == {"type": "Property", "values": [["off", at(10)], ["on", at(12)]]}

    async def test_aggregates_by_period(self, history: httpx.AsyncClient) -> None:
        body = await retrieved(
            history,
            attrs="power",
            options="aggregatedValues",
            aggrMethods="avg,max",
            aggrPeriodDuration="PT2H",
            timerel="between",
            timeAt=at(10),
            endTimeAt=at(16),
        )
        assert body["power"] == {
            "type": "Property",
            "avg": [[10.5, at(10), at(12)], [12.5, at(12), at(14)], [14, at(14), at(16)]],
            "max": [[11, at(10), at(12)], [13, at(12), at(14)], [14, at(14), at(16)]],
        }

    async def test_an_aggregate_of_the_whole_range(self, history: httpx.AsyncClient) -> None:
        body = await retrieved(history, attrs="power", options="aggregatedValues", aggrMethods="sum,totalCount")
        assert body["power"]["sum"] == [[60, at(10), at(14)]]
        assert body["power"]["totalCount"] == [[5, at(10), at(14)]]

    async def test_what_nobody_observed_has_the_time_of_its_change(self, client: httpx.AsyncClient) -> None:
        await client.post("/entities", json={"id": LAMP, "type": "Lamp", "note": "new"})
        assert "note" not in await retrieved(client)
        body = await retrieved(client, timeproperty="modifiedAt", options="sysAttrs")
        assert body["note"][0]["value"] == "new"
        assert "observedAt" not in body["note"][0]

    async def test_the_past_of_a_deleted_entity_stays(self, history: httpx.AsyncClient) -> None:
        await history.delete(f"/entities/{LAMP}")
        body = await retrieved(history, lastN="1")
        assert [one["value"] for one in body["power"]] == [14]

    async def test_what_never_was_is_not_found(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/temporal/entities/urn:e:9")).status_code == 404


class TestQuery:
    async def test_entities_without_a_past_in_the_range_are_left_out(self, history: httpx.AsyncClient) -> None:
        await history.post(
            "/entities", json={"id": "urn:e:2", "type": "Lamp", "power": {"value": 1, "observedAt": at(1)}}
        )
        response = await history.get(
            "/temporal/entities",
            params={
                "type": "Lamp",
                "attrs": "power",
                "timerel": "after",
                "timeAt": at(14),
                "options": "temporalValues",
            },
        )
        assert response.json() == [
            {"id": LAMP, "type": "Lamp", "power": {"type": "Property", "values": [[14, at(14)]]}}
        ]

    @pytest.mark.parametrize(
        ("parameters", "field"),
        [
            ({"type": "Lamp"}, "timerel"),
            ({"type": "Lamp", "timerel": "during", "timeAt": at(1)}, "timerel"),
            ({"type": "Lamp", "timerel": "after"}, "timeAt"),
            ({"type": "Lamp", "timerel": "after", "timeAt": "now"}, "timeAt"),
            ({"type": "Lamp", "timerel": "between", "timeAt": at(1)}, "endTimeAt"),
            ({"type": "Lamp", "timerel": "between", "timeAt": at(2), "endTimeAt": at(1)}, "endTimeAt"),
            ({"type": "Lamp", "timeAt": at(1)}, "timerel"),
            ({"type": "Lamp", "timerel": "after", "timeAt": at(1), "lastN": "0"}, "lastN"),
            ({"type": "Lamp", "timerel": "after", "timeAt": at(1), "timeproperty": "bornAt"}, "timeproperty"),
            ({"type": "Lamp", "timerel": "after", "timeAt": at(1), "options": "aggregatedValues"}, "aggrMethods"),
            (
                {
                    "type": "Lamp",
                    "timerel": "after",
                    "timeAt": at(1),
                    "options": "aggregatedValues",
                    "aggrMethods": "mode",
                },
                "aggrMethods",
            ),
            ({"timerel": "after", "timeAt": at(1)}, "type"),
        ],
    )
    async def test_the_parameter_at_fault_is_named(
        self, client: httpx.AsyncClient, parameters: dict[str, str], field: str
    ) -> None:
        response = await client.get("/temporal/entities", params=parameters)
        assert response.status_code == 400
        assert response.json()["field"] == field
