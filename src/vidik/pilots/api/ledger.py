"""The ledger over HTTP: entries and sums, the mayor's summary, reports and extracts."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from vidik.kernel.clock import iso, now
from vidik.kernel.errors import Conflict
from vidik.kernel.heavy import worked_out
from vidik.kernel.web import ServicesOf, Transaction
from vidik.pilots.api.plans import Reader, plan_rows
from vidik.pilots.ledger import repository, sums
from vidik.pilots.ledger.table import as_csv
from vidik.pilots.plain import plain
from vidik.pilots.plans import service
from vidik.pilots.reports.extract import read_extract

router = APIRouter(prefix="/pilots", tags=["pilots"])

Language = Annotated[Literal["en", "sr-Cyrl", "sr-Latn"], Query(alias="lang")]


@router.get("/ledger")
async def read_ledger(connection: Transaction, _: Reader) -> dict[str, Any]:
    """List every entry, the newest first, and the sums of those that count."""
    entries = await repository.entries(connection)
    found: dict[str, Any] = plain(
        {
            "entries": entries,
            "by_service": sums.by_member(entries, "service"),
            "by_year": sums.by_year(entries),
            "by_service_year": sums.by_service_and_year(entries),
            "by_fund": sums.by_member(entries, "fund"),
            **_totals(entries),
        }
    )
    return found


def _totals(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "total": sums.total(entries, simulated=False),
        "total_simulated": sums.total(entries, simulated=True),
        "rule": sums.rule_of(entries),
        "currency": entries[0]["currency"] if entries else "RSD",
    }


@router.get("/ledger.csv")
async def download_ledger(connection: Transaction, _: Reader, language: Language = "en") -> Response:
    """Download every entry as a table, with a first line in the reader's language."""
    text = as_csv(await repository.entries(connection), language)
    headers = {"Content-Disposition": 'attachment; filename="ledger.csv"'}
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/summary")
async def read_summary(connection: Transaction, _: Reader) -> dict[str, Any]:
    """Return the mayor's page: each pilot on a line, and what all of them saved."""
    rows = await plan_rows(connection)
    entries = await repository.entries(connection)
    states = Counter(row["state"] for row in rows)
    counts = {state: states[state] for state in ("draft", "frozen", "running", "ended", "decided")}
    return {
        "plans": rows,
        **plain({"by_service": sums.by_member(entries, "service"), **_totals(entries)}),
        "counts": {**counts, "open_events": sum(row["open_events"] for row in rows)},
        "as_of": iso(now()),
    }


async def _archive(plan: int, services: ServicesOf, _: Reader) -> bytes:
    """The extract of a decided plan. Drawing a report from it takes seconds: the connection is given back before."""
    async with services.database.session(services.settings.tenant) as connection:
        await service.existing(connection, plan)
        entry = await repository.entry_of(connection, plan)
        archive = await repository.extract(connection, entry["extract"]) if entry else None
    if archive is None:
        raise Conflict(f"Plan {plan} has no verdict yet; its report comes with it.", code="no-verdict")
    return archive


Archive = Annotated[bytes, Depends(_archive)]


@router.get("/plans/{plan}/extract.zip")
async def download_extract(plan: int, archive: Archive) -> Response:
    """Download plan, data and outcome; `vidik pilot verify` computes everything again from it."""
    headers = {"Content-Disposition": f'attachment; filename="pilot-{plan}-extract.zip"'}
    return Response(archive, media_type="application/zip", headers=headers)


@router.get("/plans/{plan}/report.html")
async def read_report(archive: Archive, language: Language = "en") -> Response:
    """Return the printable report of a decided pilot as one page."""
    page = await worked_out(_page, archive, language)
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/plans/{plan}/report.pdf")
async def download_report(plan: int, archive: Archive, language: Language = "en") -> Response:
    """Download the report of a decided pilot as PDF."""
    document = await worked_out(_document, archive, language)
    headers = {"Content-Disposition": f'attachment; filename="pilot-{plan}-{language}.pdf"'}
    return Response(document, media_type="application/pdf", headers=headers)


def _page(archive: bytes, language: str) -> str:
    from vidik.pilots.reports.page import render_page  # slow to load, needed only here

    return render_page(read_extract(archive), language)


def _document(archive: bytes, language: str) -> bytes:
    from vidik.pilots.reports.pdf import render_pdf  # slow to load, needed only here

    return render_pdf(read_extract(archive), language)
