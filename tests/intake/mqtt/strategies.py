"""Every packet that MQTT 3.1.1 and 5 allow between our server, its clients and a broker."""

from typing import Any

from hypothesis import strategies as st

from vidik.intake.mqtt import packets, properties, wire

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
topics = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0+#"), min_size=1, max_size=30)
filters = texts.filter(bool)
payloads = st.binary(max_size=300)
identifiers = st.integers(1, 65_535)

_ANY = {
    "byte": st.integers(0, 255),
    "flag": st.integers(0, 1),
    "two": st.integers(0, 65_535),
    "four": st.integers(0, 2**32 - 1),
    "variable": st.integers(1, 268_435_455),
    "string": texts,
    "binary": st.binary(max_size=20),
    "positive": st.integers(1, 65_535),
}
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "payload_format_indicator": _ANY["flag"],
    "message_expiry_interval": _ANY["four"],
    "content_type": _ANY["string"],
    "response_topic": _ANY["string"],
    "correlation_data": _ANY["binary"],
    "subscription_identifier": _ANY["variable"],
    "session_expiry_interval": _ANY["four"],
    "assigned_client_identifier": _ANY["string"],
    "server_keep_alive": _ANY["two"],
    "authentication_method": _ANY["string"],
    "request_problem_information": _ANY["flag"],
    "will_delay_interval": _ANY["four"],
    "request_response_information": _ANY["flag"],
    "response_information": _ANY["string"],
    "server_reference": _ANY["string"],
    "reason_string": _ANY["string"],
    "receive_maximum": _ANY["positive"],
    "topic_alias_maximum": _ANY["two"],
    "topic_alias": _ANY["two"],
    "maximum_qos": _ANY["flag"],
    "retain_available": _ANY["flag"],
    "user_property": st.lists(st.tuples(texts, texts), min_size=1, max_size=3),
    "maximum_packet_size": _ANY["positive"],
    "wildcard_subscription_available": _ANY["flag"],
    "subscription_identifier_available": _ANY["flag"],
    "shared_subscription_available": _ANY["flag"],
}


def properties_of(kind: int, version: int) -> st.SearchStrategy[dict[str, Any]]:
    """Properties that may stand in a packet type; none in 3.1.1."""
    if version == wire.VERSION_311:
        return st.just({})
    names = [item.name for item in properties.PROPERTIES if kind in item.packets and item.name in _VALUES]
    values = {name: _VALUES[name] for name in names}
    if kind == wire.PUBLISH:
        values["subscription_identifier"] = st.lists(_VALUES["subscription_identifier"], min_size=1, max_size=2)
    return st.fixed_dictionaries({}, optional=values)


def publishes(version: int) -> st.SearchStrategy[packets.Publish]:
    """PUBLISH with QoS 0, 1 or 2."""
    with_id = st.builds(
        packets.Publish,
        topics,
        payloads,
        qos=st.integers(1, 2),
        packet_id=identifiers,
        duplicate=st.booleans(),
        retain=st.booleans(),
        properties=properties_of(wire.PUBLISH, version),
    )
    without = st.builds(
        packets.Publish, topics, payloads, retain=st.booleans(), properties=properties_of(wire.PUBLISH, version)
    )
    return with_id | without


def connects(version: int) -> st.SearchStrategy[packets.Connect]:
    """CONNECT with and without a login and a will."""
    wills = st.builds(
        packets.Will,
        topics,
        payloads,
        qos=st.integers(0, 2),
        retain=st.booleans(),
        properties=properties_of(properties.WILL, version),
    )
    return st.builds(
        packets.Connect,
        texts,
        version=st.just(version),
        clean_start=st.booleans(),
        keep_alive=st.integers(0, 65_535),
        username=texts,
        password=st.none() | st.binary(max_size=30),
        will=st.none() | wills,
        properties=properties_of(wire.CONNECT, version),
    )


def all_packets(version: int) -> st.SearchStrategy[packets.Packet]:
    """Any packet of a version."""
    five = version == wire.VERSION_5
    reasons = st.integers(0, 255) if five else st.just(0)
    options = st.integers(0, 2)
    return st.one_of(
        publishes(version),
        connects(version),
        st.builds(packets.Connack, st.booleans(), st.integers(0, 255), properties_of(wire.CONNACK, version)),
        st.builds(packets.Puback, identifiers, reasons, properties_of(wire.PUBACK, version)),
        st.builds(
            packets.Subscribe,
            identifiers,
            st.lists(st.tuples(filters, options), min_size=1, max_size=4),
            properties_of(wire.SUBSCRIBE, version),
        ),
        st.builds(packets.Suback, identifiers, st.binary(min_size=1, max_size=4), properties_of(wire.SUBACK, version)),
        st.builds(
            packets.Unsubscribe,
            identifiers,
            st.lists(filters, min_size=1, max_size=4),
            properties_of(wire.UNSUBSCRIBE, version),
        ),
        st.builds(
            packets.Unsuback,
            identifiers,
            st.binary(max_size=4) if five else st.just(b""),
            properties_of(wire.UNSUBACK, version),
        ),
        st.builds(packets.Disconnect, reasons, properties_of(wire.DISCONNECT, version)),
        st.builds(packets.Pingreq),
        st.builds(packets.Pingresp),
    )
