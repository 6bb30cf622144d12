"""Commands to lighting cabinets, and the readings in which their effect comes back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from vidik.demo.assets import Asset
from vidik.demo.behaviour import Behaviour
from vidik.demo.orders import Orders
from vidik.demo.world import World

EVENING = int(datetime(2026, 11, 18, 18, tzinfo=UTC).timestamp())
NOON = EVENING - 7 * 3_600


def dim(**parameters: object) -> bytes:
    return json.dumps({"id": "1", "name": "dim", "parameters": parameters}).encode()


def test_a_dimmed_circuit_draws_less_until_the_order_ends(
    of: Callable[[str], list[Asset]], behaviour: Behaviour, world: World
) -> None:
    cabinet = of("demo-lighting-cabinet")[3]
    lamp = next(lamp for lamp in of("demo-luminaire") if lamp.gateway_id == cabinet.device_id)
    before = behaviour.record(cabinet, EVENING)
    heard: list[int] = []

    world.orders.listener(cabinet.device_id, lambda: EVENING, lambda: heard.append(1))(dim(level=0.3, minutes=30))

    during, light = behaviour.record(cabinet, EVENING + 60), behaviour.record(lamp, EVENING + 60)
    after = behaviour.record(cabinet, EVENING + 1_900)
    assert heard == [1]
    assert before is not None
    assert during is not None
    assert light is not None
    assert after is not None
    assert during["kw"] < 0.5 * before["kw"]
    assert (during["state"], light["s"], light["l"]) == ("low", 2, 0.3)
    assert after["kw"] > 0.9 * before["kw"]


def test_an_order_lights_nothing_by_day(of: Callable[[str], list[Asset]], behaviour: Behaviour, world: World) -> None:
    cabinet = of("demo-lighting-cabinet")[3]
    world.orders.give(cabinet.device_id, 1.0, NOON + 3_600)

    assert (behaviour.record(cabinet, NOON) or {})["state"] == "off"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'{"name": "dim"}',
        b'{"name": "reboot", "parameters": {"level": 1}}',
        dim(level=2),
        dim(level="NaN"),
        dim(level=0.5, minutes=0),
        dim(level=0.5, minutes=100_000),
        dim(level=None),
    ],
)
def test_leaves_what_it_does_not_understand(payload: bytes) -> None:
    orders = Orders()

    orders.listener("c", lambda: 0.0, lambda: None)(payload)

    assert orders.level("c", 1) is None
