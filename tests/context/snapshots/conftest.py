"""The application and somebody who may use it."""

from tests.context.ngsild.conftest import anonymous, client

__all__ = ("anonymous", "client")
