"""Opens the MQTT doors that the settings ask for, and sends commands through whichever reaches the device."""

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

    def connected(self, device_id: str) -> bool:
        """Return True when a command for the device could be sent now."""
        return any(door.connected(device_id) for door in (self.listener, self.broker) if door is not None)

    async def deliver_command(self, device_id: str, payload: bytes) -> bool:
        """Send a command; True when the device (or, through the city's broker, the broker) has acknowledged it."""
        if self.listener is not None and self.listener.connected(device_id):
            return await self.listener.deliver_command(device_id, payload)
        return self.broker is not None and await self.broker.deliver_command(device_id, payload)

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
