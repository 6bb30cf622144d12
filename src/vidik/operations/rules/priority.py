"""The priority of an alarm from its consequence and the time to respond: a matrix, kept as data."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any, get_args

import yaml

from vidik.operations.rules.basis import PRIORITIES, Impact, Priority, read_duration


@cache
def matrix() -> Mapping[str, Any]:
    """Return `columns` (durations, the last without an end as None) and a row of priorities for each impact."""
    text = resources.files(__package__).joinpath("priority_matrix.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    columns: list[timedelta | None] = [read_duration(column) for column in data["columns"][:-1]]
    rows = {impact: tuple(data[impact]) for impact in get_args(Impact)}
    if any(len(row) != len(columns) + 1 or set(row) - set(PRIORITIES) for row in rows.values()):
        raise ValueError("the priority matrix does not hold together")
    return {"columns": (*columns, None), "rows": rows}


def priority_of(impact: Impact, respond_within: timedelta) -> Priority:
    """Return the priority of an alarm whose consequence is prevented by a response within this time."""
    columns, row = matrix()["columns"], matrix()["rows"][impact]
    place = next(place for place, limit in enumerate(columns) if limit is None or respond_within <= limit)
    priority: Priority = row[place]
    return priority
