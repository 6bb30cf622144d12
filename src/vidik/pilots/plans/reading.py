"""What signing a plan reads of its data.

It takes seconds, and while plans are locked nobody else signs, amends or changes one: it is read before, and what was
read is used only if the texts are still those that it was read for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from vidik.kernel.database import Connection
from vidik.kernel.errors import Unprocessable
from vidik.pilots.measurement.series import Series
from vidik.pilots.measurement.twins import alike_units
from vidik.pilots.plans import data
from vidik.pilots.specification import Specification

Compared = dict[int, tuple[Specification, list[str]]]
"""By the number of another plan: its text, and the units whose numbers it measures too."""


async def baseline_digests(
    connection: Connection, specification: Specification, moment: datetime
) -> tuple[dict[str, str], date]:
    """Digests of what is known of the baseline period now; raises Unprocessable for a unit without any data in it."""
    yesterday = moment.astimezone(ZoneInfo(specification.zone)).date() - timedelta(days=1)
    until = min(specification.baseline.last, yesterday)
    if until < specification.baseline.first:
        return {}, until
    read = await data.read_data(connection, specification, until)
    for place, unit in enumerate(specification.units):
        if unit.name not in read.units:
            raise Unprocessable(
                f"{unit.name} has no data in the baseline period.",
                field=f"units.{place}",
                code="no-data",
                values={"name": unit.name},
            )
    return data.digests(read, until), until


async def replaced(
    connection: Connection, specification: Specification, then: Mapping[str, str], until: date
) -> list[str]:
    """The signals whose data up to the day that was signed are other data than were signed."""
    if not then:
        return []
    now_known = data.digests(await data.read_data(connection, specification, until), until)
    return sorted(name for name in then.keys() & now_known.keys() if then[name] != now_known[name])


async def twins(
    connection: Connection,
    specification: Specification,
    others: Mapping[int, Specification],
    compared: Compared | None = None,
) -> dict[int, list[str]]:
    """The units whose numbers another plan of the same days measures too, from another file or by another name.

    What stands in `compared` is not compared once more while the other plan says the same; what was, comes into it.
    """
    known = {} if compared is None else compared
    rivals = {
        number: other
        for number, other in others.items()
        if other.units[0].unit == specification.units[0].unit
        and other.reporting.period.overlaps(specification.reporting.period)
    }
    unknown = {number: other for number, other in rivals.items() if number not in known or known[number][0] != other}
    if unknown:
        own = await _units_before_start(connection, specification)
        for number, other in unknown.items():
            theirs = await _units_before_start(connection, other)
            known[number] = other, await asyncio.to_thread(alike_units, own, theirs)
    return {number: known[number][1] for number in rivals}


async def _units_before_start(connection: Connection, specification: Specification) -> dict[str, Series]:
    alone = specification.model_copy(update={"donors": (), "temperature": None})
    return (await data.read_data(connection, alone, specification.baseline.last)).units
