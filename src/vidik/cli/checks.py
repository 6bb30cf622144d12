"""What `vidik doctor` looks at: the machine, the settings, and the installation when it runs."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vidik.kernel.errors import VidikError
from vidik.kernel.processes import FRESH_SECONDS, read_beat
from vidik.kernel.settings import Settings
from vidik.kernel.supervisor_lock import is_running

SCARCE_BYTES = 5 * 1024**3
SMALL_MACHINE_BYTES = 1_500 * 1024**2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: fine, worth knowing, or to be mended."""

    level: Literal["ok", "note", "bad"]
    sentence: str


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which a person would mend them."""
    findings = [*_machine(), *_data_folder(settings)]
    if not settings.data.exists():
        return findings
    running = is_running(settings.data)
    findings += _family(settings) if running else _ports(settings)
    findings += _doors(settings)
    return findings


def _machine() -> Iterator[Finding]:
    import psutil

    yield Finding("ok", f"Python {sys.version.split()[0]} on {sys.platform}")
    memory = psutil.virtual_memory().total
    level: Literal["ok", "note"] = "ok" if memory >= SMALL_MACHINE_BYTES else "note"
    yield Finding(level, f"{memory / 1024**3:.1f} GB of memory; the family with the demo city needs under 0.9")
    if os.geteuid() == 0:
        yield Finding("note", "You are root. On a server, run Vidik as a user of its own (deploy/systemd).")


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data
    if not folder.exists():
        yield Finding("note", f"The data folder {folder} does not exist yet; the first start makes it.")
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("bad", f"You may not write in {folder}. Start as its owner, or set VIDIK_DATA.")
        return
    free = shutil.disk_usage(folder).free
    yield Finding(
        "ok" if free > SCARCE_BYTES else "bad",
        f"{free / 1024**3:.1f} GB free in {folder}" + ("" if free > SCARCE_BYTES else ": make room"),
    )
    if (folder / "first-login.txt").exists():
        yield Finding("note", "The generated first password is still in use: change it with 'vidik account password'.")


def _family(settings: Settings) -> Iterator[Finding]:
    from vidik.cli.access import reachable_database

    yield Finding("ok", "Vidik runs on this data folder")
    for name in ("web", "intake", "worker"):
        beat = read_beat(settings.data / "run", name)
        if beat is None or beat.age_seconds > FRESH_SECONDS:
            yield Finding("bad", f"The process '{name}' does not move; see {settings.data / 'logs' / name}.log")
        else:
            yield Finding("ok", f"The process '{name}' works")
    try:
        with reachable_database(settings) as url:
            found = _database(url)
            yield found
            if found.level == "ok":
                yield from _places(settings, url)
    except VidikError as error:
        yield Finding("bad", error.detail)


def _database(url: str) -> Finding:
    import psycopg

    from vidik.kernel.migrate import head

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT version_num, current_setting('server_version') FROM platform.alembic_version"
            ).fetchone()
    except psycopg.Error as error:
        return Finding("bad", f"The database does not answer: {str(error).strip()}")
    if row is None or row[0] != head("platform"):
        return Finding("bad", "The database is not at this release's version: run 'vidik migrate'")
    return Finding("ok", f"PostgreSQL {row[1]} answers and is at this release's version")


def _places(settings: Settings, url: str) -> Iterator[Finding]:
    import psycopg

    from vidik.cli.sign_in_checks import standing_at, unknown_places
    from vidik.kernel.identity.openid.config import provider_of

    try:
        provider = provider_of(settings)
        found = list(unknown_places(provider, standing_at(url, settings.tenant))) if provider else []
    except VidikError:
        return  # what is wrong with the file is said where it is looked at
    except psycopg.Error as error:
        yield Finding("bad", f"The areas of {settings.tenant} cannot be read: {str(error).strip()}")
        return
    for must_mend, sentence in found:
        yield Finding("bad" if must_mend else "note", sentence)


def _ports(settings: Settings) -> Iterator[Finding]:
    yield Finding("note", "Vidik does not run on this data folder")
    for name, port in (("VIDIK_PORT", settings.port), ("VIDIK_MQTT_PORT", settings.mqtt_port)):
        if port and _taken(settings.host, port):
            yield Finding("bad", f"Port {port} is taken by another program: stop it, or set {name}")


def _taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _doors(settings: Settings) -> Iterator[Finding]:
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        if settings.public_url is None or not settings.public_url.startswith("https://"):
            yield Finding("bad", "The doors are open to the network without TLS: set VIDIK_PUBLIC_URL to an https one")
        if settings.mqtt_tls_port is None and settings.mqtt_port:
            yield Finding("bad", "Devices send their secrets without TLS: set VIDIK_MQTT_TLS_PORT and a certificate")
    if settings.sign_in is not None:
        yield _sign_in(settings)
    for name, path in (("VIDIK_MQTT_CERTIFICATE", settings.mqtt_certificate), ("VIDIK_MQTT_KEY", settings.mqtt_key)):
        if path is not None and not os.access(path, os.R_OK):
            yield Finding("bad", f"{name} names {path}, which cannot be read")


def _sign_in(settings: Settings) -> Finding:
    from vidik.kernel.identity.openid.config import provider_of

    try:
        provider = provider_of(settings)
        if provider is None:
            return Finding("note", f"{settings.sign_in} names no provider for the tenant {settings.tenant}")
        provider.client_secret()
    except VidikError as error:
        return Finding("bad", error.detail)
    return Finding("ok", f"People sign in through {provider.issuer}, and with local accounts")
