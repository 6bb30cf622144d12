"""Resolving an @context as a request names it into an active context; remembered in memory and on disk."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson
from cachetools import LRUCache

from vidik.context.jsonld import fetching, hosting, packaged, processing
from vidik.context.jsonld.active import ActiveContext
from vidik.kernel.clock import now

Hosted = Callable[[str], Awaitable[Any]]
"""Gives the @context that is kept here under an id, or None."""

MAXIMUM_DOCUMENTS: Final = 24
MAXIMUM_COUNTED: Final = 4096
FRESH_SECONDS: Final = 7 * 24 * 3600
_SMALL: Final = 16_384


@dataclass(slots=True)
class Use:
    """How often a context was used by this process, and when last."""

    count: int = 0
    last: datetime | None = None


class ContextResolver:
    """Turns addresses and inline contexts into active contexts. One a process.

    `folder` keeps fetched documents across restarts; `allow_private` lets private addresses be fetched.
    """

    def __init__(self, folder: Path, *, allow_private: bool = False, hosted: Hosted | None = None) -> None:
        self._folder = folder
        self._allow_private = allow_private
        self._hosted = hosted
        self._uses: dict[str, Use] = {}
        self.started_at = now()
        self._active: LRUCache[bytes, ActiveContext] = LRUCache(256)
        self._documents: LRUCache[str, Any] = LRUCache(512)
        self._under_way: dict[str, asyncio.Task[Any]] = {}
        self.core = processing.build([], {}, source=packaged.CORE_CONTEXT_URL)

    def remembered(self, local: Any) -> ActiveContext | None:
        """The active context without waiting, where it is already known; None stands for the core context."""
        if local is None or (isinstance(local, str) and packaged.is_core(local)):
            return self.core
        return self._active.get(_key(local))

    def used(self, local: str | None) -> ActiveContext | None:
        """As `remembered`, and counts the use where it is known."""
        known = self.remembered(local)
        if known is not None:
            self._count(local)
        return known

    async def resolve(self, local: Any) -> ActiveContext:
        """The active context of an address, an inline context or a list of them; None is the core context.

        Raises BadInput for a context that is wrong, ContextUnavailableError for one that cannot be had.
        """
        self._count(local)
        return await self.at_hand(local)

    async def at_hand(self, local: Any) -> ActiveContext:
        """As `resolve`, and is no use that counts: for what a transaction is going to need."""
        known = self.remembered(local)
        if known is not None:
            return known
        processing.refuse_scoped(local)
        remote = await self._load_all(local)
        active = processing.build(local, remote, source=local)
        if not isinstance(local, str) and len(_key(local)) > _SMALL:
            return active
        self._active[_key(local)] = active
        return active

    def _count(self, local: Any) -> None:
        for one in local if isinstance(local, list) else (local,):
            if isinstance(one, str) and (len(self._uses) < MAXIMUM_COUNTED or one in self._uses):
                counted = _counted(one)
                use = self._uses.get(counted)
                if use is None:
                    use = self._uses[counted] = Use()
                use.count += 1
                use.last = now()

    def note_use(self, url: str) -> None:
        """Count that a context was used otherwise than to resolve it."""
        self._count(url)

    def use_of(self, url: str) -> Use:
        """How often this process has used a context."""
        return self._uses.get(_counted(url), Use())

    async def cached(self) -> list[tuple[str, datetime]]:
        """The addresses of fetched contexts that are kept, and since when; the core context first."""
        return [(packaged.CORE_CONTEXT_URL, self.started_at), *await asyncio.to_thread(_kept_in, self._folder)]

    async def forget(self, url: str) -> None:
        """Let go of a context: a fetched one is fetched again when it is next needed."""
        await asyncio.to_thread(self._file(url).unlink, missing_ok=True)
        identity = hosting.id_in(url)
        for known in [one for one in self._documents if one == url or (identity and hosting.id_in(one) == identity)]:
            del self._documents[known]
        self._uses.pop(_counted(url), None)
        self._active.clear()

    async def reload(self, url: str) -> None:
        """Fetch a context again; raises ContextUnavailableError, and then the old one stays."""
        if packaged.document(url) is not None:
            return
        context = (await fetching.fetch(url, allow_private=self._allow_private))["@context"]
        await asyncio.to_thread(_keep, self._file(url), url, context)
        self._documents[url] = context
        self._active.clear()

    def _file(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()}.json"

    async def _load_all(self, local: Any) -> dict[str, Any]:
        remote: dict[str, Any] = {}
        waiting = list(processing.references(local))
        while waiting:
            url = waiting.pop()
            if url in remote:
                continue
            if len(remote) >= MAXIMUM_DOCUMENTS:
                raise processing.refuse(f"it refers to more than {MAXIMUM_DOCUMENTS} documents")
            remote[url] = await self.document(url)
            waiting.extend(processing.references(remote[url], url))
        return remote

    async def document(self, url: str) -> Any:
        """The @context of the document at an address: from the package, memory, disk or the internet."""
        own = packaged.document(url)
        if own is not None:
            return own["@context"]
        known = self._documents.get(url)
        if known is not None:
            return known
        task = self._under_way.get(url)
        if task is None:
            task = asyncio.create_task(self._obtain(url))
            self._under_way[url] = task
            task.add_done_callback(lambda _: self._under_way.pop(url, None))
        return await asyncio.shield(task)

    async def _obtain(self, url: str) -> Any:
        identity = hosting.id_in(url)
        if identity is not None and self._hosted is not None:
            hosted = await self._hosted(identity)
            if hosted is not None:
                self._documents[url] = hosted
                return hosted
        file = self._file(url)
        kept, fresh = await asyncio.to_thread(_read_kept, file, url)
        if not fresh:
            try:
                kept = (await fetching.fetch(url, allow_private=self._allow_private))["@context"]
                await asyncio.to_thread(_keep, file, url, kept)
            except fetching.ContextUnavailableError:
                if kept is None:
                    raise
        self._documents[url] = kept
        return kept


def _key(local: Any) -> bytes:
    try:
        return local.encode("utf-8", "surrogatepass") if isinstance(local, str) else orjson.dumps(local)
    except orjson.JSONEncodeError:
        raise processing.refuse("it is nested too deeply") from None


@lru_cache(maxsize=512)
def _counted(url: str) -> str:
    """What a context is counted under: a hosted one is the same however its host is called."""
    return hosting.id_in(url) or url


def _kept_in(folder: Path) -> list[tuple[str, datetime]]:
    found: list[tuple[str, datetime]] = []
    for file in sorted(folder.glob("*.json")):
        try:
            kept_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            found.append((str(orjson.loads(file.read_bytes())["url"]), kept_at))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # damaged, or gone meanwhile
    return found


def _read_kept(file: Path, url: str) -> tuple[Any, bool]:
    try:
        content = orjson.loads(file.read_bytes())
        if content["url"] == url:
            return content["@context"], time.time() - file.stat().st_mtime < FRESH_SECONDS
    except (OSError, ValueError, KeyError, TypeError):
        pass  # absent or damaged: fetched again
    return None, False


def _keep(file: Path, url: str, context: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_bytes(orjson.dumps({"url": url, "@context": context}))
    draft.replace(file)
