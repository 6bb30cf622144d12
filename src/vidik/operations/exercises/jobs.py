"""Repeated work of exercises: the player, and the end of personal data."""

from datetime import timedelta

from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations.exercises import repository
from vidik.operations.exercises.clearing import clear
from vidik.operations.exercises.playing import end_what_is_over, play

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
    await clear(services, tenant, now())


async def forget(services: Services, tenant: str) -> None:
    """Take the names out of exercises that ended long ago."""
    async with services.database.transaction(tenant) as connection:
        await repository.forget_people(connection, now() - KEPT)
