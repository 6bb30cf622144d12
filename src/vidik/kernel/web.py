"""Small helpers that HTTP endpoints of every module share."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from vidik.kernel.database import Connection
from vidik.kernel.identity.authentication import require_somebody
from vidik.kernel.services import Services


def get_services(request: HTTPConnection) -> Services:
    """The services of the process that answers this request."""
    services: Services = request.app.state.services
    return services


async def get_transaction(request: HTTPConnection) -> AsyncIterator[Connection]:
    """One request is one transaction of the city's tenant: committed when the endpoint returns.

    Raises Unauthenticated before it takes a connection. Who somebody is comes from another pool: whoever waited for
    that with a connection in hand would keep it from all others.
    """
    await require_somebody(request)
    services = get_services(request)
    async with services.database.transaction(services.settings.tenant) as connection:
        yield connection


async def get_session(request: HTTPConnection) -> AsyncIterator[Connection]:
    """A connection of the city's tenant for reading, without a transaction; raises as `get_transaction` does."""
    await require_somebody(request)
    services = get_services(request)
    async with services.database.session(services.settings.tenant) as connection:
        yield connection


ServicesOf = Annotated[Services, Depends(get_services)]
# "function" scope: the commit happens before the response leaves, so a 2xx means that it is on disk; and the
# connection goes back before the body is sent, however slow the client.
Transaction = Annotated[Connection, Depends(get_transaction, scope="function")]
Session = Annotated[Connection, Depends(get_session, scope="function")]
