"""The intake process: MQTT by both doors, the pipeline behind them, and commands down to devices."""

from __future__ import annotations

from contextlib import AsyncExitStack

from vidik.app.process import heart_of, services_of, stop_event, until_stopped
from vidik.intake.commands import CommandDispatcher
from vidik.intake.devices import DeviceDirectory
from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.options import ListenerOptions
from vidik.intake.pipeline import Pipeline
from vidik.kernel.errors import Unavailable
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings


async def serve_intake(settings: Settings) -> None:
    """Take readings until SIGTERM; then stop reading, commit what was taken, acknowledge it, and end."""
    stop = stop_event()
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(services_of(settings, max_size=4))
        directory = await stack.enter_async_context(DeviceDirectory(services.database, settings.tenant).running())
        pipeline = await stack.enter_async_context(pipeline_of(services, directory).running())
        commands = CommandDispatcher(services.database, settings.tenant)
        listener = Listener(pipeline, directory, _options(settings), on_connected=commands.device_connected)
        commands.doors.append(listener)
        await _open(listener, settings)
        stack.push_async_callback(listener.stop)
        await stack.enter_async_context(commands.running())
        directory.on_credential_end.append(lambda devices: _part_from(listener, devices))
        heart = await stack.enter_async_context(heart_of(settings, "intake"))
        heart.ports.update(_ports(listener))
        await until_stopped(stop)


def pipeline_of(services: Services, directory: DeviceDirectory) -> Pipeline:
    """The pipeline of this process for the city's tenant."""
    settings = services.settings
    return Pipeline(
        services.database, settings.tenant, directory, city=settings.city, profiles=settings.data / "profiles"
    )


def _options(settings: Settings) -> ListenerOptions:
    return ListenerOptions(
        host=settings.host,
        port=settings.mqtt_port or None,
        tls_port=settings.mqtt_tls_port,
        certificate=settings.mqtt_certificate,
        key=settings.mqtt_key,
    )


async def _open(listener: Listener, settings: Settings) -> None:
    try:
        await listener.start()
    except OSError as error:
        raise Unavailable(
            f"The MQTT port {settings.mqtt_port} on {settings.host} is taken ({error.strerror}). "
            "Stop what uses it, or choose another with VIDIK_MQTT_PORT (0 turns the listener off).",
            code="port-taken",
        ) from error
    except ValueError as error:
        raise Unavailable(str(error), code="mqtt-settings") from error


def _ports(listener: Listener) -> dict[str, int]:
    found = {"mqtt": listener.port, "mqtt_tls": listener.tls_port}
    return {name: port for name, port in found.items() if port is not None}


def _part_from(listener: Listener, devices: set[str]) -> None:
    """A device that was removed, disabled or given another secret must not go on with its old login."""
    for device_id in devices:
        listener.disconnect(device_id)
