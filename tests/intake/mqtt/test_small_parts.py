"""Topics, the broker's URL, the login throttle, the timer wheel, the counters."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from vidik.intake.mqtt import topics
from vidik.intake.mqtt.broker_url import parse_broker_url
from vidik.intake.mqtt.counters import Counters, DoorCollector
from vidik.intake.mqtt.throttle import FAILURES_PER_ADDRESS, REMEMBERED, LoginThrottle
from vidik.intake.mqtt.wheel import TimerWheel
from vidik.intake.mqtt.wire import VERSION_311


class TestTopics:
    @pytest.mark.parametrize(
        ("topic", "device"),
        [
            ("devices/nis-heat-s01/readings", "nis-heat-s01"),
            ("application/7f3a/device/0004a30b001c0530/event/up", "0004a30b001c0530"),
            ("v3/vidik@ttn/devices/meter.7/up", "meter.7"),
            ("devices//readings", None),
            ("devices/a b/readings", None),
            ("devices/a/readings/x", None),
            ("devices/a/readings\n", None),
            ("devices/a/commands", None),
            ("application/7f3a/device/0004a30b001c0530/event/join", None),
            ("weather", None),
            ("devices/" + "x" * 129 + "/readings", None),
        ],
    )
    def test_a_topic_speaks_for_a_device_or_for_none(self, topic: str, device: str | None) -> None:
        assert topics.reading_device(topic) == device

    def test_a_dead_letter_names_what_the_topic_names(self) -> None:
        assert topics.claimed_device("devices/a b/readings") == "a b"
        assert topics.claimed_device("v3/app@ttn/devices/a b/up") == "a b"
        assert topics.claimed_device("devices") == ""

    def test_the_commands_of_a_device_lead_back_to_it(self) -> None:
        assert topics.command_device(topics.command_topic("lamp-1")) == "lamp-1"


class TestBrokerUrl:
    def test_everything_may_be_named(self) -> None:
        options = parse_broker_url("mqtts://vidik:a%40b@broker.nis.rs:8884?share=vidik&client_id=one&ca=/etc/ca.pem")
        assert (options.host, options.port, options.tls, options.username, options.password) == (
            "broker.nis.rs",
            8884,
            True,
            "vidik",
            "a@b",
        )
        assert (options.share, options.client_id, str(options.authority)) == ("vidik", "one", "/etc/ca.pem")

    def test_little_need_be_named(self) -> None:
        options = parse_broker_url("mqtt://localhost")
        assert (options.port, options.username, options.share) == (1883, None, None)
        assert parse_broker_url("mqtts://localhost").port == 8883
        assert parse_broker_url("mqtt://localhost?version=3.1.1").version == VERSION_311

    @pytest.mark.parametrize(
        "url",
        [
            "http://user:hunter2@host",
            "mqtt://user:hunter2@",
            "mqtt://user:hunter2@host:port",
            "mqtt://user:hunter2@host/path",
            "mqtt://user:hunter2@host?nonsense",
            "mqtt://user:hunter2@host?colour=red",
            "mqtt://user:hunter2@host?version=3.1",
            "mqtt://user:hunter2@host?share=a/b",
            "mqtt://user:hunter2@host?share=a&version=3.1.1",
        ],
    )
    def test_a_mistake_is_explained_without_the_password(self, url: str) -> None:
        with pytest.raises(ValueError, match="VIDIK_MQTT_URL") as mistake:
            parse_broker_url(url)
        assert "hunter2" not in str(mistake.value)

    def test_the_password_is_never_shown(self) -> None:
        options = parse_broker_url("mqtt://user:hunter2@host")
        assert "hunter2" not in repr(options) + options.place


class TestThrottle:
    def test_the_wait_grows_with_every_failure_and_ends(self) -> None:
        now = [0.0]
        throttle = LoginThrottle(lambda: now[0])
        for _ in range(4):
            throttle.failed("10.0.0.1", "lamp")
        assert not throttle.blocked("10.0.0.1", "lamp")
        throttle.failed("10.0.0.1", "lamp")
        assert throttle.blocked("10.0.0.1", "lamp")
        now[0] += 1.1
        assert not throttle.blocked("10.0.0.1", "lamp")
        throttle.failed("10.0.0.1", "lamp")
        now[0] += 1.1
        assert throttle.blocked("10.0.0.1", "lamp")

    def test_a_success_clears_the_login(self) -> None:
        throttle = LoginThrottle(lambda: 0.0)
        for _ in range(5):
            throttle.failed("10.0.0.1", "lamp")
        throttle.succeeded("10.0.0.1", "lamp")
        assert not throttle.blocked("10.0.0.1", "lamp")

    def test_an_address_that_tries_many_names_is_stopped(self) -> None:
        throttle = LoginThrottle(lambda: 0.0)
        for number in range(FAILURES_PER_ADDRESS):
            throttle.failed("10.0.0.1", f"lamp-{number}")
        assert throttle.blocked("10.0.0.1", "another")
        assert not throttle.blocked("10.0.0.2", "another")

    def test_memory_is_bounded(self) -> None:
        throttle = LoginThrottle(lambda: 0.0)
        for number in range(2 * REMEMBERED):
            throttle.failed(str(number), "lamp")
        assert len(throttle._entries) <= REMEMBERED


class Item:
    slot = 0


class TestWheel:
    async def test_an_item_comes_due_once_and_only_in_its_last_slot(self) -> None:
        due: list[Item] = []
        wheel: TimerWheel[Item] = TimerWheel(due.append)
        early, moved, cancelled = Item(), Item(), Item()
        wheel.schedule(early, 1)
        wheel.schedule(moved, 1)
        wheel.schedule(moved, 3)
        wheel.schedule(cancelled, 2)
        wheel.cancel(cancelled)
        seen = []
        for _ in range(5):
            wheel._turn()
            seen.append(list(due))
        wheel.stop()
        assert seen == [[early], [early], [early, moved], [early, moved], [early, moved]]


def test_prometheus_sees_the_counters_of_each_door() -> None:
    class Door:
        def snapshot(self) -> dict[str, int]:
            return Counters(connections=3, received=7).snapshot()

    registry = CollectorRegistry()
    registry.register(DoorCollector({"mqtt": Door()}))
    text = generate_latest(registry).decode()
    assert 'vidik_mqtt_connections{door="mqtt"} 3.0' in text
    assert 'vidik_mqtt_received_total{door="mqtt"} 7.0' in text
