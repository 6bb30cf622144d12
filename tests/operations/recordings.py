"""The recorded SCADA of Niš, two ways: as the rules see it, and as plain arrays for an independent look."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vidik.context.jsonld import names
from vidik.context.store.changes import Change, Rejection
from vidik.intake.profiles import Profile, Reading, Rejected
from vidik.kernel.clock import CITY_ZONE, from_microseconds, now_microseconds
from vidik.operations.alarms.alarm import Act, Alarm, clear_alarm, raise_alarm, see
from vidik.operations.alarms.service import terms_of
from vidik.operations.rules.memory import Finding, Memory
from vidik.operations.rules.rulebook import RuleBook, packaged_rules
from vidik.operations.rules.signals import AlarmKey

HOUR = 3600.0
COLUMNS = {"return_primary": 3, "supply_primary": 2, "supply_secondary": 4, "reference": 1, "power": 7}


@dataclass(frozen=True)
class Recording:
    """One substation: seconds of local time and the columns as they stand in the file, oldest first."""

    seconds: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    def column(self, name: str) -> npt.NDArray[np.float64]:
        return self.values[:, COLUMNS[name]]

    def spells(self, flags: npt.NDArray[np.bool_], at_least_hours: float) -> list[tuple[datetime, datetime]]:
        """Runs of True of at least so long, with no gap above 2.5 hours inside, as local times without a zone."""
        found = []
        begin: int | None = None
        for place in range(len(flags) + 1):
            torn = place == len(flags) or (place and self.seconds[place] - self.seconds[place - 1] > 2.5 * HOUR)
            if begin is not None and (torn or not flags[place]):
                if self.seconds[place - 1] - self.seconds[begin] >= at_least_hours * HOUR:
                    found.append((_local(self.seconds[begin]), _local(self.seconds[place - 1])))
                begin = None
            if begin is None and place < len(flags) and flags[place]:
                begin = place
        return found


def _local(seconds: float) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=float(seconds))  # noqa: DTZ001  local times of the recording


def read_arrays(file: Path) -> Recording:
    """The file as arrays; an empty cell is NaN."""
    with gzip.open(file, "rt") as text:
        rows = list(csv.reader(text))[1:]
    rows.sort(key=lambda row: row[0])
    moments = [(datetime.fromisoformat(row[0]) - datetime(1970, 1, 1)).total_seconds() for row in rows]  # noqa: DTZ001  local times of the recording
    values = [[float(cell) if cell else np.nan for cell in row[1:9]] for row in rows]
    return Recording(np.array(moments), np.array(values))


def read_readings(file: Path, profile: Profile) -> Iterator[Reading]:
    """The file line by line through the profile, oldest first; lines that it refuses as a whole are left out."""
    with gzip.open(file, "rt") as text:
        header, *lines = text.read().splitlines()
    received_at = now_microseconds()
    for line in sorted(lines):
        try:
            yield from profile.decode(f"{header}\n{line}".encode(), received_at)
        except Rejected:
            continue


def watch(substation: str, readings: Iterator[Reading]) -> list[Alarm]:
    """All alarms that the packaged rules would have raised over a recording, in order, one a row of the table."""
    rules = packaged_rules()
    memory = Memory(RuleBook(rules, names.expand_type, names.expand_attribute), names.compact, CITY_ZONE)
    entity_id = f"urn:ngsi-ld:HeatSubstation:nis:{substation}"
    types = (names.expand_type("HeatSubstation"),)
    memory.complete(entity_id, {})
    alarms: list[Alarm] = []
    newest: dict[AlarmKey, int] = {}
    for reading in readings:
        at = reading.observed_at
        attributes = {iri: (value, at) for iri, value in reading.values.items()}
        found = memory.take([Change(entity_id, types, "updated", attributes)], at)
        refused = [Rejection(entity_id, iri, why, value, at) for iri, _, value, why in reading.rejected]
        found += memory.take_rejections(refused, lambda _: types)
        for finding in found:
            _fold(alarms, newest, finding)
    return alarms


def _fold(alarms: list[Alarm], newest: dict[AlarmKey, int], finding: Finding) -> None:
    key, signal = finding
    rule = packaged_rules()[key.rule]
    moment = from_microseconds(signal.at)
    place = newest.get(key)
    latest = alarms[place] if place is not None else None
    if signal.kind == "cleared":
        after, _ = clear_alarm(latest, observed_at=moment, act=Act("reading", moment))
    elif signal.kind == "seen" and latest is not None:
        after = see(latest, value=signal.value, observed_at=moment, now=moment)
    else:
        after, _ = raise_alarm(
            key,
            latest,
            terms=terms_of(rule, key),
            value=signal.value,
            threshold=signal.threshold,
            observed_at=moment,
            now=moment,
        )
    if after is None:
        return
    if latest is not None and after.observed_at == latest.observed_at and place is not None:
        alarms[place] = after
    else:
        newest[key] = len(alarms)
        alarms.append(after)


def local(moment: datetime) -> datetime:
    """A time on the clocks of Niš, without a zone, as the recordings write it."""
    return moment.astimezone(CITY_ZONE).replace(tzinfo=None)


def season(moment: datetime) -> int:
    """The year in which the heating season of a time began (seasons run from July to June)."""
    return moment.year if moment.month >= 7 else moment.year - 1
