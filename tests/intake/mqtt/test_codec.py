"""The codec: whatever is encoded can be read back, however it is cut; whatever is broken is refused as such."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.intake.mqtt import strategies

from vidik.intake.mqtt import codec, packets, wire
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, ProtocolError, Reason

LIMIT = 300_000
versions = st.sampled_from([VERSION_311, VERSION_5])
packets_with_version = versions.flatmap(lambda version: st.tuples(st.just(version), strategies.all_packets(version)))


def read_all(data: bytes, version: int, limit: int = LIMIT) -> tuple[list[packets.Packet], bytes]:
    """Return every complete packet in `data`, and the rest."""
    found, position = [], 0
    while position < len(data):
        first, start, end = wire.next_frame(data, position, len(data), limit)
        if end > len(data):
            break
        found.append(codec.decode(data, first, start, end, version))
        position = end
    return found, data[position:]


class TestRoundTrip:
    @given(packets_with_version)
    def test_a_packet_reads_back_as_it_was_written(self, case: tuple[int, packets.Packet]) -> None:
        version, packet = case
        assert read_all(codec.encode(packet, version), version) == ([packet], b"")

    @given(st.data(), versions)
    def test_a_stream_reads_the_same_however_it_is_cut(self, data: st.DataObject, version: int) -> None:
        sent = data.draw(st.lists(strategies.all_packets(version), max_size=6))
        stream = b"".join(codec.encode(packet, version) for packet in sent)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
        received: list[packets.Packet] = []
        rest = b""
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            more, rest = read_all(rest + stream[start:end], version)
            received += more
        assert (received, rest) == (sent, b"")

    @given(st.integers(0, 268_435_455))
    @example(127)
    @example(128)
    @example(16_383)
    @example(16_384)
    @example(2_097_152)
    def test_a_length_reads_back(self, value: int) -> None:
        encoded = wire.encode_length(value)
        assert wire.Reader(encoded, 0, len(encoded)).variable() == value


class TestIncomplete:
    @given(packets_with_version)
    def test_a_packet_that_is_not_complete_names_how_much_is_needed_at_least(
        self, case: tuple[int, packets.Packet]
    ) -> None:
        version, packet = case
        data = codec.encode(packet, version)
        for size in range(len(data)):
            _, _, end = wire.next_frame(data[:size], 0, size, LIMIT)
            assert size < end <= len(data)


class TestGarbage:
    @given(st.binary(max_size=200), versions)
    def test_random_bytes_raise_nothing_but_a_protocol_error(self, data: bytes, version: int) -> None:
        with contextlib.suppress(ProtocolError):
            read_all(data, version)

    @given(packets_with_version, st.data())
    def test_a_damaged_packet_raises_nothing_but_a_protocol_error(
        self, case: tuple[int, packets.Packet], data: st.DataObject
    ) -> None:
        version, packet = case
        damaged = bytearray(codec.encode(packet, version))
        for _ in range(data.draw(st.integers(1, 3))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        with contextlib.suppress(ProtocolError):
            read_all(bytes(damaged), version)

    @given(st.integers(1, 2000), st.integers(2, 2000))
    def test_a_packet_over_the_limit_is_refused_before_it_is_complete(self, size: int, limit: int) -> None:
        head = b"\x30" + wire.encode_length(size)
        if len(head) + size <= limit:
            assert wire.next_frame(head, 0, len(head), limit)[2] == len(head) + size
            return
        with pytest.raises(ProtocolError) as refused:
            wire.next_frame(head, 0, len(head), limit)
        assert refused.value.reason is Reason.PACKET_TOO_LARGE


@pytest.mark.parametrize(
    ("version", "data", "reason", "what"),
    [
        (5, "00 00", Reason.PROTOCOL_ERROR, "type 0"),
        (5, "f0 00", Reason.PROTOCOL_ERROR, "AUTH, which was never agreed on"),
        (5, "30 ff ff ff ff 01", Reason.MALFORMED_PACKET, "a length of five bytes"),
        (5, "30 82 00 00 00", Reason.MALFORMED_PACKET, "a length that is not in its shortest form"),
        (4, "30 01 00", Reason.MALFORMED_PACKET, "a PUBLISH of one byte"),
        (4, "30 03 00 05 61", Reason.MALFORMED_PACKET, "a topic longer than the packet"),
        (4, "30 02 00 00", Reason.TOPIC_NAME_INVALID, "an empty topic"),
        (4, "30 03 00 01 23", Reason.TOPIC_NAME_INVALID, "a wildcard in a published topic"),
        (4, "30 03 00 01 00", Reason.MALFORMED_PACKET, "U+0000 in a topic"),
        (4, "30 04 00 02 c3 28", Reason.MALFORMED_PACKET, "a topic that is not UTF-8"),
        (4, "30 05 00 03 ed a0 80", Reason.MALFORMED_PACKET, "a surrogate in a topic"),
        (4, "36 05 00 01 61 00 01", Reason.MALFORMED_PACKET, "QoS 3"),
        (4, "38 03 00 01 61", Reason.MALFORMED_PACKET, "a duplicate with QoS 0"),
        (4, "32 05 00 01 61 00 00", Reason.PROTOCOL_ERROR, "packet identifier 0"),
        (4, "32 04 00 01 61 00", Reason.MALFORMED_PACKET, "half a packet identifier"),
        (5, "32 05 00 01 61 00 01", Reason.MALFORMED_PACKET, "no property length in MQTT 5"),
        (5, "30 06 00 01 61 02 7f 00", Reason.MALFORMED_PACKET, "an unknown property"),
        (5, "30 06 00 01 61 02 24 01", Reason.MALFORMED_PACKET, "a property in the wrong packet"),
        (5, "30 06 00 01 61 02 01 02", Reason.PROTOCOL_ERROR, "a flag that is neither 0 nor 1"),
        (5, "30 08 00 01 61 04 01 00 01 00", Reason.PROTOCOL_ERROR, "a property given twice"),
        (5, "30 06 00 01 61 7f 01 00", Reason.MALFORMED_PACKET, "properties longer than the packet"),
        (4, "80 06 00 01 00 01 61 00", Reason.MALFORMED_PACKET, "a SUBSCRIBE without its reserved bit"),
        (4, "82 02 00 01", Reason.MALFORMED_PACKET, "a SUBSCRIBE without a filter"),
        (4, "82 06 00 01 00 01 61 03", Reason.MALFORMED_PACKET, "a subscription with QoS 3"),
        (4, "82 06 00 01 00 01 61 05", Reason.MALFORMED_PACKET, "reserved bits of the options in 3.1.1"),
        (4, "82 05 00 01 00 00 01", Reason.TOPIC_FILTER_INVALID, "an empty filter"),
        (4, "a2 02 00 01", Reason.MALFORMED_PACKET, "an UNSUBSCRIBE without a filter"),
        (4, "c0 01 00", Reason.MALFORMED_PACKET, "a PINGREQ with a body"),
        (4, "c1 00", Reason.MALFORMED_PACKET, "reserved bits of a PINGREQ"),
        (4, "10 0c 00 04 4d 51 54 54 04 03 00 3c 00 00", Reason.MALFORMED_PACKET, "the reserved CONNECT flag"),
        (4, "10 0c 00 04 4d 51 54 54 06 02 00 3c 00 00", Reason.UNSUPPORTED_VERSION, "MQTT 6"),
        (4, "10 0e 00 06 4d 51 49 73 64 70 03 02 00 3c 00 00", Reason.UNSUPPORTED_VERSION, "MQTT 3.1"),
        (4, "10 0c 00 04 48 54 54 50 04 02 00 3c 00 00", Reason.UNSUPPORTED_VERSION, "another protocol"),
        (4, "10 0c 00 04 4d 51 54 54 04 42 00 3c 00 00", Reason.MALFORMED_PACKET, "a password without a user"),
        (4, "10 0c 00 04 4d 51 54 54 04 0a 00 3c 00 00", Reason.MALFORMED_PACKET, "will flags without a will"),
        (4, "10 0d 00 04 4d 51 54 54 04 02 00 3c 00 00 00", Reason.MALFORMED_PACKET, "bytes after the end"),
    ],
)
def test_broken_packets_are_refused_with_a_reason(version: int, data: str, reason: Reason, what: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        read_all(bytes.fromhex(data), version)
    assert refused.value.reason is reason, what


def test_the_fast_publish_reads_what_the_general_one_reads() -> None:
    packet = packets.Publish("devices/a/readings", b"{}", qos=1, packet_id=7, properties={"content_type": "json"})
    data = codec.encode(packet, VERSION_5)
    first, start, end = wire.next_frame(data, 0, len(data), LIMIT)
    assert codec.decode_publish(data, first, start, end, VERSION_5) == (
        b"devices/a/readings",
        7,
        b"{}",
        {"content_type": "json"},
    )


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(packets.Connect("a", username="b", password=b"hunter2"))
