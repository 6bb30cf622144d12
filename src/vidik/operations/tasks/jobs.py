"""Repeated work of tasks and crews: ending duties whose time is up, forgetting where crews were."""

from datetime import timedelta

from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations.tasks import crews_repository, crews_service

DUTIES_EVERY_SECONDS = 15.0
POSITIONS_EVERY_SECONDS = 600.0
DUTIES_KEPT = timedelta(days=32)


async def end_duties(services: Services, tenant: str) -> None:
    """End the duty of crews whose time is up."""
    async with services.database.transaction(tenant) as connection:
        await crews_service.end_duties(connection, now())


async def forget_positions(services: Services, tenant: str) -> None:
    """Remove positions after the hours that personal_data.yaml and the setting say, duties that no figure counts."""
    kept = timedelta(hours=services.settings.crew_positions_hours)
    async with services.database.transaction(tenant) as connection:
        await crews_repository.forget_positions(connection, now() - kept)
        await crews_repository.forget_duties(connection, now() - DUTIES_KEPT)
