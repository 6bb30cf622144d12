"""Pilots: choose one, freeze its plan, prove what it saved, enter it in the ledger."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from vidik.kernel.modules import Module, PeriodicJob
from vidik.kernel.tasks import end_tasks

if TYPE_CHECKING:
    from fastapi import APIRouter

    from vidik.kernel.services import Services

READY_AFTER_SECONDS = 15
"""The start itself is left alone."""


def _api_routers() -> "Sequence[APIRouter]":
    from vidik.pilots.api import candidates, ledger, plans, running

    return [candidates.router, plans.router, running.router, ledger.router]


def _periodic() -> Sequence[PeriodicJob]:
    from vidik.pilots.jobs import WATCH_EVERY_SECONDS, WORK_EVERY_SECONDS, watch_all, work_off

    return [
        PeriodicJob("pilots.work", WORK_EVERY_SECONDS, work_off),
        PeriodicJob("pilots.watch", WATCH_EVERY_SECONDS, watch_all),
    ]


@asynccontextmanager
async def _lifespan(_services: "Services") -> AsyncIterator[None]:
    """Load what a ranking needs before the first person asks for one."""
    loading = asyncio.create_task(_load())
    try:
        yield
    finally:
        await end_tasks(loading)


async def _load() -> None:
    await asyncio.sleep(READY_AFTER_SECONDS)
    await asyncio.to_thread(_import)


def _import() -> None:
    # Who asks for a ranking is told what is missing.
    with suppress(ImportError):
        from vidik.pilots.candidates.old_rankings import load

        load()


MODULE = Module(name="pilots", api_routers=_api_routers, periodic=_periodic, lifespan=_lifespan)
