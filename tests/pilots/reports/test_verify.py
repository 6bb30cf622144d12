"""A report can be computed again by anybody, and one changed number is found wherever it stands."""

from __future__ import annotations

import functools
import io
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.pilots.conftest import METERS, a_specification
from tests.pilots.made import building, warmth
from typer.testing import CliRunner

from vidik.kernel.errors import BadInput
from vidik.pilots.calculation import evaluated
from vidik.pilots.ledger.verdict import Basis, entry_content
from vidik.pilots.measurement.reading import read_csv
from vidik.pilots.plans.canonical import canonical, digest
from vidik.pilots.plans.data import Data, cut, digests
from vidik.pilots.plans.freezing import amendment_text, plan_text, stand
from vidik.pilots.plans.watching import result_of
from vidik.pilots.reports.extract import read_extract
from vidik.pilots.reports.packing import build_extract
from vidik.pilots.reports.page import render_page
from vidik.pilots.reports.pdf import render_pdf
from vidik.pilots.reports.verify import verify
from vidik.pilots.specification import Signal, Specification

SIGNED_AT = datetime(2024, 12, 20, 9, tzinfo=UTC)
REQUEST = {"person": {"name": "Јелена Илић"}, "decision": "scale_up", "note": "Идемо даље.", "corrects": None}


def _series(signal: Signal) -> Any:
    return read_csv(METERS, column=signal.column, unit=signal.unit, zone="Europe/Belgrade", kind=signal.kind,
                    name=signal.name)[0]  # fmt: skip


def archived(frozen: Specification, read: Data, until: date) -> bytes:
    """The extract of a pilot, amended once, made without a database."""
    text = plan_text(frozen)
    amendment = amendment_text(
        plan=digest(text), previous=digest(text), number=1, kind="amendment", changes={"fund": "EU"},
        reason="Another fund pays.", by="Јелена Илић", at=SIGNED_AT, after_start=False,
    )  # fmt: skip
    standing = stand(text, digest(text), [(amendment, digest(amendment))])
    specification = standing.specification
    assert read.temperature is not None
    before = Data({name: cut(series, until) for name, series in read.units.items()},
                  {name: cut(series, until) for name, series in read.donors.items()},
                  cut(read.temperature, until), [])  # fmt: skip
    outcome = evaluated(specification, read, None)
    row: dict[str, Any] = {
        "amendments": [[amendment, digest(amendment), 8]], "statement": "Сагласна сам.", "signed_by": "Јелена Илић",
        "signed_at": SIGNED_AT, "changed_by": "Ана Ђорђевић", "four_eyes": True, "audit_position": 7,
        "simulated": False, "digests": digests(before, until), "digests_until": until,
    }  # fmt: skip
    result = result_of(specification, outcome, [], standing.head)
    entry = entry_content(Basis(row, standing, read, before, outcome, result), REQUEST, "2025-07-02T08:00:00Z")
    return build_extract(1, row, standing, read, before, result, outcome.hours, entry, [])[0]


@functools.cache
def archive() -> bytes:
    """The extract of the made-up pilot, measured by the day."""
    specification = Specification.model_validate(a_specification(title="School <heating> & ЉУБАВ"))
    assert specification.temperature is not None
    read = Data(
        {unit.name: _series(unit) for unit in specification.units},
        {donor.name: _series(donor) for donor in specification.donors},
        _series(specification.temperature),
        [],
    )
    return archived(specification, read, date(2024, 12, 31))


@functools.cache
def hourly_archive() -> bytes:
    """The extract of a pilot measured by the hour, with a tariff of two prices."""
    bands = [
        {"price": {"value": price, "unit": "RSD/KWH", "source": "test", "year": 2023}, "hours": hours}
        for price, hours in (("12", list(range(7, 23))), ("3", [23, *range(7)]))
    ]
    specification = Specification.model_validate(
        a_specification(
            donors=[],
            baseline={"first": "2022-01-01", "last": "2022-12-31"},
            reporting={"first": "2023-03-01", "last": "2023-04-15"},
            tariff=bands,
        )
    )
    unit = replace(building("building"), zone=specification.zone)
    return archived(
        specification, Data({"building": unit}, {}, replace(warmth(), zone=specification.zone), []), date(2022, 12, 31)
    )


