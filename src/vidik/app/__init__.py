"""The only place that knows all modules: it assembles them into the processes of the family."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from vidik.kernel.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> Starlette:
    """The web application of one installation; its lifespan opens the database and the modules."""
    from vidik.app.application import assemble
    from vidik.kernel.settings import get_settings

    return assemble(settings or get_settings())
