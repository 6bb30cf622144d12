"""A conversation with Vidik in the words of `filip`; prints what it saw as JSON.

python with_filip.py BASE_URL TOKEN RECEIVER_URI
"""

import json
import logging
import sys
import time

from filip.clients.ngsi_ld.cb import ContextBrokerLDClient
from filip.models.ngsi_ld.context import ActionTypeLD, ContextLDEntity, ContextProperty, NamedContextProperty
from filip.models.ngsi_ld.subscriptions import Endpoint, EntityInfo, NotificationParams, SubscriptionLD

logging.disable(logging.INFO)
base_url, token, receiver = sys.argv[1:]
KIND = "Substation"


def substation(number: int, power: float) -> ContextLDEntity:
    entity = ContextLDEntity(id=f"urn:ngsi-ld:{KIND}:{number}", type=KIND)
    entity.add_properties([NamedContextProperty(name="power", value=power, unitCode="KWT")])
    return entity


def powers(entities: list[ContextLDEntity]) -> dict[str, float]:
    return {entity.id: entity.get_properties(response_format="dict")["power"].value for entity in entities}


def wait_until_told(client: ContextBrokerLDClient, subscription: str, times: int) -> None:
    """A change that nobody has looked at yet is judged by the subscription as it stands then."""
    until = time.monotonic() + 60
    while (client.get_subscription(subscription).notification.timesSent or 0) < times:
        if time.monotonic() > until:
            raise TimeoutError(f"fewer than {times} notifications within a minute")
        time.sleep(0.05)


with ContextBrokerLDClient(url=base_url, headers={"Authorization": f"Bearer {token}"}) as client:
    first = substation(1, 10.0)
    seen: dict[str, object] = {"location": client.post_entity(first)}
    client.entity_batch_operation(
        entities=[substation(number, number * 10.0) for number in (2, 3)], action_type=ActionTypeLD.CREATE
    )
    seen["all"] = powers(client.get_entity_list(entity_type=KIND))
    seen["found"] = powers(client.get_entity_list(entity_type=KIND, q="power>15"))

    subscription = SubscriptionLD(
        entities=[EntityInfo(type=KIND)],
        watchedAttributes=["power"],
        q="power>50",
        notification=NotificationParams(endpoint=Endpoint(uri=receiver, accept="application/json")),
    )
    subscription.id = client.post_subscription(subscription)
    seen["subscription"] = subscription.id
    seen["subscriptions"] = [one.id for one in client.get_subscription_list()]

    client.update_entity_attribute(first.id, ContextProperty(value=60.0), attr_name="power")
    seen["patched"] = powers([client.get_entity(first.id)])
    first.add_properties([NamedContextProperty(name="name", value="Čair")])
    client.append_entity_attributes(first)
    client.delete_attribute(first.id, "name")
    client.replace_existing_attributes_of_entity(substation(1, 70.0))
    seen["replaced"] = client.get_entity(first.id, options="keyValues").model_dump(exclude={"context"})

    wait_until_told(client, subscription.id, 2)
    subscription.q = "power>90"
    client.update_subscription(subscription)
    seen["asked"] = client.get_subscription(subscription.id).q

    client.delete_entity_by_id(f"urn:ngsi-ld:{KIND}:3")
    client.override_entities([substation(2, 100.0)])
    seen["left"] = powers(client.get_entity_list(entity_type=KIND))

sys.stdout.write(json.dumps(seen))
