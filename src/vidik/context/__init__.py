"""The city's memory: entities, their history, the change stream, and the NGSI-LD API over them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidik.kernel.modules import Module

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


def _routes() -> "Sequence[BaseRoute]":
    from vidik.context.ngsild.api import routes

    return routes()


MODULE = Module(name="context", routes=_routes)
