"""The value of a saving at a tariff by hours of the week and monthly blocks. Exact: Decimal throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from numpy.typing import NDArray

from vidik.pilots.measurement.grid import HOURS, local_hours
from vidik.pilots.measurement.series import Series
from vidik.pilots.specification import Band

PARA = Decimal("0.01")
EXACT = Decimal("0.000001")
"""To how much of the measured unit amounts are taken over from floating point: a thousandth of a watt-hour."""

Slot = tuple[int, int]
"""Weekday (0 is Monday) and local hour."""
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


class UnsoundTariff(ValueError):
    """Prices that are no tariff: a sentence, its code and what it needs, so that it can be said in any language."""

    def __init__(self, text: str, code: str, values: Mapping[str, str | int | float] | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.values = dict(values or {})


def value(tariff: Sequence[Band], saving: Series, use: Series | None = None) -> Decimal:
    """What a saving is worth, in the currency of the bands, rounded to 0.01 (half to even).

    `saving` is what was avoided, hour by hour (UTC hours; local time is that of its zone, daylight saving respected) or
    day by day. A daily saving is spread evenly over the hours of its day. NaN counts as nothing. With blocks (bands
    that begin `above` a monthly amount) what remains in use decides which block the saving falls into: give `use`, the
    amounts measured, on the same steps. The saving then is worth the bill without it less the bill with it; without
    `use` it is counted from the first block up.

    Whether VAT is in the result is `vat_included(tariff)`. Raises UnsoundTariff when bands leave an hour of the week
    without a price, name two prices for the same hour and block, or mix VAT in and out, or units; ValueError when `use`
    has other steps.
    """
    slots = _slots(tariff)
    vat_included(tariff)
    if use is not None and (use.start != saving.start or len(use) != len(saving)):
        raise ValueError("The saving and what remains in use must have the same steps.")
    saved = monthly_amounts(saving)
    used = monthly_amounts(use) if use is not None else {}
    total = Decimal(0)
    for month, amounts in saved.items():
        with_pilot = used.get(month, {})
        without = {slot: with_pilot.get(slot, Decimal(0)) + amount for slot, amount in amounts.items()}
        total += bill(slots, without | {k: v for k, v in with_pilot.items() if k not in without})
        total -= bill(slots, with_pilot)
    return total.quantize(PARA, ROUND_HALF_EVEN)


def interval_value(
    tariff: Sequence[Band], saving: Series, low: float, high: float, use: Series | None = None
) -> tuple[Decimal, Decimal] | None:
    """What the ends of the saving's interval are worth: the same course of the saving, scaled to `low` and `high`.

    Where the saving itself is zero, or nearly so against its interval, its hours say nothing: then each end is spread
    evenly. None when an end is infinite.
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    known = np.nan_to_num(saving.values)
    total = float(known.sum())
    if abs(total) < 0.05 * max(abs(low), abs(high)):
        known, total = np.where(np.isnan(saving.values), 0.0, 1.0), float(np.count_nonzero(~np.isnan(saving.values)))
    if total == 0:
        return None
    ends = [value(tariff, saving.with_values(known * (end / total)), use) for end in (low, high)]
    return ends[0], ends[1]


def differs_by_hour(tariff: Sequence[Band]) -> bool:
    """Whether it matters at which hour of a day something was saved."""
    prices = {band.price.value for band in tariff}
    return len(prices) > 1 and any(len(set(band.hours)) < HOURS for band in tariff)


def vat_included(tariff: Sequence[Band]) -> bool | None:
    """Whether the prices hold VAT: the same for all bands; None when none of them says so."""
    said = {band.price.vat_included for band in tariff}
    if len(said) != 1:
        raise UnsoundTariff("Some prices of this tariff hold VAT and others do not, or do not say so.", "prices-vat")
    if len({band.price.unit for band in tariff}) != 1:
        raise UnsoundTariff("The prices of this tariff are not all in one unit.", "prices-unit")
    return said.pop()


def monthly_amounts(series: Series) -> dict[int, dict[Slot, Decimal]]:
    """Amounts by local month (months since 1970) and slot of the week."""
    amounts = np.nan_to_num(series.values)
    if series.is_daily:
        days = series.times.astype("datetime64[D]")
        hours = np.tile(np.arange(HOURS), len(days))
        days, amounts = np.repeat(days, HOURS), np.repeat(amounts / HOURS, HOURS)
    else:
        local = local_hours(series)
        days, hours = (local // HOURS).astype("datetime64[D]"), local % HOURS
    months = days.astype("datetime64[M]").astype(np.int64)
    weekdays = (days.astype(np.int64) + 3) % 7
    return _sum_up(months, weekdays * HOURS + hours, amounts)


def bill(slots: dict[Slot, list[tuple[Decimal, Decimal]]], amounts: dict[Slot, Decimal]) -> Decimal:
    """A month's bill: blocks are shared out over the slots in proportion, as suppliers do. Not rounded.

    `slots` gives the rungs of each slot: (amount from which it holds, price), lowest first. A month below zero (the
    pilot used more) is billed at the lowest rung.
    """
    total = sum(amounts.values(), Decimal(0))
    if total == 0 or all(len(rungs) == 1 for rungs in slots.values()):
        return sum((amount * slots[slot][0][1] for slot, amount in amounts.items()), Decimal(0))
    due = Decimal(0)
    for slot, amount in amounts.items():
        rungs = slots[slot]
        for place, (above, price) in enumerate(rungs):
            upper = rungs[place + 1][0] if place + 1 < len(rungs) else None
            top = total if upper is None else min(total, upper)
            within = max(top - above, Decimal(0)) if total > 0 else (total if place == 0 else Decimal(0))
            due += amount * within / total * price
    return due


def _slots(tariff: Sequence[Band]) -> dict[Slot, list[tuple[Decimal, Decimal]]]:
    slots: dict[Slot, dict[Decimal, Decimal]] = {(day, hour): {} for day in range(7) for hour in range(HOURS)}
    for band in tariff:
        for day in band.weekdays:
            for hour in band.hours:
                rungs = slots[day, hour]
                if band.above in rungs:
                    raise UnsoundTariff(
                        f"Two prices hold on {WEEKDAYS[day]} at {hour}:00 above {band.above}.",
                        "prices-two",
                        {"day": day, "hour": hour, "above": str(band.above)},
                    )
                rungs[band.above] = band.price.value
    for (day, hour), rungs in slots.items():
        if Decimal(0) not in rungs:
            raise UnsoundTariff(
                f"No price holds on {WEEKDAYS[day]} at {hour}:00 from the first unit on.",
                "prices-none",
                {"day": day, "hour": hour},
            )
    return {slot: sorted(rungs.items()) for slot, rungs in slots.items()}


def _sum_up(
    months: NDArray[np.int64], places: NDArray[np.int64], amounts: NDArray[np.float64]
) -> dict[int, dict[Slot, Decimal]]:
    """Sums in whole millionths, so that no order of adding changes them."""
    micros = np.rint(amounts * 1_000_000).astype(np.int64)
    first = int(months.min()) if len(months) else 0
    size = 7 * HOURS
    sums: dict[int, dict[Slot, Decimal]] = {}
    keys = (months - first) * size + places
    for key in np.unique(keys):
        month, place = divmod(int(key), size)
        total = int(micros[keys == key].sum())
        sums.setdefault(first + month, {})[place // HOURS, place % HOURS] = Decimal(total) * EXACT
    return sums
