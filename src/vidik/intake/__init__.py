"""Intake: the doors for readings and commands; devices, profiles, dead letters."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from vidik.kernel.modules import Module, PeriodicJob

if TYPE_CHECKING:
    from fastapi import APIRouter

    from vidik.kernel.services import Services

__all__ = ["MODULE"]


def _api_routers() -> list[APIRouter]:
    import vidik.intake.commands.api
    import vidik.intake.deadletters.api
    import vidik.intake.devices.api
    import vidik.intake.push

    return [
        vidik.intake.devices.api.router,
        vidik.intake.commands.api.router,
        vidik.intake.deadletters.api.router,
        vidik.intake.push.router,
    ]


def _periodic() -> list[PeriodicJob]:
    from vidik.intake.commands.jobs import expire_commands
    from vidik.intake.deadletters.jobs import limit_dead_letters

    return [
        PeriodicJob("intake.limit_dead_letters", 300, limit_dead_letters),
        PeriodicJob("intake.expire_commands", 30, expire_commands),
    ]


def _lifespan(services: Services) -> AbstractAsyncContextManager[None]:
    from vidik.intake.runtime import intake_lifespan

    return intake_lifespan(services)


MODULE = Module(name="intake", api_routers=_api_routers, periodic=_periodic, lifespan=_lifespan)
