"""Simulated citizens: the same requests all day, all marked, and one burst pipe that a rule takes for one thing."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.operations.requests.test_gathering import anchors

from vidik.demo.citizens import BURST, street_names, todays
from vidik.operations.rules.fences import Place
from vidik.operations.rules.gathering import Report
from vidik.operations.rules.model import RequestsRule
from vidik.operations.rules.rulebook import packaged_rules

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
LINE = {"type": "LineString", "coordinates": [[21.9, 43.316], [21.902, 43.3166], [21.91, 43.317]]}
CITY = {"layers": {"streets": {"features": [{"properties": {"name": "Обреновићева"}, "geometry": LINE}]}}}
NAMES = street_names(CITY)


def requests(moment: datetime) -> list[dict[str, Any]]:
    return todays(sorted(NAMES), NAMES, random.Random(7), moment)


def test_whatever_restarts_on_a_day_sends_nothing_twice() -> None:
    ids = [one["id"] for one in requests(NOON)]
    assert ids == [one["id"] for one in requests(NOON + timedelta(hours=5))]
    assert set(ids).isdisjoint(one["id"] for one in requests(NOON + timedelta(days=1)))
    assert {one["dataOrigin"]["value"] for one in requests(NOON)} == {"simulated"}


def test_the_burst_pipe_is_one_thing_to_the_rule() -> None:
    rule = packaged_rules()["requests_water"]
    assert isinstance(rule, RequestsRule)
    reports = [
        Report(
            one["id"],
            one["service_code"]["value"],
            Place(*one["location"]["value"]["coordinates"]),
            datetime.fromisoformat(one["requested_datetime"]["value"]),
        )
        for one in requests(NOON)
    ]
    standing = anchors(rule, reports)
    assert (len(standing), len(set(standing.values()))) == (len(BURST), 1)
