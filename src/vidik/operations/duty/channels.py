"""Channels by which people are reached: addresses of apprise, in one file that only Vidik's own user may read.

They carry passwords and tokens. So nothing of an address ever leaves this module: not into an answer, a log, an error
or the audit record; only the provider's name does.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import orjson

from vidik.kernel.errors import Unprocessable
from vidik.kernel.files import write_durably
from vidik.kernel.settings import Settings

Kind = Literal["mail", "sms", "push", "other"]
ADDRESS = "{address}"
_SENDING_SECONDS = 60.0
# Reads the machine itself, or runs what it is told to: no way to a person.
_NOT_TO_PERSONS = ("dbus", "kde", "qt", "glib", "gnome", "macosx", "windows", "syslog", "file", "fluxer")


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to reach people. In `url` stands `{address}` where the person's own address goes."""

    code: str
    title: str
    kind: Kind
    url: str = field(repr=False)


def _file(settings: Settings) -> Path:
    return settings.data / "channels" / "channels.json"


def read(settings: Settings) -> dict[str, Channel]:
    """Return every channel, by code."""
    try:
        content = orjson.loads(_file(settings).read_bytes())
    except FileNotFoundError:
        return {}
    return {code: Channel(code, one["title"], one["kind"], one["url"]) for code, one in sorted(content.items())}


def write(settings: Settings, channel: Channel) -> None:
    """Keep a channel, new or over the one before."""
    with _changing(settings) as content:
        content[channel.code] = {"title": channel.title, "kind": channel.kind, "url": channel.url}


def forget(settings: Settings, code: str) -> bool:
    """Forget a channel; says whether there was one."""
    with _changing(settings) as content:
        return content.pop(code, None) is not None


@contextlib.contextmanager
def _changing(settings: Settings) -> Iterator[dict[str, Any]]:
    path = _file(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path.parent / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content = orjson.loads(path.read_bytes()) if path.exists() else {}
        yield content
        write_durably(path, orjson.dumps(content))


def provider_of(url: str) -> str:
    """Return the name of the provider that an address is for; raises Unprocessable for one that names none.

    Takes a second at the first call: apprise looks through its providers. Call it in a thread.
    """
    return str(_plugin(url.replace(ADDRESS, "381600000000"), {}).service_name)


def _plugin(url: str, headers: Mapping[str, str]) -> Any:
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would say where it sends to
    from apprise import Apprise

    scheme = url.partition(":")[0].lower()
    plugin: Any = None if scheme in _NOT_TO_PERSONS else Apprise.instantiate(url, suppress_exceptions=True)
    if plugin is None:
        raise Unprocessable(
            "This is no address that apprise knows (for example mailtos://user:password@host?to={address}).",
            field="url",
            code="channel-address",
        )
    if isinstance(getattr(plugin, "headers", None), dict):
        plugin.headers.update(headers)
    return plugin


async def send(channel: Channel, address: str, title: str, body: str, key: str) -> bool:
    """Hand a message to a channel's provider; says whether it took it. `key` is the same at each attempt."""

    def hand_over() -> bool:
        # A file, like any attachment, would be read from this machine: there is none.
        url = channel.url.replace(ADDRESS, quote(address, safe=""))
        try:
            plugin = _plugin(url, {"Idempotency-Key": key})
            return bool(plugin.notify(body=body, title=title))
        except (Unprocessable, OSError, TypeError, ValueError):
            return False

    try:
        async with asyncio.timeout(_SENDING_SECONDS):
            return await asyncio.to_thread(hand_over)
    except TimeoutError:
        return False
