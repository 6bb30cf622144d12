"""Repeated work of incidents: those that alarms open by themselves, and the end of personal data."""

from vidik.kernel import audit
from vidik.kernel.identity import system_principal
from vidik.kernel.services import Services
from vidik.operations.incidents import automatic_repository
from vidik.operations.incidents.automatic import look_at_alarms
from vidik.operations.incidents.types import incident_types
from vidik.operations.rules.service import standing_rules

INCIDENTS_EVERY_SECONDS = 1.0
FORGETTING_EVERY_SECONDS = 86_400.0


async def open_by_alarms(services: Services, tenant: str) -> None:
    """Open the incidents that alarms and groups of alarms ask for."""
    async with services.database.transaction(tenant) as connection:
        if not await automatic_repository.anything_new(connection):
            return
        standing = await standing_rules(connection, services.settings)
        rules = {code: found.rule.incident for code, found in standing.items() if found.rule.incident is not None}
        look = await look_at_alarms(connection, incident_types(services.settings.data), rules)
        principal = system_principal("incidents", tenant, frozenset({"incidents.manage"}))
        for action, incidents in (("incident.open", look.opened), ("incident.reopen", look.reopened)):
            for incident in incidents:
                facts = {"number": incident.number, "type": incident.type, "severity": incident.severity}
                await audit.record(connection, principal, action, f"incident:{incident.id}", details=facts)
