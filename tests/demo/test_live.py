"""The live city and the recordings, through MQTT."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest
from tests.kernel.mqtt_server import MqttServer, mqtt_server

from vidik.demo import live, recordings
from vidik.demo.assets import City
from vidik.demo.behaviour import Behaviour
from vidik.demo.live import send_live
from vidik.demo.meters import Meters
from vidik.demo.recordings import has_recordings, read_recordings, recorded_city, replay_recordings
from vidik.demo.world import World
from vidik.intake.profiles import load_profiles
from vidik.kernel.tasks import end_tasks

HEAD = "datetime,t_amb,t_ref,t_sup_prim,t_ret_prim,t_sup_sec,t_ret_sec,e,pe"
AIR = "sensor_id,sensor_type,location,lat,lon,timestamp,P1,P2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings of two substations and one air station, in the layout of the real ones."""
    (tmp_path / "nis-heating").mkdir()
    (tmp_path / "nis-air").mkdir()
    values = "1,44,60,32,46,40,9000,70"
    l4 = [f"2024-01-05 0{hour}:00:00,{values}" for hour in (2, 1)] + [f"2023-01-05 00:00:00,{values}"]
    l8 = [f"2024-01-05 01:30:00,{values}"]
    for name, lines in (("scada_L4", l4), ("scada_L8", l8)):
        (tmp_path / "nis-heating" / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join([HEAD, *lines]).encode()))
    air = f"\ufeff{AIR}\n22673,SDS011,1,43.334,21.918,2023-05-22T00:02:26,12,11\n"
    (tmp_path / "nis-air" / "sensor_community_2023-05-22.csv.gz").write_bytes(gzip.compress(air.encode()))
    return tmp_path


def _everybody_spoke(server: MqttServer, city: City, secrets: dict[str, str]) -> bool:
    """All gateways, and all devices but those that a fault keeps silent."""
    topics = {topic for topic, _, _ in server.messages}
    return server.connections == len(secrets) and len(topics) > 0.9 * len(city.assets)


class TestLive:
    async def test_every_gateway_sends_for_its_devices(self, small_city: City, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live, "_first", lambda asset: 0.0)
        behaviour = Behaviour(small_city, World.of(small_city, 7, Meters()))
        secrets = {asset.gateway_id: "s" for asset in small_city.assets}
        async with mqtt_server() as server:
            tasks = [
                asyncio.create_task(send_live(gateway, "s", assets, behaviour, "127.0.0.1", server.port))
                for gateway, assets in small_city.behind_gateways().items()
            ]
            async with asyncio.timeout(60):
                while not _everybody_spoke(server, small_city, secrets):  # noqa: ASYNC110  the server tells nobody
                    await asyncio.sleep(0.05)
            await end_tasks(*tasks)

        assert server.connections == len(secrets)
        profiles = {f"devices/{asset.device_id}/readings": asset.profile for asset in small_city.assets}
        library = load_profiles()
        for topic, payload, _ in server.messages:
            record = json.loads(payload)
            assert library[profiles[topic]].decode(payload, (record["t"] + 5) * 1_000_000)


class TestRecordings:
    def test_finds_what_the_folder_holds(self, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        city = recorded_city(folder)

        assert has_recordings(folder)
        assert not has_recordings(tmp_path_factory.mktemp("empty"))
        assert not has_recordings(None)
        assert [asset.device_id for asset in city.assets] == ["nis-heat-l4", "nis-heat-l8", "nis-air-22673"]
        assert city.assets[0].name == "Подстаница Л4 (снимак)"

    def test_reads_the_season_in_order(self, folder: Path) -> None:
        heating, air = read_recordings(folder)

        assert [device for _, device, _ in heating.lines] == ["nis-heat-l4", "nis-heat-l8", "nis-heat-l4"]
        assert air.lines[0][1] == "nis-air-22673"

    def test_lines_pass_through_their_profiles(self, folder: Path) -> None:
        heating, air = read_recordings(folder)
        profiles = load_profiles()

        assert profiles["nis-heat-scada"].decode(heating.lines[0][2], 2 * 10**15)[0].values
        assert profiles["sensor-community"].decode(air.lines[0][2], 2 * 10**15)[0].device_id == "nis-air-22673"

    async def test_plays_to_the_end_and_not_again(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recordings, "SPEED", 1e9)
        state = tmp_path / "demo" / "recordings.json"
        async with mqtt_server() as server:
            await replay_recordings(folder, "s", "127.0.0.1", server.port, state)
            first = len(server.messages)
            await replay_recordings(folder, "s", "127.0.0.1", server.port, state)

        assert first == len(server.messages) == 4
        assert json.loads(state.read_text()) == {"heating": 3, "air": 1}

    async def test_goes_on_where_it_stopped(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recordings, "SPEED", 1e9)
        state = tmp_path / "recordings.json"
        state.write_text('{"heating": 2, "air": 1}')
        async with mqtt_server() as server:
            await replay_recordings(folder, "s", "127.0.0.1", server.port, state)

        assert [topic for topic, _, _ in server.messages] == ["devices/nis-heat-l4/readings"]

    def test_the_real_folder_gives_the_whole_season(self, shared_data: Path) -> None:
        heating, air = read_recordings(shared_data)

        assert len(heating.lines) > 50_000
        assert len(air.lines) == 3_384
        assert len(recorded_city(shared_data).assets) == 13
