"""Look-ups of names: one a name, and a name server that is silent holds up nobody else's."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from vidik.kernel import names


class Lookups:
    """What the system's resolver is asked; names that begin with `dead` are answered at the end only."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.end = threading.Event()

    def __call__(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        if host.startswith("dead"):
            self.end.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host == "no.such":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
        ]


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lookups]:
    lookups = Lookups()
    monkeypatch.setattr(socket, "getaddrinfo", lookups)
    yield lookups
    lookups.end.set()


async def test_a_name_has_each_of_its_addresses_once(lookups: Lookups) -> None:
    assert await names.addresses_of("example.org") == ["192.0.2.1", "192.0.2.2"]


async def test_a_name_that_is_not_there_is_an_error_each_time(lookups: Lookups) -> None:
    for _ in range(2):
        with pytest.raises(OSError, match="not known"):
            await names.addresses_of("no.such")


async def test_dead_names_hold_up_no_other(lookups: Lookups) -> None:
    dead = [asyncio.create_task(names.addresses_of(f"dead-{number % 50}")) for number in range(200)]
    await asyncio.sleep(0)

    async with asyncio.timeout(30):
        assert await names.addresses_of("example.org")

    assert len(lookups.asked) == 51
    for one in dead[:-1]:
        one.cancel()  # whoever gives up leaves the others their answer
    lookups.end.set()
    with pytest.raises(OSError, match="Temporary"):
        await dead[-1]


async def test_more_than_there_is_room_for_wait_for_their_turn(
    lookups: Lookups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "AT_ONCE", 2)
    asked = [asyncio.create_task(names.addresses_of(name)) for name in ("dead-1", "dead-2", "example.org")]
    await asyncio.sleep(0.1)
    assert lookups.asked == ["dead-1", "dead-2"]

    lookups.end.set()

    assert await asked[2] == ["192.0.2.1", "192.0.2.2"]
    assert [type(one) for one in await asyncio.gather(*asked[:2], return_exceptions=True)] == [socket.gaierror] * 2
