"""Offering dead letters to the pipeline again, after a profile was mended or a device registered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from vidik.intake.deadletters import repository
from vidik.intake.message import Message, Outcome
from vidik.intake.pipeline import Pipeline
from vidik.kernel import audit
from vidik.kernel.clock import to_microseconds
from vidik.kernel.errors import Unavailable
from vidik.kernel.identity import Principal
from vidik.kernel.services import Services

MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Replayed:
    """What became of the dead letters: `cut` ones were too large to be kept whole and stay open."""

    accepted: int
    rejected: int
    cut: int


async def replay(services: Services, principal: Principal, ids: Sequence[int]) -> Replayed:
    """Offer open dead letters again, in the order in which they came, and close those whose outcome is known.

    One that is refused again has a new dead letter with the reason of today, so the old one is closed as well. One
    that could not be stored stays open. No transaction is held while the pipeline works.
    """
    pipeline = services.get(Pipeline)
    tenant = services.settings.tenant
    async with services.database.transaction(tenant) as connection:
        letters = await repository.open_letters(connection, ids, principal.reach("deadletters.replay"))
    whole = [letter for letter in letters if letter["size"] == len(letter["payload"])]
    waiting = []
    for letter in whole:
        await pipeline.room()
        message = Message(
            principal_id=letter["principal_id"],
            device_id=letter["device_id"],
            payload=bytes(letter["payload"]),
            received_at=to_microseconds(letter["received_at"]),
            door="replay",
            topic=letter["topic"],
        )
        waiting.append(asyncio.ensure_future(pipeline.submit(message)))
    outcomes = dict(zip((letter["id"] for letter in whole), await asyncio.gather(*waiting), strict=True))
    accepted = [letter for letter, outcome in outcomes.items() if outcome is Outcome.ACCEPTED]
    rejected = [letter for letter, outcome in outcomes.items() if outcome is Outcome.REJECTED]
    await _close(services, principal, accepted, rejected)
    if len(accepted) + len(rejected) < len(whole):
        raise Unavailable("Some messages could not be stored at this moment; they stay open.")
    return Replayed(len(accepted), len(rejected), len(letters) - len(whole))


async def _close(services: Services, principal: Principal, accepted: Sequence[int], rejected: Sequence[int]) -> None:
    if not accepted and not rejected:
        return
    async with services.database.transaction(services.settings.tenant) as connection:
        await repository.decide(connection, accepted, "replayed", principal.actor, None)
        await repository.decide(connection, rejected, "replayed", principal.actor, "refused again")
        details = {"accepted": len(accepted), "rejected": len(rejected), "first": min([*accepted, *rejected])}
        subject = f"{len(accepted) + len(rejected)} dead letters"
        await audit.record(connection, principal, "deadletter.replay", subject, details=details)
