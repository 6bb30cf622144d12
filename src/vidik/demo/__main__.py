"""`python -m vidik.demo`: the demo city as a process of its own, beside a running Vidik.

The supervisor gives it a token in VIDIK_DEMO_TOKEN; VIDIK_DEMO_SEED and VIDIK_DEMO_SCALE choose the city.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import structlog

from vidik.demo.door import DoorClosed
from vidik.demo.running import run
from vidik.kernel.logs import configure_logging
from vidik.kernel.settings import Settings, get_settings

_log = structlog.get_logger(__name__)
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound


def main() -> int:
    """Run until told to stop."""
    settings = get_settings()
    configure_logging(settings.log_format, "demo", folder=settings.data / "logs")
    token = os.environ.get("VIDIK_DEMO_TOKEN", "")
    if not token:
        _log.error("the demo city needs an API token in VIDIK_DEMO_TOKEN")
        return 2
    code = 0
    try:
        asyncio.run(_run_until_stopped(settings, token))
    except* DoorClosed as refused:
        _log.error("the demo city stops: Vidik refused it", reason=str(refused.exceptions[0]))
        code = 1
    except* KeyboardInterrupt:
        pass
    return code


async def _run_until_stopped(settings: Settings, token: str) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - we are in one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    host = "127.0.0.1" if settings.host in _EVERYWHERE else settings.host
    try:
        await run(
            f"http://{host}:{settings.port}",
            host,
            settings.mqtt_port,
            token,
            seed=int(os.environ.get("VIDIK_DEMO_SEED", "7")),
            scale=float(os.environ.get("VIDIK_DEMO_SCALE", "1")),
            data_folder=settings.data,
            recordings=recordings_folder(settings),
        )
    except asyncio.CancelledError:
        _log.info("the demo city stops")


def recordings_folder(settings: Settings) -> Path | None:
    """The folder of recordings: the setting's, or ../shared/data when it is there."""
    if settings.recordings is not None:
        return settings.recordings
    beside = Path("..") / "shared" / "data"
    return beside if beside.is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
