"""Clocks that step: an hour back, a day ahead. Nothing is lost, doubled or out of order."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.family import METER_PROFILE

from vidik.context.store import changes, entities, history
from vidik.intake.devices import DeviceRecord
from vidik.intake.message import Message, Outcome
from vidik.intake.pipeline import Pipeline
from vidik.kernel import clock
from vidik.kernel.database import Database

TENANT = "city"
ENTITY = "urn:ngsi-ld:HeatSubstation:nis:m1"


class OneDevice:
    """A directory with one meter in it."""

    record = DeviceRecord("m1", "test-meter", None, None, "Meter", None, "real", None, None, True, None)

    def get(self, device_id: str) -> DeviceRecord | None:
        return self.record if device_id == "m1" else None

    def may_write(self, principal_id: str, device_id: str) -> bool:
        return True


class SteppingClock:
    """The wall clock, moved by `offset`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = timedelta()
        true_now = clock.now
        for module in ("vidik.context.store.readings", "vidik.context.store.entities"):
            monkeypatch.setattr(f"{module}.now", lambda: true_now() + self.offset)
        self._true_now = true_now

    def now(self) -> datetime:
        return self._true_now() + self.offset


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    (tmp_path / "test-meter.yaml").write_text(METER_PROFILE)
    return tmp_path


async def submit(pipeline: Pipeline, steps: SteppingClock, number: int) -> Outcome:
    moment = clock.to_microseconds(steps.now())
    payload = f'{{"t":{moment // 1000},"n":{number},"p":1}}'.encode()
    return await pipeline.submit(Message("m1", "m1", payload, moment, "mqtt", "devices/m1/readings"))


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(days=1, hours=2), timedelta(days=-3)])
async def test_a_step_of_the_clock_loses_nothing(
    database: Database, profiles: Path, monkeypatch: pytest.MonkeyPatch, step: timedelta
) -> None:
    steps = SteppingClock(monkeypatch)
    pipeline = Pipeline(database, TENANT, OneDevice(), city="nis", profiles=profiles)
    async with pipeline.running():
        outcomes = [await submit(pipeline, steps, number) for number in range(3)]
        steps.offset = step
        outcomes += [await submit(pipeline, steps, number) for number in range(3, 6)]
        steps.offset = timedelta()
        outcomes += [await submit(pipeline, steps, number) for number in range(6, 9)]

    assert set(outcomes) == {Outcome.ACCEPTED}
    async with database.session(TENANT) as connection:
        series = await history.series_of(connection, [ENTITY])
        rows = await history.read(connection, [one.number for one in series if one.attribute.endswith("energyTotal")])
        (stored,) = rows.values()
        batches = await changes.read_after(connection, 0)
        entity = (await entities.load(connection, [ENTITY]))[ENTITY]
    assert sorted(stored.numbers.tolist()) == list(range(9))
    assert stored.times.tolist() == sorted(stored.times.tolist())
    said = [next(iter(c.attributes.values()))[0] for b in batches for c in b.changes]
    assert said == [float(n) for n in range(9)] or said == list(range(9))
    newest = {name: attribute["value"] for name, attribute in entity.document.items() if name.endswith("energyTotal")}
    expected = 5 if step > timedelta() else 8
    assert set(newest.values()) == {expected}
