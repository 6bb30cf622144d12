"""From a reading at the door to alarm and incident on a screen, and through a kill of everything at once."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import paho.mqtt.client as mqtt
import psutil
from paho.mqtt.enums import CallbackAPIVersion
from tests.family import RunningVidik, running, wait_for

from bench.devices import PROFILE, allow_many_files, load, register
from bench.report import Figure, Report
from bench.server import folder

DEVICES = 500
MESSAGES_A_SECOND = 334  # of three values
SECONDS = 30
PROBES = 20
STORM, STORM_SECONDS = 200, 10
STANDING, INCIDENTS = 500, 50
HOT, COLD = 500.0, 20.0
TIMER_SECONDS = 40

RULES = """
- code: bench_hot
  kind: threshold
  service: air
  priority: high
  entity_types: [AirQualityObserved]
  title: {{en: Hot, sr: Вруће}}
  message: {{en: "{{value}} {{unit}}.", sr: "{{value}} {{unit}}."}}
  attribute: temperature
  above: 100
  clear: 50
  reopen: 6h
  group: {group}
"""


class Screen:
    """A browser's live stream: every alarm and piece of work, with when it came."""

    def __init__(self) -> None:
        self.alarms: list[tuple[float, dict[str, Any]]] = []
        self.incidents: list[tuple[float, dict[str, Any]]] = []

    async def follow(self, vidik: RunningVidik) -> None:
        """Listen until cancelled."""
        login, password = vidik.login()
        async with httpx.AsyncClient(
            base_url=vidik.base_url, headers={"Origin": vidik.base_url}, timeout=None
        ) as client:
            (await client.post("/api/session", json={"login": login, "password": password})).raise_for_status()
            async with client.stream("GET", "/api/console/stream") as stream:
                event = ""
                async for line in stream.aiter_lines():
                    if line.startswith("event:"):
                        event = line[6:].strip()
                    elif line.startswith("data:") and event in ("alarm", "work"):
                        data = json.loads(line[5:])
                        if event == "alarm":
                            self.alarms.append((time.time(), data))
                        elif data["topic"] == "incident":
                            self.incidents.append((time.time(), data["data"]))


@contextmanager
def city(path: Path, group: str) -> Iterator[tuple[RunningVidik, dict[str, str]]]:
    """A running family with a rule on the devices of the measurement, and their secrets."""
    for name, text in (("profiles", PROFILE), ("rules", RULES.format(group=group))):
        (path / "data" / name).mkdir(parents=True)
        (path / "data" / name / "bench.yaml").write_text(text)
    with running(path / "data") as vidik:
        lines = register(vidik, DEVICES + PROBES).read_text().splitlines()
        yield vidik, dict(line.split(" ", 1) for line in lines)


def push(vidik: RunningVidik, client: httpx.Client, device: str, secret: str, temperature: float) -> None:
    """One reading through the HTTP door; on disk when this returns."""
    body = {"time": datetime.now(UTC).isoformat(), "temperature": temperature, "humidity": 40, "pressure": 1000}
    answer = client.post(
        f"{vidik.base_url}/api/intake/{device}", json=body, headers={"Authorization": f"Bearer {secret}"}
    )
    answer.raise_for_status()


def push_all(vidik: RunningVidik, secrets: dict[str, str], devices: list[str], seconds: float) -> float:
    """A hot reading of each device, spread over some seconds; returns when the last was answered."""
    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(8) as pool:
        begin = time.monotonic()

        def one(place: int) -> None:
            time.sleep(max(0.0, begin + place * seconds / len(devices) - time.monotonic()))
            push(vidik, client, devices[place], secrets[devices[place]], HOT)

        list(pool.map(one, range(len(devices))))
    return time.time()


