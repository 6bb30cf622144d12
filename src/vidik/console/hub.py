"""From one reader of the change stream to many browsers, with bounded memory for each.

Frames are made once and shared. A client that does not keep up gets no queue: what it misses is merged, newest
value of each asset, and sent as one frame when it reads again; if even that grows too large it is told to start
over (`reset`). A client that comes back gets the frames since its Last-Event-ID, or a `reset`.

When it may have changed what a person may see, nothing goes out to them until they were looked at again (`doubt`);
when whose things are has changed, everybody who does not see everything starts over (`start_over`).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from vidik.kernel.errors import Unavailable
from vidik.kernel.identity import Principal
from vidik.kernel.identity.reach import Belonging, Place

_QUEUED_FRAMES = 16
_MERGED_ASSETS = 20_000
_MERGED_EVENTS = 200
_REPLAYED_BYTES = 8 * 1024 * 1024

_ASKED_AGAIN_SECONDS = 1.0

HEARTBEAT = b": still here\n\n"

Ask = Callable[[], Awaitable[Principal | None]]
"""Says who a client's person is now; None when they are nobody any more. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One or more events of the stream. `changes` is what a slow client merges instead; others are kept whole."""

    position: int
    payload: bytes
    recorded_at: str | None = None
    changes: tuple[dict[str, Any], ...] = ()
    gone: tuple[str, ...] = ()
    permission: str | None = None
    """Only who has it gets the frame; None is for all."""
    belonging: Belonging | None = None
    """Whose it is: only whom the permission reaches it gets the frame; None asks for the permission anywhere."""
    gone_for: Belonging | None = None
    """Whose it was: who reached that and no longer this gets `gone` instead."""
    gone_payload: bytes = b""
    is_passing: bool = False
    """Of this moment only: who comes back later does not get it (where a crew was whose shift has ended)."""


