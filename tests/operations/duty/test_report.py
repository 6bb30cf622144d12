"""The report of a handover: what the next shift needs of each fact, in the script of who reads."""

from typing import Any

import pytest

from vidik.operations.duty import report

AT = "2026-11-23T03:00:00Z"
MESSAGE = {"en": "Too hot.", "sr-Cyrl": "Претопло.", "sr-Latn": "Pretoplo."}
SIGNED = {"hash": "0" * 64, "incoming": None, "signed_at": None}


def an_alarm(**more: Any) -> dict[str, Any]:
    alarm = {"priority": "high", "entity_name": "Контејнер 9", "message": MESSAGE, "raised_at": AT}
    return alarm | {"acknowledged_by": None, "hidden_by": None, "origin": "real"} | more


def an_incident(**more: Any) -> dict[str, Any]:
    incident = {"number": "2026-0007", "title": "Пало дрво", "titles": None, "opened_at": AT, "state": "open"}
    return incident | {"cause": None, "lesson": None} | more


def a_handover(**facts: Any) -> dict[str, Any]:
    none = {"critical": 0, "high": 0, "medium": 0, "low": 0, "acknowledged": 0}
    quiet = {"sent": 0, "acknowledged": 0, "failed": 0, "given_up": 0}
    alarms = {"counts": none, "standing": facts.pop("standing", [])}
    empty = {"people": [], "alarms": alarms, "incidents": [], "tasks": [], "notices": quiet, "log": []}
    return {
        "desk": "Диспечер", "begins_at": AT, "ends_at": AT, "note": "Чека се екипа.", "outgoing": "Ана Јовић",
        "drawn_up_at": AT, "facts": empty | facts,
    }  # fmt: skip


def page(language: str, **facts: Any) -> str:
    return report.page(a_handover(**facts), SIGNED, language)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Dispečer", "Čeka se ekipa.", "Ana Jović", "Kontejner 9: Too hot.", "Zvao vatrogasce"]),
        ("sr-Latn", ["Dispečer", "Čeka se ekipa.", "Ana Jović", "Kontejner 9: Pretoplo.", "Zvao vatrogasce"]),
        ("sr-Cyrl", ["Диспечер", "Чека се екипа.", "Ана Јовић", "Контејнер 9: Претопло.", "Звао ватрогасце"]),
    ],
)
def test_names_and_what_people_typed_are_in_the_script_of_who_reads(language: str, words: list[str]) -> None:
    log = [{"at": AT, "person": "Ана Јовић", "desk": "Диспечер", "text": "Звао ватрогасце"}]
    written = page(language, standing=[an_alarm()], log=log)
    assert [word for word in words if word not in written] == []


@pytest.mark.parametrize(
    ("language", "name"), [("en", "First dispatcher"), ("sr-Latn", "Prvi dispečer"), ("sr-Cyrl", "Први диспечер")]
)
def test_the_account_that_vidik_makes_first_is_named_in_the_language_of_who_reads(language: str, name: str) -> None:
    log = [{"at": AT, "person": "First dispatcher", "desk": "Диспечер", "text": "Звао ватрогасце"}]
    assert f">{name}</td>" in page(language, log=log)


def test_an_alarm_that_somebody_put_aside_says_so() -> None:
    aside = [an_alarm(hidden_by="shelved"), an_alarm(hidden_by="out_of_service", origin="simulated")]
    written = page("en", standing=[an_alarm(), *aside])
    assert "Too hot.</td>" in written
    assert "Too hot. (shelved)</td>" in written
    assert "Too hot. (out of service, simulated)</td>" in written


def test_a_closed_incident_says_what_it_was_and_what_was_learnt() -> None:
    learnt = {"cause": "Труло стабло", "lesson": "Прегледати дрвеће."}
    over = page("sr-Cyrl", incidents=[an_incident(state="closed", **learnt)])
    assert "Пало дрво. Узрок: Труло стабло. Поука: Прегледати дрвеће.</td>" in over
    # One that is open again has them from before.
    assert "Узрок" not in page("sr-Cyrl", incidents=[an_incident(**learnt)])


def test_a_task_is_called_as_on_the_screens_with_its_crew_and_older_ones_without() -> None:
    task = {"id": 5, "title": "Провера", "titles": None, "state": "assigned", "opened_at": AT}
    written = page("sr-Latn", tasks=[task | {"crew": "Водовод 3"}, task | {"id": 6}])
    assert "<td>T-5</td><td>Provera</td><td>Vodovod 3</td><td>dodeljen</td>" in written
    assert "<td>T-6</td><td>Provera</td><td></td>" in written
