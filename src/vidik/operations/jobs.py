"""Repeated work of operations in the worker: listening for silence, ending what hides alarms, trials."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from vidik.context.jsonld import names
from vidik.intake.library import ProfileLibrary
from vidik.intake.profiles import Profile
from vidik.kernel.clock import now, to_microseconds
from vidik.kernel.database import Connection
from vidik.kernel.services import Services
from vidik.operations import journal
from vidik.operations.alarms import holds_repository, repository
from vidik.operations.alarms.hiding import settle_alarms
from vidik.operations.alarms.service import apply_findings
from vidik.operations.alarms.silence import Voice, judge, services_named
from vidik.operations.entities import origin_of
from vidik.operations.rule_changes import trials
from vidik.operations.rules.rulebook import EVERY_TYPE, RuleBook
from vidik.operations.rules.service import standing_rules
from vidik.operations.rules.signals import AlarmKey

SILENCE_EVERY_SECONDS = 5.0
HOLDS_EVERY_SECONDS = 5.0
TRIALS_EVERY_SECONDS = 1.0
JOURNAL_EVERY_SECONDS = 3600.0


async def work_trials_off(services: Services, tenant: str) -> None:
    """Try the rules that people asked to be tried against much history."""
    await trials.work_trials_off(services.database, tenant, now)


async def forget_old_work(services: Services, tenant: str) -> None:
    """Keep the journal short."""
    async with services.database.transaction(tenant) as connection:
        await journal.forget_old(connection, now())


async def look_at_holds(services: Services, tenant: str) -> None:
    """Bring back what was shelved until now, begin planned maintenance, follow the windows of rules."""
    moment = now()
    async with services.database.transaction(tenant) as connection:
        await repository.lock_alarms(connection)
        await holds_repository.end_holds_whose_time_is_up(connection, moment)
        standing = await standing_rules(connection, services.settings)
        await settle_alarms(connection, {code: found.rule for code, found in standing.items()}, moment)


class SilenceWatch:
    """Looks at every device's last word; one object a worker process, so that it knows since when it listens."""

    def __init__(self) -> None:
        self._started: datetime | None = None
        self._profiles: Mapping[str, Profile] | None = None

    async def run(self, services: Services, tenant: str) -> None:
        """Raise and clear alarms of silence of one tenant, in one transaction."""
        moment = now()
        self._started = self._started or moment
        if self._profiles is None:
            self._profiles = ProfileLibrary(services.settings.data / "profiles").profiles
        async with services.database.transaction(tenant) as connection:
            standing = await standing_rules(connection, services.settings)
            rules = {code: found.rule for code, found in standing.items()}
            book = RuleBook(rules, names.expand_type, names.expand_attribute)
            voices = await self._voices(connection, book, services.settings.city)
            open_keys: set[AlarmKey] = set()
            for rule in book.silence:
                found = await repository.open_alarms_of(connection, rule.code)
                open_keys |= {alarm.key for alarm in found if alarm.is_active}
            at = to_microseconds(moment)
            findings = judge(voices, open_keys, started=self._started, now=moment, at=at)
            await apply_findings(connection, rules, findings, services_named(voices))

    async def _voices(self, connection: Connection, book: RuleBook, city: str) -> list[Voice]:
        voices = []
        for row in await repository.heard_devices(connection):
            voice = self._voice_of_device(row, book, city)
            if voice is not None:
                voices.append(voice)
        spoken_for = {voice.entity_id for voice in voices}
        for rule in book.silence:
            if rule.expected is None or EVERY_TYPE in rule.entity_types:
                continue
            types = [names.expand_type(entity_type) for entity_type in rule.entity_types]
            for row in await repository.entities_of_types(connection, types):
                if row["id"] not in spoken_for and origin_of(row["document"]) in rule.origins:
                    voices.append(Voice("", row["id"], rule.service, rule, rule.expected, row["modified_at"]))
        return voices

    def _voice_of_device(self, row: dict[str, Any], book: RuleBook, city: str) -> Voice | None:
        profile = (self._profiles or {}).get(row["profile"])
        if profile is None:
            return None
        rule = book.silence_rule([profile.type_iri], row["origin"])
        expected: timedelta | None = row["expected_interval"] or profile.expected_interval
        if rule is None or not expected:
            return None
        entity_id = row["entity_id"] or profile.entity_id(row["device_id"], city)
        return Voice(row["device_id"], entity_id, profile.service, rule, expected, row["last_seen"])
