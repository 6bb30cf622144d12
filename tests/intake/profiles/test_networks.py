"""Uplinks of LoRaWAN network servers, as ChirpStack v4 and The Things Stack v3 write them."""

import json
from typing import Any

import pytest

from vidik.intake.profiles import Profile, Rejected, load_profiles

RECEIVED = 1_763_775_600_000_000


@pytest.fixture(scope="module")
def profiles() -> dict[str, Profile]:
    return load_profiles()


def chirpstack(**decoded: Any) -> dict[str, Any]:
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2025-11-22T01:39:01.443209504+00:00",
        "deviceInfo": {
            "tenantName": "Nis",
            "applicationId": "17c8",
            "deviceName": "th-1",
            "devEui": "24e124136b502217",
        },
        "devAddr": "00189440",
        "fCnt": 12,
        "fPort": 85,
        "data": "AXVcA2cBAQRoeQ==",
        "object": decoded,
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -57, "snr": 10}],
    }


def things_stack(**decoded: Any) -> dict[str, Any]:
    return {
        "end_device_ids": {
            "device_id": "meter-1",
            "application_ids": {"application_id": "water"},
            "dev_eui": "0102030405060708",
        },
        "received_at": "2025-11-22T01:39:02.787654321Z",
        "uplink_message": {
            "f_port": 100,
            "frm_payload": "AQID",
            "decoded_payload": decoded,
            "rx_metadata": [{"gateway_ids": {"gateway_id": "gw"}, "rssi": -101}],
            "received_at": "2025-11-22T01:39:02.543210987Z",
        },
    }


def short(values: dict[str, Any]) -> dict[str, Any]:
    return {iri.rsplit("/", 1)[-1].rsplit("#", 1)[-1]: value for iri, value in values.items()}


class TestChirpStack:
    def test_reads_the_decoded_object_the_device_and_the_time(self, profiles: dict[str, Profile]) -> None:
        payload = json.dumps(chirpstack(temperature=25.7, humidity=60.5, battery=92)).encode()

        (reading,) = profiles["milesight-em300-th"].decode(payload, RECEIVED)

        assert reading.device_id == "24e124136b502217"
        assert reading.observed_at == 1_763_775_541_443_209
        assert short(reading.values) == {
            "temperature": 25.7,
            "relativeHumidity": pytest.approx(0.605),
            "batteryLevel": pytest.approx(0.92),
            "rssi": -57.0,
        }

    @pytest.mark.parametrize("gone", ["object", "time", "deviceInfo"])
    def test_refuses_an_uplink_without_its_parts(self, profiles: dict[str, Profile], gone: str) -> None:
        uplink = chirpstack(temperature=25.7)
        del uplink[gone]

        with pytest.raises(Rejected) as refused:
            profiles["milesight-em300-th"].decode(json.dumps(uplink).encode(), RECEIVED)

        assert refused.value.field.startswith(gone)


class TestTheThingsStack:
    def test_reads_the_decoded_payload_the_device_and_the_time(self, profiles: dict[str, Profile]) -> None:
        payload = json.dumps(things_stack(volume=123.456, flow=0.42, temperature=11.5)).encode()

        (reading,) = profiles["axioma-w1"].decode(payload, RECEIVED)

        assert reading.device_id == "meter-1"
        assert reading.observed_at == 1_763_775_542_543_210
        assert short(reading.values) == {"volume": 123.456, "flow": 0.42, "temperature": 11.5}

    def test_says_what_to_do_when_the_network_decodes_nothing(self, profiles: dict[str, Profile]) -> None:
        uplink = things_stack()
        del uplink["uplink_message"]["decoded_payload"]

        with pytest.raises(Rejected, match="payload formatter"):
            profiles["axioma-w1"].decode(json.dumps(uplink).encode(), RECEIVED)
