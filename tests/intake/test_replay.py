"""Replay: oldest first, original times, only the profile's columns, resumable, through the public doors."""

import asyncio
import base64
import gzip
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.kernel.mqtt_server import mqtt_server

from vidik.intake.profiles import load_profiles
from vidik.intake.replay import Played, replay
from vidik.intake.replay.doors import HttpDoor
from vidik.intake.replay.player import Bookmark, play
from vidik.intake.replay.timeline import RecordedLine, read_timeline
from vidik.kernel.errors import BadInput, Forbidden, NotFound, Unavailable
from vidik.kernel.settings import Settings

HEAD = "datetime,t_amb,t_ref,t_sup_prim,t_ret_prim,t_sup_sec,t_ret_sec,e,pe,remark"
NEWEST_FIRST = f"""{HEAD}
2024-01-04 12:30:00,3,44,60,32,46,40,9000.2,90,c
2024-01-04 12:15:00,2,44,60,32,46,40,9000.1,80,b
2024-01-04 12:00:00,1,44,60,32,46,40,9000.0,70,a
"""
NOON = int(datetime(2024, 1, 4, 11, tzinfo=UTC).timestamp() * 1_000_000)
PROFILE = load_profiles()["nis-heat-scada"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "scada.csv.gz"
    file.write_bytes(gzip.compress(NEWEST_FIRST.encode()))
    return file


class MemoryDoor:
    """A door that remembers; it answers at once, or never."""

    def __init__(self, *, answers: bool = True, closes_after: int | None = None) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.answers = answers
        self.closes_after = closes_after

    async def __aenter__(self) -> "MemoryDoor":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def send(self, device_id: str, payload: bytes, done: Callable[[bool], None]) -> None:
        if self.closes_after is not None and len(self.sent) >= self.closes_after:
            raise Unavailable("closed")
        self.sent.append((device_id, payload))
        if self.answers:
            done(True)

    async def drain(self) -> None:
        return None


def lines(*seconds: int) -> list[RecordedLine]:
    return [RecordedLine(second * 1_000_000, None, str(second).encode()) for second in seconds]


class TestTimeline:
    def test_orders_by_time_and_keeps_the_columns_of_the_profile(self, recording: Path) -> None:
        first, second, third = read_timeline(recording, PROFILE)

        assert first.observed_at == NOON
        assert [line.observed_at - NOON for line in (second, third)] == [900_000_000, 1_800_000_000]
        assert first.payload.decode() == (
            "datetime,t_amb,t_ref,t_sup_prim,t_ret_prim,t_sup_sec,t_ret_sec,e,pe\n"
            "2024-01-04 12:00:00,1,44,60,32,46,40,9000.0,70\n"
        )
        assert PROFILE.decode(first.payload, NOON)[0].observed_at == NOON

    def test_takes_a_part(self, recording: Path) -> None:
        start, end = datetime(2024, 1, 4, 11, 10, tzinfo=UTC), datetime(2024, 1, 4, 11, 30, tzinfo=UTC)

        assert len(read_timeline(recording, PROFILE, start=start, end=end)) == 1

    def test_sends_lines_that_cannot_be_read_as_well(self, tmp_path: Path) -> None:
        file = tmp_path / "broken.csv"
        file.write_text(f"{HEAD}\nnonsense,1,44,60,32,46,40,9000.0,70,a\n2024-01-04 12:00:00,1\n")

        assert len(read_timeline(file, PROFILE)) == 2

    def test_names_the_devices_of_a_file_that_says_them(self, tmp_path: Path) -> None:
        file = tmp_path / "air.csv"
        file.write_text("﻿sensor_id,timestamp,P1,P2\n22673,2023-05-22T00:02:26,12,12\n")

        (line,) = read_timeline(file, load_profiles()["sensor-community"])

        assert line.device_id == "nis-air-22673"

    @pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x1f\x8b broken"])
    def test_refuses_files_that_are_something_else(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "file.csv.gz"
        file.write_bytes(gzip.compress(content) if not content.startswith(b"\x1f") else content)

        with pytest.raises(BadInput):
            read_timeline(file, PROFILE)

    def test_says_when_there_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="no file"):
            read_timeline(tmp_path / "absent.csv", PROFILE)


class TestPlaying:
    async def test_keeps_the_pace(self) -> None:
        began = time.monotonic()

        await play(lines(0, 100, 200), MemoryDoor(), "d", speed=1_000)

        assert time.monotonic() - began > 0.18

    async def test_cuts_long_pauses(self) -> None:
        async with asyncio.timeout(60):  # the pause between the two lines is eleven days
            await play(lines(0, 1_000_000), MemoryDoor(), "d", speed=1, longest_pause=0.05)

    async def test_goes_on_where_it_was_interrupted(self, tmp_path: Path) -> None:
        bookmark = Bookmark(tmp_path, tmp_path / "f", "p", "d")
        with pytest.raises(Unavailable):
            await play(lines(1, 2, 3), MemoryDoor(closes_after=2), "d", speed=0, bookmark=bookmark)
        door = MemoryDoor()

        played = await play(lines(1, 2, 3), door, "d", speed=0, bookmark=bookmark)

        assert door.sent == [("d", b"3")]
        assert (played.resumed_at, played.stored) == (2, 1)
        assert bookmark.read(3) == 0

    async def test_does_not_pass_what_is_not_on_disk(self, tmp_path: Path) -> None:
        bookmark = Bookmark(tmp_path, tmp_path / "f", "p", "d")
        with pytest.raises(Unavailable):
            await play(lines(1, 2, 3), MemoryDoor(answers=False, closes_after=2), "d", speed=0, bookmark=bookmark)

        assert bookmark.read(3) == 0

    async def test_starts_over_when_the_file_is_another_one(self, tmp_path: Path) -> None:
        bookmark = Bookmark(tmp_path, tmp_path / "f", "p", "d")
        bookmark.write(2, total=3)

        assert bookmark.read(4) == 0


class TestThroughMqtt:
    async def test_sends_as_the_device_with_the_original_times(self, recording: Path, tmp_path: Path) -> None:
        told: list[int] = []
        async with mqtt_server() as server:
            played = await replay(
                recording,
                "nis-heat-scada",
                speed=0,
                secret="s",
                device_id="l12",
                address=f"127.0.0.1:{server.port}",
                settings=Settings(data=tmp_path),
                tell=lambda now: told.append(now.sent),
            )

        assert played == Played(total=3, sent=3, stored=3, observed_at=NOON + 1_800_000_000)
        assert [topic for topic, _, _ in server.messages] == ["devices/l12/readings"] * 3
        assert b"2024-01-04 12:00:00" in server.messages[0][1]
        assert told[-1] == 3

    async def test_counts_what_went_to_dead_letters_and_goes_on(self, recording: Path, tmp_path: Path) -> None:
        async with mqtt_server(puback_code=0x99) as server:
            played = await replay(
                recording, "nis-heat-scada", speed=0, secret="s", device_id="l12",
                address=f"127.0.0.1:{server.port}", settings=Settings(data=tmp_path),
            )  # fmt: skip

        assert (played.sent, played.stored, played.refused) == (3, 0, 3)

    async def test_stops_when_the_credential_may_not_write_for_the_device(
        self, recording: Path, tmp_path: Path
    ) -> None:
        async with mqtt_server(puback_code=0x87) as server:
            with pytest.raises(Forbidden, match="0x87"):
                await replay(
                    recording, "nis-heat-scada", speed=0, secret="s", device_id="l12",
                    address=f"127.0.0.1:{server.port}", settings=Settings(data=tmp_path),
                )  # fmt: skip

    async def test_says_when_the_secret_is_wrong(self, recording: Path, tmp_path: Path) -> None:
        async with mqtt_server(refuse=0x86) as server:
            with pytest.raises(Forbidden, match="secret"):
                await replay(
                    recording, "nis-heat-scada", speed=0, secret="x", device_id="l12",
                    address=f"127.0.0.1:{server.port}", settings=Settings(data=tmp_path),
                )  # fmt: skip

    async def test_says_when_nobody_listens(self, recording: Path, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match="does not answer"):
            await replay(
                recording, "nis-heat-scada", speed=0, secret="x", device_id="l12", address="127.0.0.1:1",
                settings=Settings(data=tmp_path),
            )  # fmt: skip

    async def test_asks_for_a_device_when_the_file_names_none(self, recording: Path, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="--device"):
            await replay(recording, "nis-heat-scada", speed=0, secret="x", settings=Settings(data=tmp_path))

    async def test_lists_the_profiles_when_it_does_not_know_one(self, recording: Path, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="sensor-community"):
            await replay(recording, "nothing", speed=0, secret="x", device_id="d", settings=Settings(data=tmp_path))


class TestThroughHttp:
    async def test_counts_readings_and_dead_letters_and_waits_when_asked_to(self) -> None:
        answers = iter([503, 204, 422])
        asked: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return httpx.Response(next(answers), headers={"Retry-After": "0"})

        door = HttpDoor("http://vidik", "gateway", "s", transport=httpx.MockTransport(answer))
        async with door:
            played = await play(lines(1, 2), door, "d", speed=0)

        assert (played.stored, played.refused) == (1, 1)
        assert asked[0].url.path == "/api/intake/d"
        assert asked[0].headers["authorization"] == "Basic " + base64.b64encode(b"gateway:s").decode()

    async def test_stops_when_the_credential_does_not_hold(self) -> None:
        door = HttpDoor("http://vidik", "g", "s", transport=httpx.MockTransport(lambda _: httpx.Response(403)))

        with pytest.raises(Forbidden, match="403"):
            async with door:
                await play(lines(1), door, "d", speed=0)


async def test_interrupting_leaves_a_bookmark(tmp_path: Path) -> None:
    bookmark = Bookmark(tmp_path, tmp_path / "f", "p", "d")
    task = asyncio.create_task(play(lines(0, 1, 10_000), MemoryDoor(), "d", speed=100, bookmark=bookmark))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert bookmark.read(3) == 2
