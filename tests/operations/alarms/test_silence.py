"""Who is not heard: when it is said, when it is many at once, and when it is nobody's fault."""

from datetime import UTC, datetime, timedelta

from vidik.kernel.clock import to_microseconds
from vidik.operations.alarms.silence import GROUP, Voice, judge
from vidik.operations.rules.memory import Finding
from vidik.operations.rules.model import SilenceRule
from vidik.operations.rules.rulebook import packaged_rules
from vidik.operations.rules.signals import AlarmKey

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
RULE = packaged_rules()["device_silent"]


def a_voice(number: int, minutes_quiet: float, service: str = "air") -> Voice:
    assert isinstance(RULE, SilenceRule)
    return Voice(
        f"d{number}",
        f"urn:ngsi-ld:AirQualityObserved:nis:d{number}",
        service,
        RULE,
        timedelta(minutes=2),
        NOW - timedelta(minutes=minutes_quiet),
    )


def findings(voices: list[Voice], standing: set[AlarmKey] | None = None, started: datetime = LONG_AGO) -> list[Finding]:
    return judge(voices, standing or set(), started=started, now=NOW, at=to_microseconds(NOW))


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.signal.kind, finding.key.entity_id.rpartition(":")[2]) for finding in found]


class TestJudge:
    def test_three_intervals_without_a_word_are_silence(self) -> None:
        assert told(findings([a_voice(1, 5.9), a_voice(2, 6.1)])) == [("raised", "d2")]

    def test_is_said_once(self) -> None:
        voice = a_voice(1, 10)
        assert findings([voice], {voice.key}) == []

    def test_a_word_clears_it(self) -> None:
        voice = a_voice(1, 0)
        assert told(findings([voice], {voice.key})) == [("cleared", "d1")]

    def test_a_device_that_is_gone_has_no_alarm(self) -> None:
        assert told(findings([], {a_voice(1, 0).key})) == [("cleared", "d1")]

    def test_after_a_start_nobody_is_silent_yet(self) -> None:
        assert findings([a_voice(1, 600)], started=NOW - timedelta(minutes=1)) == []

    def test_after_a_start_what_stands_goes_on_standing(self) -> None:
        voice = a_voice(1, 600)
        assert findings([voice], {voice.key}, started=NOW - timedelta(minutes=1)) == []

    def test_many_at_once_are_one_alarm_of_their_service(self) -> None:
        voices = [a_voice(number, 60) for number in range(20)] + [a_voice(number, 0) for number in range(20, 40)]
        (found,) = findings(voices)
        assert found.key.entity_id == f"{GROUP}air"
        assert (found.signal.value, found.signal.threshold) == (20, 40)

    def test_many_that_are_few_of_their_service_are_themselves(self) -> None:
        voices = [a_voice(number, 60 if number < 11 else 0) for number in range(1000)]
        assert len(findings(voices)) == 11

    def test_when_most_speak_again_the_rest_is_named(self) -> None:
        voices = [a_voice(number, 60 if number < 2 else 0) for number in range(40)]
        group = AlarmKey("device_silent", f"{GROUP}air", "")
        assert sorted(told(findings(voices, {group}))) == [("cleared", "air"), ("raised", "d0"), ("raised", "d1")]

    def test_services_do_not_mix(self) -> None:
        voices = [a_voice(number, 60, "air" if number % 2 else "water") for number in range(12)]
        assert {finding.key.entity_id.startswith(GROUP) for finding in findings(voices)} == {False}
