"""The ledger as a table for spreadsheets. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from vidik.pilots.reports.words import Words

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(entries: Iterable[Mapping[str, Any]], language: str) -> str:
    """One line an entry, the newest first; numbers as programs read them, in every language."""
    words = Words(language)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    keys = (
        "entry", "plan", "pilot", "service", "fund", "reporting", "year", "verdict", "decision", "simulated_column",
        "unit", "saving", "low", "high", "fraction", "money", "low", "high", "currency", "tonnes", "decided_at",
        "decided_by", "corrects", "corrected_by", "hash", "with_vat", "signed_late",
        "changed_late_column", "cost", "payback_years", "low", "high",
    )  # fmt: skip
    writer.writerow([words(key) for key in keys])
    for entry in entries:
        money, tonnes, cost = entry["money"], entry["tonnes"], entry.get("cost") or {}
        payback = cost.get("payback_years") or {}
        writer.writerow(
            [
                entry["id"],
                entry["plan"],
                _safe(entry["title"]),
                words(entry["service"]),
                _safe(entry["fund"]),
                f"{entry['first']}/{entry['last']}",
                " ".join(str(part["year"]) for part in entry["years"]),
                words(entry["verdict"]).split(":")[0],
                words(entry["decision"]),
                words("yes" if entry["simulated"] else "no"),
                entry["unit"],
                entry["saving"],
                entry["interval"]["low"],
                entry["interval"]["high"],
                entry["fraction"],
                money["value"],
                money["low"],
                money["high"],
                entry["currency"],
                tonnes["value"] if tonnes else "",
                entry["decided_at"],
                _safe(entry["decided_by"]),
                entry["corrects"] or "",
                entry["corrected_by"] or "",
                entry["hash"],
                "" if entry["vat_included"] is None else words("yes" if entry["vat_included"] else "no"),
                words("yes" if entry.get("signed_late") else "no"),
                " ".join(entry.get("changed_late", ())),
                cost.get("amount", ""),
                *(payback.get(name, "") for name in ("value", "low", "high")),
            ]
        )
    return buffer.getvalue()


def _safe(text: str) -> str:
    """A spreadsheet runs a cell that begins with one of these as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
