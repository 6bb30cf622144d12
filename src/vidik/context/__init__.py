"""The city's memory: entities, their history, the change stream, and the NGSI-LD API over them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidik.kernel.modules import ChangeConsumer, Module, PeriodicJob, TenantWork

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from starlette.routing import BaseRoute

    from vidik.kernel.services import Services


def _routes() -> "Sequence[BaseRoute]":
    from vidik.context.api import routes

    return routes()


def _periodic() -> "Sequence[PeriodicJob]":
    from vidik.context.jobs import JOBS

    return JOBS


def _consumers() -> "Sequence[ChangeConsumer]":
    from vidik.context.subscriptions.consumer import SubscriptionConsumer

    return [SubscriptionConsumer()]


def _work() -> "Sequence[TenantWork]":
    from vidik.context.work import copy_subscriptions, deliver

    return [TenantWork("context.deliver", deliver), TenantWork("context.copy_subscriptions", copy_subscriptions)]


def _lifespan(services: "Services") -> "AbstractAsyncContextManager[None]":
    from vidik.context.registrations.forwarding.federation import lifespan

    return lifespan(services)


MODULE = Module(
    name="context", routes=_routes, periodic=_periodic, consumers=_consumers, work=_work, lifespan=_lifespan
)
