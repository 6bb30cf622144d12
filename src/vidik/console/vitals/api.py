"""Vital signs over HTTP: shown, their month, changed, laid out, tried."""

from datetime import timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from vidik.console.api import Live, Reader
from vidik.console.vitals import keeping, repository
from vidik.console.vitals.figures import PERMISSION
from vidik.console.vitals.service import (
    Layout,
    Standing,
    layout_view,
    sign_view,
    standing_layout,
    standing_signs,
    take_back,
    write_layout,
    write_sign,
)
from vidik.console.vitals.shown import NOT_OF_NOW, Vitals, may_see, measure_now, trend_view, view
from vidik.console.vitals.sign import Assets, Sign, Work, definition_of, read_sign
from vidik.kernel import audit
from vidik.kernel.clock import iso, now
from vidik.kernel.errors import NotFound
from vidik.kernel.forms import Form, Json
from vidik.kernel.identity import Principal, require_in_the_city
from vidik.kernel.identity.reach import EVERYWHERE
from vidik.kernel.web import ServicesOf, Session, Transaction
from vidik.operations.version_header import read_version

router = APIRouter(prefix="/console", tags=["console"])

# Whoever may say when the city is alarmed may say what its vital signs are: both belong to the whole city.
Manager = Annotated[Principal, Depends(require_in_the_city("rules.manage"))]
Seen = Annotated[int, Depends(read_version)]
Key = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{2,60}$")]
Keys = Annotated[list[Annotated[str, Field(max_length=61)]], Field(max_length=60)]

_MONTH, _STEP = timedelta(days=30), timedelta(hours=4)
_TRIED_STEP, _TRIED_POINTS = timedelta(hours=1), 25
_LOOKED_AT, _WORDS = 300, 12


class SignForm(Form):
    """A sign as its file would say it, without its key."""

    definition: Json


class LayoutForm(Form):
    """Where each sign stands: in the strip of the situation, on the page only, or nowhere."""

    strip: Annotated[list[Annotated[str, Field(max_length=61)]], Field(max_length=8)]
    page: Keys
    hidden: Keys


