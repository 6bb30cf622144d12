"""The intake process: MQTT by both doors, the pipeline behind them, and commands down to devices."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

from vidik.app.process import Work, heart_of, services_of, stop_event, until_stopped
from vidik.intake.commands.dispatcher import CommandDispatcher
from vidik.intake.devices import DeviceDirectory
from vidik.intake.mqtt.doors import MqttDoors, mqtt_doors
from vidik.intake.runtime import running_intake
from vidik.kernel.errors import Unavailable
from vidik.kernel.settings import Settings
from vidik.kernel.telemetry import published


def intake(settings: Settings) -> Work:
    """The intake; it takes readings until SIGTERM, then stops reading, commits what it took, acknowledges, and ends."""
    return partial(_serve, settings)


async def _serve(settings: Settings) -> None:
    stop = stop_event()
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(services_of(settings, max_size=4))
        pipeline = await stack.enter_async_context(running_intake(services))
        directory = services.get(DeviceDirectory)
        dispatcher = CommandDispatcher(services.database, settings.tenant)
        closed_doors = mqtt_doors(settings, pipeline, directory, on_connected=dispatcher.device_connected)
        doors = await _open(closed_doors, settings, stack)
        dispatcher.doors.extend(doors.for_commands)
        await stack.enter_async_context(published(doors.collector(), settings.data / "run", "intake"))
        directory.on_change.append(lambda devices: _part_from(doors, devices))
        await stack.enter_async_context(dispatcher.running())
        heart = await stack.enter_async_context(heart_of(settings, "intake"))
        heart.ports.update(_ports(doors))
        await until_stopped(stop)


async def _open(doors: AbstractAsyncContextManager[MqttDoors], settings: Settings, stack: AsyncExitStack) -> MqttDoors:
    """Open the doors; what keeps one shut is said in a sentence."""
    try:
        return await stack.enter_async_context(doors)
    except OSError as error:
        raise Unavailable(
            f"The MQTT port {settings.mqtt_port} on {settings.host} cannot be opened ({error.strerror}). "
            "Stop what uses it, or choose another with VIDIK_MQTT_PORT (0 turns the listener off).",
            code="port-taken",
        ) from error
    except ValueError as error:
        raise Unavailable(f"{error}.", code="mqtt-settings") from error


def _ports(doors: MqttDoors) -> dict[str, int]:
    if doors.listener is None:
        return {}
    found = {"mqtt": doors.listener.port, "mqtt_tls": doors.listener.tls_port}
    return {name: port for name, port in found.items() if port is not None}


def _part_from(doors: MqttDoors, devices: set[str]) -> None:
    """A device that was removed, disabled or given another secret must not go on with its old login."""
    if doors.listener is not None:
        for device_id in devices:
            doors.listener.disconnect(device_id)
