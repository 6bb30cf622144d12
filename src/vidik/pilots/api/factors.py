"""Published prices and emission factors over HTTP: what the form of a plan offers to take over, with their sources."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from vidik.pilots.api.plans import Reader
from vidik.pilots.money.factors import emission_factors, in_unit, tariff_in_unit, tariffs
from vidik.pilots.plain import plain

router = APIRouter(prefix="/pilots", tags=["pilots"])


@router.get("/factors")
async def list_factors(
    _: Reader, unit: Annotated[str, Query(min_length=1, max_length=40, description="UN/ECE code, such as KWH.")]
) -> dict[str, Any]:
    """List emission factors and tariffs a unit of what a plan measures; of another quantity there are none.

    Values published for the same thing differ: all are listed, and a plan names the one that it uses.
    """
    emissions = [(one, in_unit(one.factor, unit)) for one in emission_factors()]
    bills = [tariff_in_unit(one, unit) for one in tariffs()]
    return {
        "emissions": [
            {"id": one.id, "of": one.of, "factor": plain(factor.model_dump())}
            for one, factor in emissions
            if factor is not None
        ],
        "tariffs": [
            {"id": one.id, "title": one.title, "bands": [plain(band.model_dump()) for band in one.bands]}
            for one in bills
            if one is not None
        ],
    }
