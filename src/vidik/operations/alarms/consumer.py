"""The reader of the change stream that raises and clears alarms, exactly once.

What the rules remember is written in the transaction that moves the cursor. Between batches this process keeps a
copy in memory; the copy is trusted only while its position is the one in the table, so a rollback, a restart or a
second worker cannot make an alarm twice or lose one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vidik.context.jsonld import names
from vidik.context.store import entities as store
from vidik.context.store.changes import Change, ChangeBatch
from vidik.intake.library import ProfileLibrary
from vidik.kernel.clock import CITY_ZONE, to_microseconds
from vidik.kernel.database import Connection
from vidik.kernel.services import Services
from vidik.kernel.settings import Settings
from vidik.operations.alarms import repository
from vidik.operations.alarms.service import apply_findings
from vidik.operations.entities import samples
from vidik.operations.rules import repository as rules_repository
from vidik.operations.rules.memory import Finding, Memory
from vidik.operations.rules.rulebook import RuleBook
from vidik.operations.rules.service import standing_rules


@dataclass
class _Copy:
    memory: Memory
    position: int
    revision: int


class AlarmConsumer:
    """Judges committed changes by the rules of each tenant's city."""

    name = "operations.alarms"

    def __init__(self) -> None:
        self._copies: dict[str, _Copy] = {}
        self._services: dict[str, str] | None = None

    async def handle(self, services: Services, tenant: str, connection: Connection, batch: ChangeBatch) -> None:
        """Take in one committed batch of changes, in the transaction that moves the cursor."""
        position, revision = await rules_repository.checkpoint(connection)
        if batch.position <= position:
            return
        copy = self._copies.pop(tenant, None)
        if copy is None or copy.position != position or copy.revision != revision:
            copy = _Copy(
                await self._load(connection, services.settings, to_microseconds(batch.recorded_at)), position, revision
            )
        # Popped until everything is done: an exception leaves no half-moved copy behind.
        if await self._take(connection, copy.memory, batch, self._service_of_types(services.settings)):
            await rules_repository.move_checkpoint(connection, batch.position)
            copy.position = batch.position
        self._copies[tenant] = copy

    async def _take(
        self, connection: Connection, memory: Memory, batch: ChangeBatch, service_of: dict[str, str]
    ) -> bool:
        """Return whether anything must be remembered that was not before."""
        recorded_at = to_microseconds(batch.recorded_at)
        await _complete(connection, memory, batch.changes, recorded_at)
        findings = memory.take(batch.changes, recorded_at)
        if batch.rejections:
            findings += await _take_rejections(connection, memory, batch)
        deleted = [change.entity_id for change in batch.changes if change.operation == "deleted"]
        await apply_findings(connection, memory.book.rules, findings, service_of, deleted)
        written, gone = memory.changed()
        await rules_repository.write_memory(connection, written, gone)
        return bool(findings or deleted or written or gone)

    async def _load(self, connection: Connection, settings: Settings, recorded_at: int) -> Memory:
        standing = await standing_rules(connection, settings)
        rules = {code: found.rule for code, found in standing.items()}
        book = RuleBook(rules, names.expand_type, names.expand_attribute)
        memory = Memory(book, names.compact, CITY_ZONE)
        memory.load(await rules_repository.read_memory(connection))
        await _seed(connection, memory, recorded_at)
        return memory

    def _service_of_types(self, settings: Settings) -> dict[str, str]:
        if self._services is None:
            profiles = ProfileLibrary(settings.data / "profiles").profiles.values()
            self._services = {profile.type_iri: profile.service for profile in profiles}
        return self._services


async def _complete(connection: Connection, memory: Memory, changes: Sequence[Change], recorded_at: int) -> None:
    incomplete = memory.incomplete(changes, recorded_at)
    if not incomplete:
        return
    rows = await store.load(connection, list(incomplete))
    for entity_id, (watched, until) in incomplete.items():
        row = rows.get(entity_id)
        found = samples(row.document, watched.names) if row else {}
        past = {
            name: sample
            for name, sample in found.items()
            if name in watched.remembered and (sample.at <= until or name == "location")
        }
        memory.complete(entity_id, past)


async def _seed(connection: Connection, memory: Memory, recorded_at: int) -> None:
    """Tell the rules that compare neighbours what all of them say; what is newer than the stream is not for them."""
    types = {memory.book.expand_type(name) for rule in memory.book.comparing for name in rule.entity_types}
    if not types:
        return
    for row in await repository.entities_of_types(connection, sorted(types)):
        watched = memory.book.watched(tuple(row["types"]), row["id"])
        if watched is not None:
            found = samples(row["document"], watched.names)
            known = {name: sample for name, sample in found.items() if name == "location" or sample.at <= recorded_at}
            memory.seed(row["id"], tuple(row["types"]), known)


async def _take_rejections(connection: Connection, memory: Memory, batch: ChangeBatch) -> list[Finding]:
    types = await repository.types_of(connection, {rejection.entity_id for rejection in batch.rejections})
    return memory.take_rejections(batch.rejections, types.get)
