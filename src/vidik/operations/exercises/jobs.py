"""Repeated work of exercises: the player, and the end of personal data."""

from datetime import timedelta

from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations.exercises import repository
from vidik.operations.exercises.clearing import clear
from vidik.operations.exercises.playing import end_what_is_over, play
from vidik.operations.exercises.twinning import forget_past

PLAY_EVERY_SECONDS = 1.0
FORGET_EVERY_SECONDS = 86_400.0
KEPT = timedelta(days=3 * 365)
"""How long it is known who led an exercise; what was exercised, and how it went, stays."""


async def play_on(services: Services, tenant: str) -> None:
    """Fire what is due, end what is over, clear away what is left."""
    async with services.database.session(tenant) as connection:
        if not await repository.anything_to_do(connection):
            return
    await play(services, tenant, now())
    await end_what_is_over(services, tenant, now())
    if await clear(services, tenant, now()):
        await forget_twins(services, tenant)


async def forget_twins(services: Services, tenant: str) -> None:
    """Remove what twins that are gone have measured."""
    async with services.database.transaction(tenant) as connection:
        await forget_past(connection)


async def forget(services: Services, tenant: str) -> None:
    """Take the names out of exercises that ended long ago."""
    # Once more for who was killed before, and for readings that came late.
    await forget_twins(services, tenant)
    async with services.database.transaction(tenant) as connection:
        await repository.forget_people(connection, now() - KEPT)
