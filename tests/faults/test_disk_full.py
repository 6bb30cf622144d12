"""A disk that fills up: readings are refused cleanly before the database is in danger, and none is lost."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.family import running, wait_for
from tests.faults.load import CountingDevice

DISK_MB = 700
RESERVE_MB = 100


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder on a disk of its own; only root may mount one."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small disk that this test fills")
    folder = Path(tempfile.mkdtemp(prefix="vidik-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        pytest.skip("this machine does not allow to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    shutil.rmtree(folder, ignore_errors=True)


def fill(disk: Path, leave_mb: int) -> Path:
    """Fill a disk but for some space; returns the file that does."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(disk).free > leave_mb * 1_000_000:
            file.write(bytes(1_000_000))
    return ballast


def test_a_full_disk_refuses_and_loses_nothing(small_disk: Path) -> None:
    with running(small_disk / "data", VIDIK_DISK_RESERVE_MB=str(RESERVE_MB)) as vidik:
        secret = vidik.add_device("disk")

        def push(number: int) -> httpx.Response:
            return httpx.post(
                f"{vidik.base_url}/api/intake/disk",
                content=f'{{"t":{int(time.time() * 1000) - 60_000 + number % 1000},"n":{number},"p":1}}',
                headers={"Authorization": f"Bearer {secret}"},
                timeout=30,
            )

        with CountingDevice(vidik.mqtt_port, "disk", secret, rate=100) as device:
            wait_for("the first readings", lambda: len(device.acknowledged) > 100)
            ballast = fill(small_disk, leave_mb=RESERVE_MB // 2)
            refused = wait_for(
                "a refusal by HTTP", lambda: (answer := push(1_000_000)).status_code == 503 and answer, 30
            )
            time.sleep(4)
            stalled = len(device.acknowledged)
            time.sleep(4)
            assert len(device.acknowledged) == stalled
            assert refused.json()["code"] == "disk-full"
            assert httpx.get(f"{vidik.base_url}/health/live").status_code == 200

            ballast.unlink()
            wait_for("readings after the disk has room", lambda: len(device.acknowledged) > stalled + 200)
            assert wait_for("a push that is taken", lambda: push(2_000_000).status_code == 204)
            device.stop_sending()
            wait_for("every message to be acknowledged", device.all_acknowledged)
            stored = vidik.stored_numbers("disk")

    assert [number for number in stored if number < 1_000_000] == list(range(device.sent))


def test_a_disk_filled_by_others_takes_the_database_down_and_up_again_without_loss(small_disk: Path) -> None:
    with running(small_disk / "data", VIDIK_DISK_RESERVE_MB="0") as vidik:
        secret = vidik.add_device("disk")
        with CountingDevice(vidik.mqtt_port, "disk", secret, rate=400) as device:
            wait_for("the first readings", lambda: len(device.acknowledged) > 100)
            ballast = fill(small_disk, leave_mb=0)
            time.sleep(45)
            stalled = len(device.acknowledged)
            ballast.unlink()
            wait_for("readings after the disk has room", lambda: len(device.acknowledged) > stalled + 200, 120)
            device.stop_sending()
            wait_for("every message to be acknowledged", device.all_acknowledged, 90)
            vidik.wait_ready()
            stored = vidik.stored_numbers("disk")

    assert stored == list(range(device.sent))
