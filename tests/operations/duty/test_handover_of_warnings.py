"""What a handover says of warnings to the public: what was sent and by whom, what stands, waits, was practice."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.web import DISPATCHER

from vidik.kernel.clock import now
from vidik.kernel.services import Services
from vidik.operations.duty import report
from vidik.operations.duty.facts import gather
from vidik.operations.warnings import service
from vidik.operations.warnings.content import Content, Status, Texts

OTHER = replace(DISPATCHER, login="bora", name="Бора Илић")


def said(headline: str, status: Status = "Actual") -> Content:
    words = Texts(event="Поплава", headline=headline, description="Вода расте.", area="Медијана")
    return Content(
        status=status,
        category="Met",
        urgency="Immediate",
        severity="Severe",
        certainty="Observed",
        expires=now() + timedelta(hours=3),
        sr=words,
    )


async def release(services: Services, content: Content, at: datetime, follows: int | None = None) -> int:
    async with services.database.transaction("city") as connection:
        kind = "Cancel" if follows is not None else "Alert"
        row, _ = await service.draft(connection, DISPATCHER, content, at, kind=kind, follows=follows)
        await service.release(connection, services.settings, OTHER, row["id"], 1, at)
    return int(row["id"])


async def test_every_warning_of_the_shift_with_what_became_of_it(services: Services) -> None:
    end = now()
    begin = end - timedelta(hours=8)
    # Of an earlier shift, over before this one began; and one that still stands.
    await release(services, said("Давно"), begin - timedelta(hours=9))
    await release(services, said("Још траје"), begin - timedelta(hours=1))
    async with services.database.transaction("city") as connection:
        await connection.execute(
            "UPDATE warning SET state = 'expired', changed_at = %s WHERE content -> 'sr' ->> 'headline' = 'Давно'",
            [begin - timedelta(hours=2)],
        )
    flood = await release(services, said("Поплава на Нишави"), begin + timedelta(hours=1))
    await release(services, said("Нема више опасности"), begin + timedelta(hours=3), follows=flood)
    await release(services, said("Сирене", "Exercise"), begin + timedelta(hours=4))
    async with services.database.transaction("city") as connection:
        await service.draft(connection, DISPATCHER, said("Чека другу особу"), end - timedelta(minutes=5))
        facts = await gather(connection, begin, end)
    told = [(one["headline"], one["kind"], one["state"], one["released_by"]) for one in facts["warnings"]]
    assert told == [
        ("Још траје", "Alert", "released", "Бора Илић"),
        ("Поплава на Нишави", "Alert", "cancelled", "Бора Илић"),
        ("Нема више опасности", "Cancel", "released", "Бора Илић"),
        ("Чека другу особу", "Alert", "draft", None),
    ]
    content = {
        "desk": "Центар",
        "begins_at": facts["begins_at"],
        "ends_at": facts["ends_at"],
        "note": "",
        "facts": facts,
    }
    content |= {"outgoing": "Ана", "drawn_up_at": facts["ends_at"]}
    signed = {"hash": "0" * 64, "incoming": None, "signed_at": None}
    page = report.page(content, signed, "sr-Latn")
    assert "Upozorenja javnosti" in page
    assert "<td>Poplava na Nišavi</td><td>opozvano</td>" in page
    assert "<td>Nema više opasnosti (opoziv)</td><td>na snazi</td>" in page
    assert "Sirene" not in page
    assert "<td>Čeka drugu osobu</td><td>nacrt, nije poslato</td><td></td>" in page
    assert report.pdf(content, signed, "en").startswith(b"%PDF")
    # A handover that was signed before its facts had warnings and procedures can still be read.
    del facts["warnings"], facts["procedures"]
    assert "Warnings to the public" in report.page(content, signed, "en")


@pytest.mark.parametrize("language", ["en", "sr-Cyrl", "sr-Latn"])
def test_every_state_has_its_words(language: str) -> None:
    say = report._Phrases(language)
    for state in ("draft", "released", "replaced", "cancelled", "expired"):
        assert say(f"warning.{state}")
