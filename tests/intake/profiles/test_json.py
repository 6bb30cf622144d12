"""JSON messages: what stands, what is refused alone, what refuses the whole message."""

import json
from typing import Any

import pytest

from vidik.intake.profiles import Profile, Rejected

NOW = 1_763_775_000


def message(**more: Any) -> bytes:
    return json.dumps({"at": {"t": NOW}, "values": [21.5], **more}).encode()


class TestValues:
    def test_reads_a_value_at_its_path_with_its_time(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(message(), received)

        assert reading.values == {"a:temperature": 21.5}
        assert reading.observed_at == NOW * 1_000_000
        assert reading.device_id is None
        assert reading.rejected == []

    def test_scales(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(message(rh=47), received)

        assert reading.values["a:humidity"] == pytest.approx(0.47)

    def test_reads_every_type(self, thermometer: Profile, received: int) -> None:
        more = {"n": 4, "open": True, "text": "ok", "s": 1, "lv": "3.25", "gps": {"lat": 43.3, "lon": 21.9}}
        (reading,) = thermometer.decode(message(**more), received)

        assert reading.values["a:count"] == 4
        assert reading.values["a:door"] is True
        assert reading.values["a:note"] == "ok"
        assert reading.values["a:state"] == "on"
        assert reading.values["a:level"] == 3.25
        assert reading.values["a:location"] == {"type": "Point", "coordinates": [21.9, 43.3]}

    def test_leaves_out_what_is_null_or_not_there(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(message(rh=None), received)

        assert list(reading.values) == ["a:temperature"]

    def test_reads_a_list_of_records(self, thermometer: Profile, received: int) -> None:
        records = [{"at": {"t": NOW - 60}, "values": [1]}, {"at": {"t": NOW}, "values": [2]}]

        readings = thermometer.decode(json.dumps(records).encode(), received)

        assert [reading.values["a:temperature"] for reading in readings] == [1.0, 2.0]


class TestImplausibleValues:
    def test_refuses_a_value_out_of_range_alone(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(message(rh=130, n=1), received)

        assert reading.values == {"a:temperature": 21.5, "a:count": 1}
        assert reading.rejected == [("a:humidity", "humidity", 130, "1.3 is outside the plausible range 0 to 1")]

    def test_refuses_the_fault_value_of_a_sensor(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(b'{"at":{"t":1763775000},"values":[-39.9]}', received)

        assert reading.values == {}
        assert reading.rejected[0][3] == "-39.9 is what this sensor says when it fails"

    def test_refuses_a_state_that_nobody_knows(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(message(s=7), received)

        assert reading.rejected == [("a:state", "state", 7, "'7' is none of: 0, 1, low")]

    def test_does_not_take_true_for_one(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(message(s=True), received)

        assert "a:state" not in reading.values

    def test_refuses_a_place_that_is_not_on_the_earth(self, thermometer: Profile, received: int) -> None:
        (reading,) = thermometer.decode(message(gps={"lat": 143.0, "lon": 21.9}), received)

        assert reading.rejected[0][1] == "location"


class TestMessagesRefusedAsAWhole:
    @pytest.mark.parametrize(
        ("payload", "field"),
        [
            (b"", ""),
            (b"\xff\xfe", ""),
            (b"{", ""),
            (b"21.5", ""),
            (b"[]", ""),
            (b'[{"at":{"t":1763775000},"values":[1]}, 5]', "[1]"),
            (b'{"at":{"t":1763775000},"values":[NaN]}', ""),
            (b'{"at":{"t":1763775000},"values":[Infinity]}', ""),
            (b'{"at":{"t":1763775000},"values":[1e999]}', ""),
            (b'{"at":{"t":1763775000},"values":[true]}', "values[0]"),
            (b'{"at":{"t":1763775000},"values":["21.5"]}', "values[0]"),
            (b'{"at":{"t":1763775000},"values":[[21.5]]}', "values[0]"),
            (b'{"at":{"t":1763775000},"values":[{}]}', "values[0]"),
            (b'{"at":{"t":1763775000}}', "values[0]"),
            (b'{"values":[21.5]}', "at.t"),
            (b'{"at":{"t":null},"values":[21.5]}', "at.t"),
            (b'{"at":{"t":"1763775000"},"values":[21.5]}', "at.t"),
            (b'{"at":{"t":true},"values":[21.5]}', "at.t"),
            (b'{"at":{"t":1e300},"values":[21.5]}', "at.t"),
            (b'{"at":{"t":0},"values":[21.5]}', "at.t"),
            (b'{"at":{"t":1763775000},"values":[1],"n":1.5}', "n"),
            (b'{"at":{"t":1763775000},"values":[1],"open":1}', "open"),
            (b'{"at":{"t":1763775000},"values":[1],"text":5}', "text"),
            (b'{"at":{"t":1763775000},"values":[1],"lv":"3,5"}', "lv"),
            (b'{"at":{"t":1763775000},"values":[1],"lv":"NaN"}', "lv"),
            (b'{"at":{"t":1763775000},"values":[1],"lv":3.5}', "lv"),
            (b'{"at":{"t":1763775000},"values":[1],"gps":{"lat":43.3}}', "gps.lat, gps.lon"),
        ],
    )
    def test_names_the_field(self, thermometer: Profile, received: int, payload: bytes, field: str) -> None:
        with pytest.raises(Rejected) as refused:
            thermometer.decode(payload, received)

        assert refused.value.field == field
        assert refused.value.reason

    def test_refuses_a_time_more_than_five_minutes_ahead(self, thermometer: Profile) -> None:
        thermometer.decode(message(), (NOW - 299) * 1_000_000)

        with pytest.raises(Rejected, match="in the future"):
            thermometer.decode(message(), (NOW - 301) * 1_000_000)

    def test_refuses_a_message_larger_than_256_kib(self, thermometer: Profile, received: int) -> None:
        with pytest.raises(Rejected, match="larger than 256 KiB"):
            thermometer.decode(message(text="x" * 262_144), received)

    def test_refuses_a_whole_number_that_no_float_can_hold(self, thermometer: Profile, received: int) -> None:
        payload = b'{"at":{"t":1763775000},"values":[1],"rh":' + b"9" * 400 + b"}"

        with pytest.raises(Rejected):
            thermometer.decode(payload, received)

    def test_refuses_json_that_is_nested_without_end(self, thermometer: Profile, received: int) -> None:
        with pytest.raises(Rejected, match="not JSON"):
            thermometer.decode(b'{"at":' + b"[" * 100_000, received)

    def test_refuses_a_message_without_any_known_value(self, make: Any, received: int) -> None:
        profile = make(
            """
name: p
version: 1
title: P
service: other
format: json
entity: {type: Thing, id: "urn:x:{device_id}"}
expected_interval_seconds: 60
time: {missing: received}
attributes: [{name: level, path: level}]
"""
        )

        with pytest.raises(Rejected, match="none of the profile's values"):
            profile.decode(b'{"levle": 5}', received)


class TestTimes:
    def test_takes_the_time_of_receipt_only_where_the_profile_says_so(self, make: Any, received: int) -> None:
        profile = make(
            """
name: p
version: 1
title: P
service: other
format: json
entity: {type: Thing, id: "urn:x:{device_id}"}
expected_interval_seconds: 60
time: {path: t, missing: received}
attributes: [{name: level, path: level}]
"""
        )

        (without,) = profile.decode(b'{"level": 5}', received)
        (with_time,) = profile.decode(b'{"level": 5, "t": "2025-11-22T01:00:00+01:00"}', received)

        assert without.observed_at == received
        assert with_time.observed_at == 1_763_769_600_000_000
