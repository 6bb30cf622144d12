"""A conversation with Vidik in the words of `ngsildclient`; prints what it saw as JSON.

python with_ngsildclient.py BASE_URL TOKEN RECEIVER_URI
"""

import json
import sys
from urllib.parse import urlsplit

from ngsildclient import Client, Entity, SubscriptionBuilder
from requests import PreparedRequest
from requests.auth import AuthBase

base_url, token, receiver = sys.argv[1:]
KIND = "Hydrant"
LATER = "2026-01-01T07:00:00Z"


class Bearer(AuthBase):
    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request


def hydrant(number: int, pressure: float, measured: str = "2026-01-01T06:00:00Z") -> Entity:
    entity = Entity(KIND, str(number))
    entity.prop("pressure", pressure, unitcode="BAR", observedat=measured).loc(43.32, 21.9).rel(
        "refZone", "urn:ngsi-ld:Zone:1"
    )
    return entity


def pressures(entities: list[Entity]) -> dict[str, float]:
    return {entity.id: entity["pressure.value"] for entity in entities}


door = urlsplit(base_url)
with Client(door.hostname, door.port, custom_auth=Bearer(), verbose=False) as client:
    first = hydrant(1, 3.0)
    seen: dict[str, object] = {"created": client.create(first), "exists": client.exists(first)}
    seen["batch"] = client.create([hydrant(2, 4.0), hydrant(3, 5.0)]).n_ok
    seen["all"] = pressures(client.query(type=KIND))
    seen["found"] = pressures(client.query(type=KIND, q="pressure>3.5"))
    seen["count"] = client.count(type=KIND)

    wanted = SubscriptionBuilder(receiver).name("low pressure").select_type(KIND).watch(["pressure"])
    subscription = client.subscriptions.create(wanted.query("pressure<2").build())
    seen["subscription"] = subscription
    seen["subscriptions"] = [one["id"] for one in client.subscriptions.list("low pressure")]
    seen["stays"] = client.subscriptions.exists(subscription)

    first["pressure.value"] = 1.5
    seen["updated"] = client.update(first)
    seen["batch update"] = client.update([hydrant(2, 4.5, LATER), hydrant(3, 5.5, LATER)]).n_ok
    seen["one"] = client.get(first).to_dict()
    seen["history"] = client.temporal.get(hydrant(2, 0), ["pressure"])
    seen["types"] = [one for one in client.types.list() if one == KIND]
    seen["deleted"] = client.delete(hydrant(3, 0))
    seen["left"] = pressures(client.query(type=KIND))

sys.stdout.write(json.dumps(seen))
