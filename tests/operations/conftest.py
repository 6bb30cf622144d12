"""What tests of operations over a real database share: alarms raised and cleared as rules do it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from tests.operations.factories import a_rule

from vidik.kernel.clock import to_microseconds
from vidik.kernel.services import Services
from vidik.operations.alarms.service import apply_findings
from vidik.operations.rules.memory import Finding
from vidik.operations.rules.signals import AlarmKey, Signal

Signals = Callable[..., Awaitable[None]]
RULES = {
    "pressure": a_rule(code="pressure", service="heating", reopen="6h"),
    "burning": a_rule(code="burning", service="waste", incident="fire", reopen="6h"),
}


@pytest.fixture
def signal(services: Services) -> Signals:
    """Raises (or clears) an alarm of a rule at each of some entities, one second after the other."""

    async def signal(
        rule: str,
        *entities: str,
        kind: Literal["raised", "seen", "cleared"] = "raised",
        begin: datetime | None = None,
        killed: bool = False,
    ) -> None:
        at = begin or datetime.now(UTC) - timedelta(minutes=5)
        findings = [
            Finding(
                AlarmKey(rule, entity, ""),
                Signal(kind, to_microseconds(at + timedelta(milliseconds=50 * place)), 60.0, 50.0),
            )
            for place, entity in enumerate(entities)
        ]
        async with services.database.transaction("city") as connection:
            await apply_findings(connection, RULES, findings)
            if killed:
                raise ConnectionError("the worker is killed before its commit")

    return signal


def entities(count: int, first: int = 0) -> list[str]:
    return [f"urn:ngsi-ld:HeatSubstation:nis:s{number:03d}" for number in range(first, first + count)]


async def rows(services: Services, query: str) -> list[dict[str, Any]]:
    """What a query gives, for looking at."""
    async with services.database.session("city") as connection:
        return await (await connection.execute(query)).fetchall()
