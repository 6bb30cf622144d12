"""The command centre's reflexes: rules judge the change stream, alarms are raised, acknowledged and cleared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidik.kernel.modules import ChangeConsumer, Module, PeriodicJob

if TYPE_CHECKING:
    from fastapi import APIRouter


def _api_routers() -> "Sequence[APIRouter]":
    from vidik.operations.api import router

    return [router]


def _consumers() -> Sequence[ChangeConsumer]:
    from vidik.operations.consumer import AlarmConsumer

    return [AlarmConsumer()]


def _periodic() -> Sequence[PeriodicJob]:
    from vidik.operations.jobs import SILENCE_EVERY_SECONDS, SilenceWatch

    return [PeriodicJob("operations.silence", SILENCE_EVERY_SECONDS, SilenceWatch().run)]


MODULE = Module(name="operations", api_routers=_api_routers, consumers=_consumers, periodic=_periodic)