@router.get("/vitals")
async def read_vitals(live: Live, services: ServicesOf, principal: Reader) -> Response:
    """Return the vital signs that one may see, each with its last day; those of the strip first."""
    items = await services.get(Vitals).shown(live.projection.assets.values(), principal)
    return Response(
        orjson.dumps({"generated_at": iso(now()), "items": items}),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.get("/vitals/{key}/month")
async def read_month(key: Key, connection: Session, principal: Reader) -> dict[str, Any]:
    """Return what a sign was in the last 30 days, a mean each four hours, as far as it was kept for this definition.

    What is kept is of the whole city: a figure of the work has no month for who sees a part of it.
    """
    sign = (await _standing(connection, key)).sign
    if not may_see(sign, principal):
        raise NotFound(f"There is no vital sign {key}.")
    if isinstance(sign.source, Work) and not principal.reach(PERMISSION[sign.source.figure]).is_everywhere:
        return {"trend": trend_view([], sign.decimals)}
    since = keeping.slots(now(), 1, _STEP)[0] - _MONTH
    rows = await repository.means_since(connection, key, sign.digest, since, _STEP)
    known = {row["at"]: row["value"] for row in rows}
    steps = [since + number * _STEP for number in range(_MONTH // _STEP)] if known else []
    return {"trend": trend_view([(at + _STEP, known.get(at)) for at in steps], sign.decimals)}


@router.get("/vital-signs")
async def list_signs(connection: Session, _: Reader) -> dict[str, Any]:
    """List every sign with its definition, who changed it, and the layout."""
    signs = await standing_signs(connection)
    layout = await standing_layout(connection, signs)
    return {"items": [sign_view(one) for one in signs.values()], "layout": layout_view(layout)}


@router.get("/vital-signs/sources")
async def list_sources(live: Live, _: Reader) -> dict[str, Any]:
    """List what can be measured: each type of asset in the city with its attributes, units and words."""
    found: dict[str, dict[str, Any]] = {}
    for asset in live.projection.assets.values():
        if asset.origin in NOT_OF_NOW:
            continue
        kind = found.setdefault(
            asset.asset_type.name, {"service": asset.asset_type.service, "assets": 0, "attributes": {}}
        )
        kind["assets"] += 1
        if kind["assets"] > _LOOKED_AT:
            continue
        for name, value in asset.values.items():
            one = kind["attributes"].setdefault(name, {"numeric": False, "unit": asset.units.get(name), "words": []})
            if isinstance(value, str):
                if value not in one["words"] and len(one["words"]) < _WORDS:
                    one["words"].append(value)
            else:
                one["numeric"] = one["numeric"] or not isinstance(value, bool)
    return {
        "types": [
            {
                "type": name,
                **kind,
                "attributes": [{"name": one, **what} for one, what in sorted(kind["attributes"].items())],
            }
            for name, kind in sorted(found.items())
        ]
    }


@router.post("/vital-signs/try")
async def try_sign(body: SignForm, live: Live, connection: Session, principal: Manager) -> dict[str, Any]:
    """Measure a sign that is not kept: its value now, and the last day an hour a point."""
    sign = read_sign(body.definition)
    when = keeping.slots(now(), _TRIED_POINTS, _TRIED_STEP)
    reach = EVERYWHERE if isinstance(sign.source, Assets) else principal.reach(PERMISSION[sign.source.figure])
    past = await keeping.measure_at(connection, sign.source, when, reach)
    day = [(at, one.value) for at, one in zip(when, past, strict=True)]
    if isinstance(sign.source, Assets):
        value, members = measure_now(live.projection.assets.values(), [sign])[sign.digest]
        return view(sign, value, members, day)
    (value,) = await keeping.measure_at(connection, sign.source, [now()], reach)
    return view(sign, value, None, day)


@router.put("/vital-signs/{key}")
async def change_sign(
    key: Key, body: SignForm, connection: Transaction, principal: Manager, version: Seen
) -> dict[str, Any]:
    """Change a sign over the version that was seen, or make one of a new key (version 0)."""
    before, after = await write_sign(connection, principal, key, body.definition, version)
    if before is None or before.sign.digest != after.sign.digest:
        await _keep(connection, after.sign)
    details = {"before": definition_of(before.sign) if before else None, "after": definition_of(after.sign)}
    await audit.record(connection, principal, "vital-sign.change", f"vital-sign:{key}", details=details)
    return sign_view(after)


@router.delete("/vital-signs/{key}")
async def take_change_back(
    key: Key, connection: Transaction, principal: Manager, version: Seen
) -> dict[str, Any] | None:
    """Let the package's sign stand again, or remove one that the city made (null)."""
    before, after = await take_back(connection, principal, key, version)
    if after is not None:
        await _keep(connection, after.sign)
    details = {"before": definition_of(before.sign), "after": definition_of(after.sign) if after else None}
    await audit.record(connection, principal, "vital-sign.restore", f"vital-sign:{key}", details=details)
    return sign_view(after) if after else None


@router.put("/vital-layout")
async def change_layout(body: LayoutForm, connection: Transaction, principal: Manager, version: Seen) -> dict[str, Any]:
    """Say which signs stand where and in which order, over the version that was seen."""
    before, after = await write_layout(connection, principal, body.model_dump(), version)
    details = {"before": _places(before), "after": _places(after)}
    await audit.record(connection, principal, "vital-layout.change", "vital-layout", details=details)
    return layout_view(after)


def _places(layout: Layout) -> dict[str, list[str]]:
    return {"strip": list(layout.strip), "page": list(layout.page), "hidden": list(layout.hidden)}


async def _keep(connection: Transaction, sign: Sign) -> None:
    """Keep the last day of a changed sign at once, an hour a sample: its curve does not wait for the worker."""
    when = keeping.slots(now(), _TRIED_POINTS, _TRIED_STEP)
    found = await keeping.measure_at(connection, sign.source, when)
    samples = [(at, one.value, one.counted) for at, one in zip(when, found, strict=True)]
    await repository.write_samples(connection, sign.key, sign.digest, samples)


async def _standing(connection: Session, key: str) -> Standing:
    found = (await standing_signs(connection)).get(key)
    if found is None:
        raise NotFound(f"There is no vital sign {key}.")
    return found