def event(name: str, data: Mapping[str, Any], position: int) -> bytes:
    """Return one server-sent event; `id` is the change position, which a client sends back as Last-Event-ID."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), position, orjson.dumps(data))


def changes_frame(position: int, recorded_at: str, changes: list[dict[str, Any]]) -> Frame:
    """Return the frame of new values of assets."""
    data = {"position": position, "recorded_at": recorded_at, "changes": changes}
    return Frame(position, event("changes", data, position), recorded_at, tuple(changes))


def gone_frame(position: int, entity_ids: Sequence[str]) -> Frame:
    """Return the frame that says which assets were deleted."""
    return Frame(position, event("gone", {"ids": entity_ids}, position), gone=tuple(entity_ids))


@dataclass(eq=False)
class Client:
    """One browser's place in the stream; `principal` is its person, None one who sees everything."""

    principal: Principal | None = None
    frames: deque[Frame] = field(default_factory=deque)
    merged: dict[str, dict[str, Any]] = field(default_factory=dict)
    merged_events: list[Frame] = field(default_factory=list)
    merged_until: Frame | None = None
    lost: bool = False
    doubted: bool = False
    """What the person may see has perhaps changed: nothing is handed out before they were looked at again."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frame: Frame) -> None:
        """Queue a frame, or merge it when the client is behind; what the person may not see is passed over."""
        seen = self.seen(frame)
        if seen is None:
            return
        frame = seen
        self.woken.set()
        if self.lost:
            return
        if self.merged_until is None and len(self.frames) < _QUEUED_FRAMES:
            self.frames.append(frame)
            return
        self.merged_until = frame
        if not frame.changes:
            self.merged_events.append(frame)
        for entity_id in frame.gone:
            self.merged.pop(entity_id, None)
        for change in frame.changes:
            before = self.merged.get(change["id"])
            attributes = {**before["attributes"], **change["attributes"]} if before else change["attributes"]
            self.merged[change["id"]] = {**(before or {}), **change, "attributes": attributes}
        if len(self.merged) > _MERGED_ASSETS or len(self.merged_events) > _MERGED_EVENTS:
            self.lost = True
            self._forget()

    @property
    def is_limited(self) -> bool:
        """Whether there may be something that the person does not see for whose it is."""
        return self.principal is not None and any(grant.place != Place() for grant in self.principal.grants)

    def doubt(self) -> None:
        """Hand nothing out until the person was looked at again."""
        self.doubted = True
        self.woken.set()

    def start_over(self) -> None:
        """Forget what waits, and tell the client to read everything anew."""
        self.frames.clear()
        self._forget()
        self.lost = True
        self.woken.set()

    async def settle(self, ask: Ask) -> bool:
        """Look at the person again, as often as there is doubt; False when they are nobody any more.

        Raises Unavailable, and the doubt stays.
        """
        while self.doubted:
            self.doubted = False
            try:
                person = await ask()
            except Unavailable:
                self.doubted = True
                raise
            if person is None:
                return False
            before, self.principal = self.principal, person
            if before is None or (before.grants, before.scopes) != (person.grants, person.scopes):
                self.start_over()
        return True

    def seen(self, frame: Frame) -> Frame | None:
        """Return what the person may have of a frame: all of it, that its thing has gone from sight, or nothing."""
        if frame.permission is None or self.principal is None:
            return frame
        if frame.belonging is None:
            return frame if self.principal.may(frame.permission) else None
        reach = self.principal.reach(frame.permission)
        if reach.includes(frame.belonging):
            return frame
        if frame.gone_for is not None and reach.includes(frame.gone_for):
            return Frame(frame.position, frame.gone_payload)
        return None

    def take(self) -> bytes:
        """Return everything that waits, and forget it."""
        parts = [frame.payload for frame in self.frames]
        if self.lost:
            self.lost = False
            parts = [event("reset", {}, 0)]
        elif self.merged_until is not None:
            last = self.merged_until
            parts += [frame.payload for frame in self.merged_events]
            if self.merged:
                recorded_at = last.recorded_at or ""
                parts.append(changes_frame(last.position, recorded_at, list(self.merged.values())).payload)
        self.frames.clear()
        self._forget()
        self.woken.clear()
        return b"".join(parts)

    def _forget(self) -> None:
        self.merged = {}
        self.merged_events = []
        self.merged_until = None


class Hub:
    """The clients of one web process and the frames of the last minutes."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()
        self._recent: deque[Frame] = deque()
        self._recent_bytes = 0
        self._begins_at = 0
        self.closed = False

    def __len__(self) -> int:
        return len(self._clients)

    def begin(self, position: int) -> None:
        """Say from which position on every change has been published."""
        self._begins_at = position

    def publish(self, frame: Frame) -> None:
        """Give a frame to every client, and keep it for those who come back unless it is a passing one."""
        if not frame.is_passing:
            self._recent.append(frame)
            self._recent_bytes += len(frame.payload)
        while self._recent_bytes > _REPLAYED_BYTES:
            gone = self._recent.popleft()
            self._recent_bytes -= len(gone.payload)
            self._begins_at = max(self._begins_at, gone.position)
        for client in self._clients:
            client.offer(frame)

    def doubt(self) -> None:
        """Hold everything back from people until it was looked at again who they are."""
        for client in self._clients:
            if client.principal is not None:
                client.doubt()

    def start_over(self, position: int) -> None:
        """Whose things are has changed: who does not see everything reads anew, and old frames are told to nobody."""
        self._recent.clear()
        self._recent_bytes = 0
        self._begins_at = position + 1
        for client in self._clients:
            if client.is_limited:
                client.start_over()

    def close(self) -> None:
        """End every stream, so that the process can stop."""
        self.closed = True
        for client in self._clients:
            client.woken.set()

    @contextmanager
    def joined(self, last_event_id: int | None, principal: Principal | None = None) -> Iterator[Client]:
        """A client in the stream, with what it missed since its last event already waiting."""
        client = Client(principal)
        if last_event_id is not None:
            if last_event_id < self._begins_at:
                client.lost = True
            else:
                # Events that share the last position may be repeated; all of them may be applied twice.
                missed = (client.seen(frame) for frame in self._recent if frame.position >= last_event_id)
                client.frames.extend(frame for frame in missed if frame is not None)
            client.woken.set()
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)

    async def follow(
        self, client: Client, ask: Ask, *, heartbeat_seconds: float, at_most_every: float
    ) -> AsyncIterator[bytes]:
        """Yield what waits for a client, at most so often, and a comment when nothing came for a while.

        Ends when the process does, or when the person may follow no longer.
        """
        yield b"retry: 2000\n\n"
        while not self.closed:
            try:
                async with asyncio.timeout(heartbeat_seconds):
                    await client.woken.wait()
            except TimeoutError:
                yield HEARTBEAT
                continue
            try:
                if not await client.settle(ask):
                    return
            except Unavailable:
                await asyncio.sleep(_ASKED_AGAIN_SECONDS)
                continue
            waiting = client.take()
            if waiting:
                yield waiting
            await asyncio.sleep(at_most_every)
