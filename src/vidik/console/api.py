"""What the console's front end asks: assets, vital signs, one asset with its past, feed, search, the live stream."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from vidik.console import detail, feed, history, listing, repository, search
from vidik.console.live import LiveCity
from vidik.console.projection import Asset, summary
from vidik.console.streets import Named
from vidik.kernel import basemap as basemaps
from vidik.kernel.clock import from_microseconds, iso, now, now_microseconds
from vidik.kernel.errors import BadInput, Forbidden, NotFound, Unauthenticated
from vidik.kernel.identity import Principal, require, require_principal, require_principal_anew, require_somebody
from vidik.kernel.scripts import fold
from vidik.kernel.web import ServicesOf, Session, get_services
from vidik.operations.alarms import repository as operations
from vidik.operations.rules.model import SilenceRule

router = APIRouter(prefix="/console", tags=["console"])

HEARTBEAT_SECONDS = 10.0
AT_MOST_EVERY_SECONDS = 0.25
_SIGNED_IN_EVERY_SECONDS = 60.0
_DAY = timedelta(days=1)

Reader = Annotated[Principal, Depends(require("context.read"))]


async def get_live(request: Request) -> LiveCity:
    """The live city of this process, once it has been read; nobody else than people of the city make it read on."""
    await require_somebody(request)
    live = get_services(request).get(LiveCity)
    await live.ready()
    return live


Live = Annotated[LiveCity, Depends(get_live)]


async def get_streets(live: Live) -> Named:
    """The city's named streets; a reader of them takes its connection after they have been read."""
    return await live.streets.named()


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json", headers={"Cache-Control": "no-store"})


def _asset(live: LiveCity, asset_id: str) -> Asset:
    asset = live.projection.assets.get(asset_id)
    if asset is None:
        raise NotFound(f"There is no asset {asset_id}.")
    return asset


def _english_name(live: LiveCity, entity_id: str) -> str:
    asset = live.projection.assets.get(entity_id)
    return (asset.name_en if asset else None) or ""


@router.get("/assets")
async def list_assets(live: Live, _: Reader) -> Response:
    """List every asset with its place, state and headline, as of one position of the change stream."""
    return _json(
        {
            "position": live.projection.position,
            "generated_at": iso(now()),
            "assets": [summary(asset) for asset in live.projection.assets.values()],
        }
    )


@router.get("/assets.ndjson")
async def stream_assets(request: Request, live: Live, _: Reader) -> StreamingResponse:
    """List every asset as lines of JSON: first how many and of which position, then slices of columns.

    What changes meanwhile comes by the stream from that position on.
    """
    assets, moment = list(live.projection.assets.values()), now_microseconds()
    head = {
        "position": live.projection.position,
        "generated_at": iso(from_microseconds(moment)),
        "assets": len(assets),
    }

    async def parts() -> AsyncIterator[bytes]:
        yield orjson.dumps(head) + b"\n"
        async for line in listing.lines(assets, moment):
            yield line

    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return StreamingResponse(parts(), media_type="application/x-ndjson", headers=headers)
    headers["Content-Encoding"] = "gzip"
    return StreamingResponse(listing.gzipped(parts()), media_type="application/x-ndjson", headers=headers)


@router.get("/assets/{asset_id}")
async def read_asset(asset_id: str, live: Live, connection: Session, principal: Reader) -> Response:
    """Return one asset in full."""
    found = await detail.asset_detail(connection, live, _asset(live, asset_id), principal)
    if found is None:
        raise NotFound(f"There is no asset {asset_id}.")
    return _json(found)


