"""Opens the MQTT doors that the settings ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from vidik.intake.mqtt.broker import BrokerDoor
from vidik.intake.mqtt.broker_url import parse_broker_url
from vidik.intake.mqtt.counters import Door, DoorCollector
from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.options import ListenerOptions
from vidik.intake.mqtt.ports import Directory, PipelinePort
from vidik.kernel.settings import Settings


class MqttDoors:
    """The doors of one process; either may be missing."""

    def __init__(self, listener: Listener | None, broker: BrokerDoor | None) -> None:
        self.listener = listener
        self.broker = broker

    @property
    def for_commands(self) -> list[Listener | BrokerDoor]:
        """The doors that are open, the one that knows whether a device is there first."""
        return [door for door in (self.listener, self.broker) if door is not None]

    def collector(self) -> DoorCollector:
        """Return the doors' counters for Prometheus."""
        doors: dict[str, Door] = {}
        if self.listener is not None:
            doors["mqtt"] = self.listener
        if self.broker is not None:
            doors["broker"] = self.broker
        return DoorCollector(doors)


@asynccontextmanager
async def mqtt_doors(
    settings: Settings,
    pipeline: PipelinePort,
    directory: Directory,
    *,
    on_connected: Callable[[str], None] | None = None,
    worker: int = 0,
) -> AsyncIterator[MqttDoors]:
    """Open the doors, and close them with their last acknowledgements sent; leave before the pipeline stops.

    `worker` numbers the intake processes of an installation: each needs a session of its own at the city's broker.
    """
    listener = None
    if settings.mqtt_port or settings.mqtt_tls_port:
        options = ListenerOptions(
            host=settings.host,
            port=settings.mqtt_port or None,
            tls_port=settings.mqtt_tls_port,
            certificate=settings.mqtt_certificate,
            key=settings.mqtt_key,
        )
        listener = Listener(pipeline, directory, options, on_connected=on_connected)
    broker = None
    if settings.mqtt_url is not None:
        client_id = f"vidik-{settings.city}-{settings.tenant}-{worker}"
        broker = BrokerDoor(pipeline, parse_broker_url(settings.mqtt_url.get_secret_value(), client_id=client_id))
    async with AsyncExitStack() as stack:
        if listener is not None:
            await listener.start()
            stack.push_async_callback(listener.stop)
        if broker is not None:
            await broker.start()
            stack.push_async_callback(broker.stop)
        yield MqttDoors(listener, broker)
