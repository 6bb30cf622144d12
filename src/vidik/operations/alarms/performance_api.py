"""How well the alarms serve their operators, over HTTP."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from vidik.kernel.clock import now
from vidik.kernel.errors import BadInput
from vidik.kernel.forms import Moment
from vidik.kernel.web import Transaction
from vidik.operations.alarms import performance_repository
from vidik.operations.alarms.api import Reader
from vidik.operations.alarms.performance import measure

router = APIRouter(tags=["operations"])
_USUALLY = timedelta(days=7)
_AT_LEAST, _AT_MOST = timedelta(minutes=10), timedelta(days=92)


@router.get("/alarms/performance")
async def read_performance(
    connection: Transaction,
    principal: Reader,
    begin: Annotated[Moment | None, Query(alias="from")] = None,
    until: Moment | None = None,
    operators: Annotated[float, Query(ge=0.5, le=100, description="How many shared the calls.")] = 1,
) -> dict[str, Any]:
    """Measure the alarms that one sees, of a time (the last 7 days), against EEMUA 191 and IEC 62682, with advice."""
    end = until or now()
    start = begin or end - _USUALLY
    if not _AT_LEAST <= end - start <= _AT_MOST:
        raise BadInput("The time to measure lasts from ten minutes to 92 days.", field="from")
    reach = principal.reach("alarms.read")
    calls = await performance_repository.calls_between(connection, start, end, reach)
    standing = await performance_repository.standing_at(connection, end, reach)
    return measure(calls, standing, start, end, operators)
