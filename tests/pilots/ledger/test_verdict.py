"""From the end of the reporting period to the ledger: watched, asked about, decided once, reported."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from tests.pilots.conftest import (
    BASELINE,
    METERS,
    TRUE_SAVING,
    a_draft,
    a_specification,
    as_person,
    finished,
    given_meters,
    signed,
)

from vidik.kernel.clock import now
from vidik.kernel.database import Database
from vidik.pilots.outcome import Finding
from vidik.pilots.plans import watching
from vidik.pilots.plans.canonical import digest
from vidik.pilots.reports.extract import read_extract
from vidik.pilots.reports.verify import verify

DECISION = {"decision": "scale_up", "note": "Идемо даље."}


async def a_signed_plan(client: httpx.AsyncClient, **other: Any) -> str:
    """The path of a frozen plan."""
    await given_meters(client)
    plan = await signed(client, await a_draft(client, **other))
    return f"/api/pilots/plans/{plan['id']}"


class TestWatch:
    async def test_finds_the_saving_that_was_put_in(self, app: Starlette, client: httpx.AsyncClient) -> None:
        path = await a_signed_plan(client)
        job = await finished(app, client, f"{path}/watch")
        assert job["state"] == "done", job
        watch = (await client.get(f"{path}/watch")).json()
        outcome = watch["outcome"]
        assert outcome["verdict"] == "saved"
        assert outcome["fraction"] == pytest.approx(TRUE_SAVING, abs=0.03)
        assert float(watch["money"]["value"]) == pytest.approx(outcome["saving"] * 9.5, rel=1e-4)
        assert watch["rule_decision"] == "scale_up"
        assert watch["until"] == "2025-06-30"
        assert watch["data_changed"] is False
        (row,) = (await client.get("/api/pilots/plans")).json()["items"]
        assert (row["verdict"], row["state"], row["decision"]) == ("saved", "ended", None)

    async def test_shows_baseline_data_that_changed_after_the_freeze(
        self, app: Starlette, client: httpx.AsyncClient, database: Database
    ) -> None:
        path = await a_signed_plan(client)
        async with database.transaction("city") as connection:
            await connection.execute("ALTER TABLE pilot_frozen DISABLE TRIGGER stands")
            await connection.execute("UPDATE pilot_frozen SET digests = jsonb_set(digests, '{building}', '\"0\"')")
        await finished(app, client, f"{path}/watch")
        watch = (await client.get(f"{path}/watch")).json()
        assert watch["data_changed"] is True
        (change,) = watch["changes"]
        assert (change["signal"], change["then"]) == ("building", "0")
        assert "building" in change["sentence"]["sr-Cyrl"]

    async def test_says_why_nothing_came_of_it(self, app: Starlette, client: httpx.AsyncClient) -> None:
        path = await a_signed_plan(client, baseline={**BASELINE, "first": "2024-12-01"})
        assert (await client.get(f"{path}/watch")).json()["failure"] is None
        job = await finished(app, client, f"{path}/watch")
        assert (job["state"], job["error"]["code"]) == ("failed", "data-insufficient")
        failure = (await client.get(f"{path}/watch")).json()["failure"]
        assert failure == job["error"]
        assert (failure["values"]["finding"], failure["values"]["subject"]) == ("baseline-too-short", "building")

    async def test_before_the_start_has_nothing_to_see(self, client: httpx.AsyncClient) -> None:
        path = await a_signed_plan(client, reporting={"first": "2090-01-01", "last": "2090-12-31"})
        answer = await client.post(f"{path}/watch")
        assert (answer.status_code, answer.json()["code"]) == (409, "not-begun")


class TestEvents:
    @pytest.fixture
    async def path(self, app: Starlette, client: httpx.AsyncClient, database: Database) -> str:
        """A watched plan in which a step was found."""
        path = await a_signed_plan(client)
        await finished(app, client, f"{path}/watch")
        first = (await client.get("/api/pilots/plans")).json()["items"][0]["id"]
        step = Finding("step", "warning", "Use fell by 30 %.", "building", date(2025, 3, 1), date(2025, 3, 31))
        async with database.transaction("city") as connection:
            await watching.ask_about_events(connection, first, [step], now())
            await watching.ask_about_events(connection, first, [step], now())
        return path

    async def test_are_asked_once_and_hold_the_verdict_up(self, client: httpx.AsyncClient, path: str) -> None:
        (event,) = (await client.get(f"{path}/watch")).json()["events"]
        assert event["answer"] is None
        answer = await client.post(f"{path}/verdict", json=DECISION)
        assert (answer.status_code, answer.json()["code"]) == (409, "open-events")

    async def test_an_exclusion_becomes_an_amendment(self, client: httpx.AsyncClient, path: str) -> None:
        (event,) = (await client.get(f"{path}/watch")).json()["events"]
        answered = await client.post(
            f"{path}/events/{event['id']}/answer", json={"answer": "excluded", "note": "Радови на мрежи."}
        )
        assert answered.json()["events"][0]["answer"]["amendment"] == 1
        plan = (await client.get(path)).json()
        assert plan["amendments"][0]["kind"] == "exclusion"
        assert plan["effective"]["exclusions"] == [
            {"first": "2025-03-01", "last": "2025-03-31", "reason": "Радови на мрежи."}
        ]
        again = await client.post(f"{path}/events/{event['id']}/answer", json={"answer": "routine", "note": "x"})
        assert (again.status_code, again.json()["code"]) == (409, "answered")

    async def test_an_adjustment_moves_saving_and_interval(
        self, app: Starlette, client: httpx.AsyncClient, path: str
    ) -> None:
        before = (await client.get(f"{path}/watch")).json()
        body = {"answer": "adjusted", "note": "Нова сала.", "amount_per_day": "-10"}
        answer = await client.post(f"{path}/events/{before['events'][0]['id']}/answer", json=body)
        assert answer.status_code == 200, answer.text
        await finished(app, client, f"{path}/watch")
        outcome = (await client.get(f"{path}/watch")).json()["outcome"]
        assert outcome["saving"] == pytest.approx(before["outcome"]["saving"] - 310)
        width = before["outcome"]["interval"]["high"] - before["outcome"]["interval"]["low"]
        assert outcome["interval"]["high"] - outcome["interval"]["low"] == pytest.approx(width)


class TestAnotherUnit:
    """Two months of the pilot were written in MWh: no saving, until a person says what to do with those days."""

    async def test_is_asked_about_and_once_excluded_the_saving_is_found(
        self, app: Starlette, client: httpx.AsyncClient
    ) -> None:
        design, option = "synthetic_control", "comparison"
        meters = in_megawatt_hours("building", "2025-05-01")
        answer = await client.post("/api/pilots/files", params={"name": "meters.csv"}, content=meters)
        file = hashlib.sha256(meters).hexdigest()
        sources = a_specification(design=design, option=option)
        signals = {key: [signal | {"file": file} for signal in sources[key]] for key in ("units", "donors")} | {
            "temperature": sources["temperature"] | {"file": file}
        }
        plan = await signed(client, await a_draft(client, design=design, option=option, **signals))
        path = f"/api/pilots/plans/{plan['id']}"

        job = await finished(app, client, f"{path}/watch")

        assert job["state"] == "done", (answer.text, job)
        watch = (await client.get(f"{path}/watch")).json()
        assert watch["outcome"]["verdict"] == "not_shown"
        (event,) = watch["events"]
        assert (event["finding"]["code"], event["finding"]["first"]) == ("unit-changed", "2025-05-01")
        refused = await client.post(f"{path}/verdict", json=DECISION)
        assert refused.json()["code"] == "open-events"
        body = {"answer": "excluded", "note": "Бројило је слало MWh."}
        assert (await client.post(f"{path}/events/{event['id']}/answer", json=body)).status_code == 200
        await finished(app, client, f"{path}/watch")
        outcome = (await client.get(f"{path}/watch")).json()["outcome"]
        assert outcome["verdict"] == "saved"
        assert outcome["fraction"] == pytest.approx(TRUE_SAVING, abs=0.03)


def in_megawatt_hours(column: str, since: str) -> bytes:
    """The made-up meters, one of them in another unit from a day on."""
    header, *rows = METERS.decode().splitlines()
    place = header.split(",").index(column)
    lines = [header]
    for row in rows:
        fields = row.split(",")
        if fields[0] >= since:
            fields[place] = f"{float(fields[place]) / 1_000:.6f}"
        lines.append(",".join(fields))
    return ("\n".join(lines) + "\n").encode()


class TestVerdict:
    async def test_is_entered_once_summed_reported_and_corrected_in_the_open(
        self, app: Starlette, client: httpx.AsyncClient, database: Database
    ) -> None:
        path = await a_signed_plan(client)
        assert (await client.get(f"{path}/report.html")).json()["code"] == "no-verdict"
        job = await finished(app, client, f"{path}/verdict", DECISION)
        assert job["state"] == "done", job
        entry = job["result"]["entry"]
        assert (entry["verdict"], entry["rule_decision"], entry["decided_by"]) == ("saved", "scale_up", "Јелена Илић")
        ledger = (await client.get("/api/pilots/ledger")).json()
        assert ledger["total"]["money"]["value"] == entry["money"]["value"]
        assert ledger["by_year"][0]["key"] == "2025"
        assert ledger["total_simulated"]["entries"] == 0
        again = await client.post(f"{path}/verdict", json=DECISION)
        assert (again.status_code, again.json()["code"]) == (409, "already-decided")
        amend = await client.post(f"{path}/amendments", json={"changes": {"fund": "EU"}, "reason": "x"})
        assert amend.json()["code"] == "already-decided"
        await self._corrected(app, client, path, entry)
        for table in ("pilot_ledger", "pilot_extract"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="stands"):
                async with database.transaction("city") as connection:
                    await connection.execute(f"DELETE FROM {table}")

    async def _corrected(self, app: Starlette, client: httpx.AsyncClient, path: str, entry: dict[str, Any]) -> None:
        correction = {"decision": "stop", "note": "Погрешна одлука.", "corrects": entry["id"]}
        job = await finished(app, client, f"{path}/verdict", correction)
        assert job["result"]["entry"]["corrects"] == entry["id"]
        ledger = (await client.get("/api/pilots/ledger")).json()
        assert [one["decision"] for one in ledger["entries"]] == ["stop", "scale_up"]
        assert ledger["total"]["entries"] == 1
        page = await client.get(f"{path}/report.html", params={"lang": "sr-Cyrl"})
        assert "Уштеђено" in page.text
        assert "није она коју даје закључано правило" in page.text
        document = await client.get(f"{path}/report.pdf")
        assert document.content.startswith(b"%PDF")
        table = (await client.get("/api/pilots/ledger.csv", params={"lang": "sr-Latn"})).text
        assert "Крива грејања" in table
        assert "Ušteda" in table
        summary = (await client.get("/api/pilots/summary")).json()
        assert summary["counts"]["decided"] == 1
        assert summary["plans"][0]["decision"] == "stop"

    async def test_needs_the_permission_to_sign(self, client: httpx.AsyncClient) -> None:
        path = await a_signed_plan(client)
        assert (await client.post(f"{path}/verdict", json=DECISION, headers=as_person("drafter"))).status_code == 403

    async def test_comes_after_the_reporting_period(self, client: httpx.AsyncClient) -> None:
        path = await a_signed_plan(client, reporting={"first": "2025-01-01", "last": "2090-12-31"})
        answer = await client.post(f"{path}/verdict", json=DECISION)
        assert (answer.status_code, answer.json()["code"]) == (409, "not-ended")

    async def test_of_a_simulated_pilot_is_never_in_the_citys_total(
        self, app: Starlette, client: httpx.AsyncClient
    ) -> None:
        await given_meters(client, simulated=True)
        plan = await signed(client, await a_draft(client))
        await finished(app, client, f"/api/pilots/plans/{plan['id']}/verdict", DECISION)
        ledger = (await client.get("/api/pilots/ledger")).json()
        assert (ledger["total"]["entries"], ledger["total_simulated"]["entries"]) == (0, 1)
        page = (await client.get(f"/api/pilots/plans/{plan['id']}/report.html")).text
        assert "Simulated data" in page


class TestEveryDesign:
    @pytest.mark.parametrize(
        ("design", "option"),
        [("difference_in_differences", "comparison"), ("synthetic_control", "comparison"), ("single_series", "C")],
    )  # fmt: skip
    async def test_leaves_an_extract_from_which_all_is_computed_again(
        self, app: Starlette, client: httpx.AsyncClient, design: str, option: str
    ) -> None:
        path = await a_signed_plan(client, design=design, option=option)
        job = await finished(app, client, f"{path}/verdict", DECISION)
        assert job["state"] == "done", job
        archive = (await client.get(f"{path}/extract.zip")).content
        entry = job["result"]["entry"]
        checks = list(verify(read_extract(archive), ledger_hash=entry["hash"]))
        assert [check for check in checks if not check.holds] == []
        assert digest(archive) == entry["extract"]
