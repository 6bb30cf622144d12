"""Two starts on one data folder: the second is refused with a sentence, the first goes on."""

import subprocess

import httpx
from tests.family import RunningVidik


def test_the_second_start_is_refused_with_a_sentence(vidik: RunningVidik) -> None:
    second = subprocess.run(
        vidik.command("up"), env=vidik.full_environment(), capture_output=True, text=True, timeout=60, check=False
    )

    assert second.returncode != 0
    said = second.stdout + second.stderr
    assert str(vidik.data) in said
    assert "already" in said
    assert "Traceback" not in said
    assert httpx.get(f"{vidik.base_url}/health/ready").status_code == 200
