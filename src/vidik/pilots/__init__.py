"""Pilots: choose one, freeze its plan, prove what it saved, enter it in the ledger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidik.kernel.modules import Module, PeriodicJob

if TYPE_CHECKING:
    from fastapi import APIRouter


def _api_routers() -> "Sequence[APIRouter]":
    from vidik.pilots.api import candidates, factors, ledger, plans, running

    return [candidates.router, factors.router, plans.router, running.router, ledger.router]


def _periodic() -> Sequence[PeriodicJob]:
    from vidik.pilots.jobs import WATCH_EVERY_SECONDS, WORK_EVERY_SECONDS, watch_all, work_off

    return [
        PeriodicJob("pilots.work", WORK_EVERY_SECONDS, work_off),
        PeriodicJob("pilots.watch", WATCH_EVERY_SECONDS, watch_all),
    ]


MODULE = Module(name="pilots", api_routers=_api_routers, periodic=_periodic)
