"""Whatever bytes a peer sends, a connection answers or hangs up; it never raises, and keeps its books."""

import asyncio
from unittest.mock import Mock

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.intake.mqtt import strategies
from tests.intake.mqtt.fakes import SECRET, MemoryDirectory, MemoryPipeline

from vidik.intake.mqtt import codec, packets
from vidik.intake.mqtt.connection import Connection
from vidik.intake.mqtt.hub import Hub
from vidik.intake.mqtt.options import ListenerOptions
from vidik.intake.mqtt.ports import Outcome

versions = st.sampled_from([4, 5])


async def converse(version: int, pieces: list[bytes], *, logged_in: bool) -> Hub:
    """Feed bytes to one connection, commit everything, lose it; returns its hub."""
    pipeline = MemoryPipeline()
    hub = Hub(pipeline, MemoryDirectory(), ListenerOptions())
    connection = Connection(hub)
    transport = Mock(get_extra_info=Mock(return_value=("10.0.0.1", 1)))
    connection.connection_made(transport)
    if logged_in:
        connect = packets.Connect("lamp-1", version, username="lamp-1", password=SECRET.encode())
        connection.data_received(codec.encode(connect, version))
    for piece in pieces:
        connection.data_received(piece)
        await asyncio.sleep(0)
    pipeline.commit(Outcome.ACCEPTED)
    connection.connection_lost(None)
    await asyncio.sleep(0)
    pipeline.commit(Outcome.ACCEPTED)
    await hub.close()
    return hub


class TestGarbage:
    @settings(max_examples=200)
    @given(versions, st.lists(st.binary(min_size=1, max_size=60), max_size=4), st.booleans())
    def test_random_bytes(self, version: int, pieces: list[bytes], logged_in: bool) -> None:
        hub = asyncio.run(converse(version, pieces, logged_in=logged_in))
        assert (hub.counters.connections, hub.counters.unacknowledged, hub.sessions, hub.logins) == (0, 0, {}, {})

    @settings(max_examples=300)
    @given(st.data(), versions)
    def test_packets_in_any_order_some_of_them_damaged(self, data: st.DataObject, version: int) -> None:
        stream = bytearray()
        for packet in data.draw(st.lists(strategies.all_packets(version), min_size=1, max_size=6)):
            stream += codec.encode(packet, version)
        for _ in range(data.draw(st.integers(0, 2))):
            stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(stream)))
        pieces = [piece for piece in (bytes(stream[:cut]), bytes(stream[cut:])) if piece]
        hub = asyncio.run(converse(version, pieces, logged_in=True))
        assert (hub.counters.connections, hub.counters.unacknowledged, hub.sessions, hub.logins) == (0, 0, {}, {})
        assert hub.subscribers == {}
