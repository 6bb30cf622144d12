"""Results as plain JSON values, the same wherever they are shown, stored or compared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from vidik.kernel.clock import iso
from vidik.pilots.outcome import APART


def plain(value: Any) -> Any:
    """Dataclasses as objects, dates ISO, Decimals as strings; NaN and infinity, which JSON does not have, as null.

    Fields of dataclasses that are kept apart are left out.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
        case np.integer() | np.bool_():
            return value.item()
        case Decimal():
            return format(value, "f")
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(member) for key, member in value.items()}
        case np.ndarray() | Sequence() | Set():
            return [plain(member) for member in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                item.name: plain(getattr(value, item.name))
                for item in dataclasses.fields(value)
                if APART not in item.metadata
            }
        case _:
            raise TypeError(f"{type(value).__name__} has no plain form")