def edited(name: str, change: Callable[[str], str], whole: Callable[[], bytes] = archive) -> bytes:
    """The archive with one of its files changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole())) as old, zipfile.ZipFile(buffer, "w") as new:
        for item in old.namelist():
            content = old.read(item)
            if item == name:
                changed = change(content.decode())
                assert changed != content.decode()
                content = changed.encode()
            new.writestr(item, content)
    return buffer.getvalue()


def broken(content: bytes, **beside: Any) -> set[str]:
    """The names of the checks that do not hold."""
    return {check.name for check in verify(read_extract(content), **beside) if not check.holds}


class TestVerify:
    def test_an_untouched_extract_holds(self) -> None:
        checks = list(verify(read_extract(archive())))
        assert [check for check in checks if not check.holds] == []
        assert {"files", "plan", "entry", "data", "baseline", "outcome", "figures", "report.html"} <= {
            check.name for check in checks
        }

    def test_one_changed_reading_is_found(self) -> None:
        def change(text: str) -> str:
            lines = text.splitlines(keepends=True)
            time, value = lines[800].split(",")
            lines[800] = f"{time},{float(value) * 1.1!r}\n"
            return "".join(lines)

        assert {"files", "entry", "data", "outcome", "figures"} <= broken(edited("data/0001.csv", change))

    def test_a_changed_reading_of_the_baseline_is_no_longer_the_one_that_was_signed(self) -> None:
        assert "baseline" in broken(
            edited("data/0001.csv", lambda text: text.replace("2024-02-01,", "2024-02-01,9", 1))
        )

    def test_a_changed_plan_is_found(self) -> None:
        assert "plan" in broken(edited("plan.json", lambda text: text.replace("0.15", "0.05", 1)))

    def test_another_name_under_the_plan_is_found(self) -> None:
        name = '"signed_by": "Јелена Илић"'
        changed = edited("plan.json", lambda text: text.replace(name, name.replace("Јелена", "Милена")))
        assert {"files", "entry"} <= broken(changed)

    def test_a_changed_amendment_is_found(self) -> None:
        assert "plan" in broken(edited("plan.json", lambda text: text.replace("Another fund pays", "Nobody pays")))

    def test_a_changed_outcome_is_found(self) -> None:
        assert "outcome" in broken(
            edited("outcome.json", lambda text: text.replace('"verdict": "saved"', '"verdict": "worse"'))
        )

    def test_a_changed_entry_is_found(self) -> None:
        def change(text: str) -> str:
            return text.replace('"currency":"RSD"', '"currency":"EUR"')

        assert {"files", "figures", "report.html"} <= broken(edited("entry.json", change))

    def test_the_hours_that_money_rests_on_are_computed_again(self) -> None:
        checks = {check.name: check for check in verify(read_extract(hourly_archive()))}
        assert [check for check in checks.values() if not check.holds] == []
        assert "1103 hours" in checks["hours"].detail  # 46 days, one of them without the hour that clocks skip

    def test_one_changed_hour_is_found(self) -> None:
        def change(text: str) -> str:
            lines = text.splitlines(keepends=True)
            time, saved, used = lines[100].split(",")
            return "".join([*lines[:100], f"{time},{float(saved) + 1!r},{used}", *lines[101:]])

        assert {"files", "entry", "hours"} <= broken(edited("hours.csv", change, hourly_archive))

    @pytest.mark.parametrize(("name", "content"), [("plan.json", "{}"), ("entry.json", "null"), ("outcome.json", "7")])
    def test_a_part_that_is_nonsense_is_a_check_and_no_crash(self, name: str, content: str) -> None:
        assert "archive" in broken(edited(name, lambda _: content))

    def test_a_manifest_that_is_none_is_refused(self) -> None:
        with pytest.raises(BadInput, match="no extract of a pilot"):
            read_extract(edited("manifest.json", lambda _: "[]"))

    def test_a_file_that_nobody_stated_is_found(self) -> None:
        buffer = io.BytesIO(archive())
        with zipfile.ZipFile(buffer, "a") as opened:
            opened.writestr("readme.html", b"<h1>Saved 90 %</h1>")

        assert broken(buffer.getvalue()) == {"files"}

    def test_two_files_of_one_name_are_refused(self) -> None:
        buffer = io.BytesIO(archive())
        with zipfile.ZipFile(buffer, "a") as opened, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened.writestr("entry.json", b"{}")
        with pytest.raises(BadInput, match="two files of one name"):
            read_extract(buffer.getvalue())

    def test_an_entry_of_another_ledger_is_found(self) -> None:
        assert broken(archive(), ledger_hash="0" * 64) == {"entry"}
        own = digest(read_extract(archive()).files["entry.json"])
        assert broken(archive(), ledger_hash=own) == set()

    @pytest.mark.parametrize("language", ["en", "sr-Cyrl", "sr-Latn"])
    def test_one_changed_number_on_the_page_is_found(self, language: str) -> None:
        page = render_page(read_extract(archive()), language)
        assert broken(archive(), report=page.encode()) == set()
        place = page.index("KWH</td>") - 2
        changed = page[:place] + ("1" if page[place] != "1" else "2") + page[place + 1 :]
        assert broken(archive(), report=changed.encode()) == {"report"}

    def test_the_pdf_is_the_one_that_the_extract_makes(self) -> None:
        document = render_pdf(read_extract(archive()), "sr-Cyrl")
        assert broken(archive(), report=document) == set()
        assert broken(archive(), report=document[:-40] + b"0" * 40) == {"report"}

    def test_from_the_command_line_ends_with_one_on_a_difference(self, tmp_path: Path) -> None:
        from vidik.cli import accounts, app, city, devices, family, pilot_report  # noqa: F401

        (tmp_path / "pilot.zip").write_bytes(archive())
        (tmp_path / "report.html").write_text(render_page(read_extract(archive()), "en"))
        for name in ("pilot", "pilots"):
            result = CliRunner().invoke(app, [name, "verify", str(tmp_path / "report.html")])
            assert result.exit_code == 0, result.output
            assert "Everything holds" in result.output
        (tmp_path / "pilot.zip").write_bytes(edited("plan.json", lambda text: text.replace("0.15", "0.05", 1)))
        result = CliRunner().invoke(app, ["pilot", "verify", str(tmp_path / "report.html")])
        assert result.exit_code == 1
        assert "cannot be relied upon" in result.output


class TestReport:
    def test_is_one_page_that_loads_nothing(self) -> None:
        page = render_page(read_extract(archive()), "en")
        assert "<script" not in page
        assert "http" not in page
        assert "School &lt;heating&gt; &amp; ЉУБАВ" in page
        assert page.count("<svg") == 2

    def test_speaks_three_scripts(self) -> None:
        extract = read_extract(archive())
        assert "Уштеђено" in render_page(extract, "sr-Cyrl")
        latin = render_page(extract, "sr-Latn")
        assert "Ušteđeno" in latin
        assert "&amp; LJUBAV" in latin

    def test_the_same_verdict_gives_the_same_archive(self) -> None:
        first = archive()
        archive.cache_clear()
        assert archive() == first

    def test_canonical_text_is_that_of_rfc_8785(self) -> None:
        numbers = [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27, -0.0, 1e21, 1e20, 1e-6, 1e-7]
        assert canonical({"b": numbers, "a": '\u20ac$\u000f\nA\'B"\\\\"/'}) == (
            '{"a":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/","b":[333333333.3333333,1e+30,4.5,0.002,1e-27,0,1e+21,'
            "100000000000000000000,0.000001,1e-7]}"
        )
