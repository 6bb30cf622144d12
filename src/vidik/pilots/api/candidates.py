"""Candidates over HTTP: the seven services compared, what-if questions, and the city's own assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Body
from psycopg.rows import DictRow
from pydantic import Field

from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.database import Connection
from vidik.kernel.errors import Unprocessable
from vidik.kernel.forms import Form
from vidik.kernel.heavy import worked_out
from vidik.kernel.web import ServicesOf
from vidik.pilots.api.plans import Manager, Reader
from vidik.pilots.candidates import Assumptions, Ranking, ServiceRank, rank, register
from vidik.pilots.plain import plain
from vidik.pilots.plans import repository

router = APIRouter(prefix="/pilots", tags=["pilots"])

_REMEMBERED = 16
_DETECTABLE = "detectable_fraction"
Measured = Mapping[str, DictRow]
Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
"""How much a criterion counts against the others; only their ratios matter."""


class WhatIf(Form):
    """Assumptions in the place of those that come with Vidik; what is left out stays."""

    budget: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    discount_rate: Annotated[float, Field(ge=0, lt=1)] | None = None
    overrides: Annotated[dict[str, dict[str, Any]], Field(default_factory=dict)]
    weights: Annotated[list[Weight], Field(min_length=1, max_length=20)] | None = None
    view: Literal["society", "budget"] = "society"


class Assumed(WhatIf):
    """Assumptions that the city makes its own."""

    reason: Annotated[str, Field(max_length=4_000)] | None = None


@router.get("/candidates")
async def read_candidates(services: ServicesOf, _: Reader, ranked: bool = True) -> dict[str, Any]:
    """Compare the seven services under the city's assumptions.

    The first ranking after a start takes seconds; `ranked=false` answers at once, with the assumptions alone.
    """
    # Ranking takes seconds: the connection is given back before.
    async with services.database.session(services.settings.tenant) as connection:
        stored = await repository.read_assumptions(connection)
        measured = await _measured(connection)
    assumed = WhatIf.model_validate(stored["content"]) if stored else WhatIf(overrides={})
    return _candidates(stored, assumed, measured, await _ranked(assumed, measured) if ranked else None)


@router.post("/candidates/rank")
async def rank_candidates(body: Annotated[WhatIf, Body()], services: ServicesOf, _: Reader) -> dict[str, Any]:
    """Rank the services under other assumptions; nothing is saved."""
    async with services.database.session(services.settings.tenant) as connection:
        measured = await _measured(connection)
    ranking: dict[str, Any] = plain(await _ranked(body, measured))
    return ranking


@router.put("/candidates")
async def change_candidates(body: Assumed, services: ServicesOf, principal: Manager) -> dict[str, Any]:
    """Make assumptions the city's own, for everybody who looks."""
    assumed = WhatIf(**body.model_dump(exclude={"reason"}))
    async with services.database.session(services.settings.tenant) as connection:
        measured = await _measured(connection)
    ranking = await _ranked(assumed, measured)  # what cannot be ranked is not kept
    content = assumed.model_dump(mode="json")
    async with services.database.transaction(services.settings.tenant) as connection:
        before = await repository.read_assumptions(connection)
        await repository.write_assumptions(connection, content, principal.name, now())
        stored = await repository.read_assumptions(connection)
        await audit.record(
            connection,
            principal,
            "pilot.assume",
            "pilot:candidates",
            reason=body.reason,
            details={"before": before["content"] if before else None, "after": content},
        )
    return _candidates(stored, assumed, measured, ranking)


async def _measured(connection: Connection) -> Measured:
    """What savings the city's own data can show, by service, where a plan has asked."""
    return {row["service"]: row for row in await repository.read_detectable(connection)}


def _as_measured(assumed: WhatIf, measured: Measured) -> WhatIf:
    """Assumptions with what the city's data can show, where nobody has said something else."""
    overrides = dict(assumed.overrides)
    for service, found in measured.items():
        overrides[service] = {_DETECTABLE: found["detectable"], **overrides.get(service, {})}
    return assumed.model_copy(update={"overrides": overrides})


def _candidates(stored: DictRow | None, assumed: WhatIf, measured: Measured, ranking: Ranking | None) -> dict[str, Any]:
    assumptions = _assumptions(_as_measured(assumed, measured))
    ranked = {service.service: service for service in ranking.services} if ranking else {}
    budget, rate = assumed.budget, assumed.discount_rate
    return {
        "currency": assumptions.currency,
        "budget": assumptions.budget if budget is None else budget,
        "horizon_years": assumptions.horizon_years,
        "discount_rate": assumptions.discount_rate if rate is None else rate,
        "overrides": assumed.overrides,
        "view": assumed.view,
        "changed_by": stored["changed_by"] if stored else None,
        "changed_at": iso(stored["changed_at"]) if stored else None,
        "services": [
            {
                **_service(assumptions, name, ranked.get(name)),
                "detectable_from": _origin(assumed.overrides.get(name, {}), measured.get(name)),
            }
            for name in assumptions.services
        ],
        "ranking": plain(ranking),
    }


def _origin(overrides: Mapping[str, Any], found: DictRow | None) -> dict[str, Any]:
    """Where the smallest saving that shows comes from: the city's word, a plan's runs, or the register."""
    if _DETECTABLE in overrides:
        return {"kind": "city"}
    if found is None:
        return {"kind": "register"}
    return {"kind": "plan", **{name: found[name] for name in ("plan", "title", "placebos", "simulated")}}


def _service(assumptions: Assumptions, name: Any, ranked: ServiceRank | None) -> dict[str, Any]:
    candidate = assumptions.services[name]
    price = assumptions.price_of(candidate)
    fraction, base = candidate.saving_fraction, candidate.annual_base.value
    annual = {
        bound: base * getattr(fraction, bound) * getattr(price.value, bound) for bound in ("low", "likely", "high")
    }
    texts = {member: getattr(candidate, member).three() for member in ("title", "scope", "who_gains", "risk")}
    numbers = candidate.model_dump(mode="json", exclude={"title", "scope", "who_gains", "risk", "price", "sources"})
    return {
        "service": name,
        **texts,
        **numbers,
        "price": {**price.model_dump(mode="json"), "source": price.source.three()},
        "sources": [source.three() for source in candidate.sources],
        "annual_value": annual,
        "expected_fraction": ranked.expected_fraction if ranked else None,
        "provability": ranked.provability if ranked else None,
    }


def _assumptions(assumed: WhatIf) -> Assumptions:
    try:
        return register().with_overrides(assumed.overrides)
    except ValueError as error:
        raise Unprocessable(str(error), field="overrides", code="assumption") from None


async def _ranked(assumed: WhatIf, measured: Measured) -> Ranking:
    asked = _as_measured(assumed, measured)
    try:
        return await worked_out(_ranking, orjson.dumps(asked.model_dump(), option=orjson.OPT_SORT_KEYS))
    except ValueError as error:
        raise Unprocessable(str(error), field="overrides", code="assumption") from None


@lru_cache(maxsize=_REMEMBERED)
def _ranking(asked: bytes) -> Ranking:
    """The ranking of a question: the same question has the same answer, for a second of work."""
    assumed = WhatIf.model_validate_json(asked)
    return rank(
        register(),
        budget=assumed.budget,
        discount_rate=assumed.discount_rate,
        overrides=assumed.overrides or None,
        weights=assumed.weights,
        view=assumed.view,
    )