async def storm(report: Report) -> None:
    """Two hundred alarms of one cause in ten seconds: one group, one incident, and when it was on the screen."""
    with folder() as path, city(path, "service") as (vidik, secrets):
        screen = Screen()
        following = asyncio.create_task(screen.follow(vidik))
        await asyncio.sleep(4)
        began = time.time()
        ended = await asyncio.to_thread(push_all, vidik, secrets, list(secrets)[:STORM], STORM_SECONDS)

        def raised() -> set[str]:
            return {alarm["alarm"]["id"] for _, alarm in screen.alarms if alarm["transition"] == "raised"}

        for _ in range(300):
            if len(raised()) == STORM and screen.incidents and screen.incidents[-1][1]["alarms"]["total"] == STORM:
                break
            await asyncio.sleep(0.1)
        following.cancel()
        with vidik.client() as client:
            groups = client.get("/api/alarm-groups").json()["items"]
            incidents = client.get("/api/incidents?state=all").json()["items"]
    fifth = sorted(at for at, alarm in screen.alarms if alarm["transition"] == "raised")[4]
    report.add(
        Figure(
            "200 alarms of one cause in 10 s: fifth alarm on the screen to its incident there",
            screen.incidents[0][0] - fifth,
            "s",
            goal=2,
            higher_is_better=False,
            details={
                "groups": len(groups),
                "incidents": len(incidents),
                "alarms raised": len(raised()),
                "first incident after the first reading": f"{screen.incidents[0][0] - began:.2f} s",
                "all 200 in it after the last reading": f"{screen.incidents[-1][0] - ended:.2f} s",
            },
        )
    )


class Probe:
    """An MQTT device that is hot and cold by turns, and knows when it last said hot."""

    def __init__(self, vidik: RunningVidik, device: str, secret: str) -> None:
        self.device = device
        self.said: list[float] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device)
        self.client.username_pw_set(device, secret)
        self.client.connect("127.0.0.1", vidik.mqtt_port)
        self.client.loop_start()

    def say(self, temperature: float) -> None:
        """Publish one reading."""
        body = {"time": datetime.now(UTC).isoformat(), "temperature": temperature, "humidity": 40, "pressure": 1000}
        if temperature == HOT:
            self.said.append(time.time())
        self.client.publish(f"devices/{self.device}/readings", json.dumps(body), qos=1)


async def line_to_screen(report: Report) -> None:
    """From a reading over MQTT to its alarm on the live stream, beside a thousand readings a second."""
    allow_many_files()
    with folder() as path, city(path, "alone") as (vidik, secrets):
        screen = Screen()
        following = asyncio.create_task(screen.follow(vidik))
        probes = [Probe(vidik, device, secrets[device]) for device in list(secrets)[DEVICES:]]
        await asyncio.sleep(4)
        arguments = ("--connections", str(DEVICES), "--credentials", str(vidik.data.parent / "credentials"))
        rate = ("--rate", str(MESSAGES_A_SECOND), "--seconds", str(SECONDS))
        loading = asyncio.create_task(load(vidik.mqtt_port, *arguments, *rate))
        await asyncio.sleep(3)
        end = time.monotonic() + SECONDS - 4
        while time.monotonic() < end:
            for temperature in (HOT, COLD):
                for probe in probes:
                    probe.say(temperature)
                    await asyncio.sleep(1 / PROBES)
        figures = await loading
        await asyncio.sleep(1)
        following.cancel()
        for probe in probes:
            probe.client.loop_stop()
    delays = []
    for probe in probes:
        came = [
            at
            for at, alarm in screen.alarms
            if alarm["transition"] == "raised" and alarm["alarm"]["entity_id"].endswith(f":{probe.device}")
        ]
        delays += [at - said for said, at in zip(probe.said, came, strict=False)]
    p50, p99, top = np.percentile(delays, (50, 99, 100))
    report.add(
        Figure(
            "reading over MQTT to its alarm on the stream at 1,000 readings/s, p99",
            float(p99),
            "s",
            goal=1,
            higher_is_better=False,
            details={
                "p50": f"{p50:.3f} s",
                "max": f"{top:.3f} s",
                "alarms": len(delays),
                "hot readings": sum(len(probe.said) for probe in probes),
                "load acknowledged": figures["acknowledged"],
            },
        )
    )


def counted(vidik: RunningVidik) -> dict[str, Any]:
    """What stands: open alarms, by key; incidents, their lines and links."""
    with vidik.connect() as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM alarm WHERE cleared_at IS NULL),"
            " (SELECT count(DISTINCT (rule, entity_id, attribute)) FROM alarm),"
            " (SELECT count(*) FROM alarm_event WHERE transition = 'raised'),"
            " (SELECT count(*) FROM incident),"
            " (SELECT count(*) FROM incident_entry),"
            " (SELECT count(*) FROM incident_link WHERE unlinked_at IS NULL)"
        ).fetchone()
    assert row is not None
    return dict(zip(("open alarms", "keys", "raised", "incidents", "lines", "links"), row, strict=True))


