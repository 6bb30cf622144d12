"""Every door that answers a GET, walked by people limited to an organisation and to an area.

First in a city without anything, then with one of each thing of another organisation outside the area. What is said to
them must be the same as before, word by word and figure by figure, but where OPEN says that it is everybody's.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb
from starlette.applications import Starlette
from tests.operations.others import ASSET, MARK, make_things_of_others
from tests.operations.requests.outside import Outside

from vidik.app.modules import installed_modules
from vidik.kernel.clock import iso
from vidik.kernel.identity import Principal, authenticator
from vidik.kernel.identity.roles import Grant
from vidik.kernel.services import Services
from vidik.operations.procedures.jobs import settle_packaged

LIMITED = {
    "toplana": Grant("administrator", "toplana"),
    "medijana": Grant("administrator", None, "medijana"),
}
MEDIJANA = [[[21.9, 43.3], [21.95, 43.3], [21.95, 43.33], [21.9, 43.33], [21.9, 43.3]]]

THE_MAP = "the map is the city's: assets, their values and states"
OPEN = {
    "/console/assets": THE_MAP,
    "/console/assets/{asset_id}": THE_MAP,
    "/console/assets/{asset_id}/history": THE_MAP,
    "/console/assets/{asset_id}/span": THE_MAP,
    "/console/assets/{asset_id}/raw": THE_MAP,
    "/console/assets/{asset_id}/raw.csv": THE_MAP,
    "/console/assets.ndjson": THE_MAP,
    "/console/search": THE_MAP,
    "/console/vitals": THE_MAP,
    "/console/vital-signs/sources": THE_MAP,
    "/crews": "every desk sees what crews there are; where they are only who sends them",
    "/crews/{crew}": "every desk sees what crews there are; where they are only who sends them",
    "/duty/people": "whom one may ask for help: everybody's name",
    "/incidents/people": "whom one may give a role in an incident: everybody's name",
    "/organisations": "names by which a service is asked in",
    "/pilots/signals": THE_MAP,
    "/sessions": "one's own",
    "/tasks/mine": "refused by the name of the crew, which every desk sees",
}
UNASKED = {"/console/stream", "/pilots/candidates"}  # one never ends, one draws worlds for ten seconds

_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"
    r'|"(position|generated_at|age_seconds|head|revision)":\s*("[^"]*"|[\d.]+|null)'
)


@pytest.fixture
async def people(app: Starlette, services: Services) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    grants = {**LIMITED, "city": Grant("administrator")}
    known = {
        login: Principal(
            "person", "999", login, login, grant.organisation, frozenset({grant.role}), "city", frozenset({grant})
        )
        for login, grant in grants.items()
    }
    authenticator(app.state.services).sources.append(lambda _, secret: known.get(secret))
    async with services.database.transaction("city") as connection:
        await connection.execute(
            "INSERT INTO area (code, name, shape, changed_by, changed_at) VALUES ('medijana', 'М', %s, 'x', now())",
            [Jsonb({"type": "Polygon", "coordinates": MEDIJANA})],
        )
    async with AsyncExitStack() as stack:
        yield {
            login: await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://vidik.test",
                    headers={"Authorization": f"Bearer {login}"},
                )
            )
            for login in known
        }


def doors() -> Iterator[str]:
    """The path of every door of the modules that answers a GET."""
    for module in installed_modules():
        for router in module.api_routers():
            for route in router.routes:
                if isinstance(route, APIRoute) and "GET" in route.methods and route.path not in UNASKED:
                    yield route.path


def asked(path: str, things: dict[str, str]) -> list[str]:
    """What is asked of a door: by its own path, and with what is there to be found by words."""
    filled = re.sub(r"{(\w+)(?::path)?}", lambda found: things.get(found[1], "1"), path)
    begin, end = (iso(datetime.now(UTC) + timedelta(hours=hours)) for hours in (-20, 1))
    incident = things.get("incident_id", "1")
    queries = {
        "/alarms": ["state=all", f"state=all&entity_id={ASSET}"],
        "/console/search": [f"q={MARK}", "q=return"],
        "/dead-letters": ["state=all", f"device_id={MARK}-device"],
        "/devices": [f"search={MARK}"],
        "/duty/facts": [f"from={begin}&to={end}"],
        "/duty/shifts": [f"from={begin}&to={end}"],
        "/incidents": ["state=all", f"q={MARK}", "organisation=parking"],
        "/pilots/signals": [f"q={MARK}"],
        "/procedure-runs": ["state=all", f"incident={incident}"],
        "/requests": ["state=all"],
        "/tasks": ["state=all", f"q={MARK}", f"incident={incident}", "organisation=parking"],
        "/tasks/mine": [f"crew={things.get('crew', '1')}"],
        "/tokens": ["owner=all"],
        "/warnings/proposal": [f"incident={incident}"],
    }
    return [f"/api{filled}", *(f"/api{filled}?{query}" for query in queries.get(path, []))]


Told = dict[tuple[str, int], tuple[int, str]]
"""Status and text by path and how many of its questions it was."""
SEEDED = (
    "name", "devname", "reason", "payload", "command", "hold", "incident", "entry", "crew", "task", "request", "call",
    "note", "phone", "person", "address",
)  # fmt: skip
OUTSIDE_THE_MODULES = [
    "/ngsi-ld/v1/entities?type=HeatSubstation",
    f"/ngsi-ld/v1/entities/{ASSET}",
    "/ngsi-ld/v1/entities?type=service_requests",
    f"/ngsi-ld/v1/temporal/entities/{ASSET}",
    "/ngsi-ld/v1/types",
    "/ngsi-ld/v1/attributes",
    "/ngsi-ld/v1/subscriptions",
    "/ngsi-ld/v1/snapshots",
    "/cap/feed.atom",
    "/cap",
]


async def answers(desk: httpx.AsyncClient, things: dict[str, str]) -> Told:
    """What somebody is told at every door: status, ETag and body, without what they themselves asked for."""
    told: Told = {}
    asking = [(path, place, url) for path in doors() for place, url in enumerate(asked(path, things))]
    for path, place, url in [*asking, *((url, 0, url) for url in OUTSIDE_THE_MODULES)]:
        answer = await desk.get(url)
        text = f"{answer.headers.get('etag', '')} {answer.text}"
        for value in things.values():
            if not value.isdigit():
                text = text.replace(value, "ASKED")
        told[path, place] = answer.status_code, _VOLATILE.sub("NOW", text)
    return told


async def test_what_belongs_to_others_changes_nothing_of_what_one_is_told(
    people: dict[str, httpx.AsyncClient],
    services: Services,
    outside: Outside,
    worker: Callable[[], Awaitable[None]],
    signal: Callable[..., Awaitable[None]],
) -> None:
    await settle_packaged(services, "city")
    before = {login: await answers(people[login], {}) for login in LIMITED}
    things = await make_things_of_others(services, people["city"], outside, worker, signal)
    after = {login: await answers(people[login], things) for login in LIMITED}

    everything = " ".join(text for _, text in (await answers(people["city"], things)).values())
    assert [what for what in SEEDED if f"{MARK}-{what}" not in everything] == []
    for login in LIMITED:
        assert leaks(before[login], after[login]) == {}, login
        assert after[login]["/tasks/mine", 1][0] == 403


def leaks(before: Told, after: Told) -> dict[str, tuple[Any, Any]]:
    """What others' things have changed, or are named in, at doors where they should not; and whatever broke."""
    return {
        path: (before[path, place], (status, text))
        for (path, place), (status, text) in after.items()
        if status >= 500
        or (path not in OPEN and MARK in text)
        or (path not in OPEN and status not in (403, 404) and (status, text) != before[path, place])
    }
