"""What the follower of requests looks at of the change stream."""

from datetime import UTC, datetime
from typing import cast

import pytest

from vidik.context.jsonld import names
from vidik.context.store.changes import Alike, Change, ChangeBatch
from vidik.kernel.database import Connection
from vidik.kernel.services import Services
from vidik.operations.requests import consumer
from vidik.operations.requests.consumer import RequestConsumer

NOTHING = cast("Connection", None)
SERVICES = cast("Services", None)
REQUEST, LAMP = names.expand_type("service_requests"), names.expand_type("Streetlight")


def a_crowd(entity_type: str) -> Alike:
    return Alike((entity_type,), ["urn:a", "urn:b"], ["x"], [[1, 2]], [[None, None]])


def a_batch(*crowds: Alike, single: list[Change] | None = None) -> ChangeBatch:
    return ChangeBatch(7, datetime(2026, 11, 23, tzinfo=UTC), single or [], alike=list(crowds))


async def test_a_crowd_of_other_things_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(crowd: Alike) -> list[Change]:
        raise AssertionError(f"{crowd.types} was opened")

    monkeypatch.setattr(Alike, "changes", opened)
    await RequestConsumer().handle_all(SERVICES, "city", NOTHING, [a_batch(a_crowd(LAMP))])


async def test_requests_are_found_alone_and_in_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    async def take_in(_services: object, _connection: object, found: dict[str, object], _changed: object) -> None:
        taken.extend(found)

    monkeypatch.setattr(consumer, "_take_in", take_in)
    alone = [Change("urn:c", (REQUEST,), "updated", {}), Change("urn:d", (LAMP,), "updated", {})]
    batch = a_batch(a_crowd(LAMP), a_crowd(REQUEST), single=alone)
    await RequestConsumer().handle_all(SERVICES, "city", NOTHING, [batch])
    assert taken == ["urn:c", "urn:a", "urn:b"]
