"""The built-in door under pressure: memory stays bounded, nothing acknowledged is lost, the slow are parted from."""

import asyncio
import resource
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from tests.intake.mqtt.fakes import MemoryDirectory, MemoryPipeline, OpenListener, RawClient, eventually, reading

from vidik.intake.mqtt import codec, packets
from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.options import ListenerOptions
from vidik.intake.mqtt.ports import Outcome
from vidik.intake.mqtt.wire import VERSION_5, VERSION_311, Reason


class TestSizes:
    async def test_the_largest_reading_fits(self, pipeline: MemoryPipeline, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        assert await client.ask(reading(1, payload=b"x" * 256 * 1024)) == packets.Puback(1)
        assert len(pipeline.messages[0].payload) == 256 * 1024

    async def test_a_larger_packet_is_refused_before_it_is_read(self, pipeline: MemoryPipeline, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1")
        client.write(codec.encode(reading(1, payload=b"x" * 300_000), VERSION_5)[:100])
        assert await client.receive() == packets.Disconnect(Reason.PACKET_TOO_LARGE)
        assert pipeline.messages == []

    async def test_before_the_login_only_a_small_packet_is_read(self, port: int) -> None:
        client = await RawClient.open(port)
        client.write(b"\x10\xff\xff\x01")
        assert await client.receive() is None


class TestWindows:
    async def test_mqtt_5_must_keep_the_receive_maximum(
        self, open_listener: OpenListener, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        listener = await open_listener(receive_maximum=3)
        client = await RawClient.log_in(listener.port or 0, "lamp-1")
        client.send(*(reading(number) for number in range(1, 5)))
        assert await client.receive() == packets.Disconnect(Reason.RECEIVE_MAXIMUM_EXCEEDED)

    async def test_refusals_that_wait_for_a_commit_count_as_well(
        self, open_listener: OpenListener, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        listener = await open_listener(receive_maximum=3)
        client = await RawClient.log_in(listener.port or 0, "lamp-1")
        client.send(reading(1), *(reading(number, "lamp-2") for number in range(2, 6)))
        assert await client.receive() == packets.Disconnect(Reason.RECEIVE_MAXIMUM_EXCEEDED)

    async def test_mqtt_3_is_read_only_as_fast_as_it_commits(
        self, open_listener: OpenListener, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        listener = await open_listener(receive_maximum=10)
        client = await RawClient.log_in(listener.port or 0, "lamp-1", VERSION_311)
        client.send(*(reading(number) for number in range(1, 11)))
        await pipeline.took(10)
        client.send(*(reading(number) for number in range(11, 21)))
        await asyncio.sleep(0.1)
        assert len(pipeline.messages) == 10
        pipeline.commit()
        await pipeline.took(20)
        pipeline.commit()
        assert [await client.receive() for _ in range(20)] == [packets.Puback(number) for number in range(1, 21)]

    async def test_large_readings_count_by_their_bytes(
        self, open_listener: OpenListener, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        listener = await open_listener(unacknowledged_bytes=100_000)
        client = await RawClient.log_in(listener.port or 0, "lamp-1")
        for number in range(1, 41):
            client.send(reading(number, payload=b"x" * 50_000))
        await asyncio.sleep(0.2)
        assert len(pipeline.messages) < 20
        pipeline.automatic = True
        pipeline.commit()
        await pipeline.took(40)

    async def test_a_full_pipeline_stops_every_reader_and_loses_nothing(
        self, listener: Listener, port: int, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        pipeline.capacity = 50
        clients = [await RawClient.log_in(port, name) for name in ("lamp-1", "lamp-2", "meter-1", "gateway-1")]
        for client, name in zip(clients, ("lamp-1", "lamp-2", "meter-1", "gateway-1"), strict=True):
            for number in range(1, 201):
                client.send(reading(number, name))
                await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        assert pipeline.most_waiting < 600
        pipeline.capacity = 1_000_000
        pipeline.automatic = True
        pipeline.commit()
        await pipeline.took(800)
        for client in clients:
            assert [await client.receive() for _ in range(200)] == [packets.Puback(n) for n in range(1, 201)]
        assert listener.snapshot()["acknowledged"] == 800


class TestTime:
    async def test_a_connection_that_never_logs_in_is_closed(self, open_listener: OpenListener) -> None:
        listener = await open_listener(login_seconds=0.5)
        client = await RawClient.open(listener.port or 0)
        assert await client.receive() is None

    @pytest.mark.parametrize("version", [VERSION_311, VERSION_5])
    async def test_a_silent_client_is_parted_from_after_its_keep_alive(
        self, listener: Listener, port: int, version: int
    ) -> None:
        client = await RawClient.log_in(port, "lamp-1", version, keep_alive=1)
        answer = await client.receive()
        assert answer == (packets.Disconnect(Reason.KEEP_ALIVE_TIMEOUT) if version == VERSION_5 else None)
        assert listener.snapshot()["keep_alive_timeouts"] == 1

    async def test_a_client_that_pings_stays(self, port: int) -> None:
        client = await RawClient.log_in(port, "lamp-1", keep_alive=1)
        for _ in range(6):
            await asyncio.sleep(0.5)
            assert await client.ask(packets.Pingreq()) == packets.Pingresp()

    async def test_waiting_for_a_slow_commit_is_not_silence(
        self, open_listener: OpenListener, pipeline: MemoryPipeline
    ) -> None:
        pipeline.automatic = False
        listener = await open_listener(receive_maximum=2)
        client = await RawClient.log_in(listener.port or 0, "lamp-1", keep_alive=1)
        client.send(reading(1), reading(2))
        await asyncio.sleep(2.5)
        pipeline.commit()
        assert await client.receive() == packets.Puback(1)

    async def test_a_client_that_does_not_read_its_answers_is_parted_from(self, open_listener: OpenListener) -> None:
        listener = await open_listener(slow_reader_seconds=1.0)
        client = await RawClient.log_in(listener.port or 0, "lamp-1", keep_alive=0)
        client.transport.pause_reading()
        pings = codec.PINGREQ * 50_000
        for _ in range(200):
            client.write(pings)
            await asyncio.sleep(0)
        await eventually(lambda: listener.snapshot()["slow_readers"] == 1, 20)
        await eventually(lambda: listener.snapshot()["connections"] == 0)


class TestStopping:
    async def test_what_is_under_way_is_acknowledged_before_the_goodbye(self, pipeline: MemoryPipeline) -> None:
        pipeline.automatic = False
        listener = Listener(pipeline, MemoryDirectory(), ListenerOptions(port=0))
        await listener.start()
        client = await RawClient.log_in(listener.port or 0, "lamp-1")
        client.send(reading(1))
        await pipeline.took(1)
        stopping = asyncio.create_task(listener.stop())
        await asyncio.sleep(0.05)
        pipeline.commit()
        assert await client.receive() == packets.Puback(1)
        assert await client.receive() == packets.Disconnect(Reason.SERVER_SHUTTING_DOWN)
        assert await client.receive() is None
        await stopping
        with pytest.raises(OSError, match="Connect"):
            await RawClient.open(listener.port or 0)


class TestAfterAFailure:
    async def test_a_reading_that_was_not_stored_comes_again(self, pipeline: MemoryPipeline, port: int) -> None:
        pipeline.automatic = False
        client = await RawClient.log_in(port, "lamp-1")
        client.send(reading(1, payload=b"21"))
        await pipeline.took(1)
        pipeline.commit(Outcome.FAILED)
        assert await client.receive() == packets.Disconnect(Reason.SERVER_BUSY)
        pipeline.automatic = True
        again = await RawClient.log_in(port, "lamp-1")
        packet = reading(1, payload=b"21")
        packet.duplicate = True
        assert await again.ask(packet) == packets.Puback(1)
        assert [message.payload for message in pipeline.messages] == [b"21", b"21"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost; its key lies beside it as key.pem."""
    path = tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(path), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return path


class TestTls:
    async def test_devices_may_speak_tls(self, open_listener: OpenListener, certificate: Path) -> None:
        key = certificate.with_name("key.pem")
        listener = await open_listener(port=None, tls_port=0, certificate=certificate, key=key)
        context = ssl.create_default_context(cafile=certificate)
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: RawClient(VERSION_5), "127.0.0.1", listener.tls_port, ssl=context, server_hostname="localhost"
        )
        answer = await client.ask(packets.Connect("lamp-1", username="lamp-1", password=b"right"))
        assert isinstance(answer, packets.Connack)
        assert answer.reason == 0
        assert await client.ask(reading(1)) == packets.Puback(1)

    async def test_tls_without_a_certificate_is_an_error_with_a_sentence(self, open_listener: OpenListener) -> None:
        with pytest.raises(ValueError, match="VIDIK_MQTT_CERTIFICATE"):
            await open_listener(port=None, tls_port=0)


_SERVER = """
import asyncio, sys, uvloop
from tests.intake.mqtt.fakes import MemoryDirectory, MemoryPipeline
from vidik.intake.mqtt.listener import Listener
from vidik.intake.mqtt.options import ListenerOptions

def memory():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])

async def main():
    known = {f"load-{number:05d}" for number in range(2000)}
    pipeline = MemoryPipeline()
    listener = Listener(pipeline, MemoryDirectory(known=known), ListenerOptions(port=0))
    await listener.start()
    before = memory()
    print(listener.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print(memory() - before, listener.snapshot()["connections"], len(pipeline.messages), flush=True)
    await listener.stop()

uvloop.run(main())
"""


class TestMany:
    async def test_two_thousand_devices_at_once_cost_a_few_kilobytes_each(self) -> None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SERVER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert server.stdin is not None
        assert server.stdout is not None
        line = b""
        while not line.strip().isdigit():
            line = await server.stdout.readline()
        port = int(line)
        clients = await asyncio.gather(*(RawClient.log_in(port, f"load-{number:05d}") for number in range(2000)))
        for number, client in enumerate(clients):
            client.send(reading(1, f"load-{number:05d}"))
        answers = [await client.receive() for client in clients]
        server.stdin.write(b"\n")
        figures: list[str] = []
        while len(figures) != 3:
            figures = (await server.stdout.readline()).decode().split()
        kilobytes, connections, messages = map(int, figures)
        for client in clients:
            client.drop()
        RawClient.opened.clear()
        await server.communicate()
        assert answers == [packets.Puback(1)] * 2000
        assert (connections, messages) == (2000, 2000)
        assert kilobytes / 2000 < 6
