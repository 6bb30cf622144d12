"""Real recordings beside the simulation: three heating substations of Niš and its air stations of one day.

They come through the same doors, keep their original times and are marked as recorded. A recorded day passes in a
minute. The folder is not part of Vidik (its README says where the data is from); without it nothing is replayed.
"""

import asyncio
import contextlib
import csv
import gzip
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from vidik.demo.assets import Asset, City, Gateway
from vidik.demo.live import connected
from vidik.kernel.publisher import Publisher

_log = structlog.get_logger(__name__)

GATEWAY = "nis-recordings"
SPEED = 1_440.0  # a day in a minute
_LONGEST_PAUSE_SECONDS = 2.0  # a summer without heating passes in two seconds
_WINDOW = 200
_SAVE_SECONDS = 5.0
_CATCH_UP_SECONDS = 5.0  # after a stall of the doors: a little, not all at once
# Half a day before the first real fault of the season (L8, 2024-01-05 06:00: supply below its curve).
_SEASON_STARTS = "2024-01-04 18:00:00"
_HEAT_COLUMNS = (
    "datetime", "t_amb", "t_ref", "t_sup_prim", "t_ret_prim", "t_sup_sec", "t_ret_sec", "e", "pe",
)  # fmt: skip
_AIR_COLUMNS = ("sensor_id", "timestamp", "P1", "P2")
_AIR_FILE = "nis-air/sensor_community_2023-05-22.csv.gz"
_HEAT_FILES = {
    "l4": ("nis-heating/scada_L4.csv.gz", "nis-heating/scada_2024-25_L4.csv.gz"),
    "l8": ("nis-heating/scada_L8.csv.gz",),
    "l12": ("nis-heating/scada_L12.csv.gz", "nis-heating/scada_2024-25_L12.csv.gz"),
}
# The plant belongs to the Faculty of Mechanical Engineering; where its substations stand is not published, so they
# are drawn along the street of the faculty.
_HEAT_PLACES = {"l4": (21.8921, 43.3300), "l8": (21.8943, 43.3316), "l12": (21.8966, 43.3329)}
_CYRILLIC = {"l4": "Л4", "l8": "Л8", "l12": "Л12"}


@dataclass(frozen=True, slots=True)
class Recording:
    """Lines in the order of time: seconds (of the recording's own clock), device, message."""

    name: str
    lines: list[tuple[float, str, bytes]]


def has_recordings(folder: Path | None) -> bool:
    """Whether there is anything to replay in this folder."""
    return folder is not None and any((folder / file).is_file() for file in _all_files())


def recorded_city(folder: Path) -> City:
    """The gateway and the assets of the recordings in the folder."""
    assets = [
        Asset(
            f"nis-heat-{code}", "nis-heat-scada", "HeatSubstation", "heating",
            f"Подстаница {_CYRILLIC[code]} (снимак)", f"Heating substation {code.upper()} (recording)",
            *_HEAT_PLACES[code], GATEWAY, "Топлана Машинског факултета",
        )
        for code, files in _HEAT_FILES.items()
        if any((folder / file).is_file() for file in files)
    ]  # fmt: skip
    stations = {row["sensor_id"]: row for row in _rows(folder / _AIR_FILE)} if (folder / _AIR_FILE).is_file() else {}
    assets += [
        Asset(
            f"nis-air-{sensor}", "sensor-community", "AirQualityObserved", "air",
            f"Станица ваздуха {sensor} (снимак)", f"Air station {sensor} (recording)",
            float(row["lon"]), float(row["lat"]), GATEWAY, "sensor.community",
        )
        for sensor, row in sorted(stations.items())
    ]  # fmt: skip
    return City([Gateway(GATEWAY, "Снимци стварних мерења", "Видик")], assets)


def read_recordings(folder: Path) -> list[Recording]:
    """The heating seasons, and the air stations' day."""
    heating: list[tuple[float, str, bytes]] = []
    for code, files in _HEAT_FILES.items():
        for file in files:
            if (folder / file).is_file():
                heating += _lines(folder / file, _HEAT_COLUMNS, "datetime", f"nis-heat-{code}")
    heating.sort(key=lambda line: line[0])
    air: list[tuple[float, str, bytes]] = []
    if (folder / _AIR_FILE).is_file():
        air = list(_lines(folder / _AIR_FILE, _AIR_COLUMNS, "timestamp", None))
        air.sort(key=lambda line: line[0])
    return [recording for recording in (Recording("heating", heating), Recording("air", air)) if recording.lines]


async def replay_recordings(folder: Path, secret: str, host: str, port: int, state: Path) -> None:
    """Replay until the recordings end; a restart goes on where this one stopped."""
    places = _Places(state)
    recordings = await asyncio.to_thread(read_recordings, folder)
    publisher = await connected(GATEWAY, secret, host, port, window=_WINDOW)
    try:
        await asyncio.gather(*(_play(recording, publisher, places) for recording in recordings))
    finally:
        await publisher.close()


async def _play(recording: Recording, publisher: Publisher, places: "_Places") -> None:
    start = places.of(recording.name)
    if start >= len(recording.lines):
        return
    _log.info("replaying a recording", recording=recording.name, lines=len(recording.lines), resumed_at=start)
    due = saved = time.monotonic()
    before = recording.lines[start][0]
    waiting: dict[int, None] = {}
    index = start
    try:
        for index in range(start, len(recording.lines)):
            moment, device_id, payload = recording.lines[index]
            due += min(_LONGEST_PAUSE_SECONDS, (moment - before) / SPEED)
            before = moment
            pause = due - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            else:
                due = max(due, time.monotonic() - _CATCH_UP_SECONDS)
            waiting[index] = None
            acknowledged = await publisher.send(f"devices/{device_id}/readings", payload)
            acknowledged.add_done_callback(partial(_forget, waiting, index))
            if time.monotonic() - saved > _SAVE_SECONDS:
                saved = time.monotonic()
                places.keep(recording.name, next(iter(waiting), index + 1))
        await publisher.drain()
    except asyncio.CancelledError:
        places.keep(recording.name, next(iter(waiting), index))
        raise
    places.keep(recording.name, len(recording.lines))
    _log.info("a recording came to its end", recording=recording.name)


def _forget(waiting: dict[int, None], index: int, _done: "asyncio.Future[None]") -> None:
    waiting.pop(index, None)


class _Places:
    """How far each recording has been played."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._passed: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            self._passed = {str(name): int(passed) for name, passed in json.loads(file.read_text()).items()}

    def of(self, name: str) -> int:
        return self._passed.get(name, 0)

    def keep(self, name: str, passed: int) -> None:
        self._passed[name] = passed
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(self._passed))
        beside.replace(self._file)


def _lines(
    file: Path, columns: Sequence[str], time_column: str, device_id: str | None
) -> Iterator[tuple[float, str, bytes]]:
    header: str | None = None
    present: list[str] = []
    for row in _rows(file):
        if header is None:
            present = [column for column in columns if column in row]
            header = ",".join(present)
        moment = row[time_column]
        if time_column == "datetime" and moment < _SEASON_STARTS:
            continue
        line = f"{header}\n{','.join(row[column] for column in present)}\n"
        # For the order and the pace only; what it is in UTC is the door's business.
        yield (
            datetime.fromisoformat(moment + "+00:00").timestamp(),
            device_id or f"nis-air-{row['sensor_id']}",
            line.encode(),
        )


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def _all_files() -> list[str]:
    return [file for files in _HEAT_FILES.values() for file in files] + [_AIR_FILE]
