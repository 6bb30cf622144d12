"""The manifest by which a module says what it brings; app.py is the only reader."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vidik.kernel.database import Connection
from vidik.kernel.services import Services

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.routing import BaseRoute


@dataclass(frozen=True)
class PeriodicJob:
    """Work that the worker repeats for every tenant, about every so many seconds."""

    name: str
    every_seconds: float
    run: Callable[[Services, str], Awaitable[None]]


@dataclass(frozen=True)
class TenantWork:
    """Endless work that the worker does for each tenant; it survives a database that restarts."""

    name: str
    run: Callable[[Services, str], Awaitable[None]]


class ChangeConsumer(Protocol):
    """A reader of the change stream with a durable cursor of its own.

    `handle` runs in the transaction that moves the cursor, so its effects in our database happen once.
    `batch` is a `vidik.context.store.changes.ChangeBatch`.
    """

    name: str

    async def handle(self, services: Services, tenant: str, connection: Connection, batch: Any) -> None:
        """Take in one committed batch of changes."""


@runtime_checkable
class BulkConsumer(Protocol):
    """A ChangeConsumer that takes in what there is at once, and wants to know when that is committed."""

    async def handle_all(self, services: Services, tenant: str, connection: Connection, batches: Sequence[Any]) -> None:
        """Take in committed batches of changes, oldest first."""

    def committed(self, services: Services, tenant: str) -> None:
        """The effects of the last `handle_all` are committed."""


@runtime_checkable
class PreparingConsumer(Protocol):
    """A ChangeConsumer that may have to wait for something else than the database, which no transaction should."""

    async def prepare(self, services: Services, tenant: str) -> None:
        """Wait for it, before the transaction in which changes are taken in."""


def _nothing() -> list[Any]:
    return []


@dataclass(frozen=True)
class Module:
    """What one module brings. Every list is behind a callable, so that a process imports only what it uses."""

    name: str
    api_routers: Callable[[], Sequence[APIRouter]] = _nothing
    """FastAPI routers, mounted under /api."""
    routes: Callable[[], Sequence[BaseRoute]] = _nothing
    """Starlette routes, mounted on the root."""
    consumers: Callable[[], Sequence[ChangeConsumer]] = _nothing
    """Readers of the change stream, run by the worker for every tenant."""
    work: Callable[[], Sequence[TenantWork]] = _nothing
    """Endless work of the worker, once a tenant."""
    periodic: Callable[[], Sequence[PeriodicJob]] = _nothing
    """Repeated work, run by the worker."""
    lifespan: Callable[[Services], AbstractAsyncContextManager[None]] | None = None
    """What the web process opens before it serves and closes after (a tailer, a directory)."""