@router.get("/assets/{asset_id}/history")
async def read_history(
    asset_id: str,
    live: Live,
    connection: Session,
    principal: Reader,
    attributes: Annotated[str, Query(description="Short names, separated by commas.")] = "",
    begin: Annotated[datetime | None, Query(alias="from")] = None,
    end: Annotated[datetime | None, Query(alias="to")] = None,
    points: Annotated[int, Query(ge=20, le=4000)] = 600,
) -> Response:
    """Return the past of an asset's numbers for a chart, with the alarms that stood meanwhile."""
    asset = _asset(live, asset_id)
    asked = [name for name in _names(attributes) if asset.asset_type.shows(name)]
    chosen = asked or [name for name in asset.asset_type.tiles if name in asset.values]
    if len(chosen) > 12:
        raise BadInput("A chart shows at most 12 attributes.", field="attributes")
    start, until = _range(asset, begin, end)
    resolution, series = await history.chart(connection, asset_id, chosen, start, until, points)
    for one in series:
        one["unit"] = asset.units.get(one["attribute"])
    alarms = await operations.alarms_between(connection, asset_id, start, until, principal.reach("alarms.read"))
    events = [
        {
            "alarm_id": str(alarm["id"]),
            "priority": alarm["priority"],
            "raised_at": iso(alarm["observed_at"]),
            "cleared_at": iso(alarm["cleared_observed_at"]) if alarm["cleared_observed_at"] else None,
            "message": alarm["message"],
        }
        for alarm in alarms
    ]
    return _json({"from": iso(start), "to": iso(until), "resolution": resolution, "series": series, "events": events})


@router.get("/assets/{asset_id}/span")
async def read_span(asset_id: str, live: Live, connection: Session, _: Reader) -> Response:
    """Return from when to when there is history of an asset (both null when there is none)."""
    reach = await history.span(connection, _asset(live, asset_id).id)
    return _json({"from": iso(reach[0]) if reach else None, "to": iso(reach[1]) if reach else None})