def write_procedure(client: httpx.Client) -> None:
    """A procedure that waits, then tells the person who measures."""
    words = {"en": "Timer", "sr": "Тајмер"}
    (person,) = client.get("/api/duty/people").raise_for_status().json()["items"]
    steps = [
        {"id": "pause", "kind": "wait", "title": words, "minutes": 1, "next": "tell"},
        {"id": "tell", "kind": "notify", "title": words, "do": {"people": [person["login"]], "text": words}},
    ]
    definition = {"code": "bench_timer", "title": words, "purpose": words, "steps": steps}
    draft = client.post("/api/procedures", json={"definition": definition}).raise_for_status()
    seen = {"If-Match": draft.headers["ETag"]}
    client.post("/api/procedures/bench_timer/publish", json={}, headers=seen).raise_for_status()


def set_timers(vidik: RunningVidik) -> None:
    """Let the timers of all runs be up in the same moment, soon."""
    with vidik.connect() as connection:
        for table in ("procedure_run", "procedure_visit"):
            due = f"now() + make_interval(secs => {TIMER_SECONDS})"
            connection.execute(f"UPDATE {table} SET due_at = {due} WHERE due_at IS NOT NULL")
        connection.commit()


def timers(vidik: RunningVidik) -> dict[str, Any]:
    """What became of the timers: fired, fired early, messages, and how late the last one was (seconds)."""
    with vidik.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE ended_at IS NOT NULL),"
            " count(*) FILTER (WHERE ended_at < due_at),"
            " (SELECT count(*) FROM notice WHERE facts->>'kind' = 'procedure'),"
            " coalesce(max(extract(epoch FROM ended_at - due_at)), 0)::float"
            "  FROM procedure_visit WHERE step = 'pause'"
        ).fetchone()
    assert row is not None
    return dict(zip(("fired", "early", "messages", "late"), row, strict=True))


def kill_everything(vidik: RunningVidik) -> None:
    """kill -9 of the supervisor and all its children, the database too."""
    assert vidik.process is not None
    family = psutil.Process(vidik.process.pid)
    for process in [family, *family.children(recursive=True)]:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    vidik.process.wait()


async def restart(report: Report) -> None:
    """Kill -9 of the whole family amid 500 open alarms, 50 incidents and timers; then all of it is there, once."""
    with folder() as path, city(path, "alone") as (vidik, secrets):
        devices = list(secrets)[:STANDING]
        await asyncio.to_thread(push_all, vidik, secrets, devices, 10)
        wait_for("500 open alarms", lambda: counted(vidik)["open alarms"] == STANDING)
        with vidik.client() as client:
            write_procedure(client)
            alarms = client.get("/api/alarms?limit=1000").json()["items"]
            for alarm in alarms[:INCIDENTS]:
                link = {"kind": "alarm", "target": alarm["id"]}
                draft = {"type": "other", "title": alarm["entity_name"], "links": [link], "client_id": str(uuid4())}
                incident = client.post("/api/incidents", json=draft).raise_for_status().json()
                started = {"procedure": "bench_timer"}
                client.post(f"/api/incidents/{incident['id']}/procedures", json=started).raise_for_status()
        before = counted(vidik)
        set_timers(vidik)
        began = time.monotonic()
        kill_everything(vidik)
        vidik.start()
        seconds = time.monotonic() - began
        # The same again: what stands must be seen, not raised a second time.
        await asyncio.to_thread(push_all, vidik, secrets, devices, 5)
        await asyncio.sleep(5)
        after = counted(vidik)
        wait_for("the timers", lambda: timers(vidik)["fired"] == INCIDENTS)
        # One that fires twice would do so within its next second.
        await asyncio.sleep(3)
        fired = timers(vidik)
    differing = sum(abs(after[name] - before[name]) for name in before)
    report.add(
        Figure(
            "kill -9 of everything amid 500 open alarms and 50 incidents: lost or doubled",
            differing,
            "rows",
            goal=0,
            higher_is_better=False,
            details={**before, "ready again after": f"{seconds:.1f} s"},
        )
    )
    report.add(
        Figure(
            "the same, 50 procedures that wait: timers lost, doubled or early",
            abs(fired["fired"] - INCIDENTS) + abs(fired["messages"] - INCIDENTS) + fired["early"],
            "timers",
            goal=0,
            higher_is_better=False,
            details={"messages": fired["messages"], "the last one late by": f"{fired['late']:.1f} s"},
        )
    )


async def run(report: Report) -> None:
    """All three, one after the other."""
    await storm(report)
    await line_to_screen(report)
    await restart(report)
