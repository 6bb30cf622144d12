"""A batch about entities that are there leaves what the same entities left one by one."""

from typing import Any

import httpx
import orjson
import pytest

from vidik.context.ngsild.entities.alike import FEWEST
from vidik.context.store import changes
from vidik.kernel.database import Database

SEEN = "2026-03-04T11:00:00Z"
LATER = "2026-03-04T12:00:00Z"
EARLIER = "2026-03-04T10:00:00Z"
POINT = {"type": "Point", "coordinates": [21.9, 43.3]}
OPERATIONS = ["upsert", "upsert?options=update", "update", "update?options=noOverwrite", "merge"]
BEFORE: list[dict[str, Any]] = [
    {
        "power": {"type": "Property", "value": 5, "unitCode": "WTT", "observedAt": SEEN},
        "state": {"type": "Property", "value": "on"},
        "location": {"type": "GeoProperty", "value": POINT},
        "isIn": {"type": "Relationship", "object": "urn:e:city"},
    },
    {"power": [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}], "state": {"value": "on"}},
    {"power": {"value": 1, "observedAt": LATER}, "state": {"value": "on"}, "extra": {"value": {"b": 1, "aa": 2}}},
    {"power": {"value": 6, "unitCode": "WTT", "observedAt": SEEN}, "scope": "/Nis", "state": {"value": "on"}},
    {"power": {"object": "urn:e:city"}, "state": {"value": "on"}},
    {},
]
WRITTEN: list[dict[str, Any]] = [
    {
        "power": {"type": "Property", "value": 6, "unitCode": "WTT", "observedAt": at},
        "state": {"type": "Property", "value": "off"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [22.0, 43.3]}},
        "isIn": {"type": "Relationship", "object": "urn:e:city"},
    }
    for at in (LATER, SEEN, EARLIER)
] + [
    {"power": {"type": "Property", "value": 5, "unitCode": "WTT", "observedAt": SEEN}},
    {"power": {"type": "Property", "value": 7}, "state": {"type": "Property", "value": "off"}},
    {"extra": {"value": {"aa": 3}, "accuracy": {"type": "Property", "value": 1}}},
    {},
]


CASES = [(before, written) for before in BEFORE for written in WRITTEN]


def things(which: str, case: int, attributes: dict[str, Any], count: int) -> list[dict[str, Any]]:
    return [{"id": f"urn:e:{which}-{case}-{place}", "type": "Lamp", **attributes} for place in range(count)]


@pytest.mark.parametrize(
    ("operation", "followed"), [*((operation, False) for operation in OPERATIONS), ("upsert", True), ("merge", True)]
)
async def test_many_at_once_are_as_one_by_one(
    client: httpx.AsyncClient, database: Database, operation: str, followed: bool
) -> None:
    if followed:
        endpoint = {"uri": "http://127.0.0.1:9/notify"}
        about = {"type": "Subscription", "entities": [{"type": "Lamp"}], "notification": {"endpoint": endpoint}}
        assert (await client.post("/subscriptions", json=about)).status_code == 201
    there, few = [], []
    many: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for case, (before, written) in enumerate(CASES):
        there += [*things("many", case, before, FEWEST), *things("few", case, before, 1)]
        many.setdefault(tuple(written), []).extend(things("many", case, written, FEWEST + 1))
        few += things("few", case, written, 1)
    assert (await client.post("/entityOperations/create", json=there)).status_code == 201
    for batch in many.values():
        await client.post(f"/entityOperations/{operation}", json=batch)
    for one in few:
        await client.post(f"/entityOperations/{operation}", json=[one])
    for case in range(len(CASES)):
        for path in ("/entities/urn:e:{}?options=sysAttrs", "/temporal/entities/urn:e:{}?options=sysAttrs"):
            names = (f"many-{case}-0", f"many-{case}-{FEWEST - 1}", f"few-{case}-0")
            first, last, alone_one = [_plain((await client.get(path.format(name))).content, name) for name in names]
            assert first == last == alone_one, CASES[case]
    found = await _told(database)
    for case in range(len(CASES)):
        assert found[f"urn:e:many-{case}-0"] == found[f"urn:e:few-{case}-0"], CASES[case]


def _plain(answer: bytes, name: str) -> Any:
    """An answer without its id and the times of writing, but whether those of an attribute differ."""

    def without(item: Any) -> Any:
        if isinstance(item, list):
            return [without(one) for one in item]
        if not isinstance(item, dict):
            return item
        times = {item.get("createdAt"), item.get("modifiedAt")}
        left = {key: without(value) for key, value in item.items() if key not in ("createdAt", "modifiedAt")}
        left.pop("instanceId", None)
        if "deletedAt" in left:
            left["deletedAt"] = "at some time"
        return {**left, "changed since": len(times)}

    return without(orjson.loads(answer.replace(name.encode(), b"X")))


async def _told(database: Database) -> dict[str, Any]:
    """What the stream says of each entity at last."""
    async with database.session("city") as connection:
        batches = await changes.read_after(connection, 0, 1000)
    said: dict[str, Any] = {}
    for change in (change for batch in batches for change in batch.changes):
        around = None
        if change.detail is not None:
            sides = (orjson.dumps(side) for side in (change.detail.before, change.detail.after))
            around = [*(_plain(side, change.entity_id) for side in sides), change.detail.scope]
        said[change.entity_id] = (change.types, change.operation, change.attributes, around)
    return said