@router.get("/assets/{asset_id}/raw")
async def read_raw(
    asset_id: str,
    live: Live,
    connection: Session,
    _: Reader,
    attribute: Annotated[str, Query(description="Short names, separated by commas; all when empty.")] = "",
    before: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Return the newest raw values before a time, newest first; `next` is the `before` of the following page."""
    asset = _asset(live, asset_id)
    _must_be_aware(before, "before")
    items = await history.raw_page(connection, asset_id, _shown(asset, attribute), before, limit)
    following = items[-1]["observed_at"] if len(items) == limit else None
    for item in items:
        item["value"] = asset.asset_type.shown_value(item["value"])
        item["unit"] = asset.units.get(item["attribute"])
    return _json({"items": items, "next": following})


@router.get("/assets/{asset_id}/raw.csv")
async def read_raw_csv(
    asset_id: str,
    live: Live,
    services: ServicesOf,
    _: Reader,
    attribute: str = "",
    begin: Annotated[datetime | None, Query(alias="from")] = None,
    end: Annotated[datetime | None, Query(alias="to")] = None,
) -> StreamingResponse:
    """Return raw values as CSV, oldest first."""
    asset = _asset(live, asset_id)
    start, until = _range(asset, begin, end)
    chosen = _shown(asset, attribute)

    connect = partial(services.database.session, services.settings.tenant)
    lines = history.csv_lines(connect, asset_id, chosen, start, until, asset)
    name = asset_id.rpartition(":")[2]
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(name)}.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/feed")
async def read_feed(
    live: Live, connection: Session, principal: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> Response:
    """Return what just happened, newest first."""
    silence = {code for code, rule in live.rules.items() if isinstance(rule, SilenceRule)}
    events = await operations.newest_events(connection, limit, reach=principal.reach("alarms.read"))
    alarms = [feed.alarm_item(row, row["rule"] in silence) for row in events]
    letters = await repository.newest_dead_letter_of_each(connection, limit, principal.reach("devices.read"))
    items = [item for item in alarms if item] + [feed.letter_item(row, live.catalogue) for row in letters]
    items.sort(key=lambda item: item["at"], reverse=True)
    return _json({"items": items[:limit]})


@router.get("/search")
async def find(
    live: Live,
    streets: Annotated[Named, Depends(get_streets)],
    connection: Session,
    principal: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    script: Annotated[str, Query(pattern="^(en|sr-Cyrl|sr-Latn)$")] = "en",
) -> Response:
    """Find assets, devices, streets, alarms and help; Cyrillic and Latin match each other."""
    words = fold(q).split()
    if not words:
        return _json({"items": []})
    devices = [
        {
            "id": row["device_id"],
            "title": row["device_id"],
            "subtitle": row["name"],
            "text": f"{row['device_id']} {row['name']}",
            "place": None,
        }
        for row in await repository.devices_of_assets(connection, principal.reach("devices.read"))
    ]
    alarms = [
        {
            "id": str(row["id"]),
            "title": row["message"][script],
            "subtitle": (_english_name(live, row["entity_id"]) if script == "en" else "") or row["entity_name"],
            "text": f"{row['entity_name']} {_english_name(live, row['entity_id'])} {row['message']['sr-Latn']} "
            f"{row['message']['en']}",
            "place": None,
        }
        for row in await operations.list_alarms(
            connection, state="open", limit=1000, reach=principal.reach("alarms.read")
        )
    ]
    items = search.together(
        search.find_rows(words, "alarm", alarms),
        search.find_assets(words, live.projection.assets.values(), script),
        search.find_streets(words, streets),
        search.find_rows(words, "device", devices),
        search.find_help(words, script),
    )
    return _json({"items": items})


@router.get("/basemap.json")
async def read_basemap(request: Request, services: ServicesOf, _: Reader) -> Response:
    """Return the city's base map, with an ETag so that it travels once."""
    file = basemaps.basemap_file(services.settings)
    state = file.stat()
    tag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    content = await asyncio.to_thread(basemaps.load_basemap, services.settings)
    return Response(content, media_type="application/json", headers=headers)


@router.get("/stream")
async def stream(request: Request, live: Live) -> StreamingResponse:
    """Follow the city live (server-sent events); `Last-Event-ID` is the change position to go on from."""
    principal = await require_principal(request, "context.read")
    last = request.headers.get("last-event-id") or request.query_params.get("last_event_id") or ""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    body = _follow(request, live, int(last) if last.isdigit() and len(last) < 19 else None, principal)
    return StreamingResponse(body, media_type="text/event-stream", headers=headers)


async def _follow(request: Request, live: LiveCity, last: int | None, principal: Principal) -> AsyncIterator[bytes]:
    """Yield the stream until the client leaves, the process stops, or the person is no longer signed in."""

    async def ask() -> Principal | None:
        try:
            return await require_principal_anew(request, "context.read")
        except (Unauthenticated, Forbidden):
            return None

    with live.hub.joined(last, principal) as client:
        client.doubt()  # it may have changed while the stream was opened
        looked = now_microseconds()
        async for part in live.hub.follow(
            client, ask, heartbeat_seconds=HEARTBEAT_SECONDS, at_most_every=AT_MOST_EVERY_SECONDS
        ):
            yield part
            # Of changes we hear; that a session has run out tells nobody.
            if now_microseconds() - looked > _SIGNED_IN_EVERY_SECONDS * 1_000_000:
                looked = now_microseconds()
                client.doubt()


def _range(asset: Asset, begin: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """Return the asked range; without one, the last day that the asset has, which for a recording is long past."""
    _must_be_aware(begin, "from")
    _must_be_aware(end, "to")
    if end is None:
        newest = datetime.fromtimestamp(asset.observed_at / 1_000_000, tz=now().tzinfo) if asset.observed_at else now()
        end = newest + timedelta(seconds=1) if asset.origin == "recorded" else max(now(), newest)
    start = begin or end - _DAY
    if start >= end:
        raise BadInput("`from` must be before `to`.", field="from")
    return start, end


def _must_be_aware(moment: datetime | None, field: str) -> None:
    if moment is not None and moment.tzinfo is None:
        raise BadInput("Times need a zone, for example 2026-11-22T14:00:00Z.", field=field)


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def _shown(asset: Asset, text: str) -> list[str]:
    """Return the asked attributes that are shown; all that are, where only some may be and none was asked for."""
    asked, shown = _names(text), asset.asset_type.shown
    if shown is None:
        return asked
    chosen = [name for name in asked if name in shown]
    if asked and not chosen:
        raise BadInput(f"Of a {asset.asset_type.name} only the register is shown.", field="attribute")
    return chosen or sorted(shown)


def _file_name(text: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in text)
