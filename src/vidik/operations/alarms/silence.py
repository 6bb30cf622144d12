"""Who is not heard: a look at all devices every few seconds, by the clock on the wall.

Silence is the one thing that no reading can say. Many devices of one service falling silent at once are one fault
(a gateway, a network, a power line), so they make one alarm of the service and not hundreds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vidik.operations.rules.evaluation import Signal
from vidik.operations.rules.memory import Finding
from vidik.operations.rules.model import SilenceRule
from vidik.operations.rules.signals import AlarmKey

GROUP = "urn:vidik:service:"
_SHARE_OF_SERVICE = 0.2


@dataclass(frozen=True, slots=True)
class Voice:
    """One device (or entity without one): whom it speaks for, and when it was last heard."""

    device_id: str
    entity_id: str
    service: str
    rule: SilenceRule
    expected: timedelta
    last_heard: datetime

    @property
    def key(self) -> AlarmKey:
        """The alarm that its silence makes; two devices of one entity are two."""
        return AlarmKey(self.rule.code, self.entity_id, self.device_id)

    def quiet_since(self, since: datetime, now: datetime) -> bool:
        """Whether nothing was heard for too long, counted from `since` at the earliest."""
        return now - max(self.last_heard, since) > self.expected * self.rule.intervals


def group_key(rule: SilenceRule, service: str) -> AlarmKey:
    """Return the alarm of a whole service whose devices fell silent together."""
    return AlarmKey(rule.code, GROUP + service, "")


def judge(
    voices: Sequence[Voice], standing: set[AlarmKey], *, started: datetime, now: datetime, at: int
) -> list[Finding]:
    """Return what to raise and what to clear.

    `standing` are the open alarms of silence. Raising counts from `started`, when this process began to listen:
    after a night's stop every device is old news, and none is at fault. `at` is `now` in µs.
    """
    by_group: dict[tuple[str, str], list[Voice]] = {}
    for voice in voices:
        by_group.setdefault((voice.rule.code, voice.service), []).append(voice)
    findings: list[Finding] = []
    justified: set[AlarmKey] = set()
    for members in by_group.values():
        rule, service = members[0].rule, members[0].service
        silent = [voice for voice in members if voice.quiet_since(started, now)]
        still = {voice.key for voice in members if voice.quiet_since(voice.last_heard, now)}
        group = group_key(rule, service)
        together = len(silent) >= max(rule.together, _SHARE_OF_SERVICE * len(members))
        if together:
            justified.add(group)
            if group not in standing:
                findings.append(Finding(group, Signal("raised", at, float(len(silent)), float(len(members)))))
        justified |= still
        if not together:
            findings += [
                Finding(voice.key, Signal("raised", at, _minutes(now - voice.last_heard), None))
                for voice in silent
                if voice.key not in standing
            ]
    findings += [Finding(key, Signal("cleared", at)) for key in sorted(standing - justified)]
    return findings


def _minutes(duration: timedelta) -> float:
    return round(duration.total_seconds() / 60, 1)


def services_named(voices: Sequence[Voice]) -> Mapping[str, str]:
    """Return the service of each alarm's entity, the groups' included."""
    named = {voice.entity_id: voice.service for voice in voices}
    return named | {GROUP + service: service for service in set(named.values())}
